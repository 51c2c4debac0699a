//! Other worlds than a closed one that is trained on everything: open, one page, few traces, early, later.

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use wfkit_classify::{Attack, Samples};
use wfkit_datasets::splits::Split;
use wfkit_evaluate::{
    Background, ExperimentError, Measured, OpenWorldReport, Task, background_curve, describe_background, drift, early,
    few_shot, one_vs_rest, open_world,
};
use wfkit_metrics::StageReport;

use super::matrix::few_sessions;
use crate::cli::Evaluate;
use crate::context::Context;
use wfkit_report::text;

/// An open world, and the background of what was tested.
#[derive(Serialize)]
struct OpenWorldPart {
    #[serde(flatten)]
    open_world: OpenWorldReport,
    #[serde(flatten)]
    background: Background,
}

/// Adds what the options ask for to the report.
pub(super) fn add(
    report: &mut StageReport,
    options: &Evaluate,
    task: Task<'_>,
    attack: &Attack,
    measured: &Measured,
    context: &Context<'_>,
) -> Result<()> {
    let (mode, extras, setting) = (&options.mode, &mut report.privacy.extras, context.setting());
    if let Some(class) = &mode.open_world {
        let open_world = open_world(measured, class, &mode.base_rate, context.seed);
        let open_world = open_world.with_context(|| format!("--open-world {class}"))?;
        let background = describe_background(task.tested(), measured, class);
        extras.set("open_world", OpenWorldPart { open_world, background });
        warn_of_background(task.tested(), measured, class, context);
    }
    if let (Some(class), false) = (&mode.open_world, mode.background.is_empty()) {
        let (samples, splits) = one_collection(task, "--background")?;
        let curve = background_curve(&mode.background, class, samples, splits, attack, setting)?;
        context.printer.text(&text::background(&curve))?;
        extras.set("background", curve);
    }
    if mode.one_vs_rest {
        extras.set("one_vs_rest", one_vs_rest(measured, context.seed));
    }
    if !mode.few_shot.is_empty() {
        let (samples, splits) = one_collection(task, "--few-shot")?;
        let curve = few_shot(&mode.few_shot, samples, splits, attack, setting)?;
        context.printer.text(&text::few_shot(&curve))?;
        extras.set("few_shot", curve);
    }
    if let Some(percents) = &mode.early {
        let (Samples::Traces(set), splits) = one_collection(task, "--early")? else {
            bail!("--early needs traces, not features")
        };
        let curve = early(&percents.0, set, splits, attack, setting)?;
        context.printer.text(&text::early(&curve))?;
        extras.set("early", curve);
    }
    if mode.drift {
        let (samples, _) = one_collection(task, "--drift")?;
        let drift = match drift(samples, attack, options.allow_duplicates, setting) {
            Err(ExperimentError::FewSessions(found)) => bail!(few_sessions("--drift", &found)),
            drift => drift?,
        };
        context.printer.text(&text::drift(&drift))?;
        extras.set("drift", drift);
    }
    Ok(())
}

/// A background without pages cannot be kept apart: that is said aloud.
fn warn_of_background(samples: Samples<'_>, measured: &Measured, class: &str, context: &Context<'_>) {
    let mut of_class = (0..samples.len()).filter(|&row| samples.key(row).class == class);
    if of_class.any(|row| samples.page(row).is_none()) {
        context.printer.warn(&format!(
            "traces of {class} do not say which page they show, so that a page may be trained on and tested: false alarms are then understated; \
             wfkit dataset relabel makes sets that do"
        ));
    }
    let overlap = measured.overlap();
    if overlap.pages_trained_on > 0 {
        let (trained, tested) = (overlap.pages_trained_on, overlap.pages_tested);
        context.printer.warn(&format!("{trained} of {tested} traces of {class} show a page that was trained on"));
    }
}

fn one_collection<'a>(task: Task<'a>, option: &str) -> Result<(Samples<'a>, &'a [Split])> {
    match task {
        Task::Splits { samples, splits } => Ok((samples, splits)),
        Task::TrainAndTest { .. } => bail!("{option} works on one collection, not on --train and --test"),
    }
}
