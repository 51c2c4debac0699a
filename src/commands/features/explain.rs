//! `wfkit features explain`: what gives traces away.

use anyhow::Result;
use wfkit_classify::ExplainOptions;
use wfkit_datasets::digests;
use wfkit_evaluate::explain_features;
use wfkit_report::{picture, text};

use crate::cli::FeaturesExplain;
use crate::context::{Context, write};
use crate::input::read_traces;

pub(super) fn run(options: &FeaturesExplain, context: &Context<'_>) -> Result<()> {
    let (spec, class, top) = (&options.set, options.class.as_deref(), usize::from(options.top));
    let traces = read_traces(&options.traces, context)?;
    let sought = ExplainOptions { trees: options.trees.into(), repeats: options.repeats.into() };
    let (explanation, mut findings) = explain_features(spec, &traces.set, class, &sought, context.setting())?;
    findings.dropped = traces.dropped;
    if let Some(path) = &options.picture {
        write(path, picture::explanation(spec, &explanation, top).svg())?;
    }
    context.finish_and_print(context.report("explain", digests(&options.traces)?, findings), None)?;
    context.printer.text(&text::explanation(&explanation, top))
}
