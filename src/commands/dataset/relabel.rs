//! `wfkit dataset relabel`: an open world of a closed one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use wfkit_datasets::{Findings, OfBackground, TraceFormat, relabel};
use wfkit_evaluate::Traces;

use super::write;
use crate::context::Context;
use crate::input::read_traces;

pub(super) fn run(
    paths: &[PathBuf],
    monitored: &[String],
    unmonitored: &str,
    out: &Path,
    context: &Context<'_>,
) -> Result<()> {
    let keeps_pages = TraceFormat::of_extension(out)? == TraceFormat::Parquet;
    ensure!(keeps_pages, "{}: only .parquet keeps the pages of the unmonitored class", out.display());
    let Traces { set, dropped } = read_traces(paths, context)?;
    let set = relabel(&set, monitored, unmonitored).context("--monitored")?;
    let OfBackground { traces, pages } = OfBackground::in_set(&set);
    let add = |findings: &mut Findings| {
        findings.count("monitored classes", monitored.len());
        findings.count("unmonitored traces", traces).count("unmonitored pages", pages);
    };
    write("dataset relabel", (paths, out), &Traces { set, dropped }, add, context)
}
