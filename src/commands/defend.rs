//! `wfkit defend`: a defence on traces, what it costs, and what the attack finds after it.

use anyhow::Result;
use serde_json::json;
use wfkit_datasets::{TraceFormat, TraceSet, write_traces};
use wfkit_defend::{DefendedSet, DefenseSpec, OverheadOptions, defend};
use wfkit_metrics::{Input, PrivacyReport, StageReport, Utility, VolumeSummary};

use crate::cli;
use crate::context::{Context, count_set, digests};
use crate::input::read_traces;
use crate::measure::{BOOTSTRAP, Measured, TRIVIAL, attack, cross_validate};

pub(crate) fn run(options: &cli::Defend, context: &Context<'_>) -> Result<()> {
    let spec: DefenseSpec = options.defence.parse()?;
    let attack = attack(&options.attack)?;
    TraceFormat::of_extension(&options.out)?; // A wrong name is told before the work begins.
    let traces = read_traces(&options.traces)?;
    let folds = usize::from(options.folds);
    let undefended = cross_validate(&attack, &traces.set, folds, context)?;
    let defended = defend(&traces.set, &spec, context.seed)?;
    let observed = defended.observe();
    write_traces(&options.out, &observed)?;
    let inputs = digests(&options.traces)?;
    let mut report = report(&defended, &observed, &undefended, &options.attack, folds, inputs, context)?;
    report.dropped = traces.dropped;
    context.finish_and_print(report, Some(&options.out))
}

/// An attack, or why it could not be measured.
pub(crate) type Maybe = std::result::Result<Measured, String>;

/// The stage report of a defended set: the attack is trained again on defended traces, with the undefended one beside it.
pub(crate) fn report(
    defended: &DefendedSet<'_>,
    observed: &TraceSet,
    undefended: &Maybe,
    attack_name: &str,
    folds: usize,
    inputs: Vec<Input>,
    context: &Context<'_>,
) -> Result<StageReport> {
    let original = defended.original();
    let measured = cross_validate(&attack(attack_name)?, observed, folds, context)?;
    let trivial = cross_validate(&attack(TRIVIAL)?, observed, folds, context)?;
    let privacy = match &measured {
        Ok(measured) => measured.privacy(),
        Err(reason) => PrivacyReport::unmeasured(attack_name, reason),
    };
    let mut report = context.stage("defend", inputs, Utility::of(&observed.volumes()), privacy);
    count_set(&mut report.counts, observed);
    let undefended_cost = Utility::of(&original.volumes());
    let overheads = defended.overheads(&OverheadOptions { bootstrap: BOOTSTRAP, seed: context.seed });
    report
        .utility
        .extras
        .set("undefended", undefended_cost)
        .set("volumes", VolumeSummary::of(&observed.volumes()))
        .set("overheads", overheads)
        .set("manifest", defended.manifest());
    report.privacy.extras.set("split", format!("{folds} stratified folds, trained and tested on defended traces"));
    report.privacy.extras.set("undefended", summary(undefended)).set("trivial", summary(&trivial));
    Ok(report)
}

fn summary(measured: &Maybe) -> serde_json::Value {
    match measured {
        Ok(measured) => measured.summary(),
        Err(reason) => json!({ "accuracy": null, "roc_auc_macro_ovr": null, "reason": reason }),
    }
}
