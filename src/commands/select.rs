//! `wfkit dataset filter` and `sample`: a part of a set.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wfkit_datasets::{TraceFormat, Wanted, draw};
use wfkit_metrics::{ClassMap, did_you_mean_one_of};

use super::dataset::describe;
use crate::cli;
use crate::context::{Context, count};
use crate::input::{list, read_traces};
use wfkit_evaluate::Traces;

pub(super) fn filter(paths: &[PathBuf], wanted: &cli::Wanted, out: &Path, context: &Context<'_>) -> Result<()> {
    TraceFormat::of_extension(out)?;
    let traces = read_traces(paths, context)?;
    for classes in wanted.classes.iter().chain(&wanted.without_classes) {
        check_known(&traces.set.classes(), &classes.0)?;
    }
    let set_of = |names: &[String]| names.iter().cloned().collect();
    let how = Wanted {
        classes: wanted.classes.as_ref().map(|classes| set_of(&classes.0)),
        without_classes: wanted.without_classes.as_ref().map(|classes| set_of(&classes.0)).unwrap_or_default(),
        sessions: (!wanted.sessions.is_empty()).then(|| set_of(&wanted.sessions)),
        min_packets: wanted.min_packets.unwrap_or(0),
        max_packets: wanted.max_packets,
        from_ns: wanted.from.as_ref().map(|moment| moment.ns),
        until_ns: wanted.until.as_ref().map(|moment| moment.ns),
        without_duplicates: wanted.no_duplicates,
        min_traces: wanted.min_traces.unwrap_or(0),
    };
    let (rows, left_out) = how.rows(&traces.set);
    if rows.is_empty() {
        let reasons: Vec<String> = left_out.iter().map(|(reason, n)| format!("{n} x {reason}")).collect();
        bail!("{}: no trace is wanted, and nothing is written: {}", list(paths), reasons.join(", "));
    }
    let mut kept = Traces { set: traces.set.select(&rows), dropped: traces.dropped };
    for (reason, n) in left_out {
        *kept.dropped.entry(reason).or_default() += n;
    }
    write("dataset filter", paths, &kept, out, context)
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
    let rows = draw(&read.set, size(classes), size(traces), context.seed);
    let mut dropped = read.dropped;
    dropped.insert("not drawn".to_owned(), (read.set.len() - rows.len()) as u64);
    let there = read.set.classes().len();
    if let Some(asked) = size(classes).filter(|&asked| asked > there) {
        context.warn_of_input(&format!("{asked} classes are asked for, and there are {there}"));
    }
    write("dataset sample", paths, &Traces { set: read.set.select(&rows), dropped }, out, context)
}

/// That every class that is named is there: a name that is not may be a slip of the pen.
pub(super) fn check_known(there: &ClassMap, named: &[String]) -> Result<()> {
    let unknown: Vec<&String> = named.iter().filter(|name| there.index_of(name).is_none()).collect();
    match unknown.first() {
        None => Ok(()),
        Some(first) => {
            let meant = did_you_mean_one_of(first, there.names().iter().map(String::as_str));
            bail!("there is no class `{first}`{meant}; wfkit dataset info lists those that are there")
        }
    }
}

fn write(stage: &str, paths: &[PathBuf], kept: &Traces, out: &Path, context: &Context<'_>) -> Result<()> {
    context.write_traces(out, &kept.set)?;
    let mut report = describe(stage, paths, kept, context)?;
    count(&mut report.counts, "traces left out", kept.dropped.values().sum::<u64>() as usize);
    context.finish_and_print(report, Some(out))
}
