//! `wfkit run`: the whole pipeline, each stage with its report, in one folder.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wfkit_capture::has_captures;
use wfkit_competition::count_all_paths;
use wfkit_datasets::{Findings, TraceSet, digests, report_path, sample, write_traces};
use wfkit_evaluate::{PipelineEvent, WholePipeline, trivial_privacy};
use wfkit_metrics::{Input, StageReport, Utility};
use wfkit_report::text::{self, RunStage};

use super::capture;
use crate::cli;
use crate::context::{Context, make_folder, write};
use crate::input::read_traces;
use crate::pipeline_file::{PIPELINE, repeating};

/// The traces of a run, in its folder.
pub(super) const TRACES: &str = "traces.parquet";

pub(crate) fn run(options: &cli::Run, context: &Context<'_>) -> Result<()> {
    if let Some(spec) = options.defences.iter().find(|spec| spec.needs_training()) {
        bail!("{spec} learns from training traces: simulate it with wfkit defend --fit-on");
    }
    let input = options.input.clone().unwrap_or_else(|| sample().to_owned());
    if !input.exists() {
        bail!("{}: not found; give captures or traces to run on", input.display());
    }
    let (out, folds) = (&options.out, usize::from(options.folds));
    let inputs = digests(std::slice::from_ref(&input))?;
    let mut clock = context.restarted();
    let (set, report) = read(&input, options, &inputs, &clock)?;
    make_folder(out)?; // Nothing is left where nothing could be read.
    write_traces(&out.join(TRACES), &set)?;
    let mut stages = vec![done(report, None, &out.join(TRACES), &clock)?];

    let (attack, defences) = (&options.attack, options.defences.as_slice());
    let pipeline = WholePipeline { attack, folds, defences, inputs: &inputs, folder: out };
    clock = context.restarted();
    pipeline.run::<anyhow::Error>(&set, context.setting(), |event| {
        let stage = match event {
            PipelineEvent::Done(stage) => stage,
            PipelineEvent::LeftOut(copies) => {
                let message = "a round of the competition has one copy of each load";
                context.printer.note(&format!("{message}: {copies} were left out"));
                return Ok(());
            }
        };
        let mut report = clock.report(stage.stage, stage.inputs, stage.findings);
        if let Some(utility) = stage.of_all_paths {
            count_all_paths(&mut report, utility);
        }
        stages.push(done(report, stage.defence, &stage.out, &clock)?);
        clock = context.restarted();
        Ok(())
    })?;
    conclude(&set, text::in_order_of_a_run(stages), inputs, options, context)
}

/// Captures are imported, traces are read.
fn read(input: &Path, options: &cli::Run, inputs: &[Input], context: &Context<'_>) -> Result<(TraceSet, StageReport)> {
    let folds = usize::from(options.folds);
    if has_captures(input) {
        let paths = [input.to_owned()];
        let imported = capture::import_captures(&paths, &options.import, context)?;
        capture::tell_names(&imported.stats, context);
        let privacy = trivial_privacy(&imported.set, folds, context.setting())?;
        let report = context.report("capture", digests(&paths)?, imported.findings(privacy));
        return Ok((imported.set, report));
    }
    let read = read_traces(&[input.to_owned()], context);
    let read = read.with_context(|| format!("{}: neither captures nor traces", input.display()))?;
    let privacy = trivial_privacy(&read.set, folds, context.setting())?;
    let mut findings = Findings::new(Utility::of(&read.set.volumes()), privacy);
    findings.count_set(&read.set).dropped = read.dropped;
    Ok((read.set, context.report("dataset", inputs.to_vec(), findings)))
}

/// Writes the report of a stage, and says so.
fn done(mut report: StageReport, defence: Option<String>, out: &Path, context: &Context<'_>) -> Result<RunStage> {
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
fn conclude(
    set: &TraceSet,
    stages: Vec<RunStage>,
    inputs: Vec<Input>,
    options: &cli::Run,
    context: &Context<'_>,
) -> Result<()> {
    let classify = &stages.iter().find(|stage| stage.report.stage == "classify").expect("every run has it").report;
    let mut findings = Findings::new(Utility::of(&set.volumes()), classify.privacy.clone());
    findings.count_set(set);
    let mut report = context.report("run", inputs, findings);
    context.finish(&mut report, None)?;
    let document = text::run_document(&report, &stages);
    let folder = &options.out;
    write(&folder.join("run.report.json"), format!("{document:#}\n"))?;
    write(&folder.join(PIPELINE), repeating(options, &context.options, context.seed, folder))?;
    context.printer.shown(&document, || {
        let mut told = text::run(&stages);
        let out = folder.display();
        told.line(format!(
            "everything is in {out}/; each output has its report beside it; wfkit report {out} makes one page of all"
        ));
        told
    })
}
