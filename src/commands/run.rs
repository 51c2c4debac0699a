//! `wfkit run`: the whole pipeline, each stage with its report, in one folder.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use wfkit_capture::has_captures;
use wfkit_competition::{Rules, count_all_paths};
use wfkit_datasets::{Findings, TraceSet, digests, report_path, sample, write_probabilities, write_traces};
use wfkit_defend::{DefenseSpec, defend};
use wfkit_evaluate::{Attempt, Classified, CompetitionRound, DRAWS_TRAIN, Extracted, trivial_privacy};
use wfkit_features::FeatureSpec;
use wfkit_metrics::{Input, StageReport, Utility};
use wfkit_report::text::{self, RunStage};

use super::defend::Attacked;
use super::{capture, defend as defence};
use crate::cli;
use crate::context::{Context, FOLDS, make_folder, write};
use crate::input::read_traces;
use crate::pipeline_file::{PIPELINE, repeating};

pub(crate) fn run(options: &cli::Run, context: &Context<'_>) -> Result<()> {
    if let Some(spec) = options.defences.iter().find(|spec| spec.needs_training()) {
        bail!("{spec} learns from training traces: simulate it with wfkit defend --fit-on");
    }
    let input = options.input.clone().unwrap_or_else(|| sample().to_owned());
    if !input.exists() {
        bail!("{}: not found; give captures or traces to run on", input.display());
    }
    let (folds, inputs) = (usize::from(options.folds), digests(std::slice::from_ref(&input))?);
    let pipeline = Pipeline { options, context, folds, inputs };

    let (set, first) = pipeline.traces(&input)?;
    let (undefended, classify) = pipeline.attacks(&set)?;
    let features = pipeline.features(&set, &undefended.looks_at)?;
    let mut stages = vec![first, features, classify];
    let mut rounds = vec![pipeline.compete(&set, "none", None)?];
    for spec in &options.defences {
        let (observed, stage) = pipeline.defend(&set, spec, &undefended.chosen)?;
        let of_all_paths = spec.hides_paths().then(|| stage.report.utility.utility.clone());
        stages.push(stage);
        rounds.push(pipeline.compete(&observed, &spec.to_string(), of_all_paths)?);
    }
    stages.extend(rounds);
    pipeline.conclude(&set, stages)
}

/// The traces of a run, in its folder.
pub(super) const TRACES: &str = "traces.parquet";

/// What all stages of a run share.
struct Pipeline<'a> {
    options: &'a cli::Run,
    context: &'a Context<'a>,
    folds: usize,
    inputs: Vec<Input>,
}

