//! All stages that follow one set: attacked, its features taken, defended in several ways, and every time a round of the competition.

use std::fs;
use std::path::{Path, PathBuf};

use wfkit_competition::Rules;
use wfkit_datasets::files::replace_with;
use wfkit_datasets::{Findings, TraceSet, digests, write_probabilities, write_traces};
use wfkit_defend::{DefenseSpec, defend};
use wfkit_features::FeatureSpec;
use wfkit_metrics::{Input, Utility};

use crate::error::{at, file};
use crate::measured::TRIVIAL_FOLDS;
use crate::{
    AttackOn, Attempt, Classified, CompetitionRound, DRAWS_TRAIN, ExperimentError, Extracted, Setting, attack,
    write_manifest,
};

/// What is done with a set.
#[derive(Debug, Clone, Copy)]
pub struct WholePipeline<'a> {
    /// The attack that defences have to withstand.
    pub attack: &'a str,
    /// Folds of every cross-validation.
    pub folds: usize,
    /// The defences, none of which learns from training traces.
    pub defences: &'a [DefenseSpec],
    /// What the set was read from.
    pub inputs: &'a [Input],
    /// Where everything goes.
    pub folder: &'a Path,
}

/// What whoever runs a pipeline is told.
#[derive(Debug)]
pub enum PipelineEvent {
    /// A round has one copy of each load; so many traces are left out of it.
    LeftOut(usize),
    /// A stage is done.
    Done(Box<PipelineStage>),
}

/// A stage that is done.
#[derive(Debug)]
pub struct PipelineStage {
    /// Its name.
    pub stage: &'static str,
    /// Of which defence, where that distinguishes stages of one name; `none` for no defence.
    pub defence: Option<String>,
    /// What it wrote, or what its report is called by.
    pub out: PathBuf,
    /// What it read.
    pub inputs: Vec<Input>,
    /// What it found.
    pub findings: Findings,
    /// What all paths of the loads cost, where what was scored shows some of them only.
    pub of_all_paths: Option<Utility>,
}

impl WholePipeline<'_> {
    /// Goes through all stages, and tells each when it is done: attacks, features, and a round of the competition without a defence; then each
    /// defence, and a round with it.
    ///
    /// # Errors
    /// What attacks and defences refuse, files that cannot be written, and what `told` fails with.
    pub fn run<E: From<ExperimentError>>(
        &self,
        set: &TraceSet,
        setting: Setting<'_>,
        mut told: impl FnMut(PipelineEvent) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut done = |stage| told(PipelineEvent::Done(Box::new(stage)));
        let (chosen, looks_at, stage) = self.attacks(set, setting)?;
        done(stage)?;
        done(self.features(set, &looks_at, setting)?)?;
        self.compete(set, ("none", None), setting, &mut told)?;
        for spec in self.defences {
            let (observed, stage) = self.defend(set, spec, &chosen, setting)?;
            let of_all_paths = spec.hides_paths().then(|| stage.findings.utility.utility.clone());
            told(PipelineEvent::Done(Box::new(stage)))?;
            self.compete(&observed, (&spec.to_string(), of_all_paths), setting, &mut told)?;
        }
        Ok(())
    }

    /// Every attack by cross-validation, and the chosen one as a model of all traces; what it finds and looks at.
    fn attacks(
        &self,
        set: &TraceSet,
        setting: Setting<'_>,
    ) -> Result<(Attempt, FeatureSpec, PipelineStage), ExperimentError> {
        let out = self.folder.join("model.wfm");
        let found = Classified::of(set, self.attack, self.folds, setting)?;
        if let (Ok(measured), Some(model)) = (&found.chosen, &found.model) {
            let (keys, probabilities) = (found.keys(set), &measured.evaluation.probabilities);
            write_probabilities(&self.folder.join("probabilities.parquet"), &keys, probabilities)?;
            replace_with(&out, model).map_err(at(format!("{}: cannot write", out.display())))?;
        }
        Ok((found.chosen, found.looks_at, self.stage("classify", None, out, found.findings)))
    }

    /// The features that the attack looks at.
    fn features(
        &self,
        set: &TraceSet,
        looks_at: &FeatureSpec,
        setting: Setting<'_>,
    ) -> Result<PipelineStage, ExperimentError> {
        let out = self.folder.join("features.parquet");
        let extracted = Extracted::of(looks_at, set, setting);
        extracted.matrix.write(&out, Some(&extracted.extractor)).map_err(file)?;
        Ok(self.stage("features", None, out, extracted.findings(set, TRIVIAL_FOLDS, setting)?))
    }

    /// A defence, and the attack trained again on what an observer then sees.
    fn defend(
        &self,
        set: &TraceSet,
        spec: &DefenseSpec,
        undefended: &Attempt,
        setting: Setting<'_>,
    ) -> Result<(TraceSet, PipelineStage), ExperimentError> {
        let folder = self.folder_called("defended")?;
        let out = folder.join(format!("{}.parquet", file_name(&spec.to_string())));
        let defended = defend(set, spec, setting.seed)?;
        let observed = defended.observe();
        write_traces(&out, &observed)?;
        write_manifest(&defended, &observed, &out, (self.inputs, Vec::new()), false)?;
        let attack = &attack(self.attack)?;
        let on = AttackOn { attack, name: self.attack, folds: self.folds, draws: DRAWS_TRAIN };
        let findings = on.findings(&defended, &observed, undefended, setting)?;
        Ok((observed, self.stage("defend", Some(spec.to_string()), out, findings)))
    }

    /// A round of the competition: this set as a team's defence, the attack against it.
    fn compete<E: From<ExperimentError>>(
        &self,
        set: &TraceSet,
        (defence, of_all_paths): (&str, Option<Utility>),
        setting: Setting<'_>,
        told: &mut impl FnMut(PipelineEvent) -> Result<(), E>,
    ) -> Result<(), E> {
        let folder = self.folder_called("competition")?.join(file_name(defence));
        make_folder(&folder)?;
        let (one_each, left_out) = set.one_copy_each();
        if left_out > 0 {
            told(PipelineEvent::LeftOut(left_out))?;
        }
        let round = CompetitionRound::play(&one_each, &Rules::fitting(set), self.attack, &folder, setting)?;
        let out = folder.join("score");
        let mut stage = self.stage("competition score", Some(defence.to_owned()), out, round.findings);
        if !round.scored.is_empty() {
            stage.inputs = digests(&round.scored).map_err(file)?;
        }
        stage.of_all_paths = of_all_paths;
        told(PipelineEvent::Done(Box::new(stage)))
    }

    fn stage(&self, stage: &'static str, defence: Option<String>, out: PathBuf, findings: Findings) -> PipelineStage {
        PipelineStage { stage, defence, out, inputs: self.inputs.to_vec(), findings, of_all_paths: None }
    }

    fn folder_called(&self, name: &str) -> Result<PathBuf, ExperimentError> {
        let folder = self.folder.join(name);
        make_folder(&folder)?;
        Ok(folder)
    }
}

