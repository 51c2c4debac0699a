//! `wfkit run`: the whole pipeline on one input.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use wfkit_capture::has_captures;
use wfkit_classify::Samples;
use wfkit_competition::{
    Prediction, Rules, SplitOptions, Verif, capture_ids, check_attack, check_defense, count_all_paths, export_defense,
    read_captures, read_defense, score, split, write_attack,
};
use wfkit_datasets::formats::ReadLimits;
use wfkit_datasets::{TraceSet, sample, write_probabilities, write_traces};
use wfkit_defend::{DefenseSpec, defend};
use wfkit_features::FeatureSpec;
use wfkit_metrics::{Input, PrivacyReport, StageReport, Utility};

use super::{capture, evaluate, features};
use crate::cli;
use crate::context::{Context, count, count_set, make_folder, write};
use crate::input::read_traces;
use crate::pipeline_file::{PIPELINE, repeating};
use wfkit_datasets::{digests, report_path};
use wfkit_evaluate::split::{Pages, by_session};
use wfkit_evaluate::{
    AttackOn, Attempt, DRAWS_TRAIN, TRIVIAL, attack, beside_trivial, folds_of, measure, trivial_privacy, write_manifest,
};
use wfkit_report::text::{self, RunStage};

/// The attacks that are compared, from simple to elaborate.
const ATTACKS: [&str; 5] = [TRIVIAL, "sequence", "cumul-forest", "kfp-175", "kfp-size"];

/// The team that the competition files are of.
const TEAM: u64 = 1;

