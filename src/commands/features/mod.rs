//! `wfkit features`: traces to a named feature matrix, what its columns mean and give away, and traces to arrays.

mod describe;
mod explain;
mod tensor;

use anyhow::Result;
use wfkit_datasets::digests;
use wfkit_evaluate::{Extracted, extract_parts};

use crate::cli::{self, FeaturesCommand, FeaturesExtract};
use crate::context::{Context, FOLDS};
use crate::input::read_traces;
use crate::large::share_of;

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
    let (set, out, setting) = (&options.set, &options.out, context.setting());
    let mut findings = match share_of(&options.traces, options.in_parts, context)? {
        Some((mut parts, rows)) => extract_parts(set, &mut parts, rows, out, FOLDS, setting)?,
        None => {
            let traces = read_traces(&options.traces, context)?;
            let working = context.watcher.working("features");
            let extracted = Extracted::of(set, &traces.set, setting);
            drop(working);
            extracted.matrix.write(out, Some(&extracted.extractor))?;
            let mut findings = extracted.findings(&traces.set, FOLDS, setting)?;
            findings.dropped = traces.dropped;
            findings
        }
    };
    if let Some(shard) = options.in_parts.shard {
        findings.utility.extras.set("shard", shard.to_string());
    }
    context.finish_and_print(context.report("features", digests(&options.traces)?, findings), Some(out))
}