fn make_folder(folder: &Path) -> Result<(), ExperimentError> {
    fs::create_dir_all(folder).map_err(at(format!("{}: cannot make this folder", folder.display())))
}

/// A defence as the name of a file: `front:ft-1,w-max=7s` is `front-ft-1-w-max-7s`.
fn file_name(defence: &str) -> String {
    defence.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey};
    use wfkit_defend::ManifestFile;

    use super::*;

    #[test]
    fn every_stage_is_told_once_and_finds_its_files() {
        let load = |(class, rep): (i32, i64)| {
            let sizes = vec![300, -500 * class - rep as i32, 60, -700];
            let times = (0..4).map(|at| at * (30_000_000 + 1_000_000 * rep as u64)).collect();
            let key = TraceKey { class: class.to_string(), rep, session: None };
            LabelledTrace::new(key, None, Trace::new(times, sizes).unwrap())
        };
        let loads = [1, 2].into_iter().flat_map(|class| (0..10).map(move |rep| (class, rep)));
        let set = TraceSet::new(loads.map(load).collect(), Provenance::new(Layer::Tcp, vec![])).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let defences = ["pad:mtu".parse().unwrap()];
        let pipeline =
            WholePipeline { attack: "totals", folds: 2, defences: &defences, inputs: &[], folder: folder.path() };
        let mut told = Vec::new();
        pipeline
            .run::<ExperimentError>(&set, Setting::silent(1), |event| {
                let PipelineEvent::Done(stage) = event else { panic!("no load has copies: {event:?}") };
                assert!(stage.out.exists() || stage.stage == "competition score", "{}", stage.out.display());
                told.push((stage.stage, stage.defence));
                Ok(())
            })
            .unwrap();
        let defended = |stage: &'static str, defence: &str| (stage, Some(defence.to_owned()));
        let rounds = ["none", "pad:mtu"].map(|defence| defended("competition score", defence));
        let [first, last] = rounds;
        let expected = [("classify", None), ("features", None), first, defended("defend", "pad:mtu"), last];
        assert_eq!(told, expected);
        assert!(ManifestFile::beside(&folder.path().join("defended/pad-mtu.parquet")).exists());

        let stopped = pipeline.run::<ExperimentError>(&set, Setting::silent(1), |_| Err(ExperimentError::Cancelled));
        assert!(matches!(stopped, Err(ExperimentError::Cancelled)));
    }
}
