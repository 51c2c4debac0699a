//! `wfkit dataset filter` and `sample`: a part of a set.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use wfkit_datasets::{Findings, TraceFormat, check_classes};
use wfkit_evaluate::Traces;

use super::write;
use crate::cli;
use crate::context::Context;
use crate::input::{list, read_traces};

pub(super) fn filter(paths: &[PathBuf], wanted: &cli::Wanted, out: &Path, context: &Context<'_>) -> Result<()> {
    TraceFormat::of_extension(out)?;
    let traces = read_traces(paths, context)?;
    for classes in wanted.classes.iter().chain(&wanted.without_classes) {
        check_classes(&traces.set.classes(), &classes.0)?;
    }
    let kept = traces.wanted(&wanted.into()).with_context(|| list(paths))?;
    write("dataset filter", (paths, out), &kept, left_out(&kept), context)
}

pub(super) fn sample(
    paths: &[PathBuf],
    (classes, traces): (Option<u32>, Option<u32>),
    out: &Path,
    context: &Context<'_>,
) -> Result<()> {
    TraceFormat::of_extension(out)?;
    let read = read_traces(paths, context)?;
    let size = |number: Option<u32>| number.map(|number| number as usize);
    let there = read.set.classes().len();
    if let Some(asked) = size(classes).filter(|&asked| asked > there) {
        context.warn_of_input(&format!("{asked} classes are asked for, and there are {there}"));
    }
    let drawn = read.drawn(size(classes), size(traces), context.seed);
    write("dataset sample", (paths, out), &drawn, left_out(&drawn), context)
}

fn left_out(traces: &Traces) -> impl Fn(&mut Findings) {
    let left_out = traces.dropped.values().sum::<u64>() as usize;
    move |findings| {
        findings.count("traces left out", left_out);
    }
}