pub(crate) fn run(options: &cli::Run, context: &Context<'_>) -> Result<()> {
    if let Some(spec) = options.defences.iter().find(|spec| spec.needs_training()) {
        bail!("{spec} learns from training traces: simulate it with wfkit defend --fit-on");
    }
    let input = options.input.clone().unwrap_or_else(|| sample().to_owned());
    if !input.exists() {
        bail!("{}: not found; give captures or traces to run on", input.display());
    }
    let pipeline = Pipeline {
        options,
        context,
        folds: usize::from(options.folds),
        inputs: digests(std::slice::from_ref(&input))?,
    };

    let (set, first) = pipeline.traces(&input)?;
    let (undefended, classify, looks_at) = pipeline.attacks(&set)?;
    let features = pipeline.features(&set, &looks_at)?;
    let mut stages = vec![first, features, classify];
    let mut rounds = vec![pipeline.compete(&set, "none", None)?];
    for spec in &options.defences {
        let (observed, stage) = pipeline.defend(&set, spec, &undefended)?;
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
            let report = context.report("capture", digests(&paths)?, imported.findings(privacy));
            (imported.set, report)
        } else {
            let read = read_traces(&[input.to_owned()], &context);
            let read = read.with_context(|| format!("{}: neither captures nor traces", input.display()))?;
            let privacy = trivial_privacy(&read.set, self.folds, context.setting())?;
            let mut report = context.stage("dataset", self.inputs.clone(), Utility::of(&read.set.volumes()), privacy);
            count_set(&mut report.counts, &read.set);
            report.dropped = read.dropped;
            (read.set, report)
        };
        make_folder(&self.options.out)?; // Nothing is left where nothing could be read.
        write_traces(&out, &set)?;
        Ok((set, self.done(report, None, &out, &context)?))
    }

    /// The features that the attack looks at.
    fn features(&self, set: &TraceSet, looks_at: &FeatureSpec) -> Result<RunStage> {
        let context = self.context.restarted();
        let out = self.out("features.parquet");
        let extracted = features::extract(looks_at, set, &context);
        extracted.matrix.write(&out, Some(&extracted.extractor))?;
        let report = features::report(&extracted, set, self.inputs.clone(), &context)?;
        self.done(report, None, &out, &context)
    }

    /// Every attack by cross-validation; the chosen one also with whole sessions kept apart, and as a model of all traces. With it come the features
    /// that the chosen one looks at, which an attack that chooses has to be trained for.
    fn attacks(&self, set: &TraceSet) -> Result<(Attempt, RunStage, FeatureSpec)> {
        let context = self.context.restarted();
        let out = self.out("model.wfm");
        let chosen = attack(&self.options.attack)?;
        let splits = match folds_of(set, self.folds, context.setting()) {
            Ok(splits) => splits,
            Err(reason) => {
                let privacy = PrivacyReport::unmeasured(chosen.name(), &reason);
                let mut report = context.stage("classify", self.inputs.clone(), Utility::of(&set.volumes()), privacy);
                count_set(&mut report.counts, set);
                let looks_at = chosen.features().cloned().map_or_else(|| "kfp-size".parse(), Ok)?;
                return Ok((Err(reason), self.done(report, None, &out, &context)?, looks_at));
            }
        };
        let mut others = Vec::new();
        for name in ATTACKS.into_iter().filter(|&name| name != chosen.name()) {
            others.push(measure(&attack(name)?, Samples::Traces(set), &splits, context.setting())?);
        }
        let measured = measure(&chosen, Samples::Traces(set), &splits, context.setting())?;
        let rows = &measured.evaluation.rows;
        let keys: Vec<_> = rows.iter().map(|&row| set.traces()[row].key.clone()).collect();
        write_probabilities(&self.out("probabilities.parquet"), &keys, &measured.evaluation.probabilities)?;
        let fitted = chosen.fit(Samples::Traces(set), context.seed)?;
        fitted.save(&out)?;
        let looks_at = fitted.extractor().map_or_else(|| "kfp-size".parse(), |extractor| Ok(extractor.spec()))?;

        let mut report =
            context.stage("classify", self.inputs.clone(), Utility::of(&set.volumes()), measured.privacy());
        count_set(&mut report.counts, set);
        report.utility.extras.set("model_bytes", std::fs::metadata(&out)?.len());
        let trivial = others.iter().find(|other| other.attack == TRIVIAL);
        let split = format!("{} stratified folds", splits.len());
        evaluate::describe(&mut report, &measured, trivial, &split, &context);
        let trivial = trivial.unwrap_or(&measured);
        let all = beside_trivial(&others.iter().chain([&measured]).collect::<Vec<_>>(), trivial);
        report.privacy.extras.set("attacks", all);
        report.privacy.extras.set("by_session", self.by_session(set, &context)?);
        let stage = self.done(report, None, &out, &context)?;
        Ok((Ok(measured), stage, looks_at))
    }

    /// The honest split where traces of a session resemble each other: no session is both trained on and tested on.
    fn by_session(&self, set: &TraceSet, context: &Context<'_>) -> Result<Value> {
        let splits = match by_session(Samples::Traces(set), self.folds, Pages::Apart) {
            Ok(splits) => splits,
            Err(reason) => return Ok(json!({ "measured": false, "why": reason.to_string() })),
        };
        let mut scores = Vec::new();
        for name in [TRIVIAL, &*self.options.attack] {
            scores.push(measure(&attack(name)?, Samples::Traces(set), &splits, context.setting())?.summary());
        }
        Ok(json!({ "measured": true, "groups": splits.len(), "attacks": scores }))
    }

    fn defend(&self, set: &TraceSet, spec: &DefenseSpec, undefended: &Attempt) -> Result<(TraceSet, RunStage)> {
        let context = self.context.restarted();
        let folder = self.out("defended");
        make_folder(&folder)?;
        let out = folder.join(format!("{}.parquet", file_name(&spec.to_string())));
        let defended = defend(set, spec, context.seed)?;
        let observed = defended.observe();
        write_traces(&out, &observed)?;
        let inputs = self.inputs.clone();
        write_manifest(&defended, &observed, &out, (&inputs, Vec::new()), false)?;
        let (name, attack) = (&self.options.attack, attack(&self.options.attack)?);
        let attack = AttackOn { attack: &attack, name, folds: self.folds, draws: DRAWS_TRAIN };
        let findings = attack.findings(&defended, &observed, undefended, context.setting())?;
        let report = context.report("defend", inputs, findings);
        let stage = self.done(report, Some(spec.to_string()), &out, &context)?;
        Ok((observed, stage))
    }

    /// A round of the competition: this set as a team's defence, the attack against it. Where the set shows some paths of each load only, what it costs
    /// its user is given, that of all of them.
    fn compete(&self, set: &TraceSet, defence: &str, of_all_paths: Option<Utility>) -> Result<RunStage> {
        let context = self.context.restarted();
        let folder = self.out("competition").join(file_name(defence));
        make_folder(&folder)?;
        let rules = Rules::fitting(set);
        let file = folder.join("defence.csv.zip");
        let (set, copies) = &set.one_copy_each();
        if *copies > 0 {
            context
                .printer
                .note(&format!("a round of the competition has one copy of each load: {copies} were left out"));
        }
        let export = export_defense(set, &file, &rules)?;
        if !export.report.accepted {
            let problems = &export.report.problems;
            context.printer.warn(&format!("the competition would refuse {}: {problems}", file.display()));
        }
        let out = folder.join("score");
        let mut played = match self.play(&file, &folder, &rules, &context) {
            Ok(played) => played,
            // A set that allows no round, such as one class, is no reason to lose the other stages.
            Err(error) => {
                let privacy = PrivacyReport::unmeasured(&self.options.attack, &wfkit_terminal::said_once(&error));
                context.stage("competition score", self.inputs.clone(), Utility::of(&set.volumes()), privacy)
            }
        };
        if let Some(utility) = of_all_paths {
            count_all_paths(&mut played, utility);
        }
        self.done(played, Some(defence.to_owned()), &out, &context)
    }

    fn play(&self, file: &Path, folder: &Path, rules: &Rules, context: &Context<'_>) -> Result<StageReport> {
        let uploaded = check_defense(file, None, &ReadLimits::UPLOAD, None)?.accepted()?;
        let test_traces =
            (uploaded.traces.len() / 5).clamp(rules.classes, SplitOptions::TEST_TRACES.max(rules.classes));
        let options = SplitOptions { team_id: TEAM, test_traces, seed: context.seed };
        let files = split(&uploaded.traces, &options, folder)?;
        let attack = attack(&self.options.attack)?;
        let fitted = attack.fit(Samples::Traces(&read_defense(&files.train, &ReadLimits::OWN)?), context.seed)?;
        let captures = read_captures(&files.test, &ReadLimits::OWN)?;
        let probabilities = fitted.predict(Samples::Traces(&captures))?;
        let answers = folder.join("attack.csv.zip");
        let capture_ids = capture_ids(&captures);
        let prediction = Prediction { team_id: TEAM, capture_ids: &capture_ids, probabilities: &probabilities };
        write_attack(&[prediction], rules.classes, &answers)?;
        let verifs = [Verif::named(&files.verif)];
        let checked = check_attack(&answers, &verifs, rules, &ReadLimits::UPLOAD)?.accepted()?;
        let scored = score(Some(&checked), Some(&uploaded))?;
        let paths: Vec<PathBuf> = vec![answers, files.verif, file.to_owned()];
        let findings = scored.findings(attack.name());
        let mut report = context.report("competition score", digests(&paths)?, findings);
        count(&mut report.counts, "train traces", files.train_traces);
        count(&mut report.counts, "test traces", files.test_traces);
        count(&mut report.counts, "test traces with a twin to train on", files.twins_in_train);
        Ok(report)
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
        let mut report =
            self.context.stage("run", self.inputs.clone(), Utility::of(&set.volumes()), classify.privacy.clone());
        count_set(&mut report.counts, set);
        self.context.finish(&mut report, None)?;
        let mut document = serde_json::to_value(&report)?;
        document["stages"] = serde_json::to_value(stages.iter().map(|stage| &stage.report).collect::<Vec<_>>())?;
        write(&self.out("run.report.json"), serde_json::to_string_pretty(&document)? + "\n")?;
        let again = repeating(self.options, &self.context.options, self.context.seed, &self.options.out);
        write(&self.out(PIPELINE), again)?;
        if self.context.printer.is_json() {
            return self.context.printer.document(&document);
        }
        let mut told = text::run(&stages);
        let out = self.options.out.display();
        told.line(format!(
            "everything is in {out}/; each output has its report beside it; wfkit report {out} makes one page of all"
        ));
        self.context.printer.text(&told)
    }

    fn out(&self, name: &str) -> PathBuf {
        self.options.out.join(name)
    }
}

/// A defence as the name of a file: `front:ft-1,w-max=7s` is `front-ft-1-w-max-7s`.
fn file_name(defence: &str) -> String {
    defence.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}
