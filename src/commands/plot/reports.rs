//! `wfkit plot importance`, `curve`, `matrix` and `frontier`: pictures of what stages report.

use anyhow::{Context as _, Result};
use wfkit_metrics::{StageReport, Utility};
use wfkit_report::page::{self, Stage, read_stages};
use wfkit_report::picture::Picture;

use super::output::Output;
use crate::cli::PlotReports;
use crate::context::Context;
use crate::input::list;

pub(super) fn importance(options: &PlotReports, context: &Context<'_>) -> Result<()> {
    plot("importance", "wfkit features explain TRACES --format json > REPORT writes one", options, context, |stages| {
        first(stages, page::importances_of)
    })
}

pub(super) fn curve(options: &PlotReports, context: &Context<'_>) -> Result<()> {
    let hint =
        "wfkit evaluate TRACES --few-shot 1,5,10 --out P.parquet writes one beside P.parquet; also --early and --drift";
    plot("curve", hint, options, context, |stages| first(stages, |report| page::curves(report).into_iter().next()))
}

pub(super) fn matrix(options: &PlotReports, context: &Context<'_>) -> Result<()> {
    plot(
        "matrix",
        "wfkit evaluate TRACES --matrix session --format json > REPORT writes one",
        options,
        context,
        |stages| first(stages, page::matrix_of),
    )
}

pub(super) fn frontier(options: &PlotReports, context: &Context<'_>) -> Result<()> {
    let hint = "wfkit defend and wfkit run write them, with an attack on the defended traces";
    plot("frontier", hint, options, context, |stages| page::costs_of(stages.iter().map(|stage| &stage.report)))
}

/// Of the first report that has it.
fn first(stages: &[Stage], of: impl Fn(&StageReport) -> Option<Picture>) -> Option<Picture> {
    stages.iter().find_map(|stage| of(&stage.report))
}

fn plot(
    kind: &str,
    hint: &str,
    options: &PlotReports,
    context: &Context<'_>,
    draw: impl FnOnce(&[Stage]) -> Option<Picture>,
) -> Result<()> {
    let out = Output::new(&options.out)?;
    let mut stages = Vec::new();
    for path in &options.reports {
        stages.extend(read_stages(path)?.stages);
    }
    let picture = draw(&stages).with_context(|| {
        format!(
            "{}: among {} stage reports, none has what this picture shows; {hint}",
            list(&options.reports),
            stages.len()
        )
    })?;
    out.write(
        kind,
        &picture,
        (&options.reports, Utility::unknown("reports have the cost of their own traces")),
        context,
    )
}
