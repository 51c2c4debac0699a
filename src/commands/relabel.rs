//! `wfkit dataset relabel`: an open world of a closed one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use wfkit_datasets::{TraceFormat, canonical_class, relabel, write_traces};

use super::dataset::{FOLDS, describe};
use crate::context::{Context, count};
use crate::input::{Traces, read_traces};
use wfkit_evaluate::trivial_privacy;

pub(super) fn run(
    paths: &[PathBuf],
    monitored: &str,
    unmonitored: &str,
    out: &Path,
    context: &Context<'_>,
) -> Result<()> {
    let keeps_pages = TraceFormat::of_extension(out)? == TraceFormat::Parquet;
    ensure!(keeps_pages, "{}: only .parquet keeps the pages of the unmonitored class", out.display());
    let monitored = classes(monitored)?;
    let read = read_traces(paths, context)?;
    let set = relabel(&read.set, &monitored, unmonitored).context("--monitored")?;
    write_traces(out, &set)?;
    let privacy = trivial_privacy(&set, FOLDS, context.setting())?;
    let traces = Traces { set, dropped: read.dropped };
    let mut report = describe("dataset relabel", paths, &traces, privacy, context)?;
    let pages: std::collections::BTreeSet<&String> =
        traces.set.traces().iter().filter_map(|labelled| labelled.page.as_ref()).collect();
    let background = traces.set.traces().iter().filter(|labelled| labelled.page.is_some()).count();
    count(&mut report.counts, "monitored classes", monitored.len());
    count(&mut report.counts, "unmonitored traces", background);
    count(&mut report.counts, "unmonitored pages", pages.len());
    context.finish_and_print(report, Some(out))
}

/// Classes as `a,b` or as the lines of `@FILE`, by the names that files have them by; empty lines do not count.
fn classes(list: &str) -> Result<Vec<String>> {
    let names = |names: &mut dyn Iterator<Item = &str>| {
        names.map(canonical_class).filter(|name| !name.is_empty()).map(Cow::into_owned).collect()
    };
    match list.strip_prefix('@') {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("--monitored @{file}: cannot read"))?;
            Ok(names(&mut text.lines()))
        }
        None => Ok(names(&mut list.split(','))),
    }
}
