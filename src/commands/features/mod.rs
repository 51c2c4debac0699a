//! `wfkit features`: traces to a named feature matrix, what its columns mean and give away, and traces to arrays.

mod describe;
mod explain;
mod parts;
mod tensor;

use std::time::Instant;

use anyhow::Result;
use wfkit_datasets::{Trace, TraceSet};
use wfkit_features::{FeatureExtractor, FeatureMatrix, FeatureReport, FeatureSpec};
use wfkit_metrics::{Input, StageReport, Utility};

use crate::cli::{self, FeaturesCommand, FeaturesExtract};
use crate::context::{Context, FOLDS, count, count_set};
use crate::input::read_traces;
use crate::large::share_of;
use wfkit_datasets::digests;
use wfkit_evaluate::trivial_privacy;

pub(crate) fn run(options: &cli::Features, context: &Context<'_>) -> Result<()> {
    match (&options.command, &options.extract) {
        (Some(FeaturesCommand::List), _) => describe::list(context),
        (Some(FeaturesCommand::Describe { set, traces }), _) => describe::describe(set, traces, context),
        (Some(FeaturesCommand::Explain(options)), _) => explain::run(options, context),
        (Some(FeaturesCommand::Tensor { traces, channel, length, out }), _) => {
            tensor::run(traces, *channel, *length as usize, out, context)
        }
        (None, Some(options)) => write(options, context),
        (None, None) => unreachable!("clap asks for traces where there is no command"),
    }
}

fn write(options: &FeaturesExtract, context: &Context<'_>) -> Result<()> {
    if let Some((parts, rows)) = share_of(&options.traces, (options.at_once, options.shard), context)? {
        return parts::write(options, parts, rows, context);
    }
    let traces = read_traces(&options.traces, context)?;
    let extracted = extract(&options.set, &traces.set, context);
    extracted.matrix.write(&options.out, Some(&extracted.extractor))?;
    let mut report = report(&extracted, &traces.set, digests(&options.traces)?, context)?;
    report.dropped = traces.dropped;
    context.finish_and_print(report, Some(&options.out))
}

/// The features of a set, and what took them.
pub(crate) struct Extracted {
    pub(crate) extractor: FeatureExtractor,
    pub(crate) matrix: FeatureMatrix,
    seconds: f64,
}

/// Fits the sets to all traces and takes their features.
pub(crate) fn extract(spec: &FeatureSpec, set: &TraceSet, context: &Context<'_>) -> Extracted {
    let working = context.watcher.working("features");
    let started = Instant::now();
    let traces: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
    let extractor = spec.fit(&traces);
    let matrix = extractor.transform_watched(set, &context.watcher);
    drop(working);
    Extracted { extractor, matrix, seconds: started.elapsed().as_secs_f64() }
}

/// The stage report of an extraction.
pub(crate) fn report(
    extracted: &Extracted,
    set: &TraceSet,
    inputs: Vec<Input>,
    context: &Context<'_>,
) -> Result<StageReport> {
    let found = FeatureReport::of(&extracted.matrix);
    let privacy = trivial_privacy(set, FOLDS, context.setting())?;
    let mut report = context.stage("features", inputs, Utility::of(&set.volumes()), privacy);
    count_set(&mut report.counts, set);
    describe_columns(&mut report, found, extracted.seconds);
    Ok(report)
}

/// What the columns are, and what taking them took.
fn describe_columns(report: &mut StageReport, found: FeatureReport, seconds: f64) {
    let FeatureReport { rows, columns, constant, non_finite, aucs } = found;
    count(&mut report.counts, "rows", rows);
    count(&mut report.counts, "columns", columns);
    count(&mut report.counts, "constant columns", constant.len());
    count(&mut report.counts, "non-finite columns", non_finite);
    let utility = &mut report.utility.extras;
    utility.set("microseconds_a_trace", seconds * 1e6 / rows.max(1) as f64);
    utility.set("constant", constant);
    if let Some(aucs) = aucs {
        report.privacy.extras.set("feature_auc", aucs);
    }
}
