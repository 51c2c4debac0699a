//! `wfkit dataset relabel`: an open world of a closed one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use wfkit_datasets::{TraceFormat, relabel};

use super::dataset::describe;
use crate::context::{Context, count};
use crate::input::read_traces;
use wfkit_evaluate::Traces;

pub(super) fn run(
    paths: &[PathBuf],
    monitored: &[String],
    unmonitored: &str,
    out: &Path,
    context: &Context<'_>,
) -> Result<()> {
    let keeps_pages = TraceFormat::of_extension(out)? == TraceFormat::Parquet;
    ensure!(keeps_pages, "{}: only .parquet keeps the pages of the unmonitored class", out.display());
    let read = read_traces(paths, context)?;
    let set = relabel(&read.set, monitored, unmonitored).context("--monitored")?;
    context.write_traces(out, &set)?;
    let traces = Traces { set, dropped: read.dropped };
    let mut report = describe("dataset relabel", paths, &traces, context)?;
    let pages: std::collections::BTreeSet<&String> =
        traces.set.traces().iter().filter_map(|labelled| labelled.page.as_ref()).collect();
    let background = traces.set.traces().iter().filter(|labelled| labelled.page.is_some()).count();
    count(&mut report.counts, "monitored classes", monitored.len());
    count(&mut report.counts, "unmonitored traces", background);
    count(&mut report.counts, "unmonitored pages", pages.len());
    context.finish_and_print(report, Some(out))
}