impl Pipeline<'_> {
    /// Captures are imported, traces are read.
    fn traces(&self, input: &Path) -> Result<(TraceSet, RunStage)> {
        let context = self.context.restarted();
        let out = self.out(TRACES);
        let (set, report) = if has_captures(input) {
            let paths = [input.to_owned()];
            let imported = capture::import_captures(&paths, &self.options.import, &context)?;
            capture::tell_names(&imported.stats, &context);
            let privacy = trivial_privacy(&imported.set, self.folds, context.setting())?;
            let report = capture::report(&paths, &imported, privacy, &context)?;
            (imported.set, report)
        } else {
            let read = read_traces(&[input.to_owned()], &context);
            let read = read.with_context(|| format!("{}: neither captures nor traces", input.display()))?;
            let privacy = trivial_privacy(&read.set, self.folds, context.setting())?;
            let mut findings = Findings::new(Utility::of(&read.set.volumes()), privacy);
            findings.count_set(&read.set).dropped = read.dropped;
            (read.set, context.report("dataset", self.inputs.clone(), findings))
        };
        make_folder(&self.options.out)?; // Nothing is left where nothing could be read.
        write_traces(&out, &set)?;
        Ok((set, self.done(report, None, &out, &context)?))
    }

    /// The features that the attack looks at.
    fn features(&self, set: &TraceSet, looks_at: &FeatureSpec) -> Result<RunStage> {
        let context = self.context.restarted();
        let out = self.out("features.parquet");
        let working = context.watcher.working("features");
        let extracted = Extracted::of(looks_at, set, context.setting());
        drop(working);
        extracted.matrix.write(&out, Some(&extracted.extractor))?;
        let findings = extracted.findings(set, FOLDS, context.setting())?;
        self.done(context.report("features", self.inputs.clone(), findings), None, &out, &context)
    }

    /// Every attack by cross-validation, and the chosen one as a model of all traces.
    fn attacks(&self, set: &TraceSet) -> Result<(Classified, RunStage)> {
        let context = self.context.restarted();
        let out = self.out("model.wfm");
        let found = Classified::of(set, &self.options.attack, self.folds, context.setting())?;
        if let (Ok(measured), Some(model)) = (&found.chosen, &found.model) {
            let probabilities = &measured.evaluation.probabilities;
            write_probabilities(&self.out("probabilities.parquet"), &found.keys(set), probabilities)?;
            write(&out, model)?;
        }
        let report = context.report("classify", self.inputs.clone(), found.findings.clone());
        let stage = self.done(report, None, &out, &context)?;
        Ok((found, stage))
    }

    fn defend(&self, set: &TraceSet, spec: &DefenseSpec, undefended: &Attempt) -> Result<(TraceSet, RunStage)> {
        let context = self.context.restarted();
        let folder = self.out("defended");
        make_folder(&folder)?;
        let out = folder.join(format!("{}.parquet", file_name(&spec.to_string())));
        let defended = defend(set, spec, context.seed)?;
        let observed = defended.observe();
        write_traces(&out, &observed)?;
        let (attack, inputs) = (&self.options.attack, self.inputs.clone());
        defence::write_manifest(&defended, &observed, &out, (&inputs, Vec::new()), false)?;
        let attacked = Attacked { attack, folds: self.folds, draws: DRAWS_TRAIN };
        let report = defence::report(&defended, &observed, undefended, &attacked, inputs, &context)?;
        let stage = self.done(report, Some(spec.to_string()), &out, &context)?;
        Ok((observed, stage))
    }

    /// A round of the competition: this set as a team's defence, the attack against it. Where the set shows some paths of each load only, what it costs
    /// its user is given, that of all of them.
    fn compete(&self, set: &TraceSet, defence: &str, of_all_paths: Option<Utility>) -> Result<RunStage> {
        let context = self.context.restarted();
        let folder = self.out("competition").join(file_name(defence));
        make_folder(&folder)?;
        let (one_each, copies) = set.one_copy_each();
        if copies > 0 {
            context
                .printer
                .note(&format!("a round of the competition has one copy of each load: {copies} were left out"));
        }
        let (rules, attack) = (Rules::fitting(set), &self.options.attack);
        let round = CompetitionRound::play(&one_each, &rules, attack, &folder, context.setting())?;
        let inputs = if round.scored.is_empty() { self.inputs.clone() } else { digests(&round.scored)? };
        let mut report = context.report("competition score", inputs, round.findings);
        if let Some(utility) = of_all_paths {
            count_all_paths(&mut report, utility);
        }
        self.done(report, Some(defence.to_owned()), &folder.join("score"), &context)
    }

    fn done(
        &self,
        mut report: StageReport,
        defence: Option<String>,
        out: &Path,
        context: &Context<'_>,
    ) -> Result<RunStage> {
        if let Some(defence) = &defence {
            report.utility.extras.set("defence", defence);
        }
        context.finish(&mut report, Some(out))?;
        let what = defence.as_ref().map(|defence| format!(" ({defence})")).unwrap_or_default();
        let path = report_path(out);
        context.printer.note(&format!("{}{what}: {:.1} s, {}", report.stage, report.seconds, path.display()));
        Ok(RunStage { defence, report })
    }

    /// Prints what the stages found, and writes all reports as one document.
    fn conclude(&self, set: &TraceSet, stages: Vec<RunStage>) -> Result<()> {
        let classify = &stages.iter().find(|stage| stage.report.stage == "classify").expect("every run has it").report;
        let mut findings = Findings::new(Utility::of(&set.volumes()), classify.privacy.clone());
        findings.count_set(set);
        let mut report = self.context.report("run", self.inputs.clone(), findings);
        self.context.finish(&mut report, None)?;
        let mut document = serde_json::to_value(&report)?;
        document["stages"] = serde_json::to_value(stages.iter().map(|stage| &stage.report).collect::<Vec<_>>())?;
        write(&self.out("run.report.json"), serde_json::to_string_pretty(&document)? + "\n")?;
        let again = repeating(self.options, &self.context.options, self.context.seed, &self.options.out);
        write(&self.out(PIPELINE), again)?;
        self.context.printer.shown(&document, || {
            let mut told = text::run(&stages);
            let out = self.options.out.display();
            told.line(format!(
                "everything is in {out}/; each output has its report beside it; wfkit report {out} makes one page of all"
            ));
            told
        })
    }

    fn out(&self, name: &str) -> PathBuf {
        self.options.out.join(name)
    }
}

/// A defence as the name of a file: `front:ft-1,w-max=7s` is `front-ft-1-w-max-7s`.
fn file_name(defence: &str) -> String {
    defence.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}
