//! `wfkit dataset show`: traces drawn in the terminal.

use std::path::PathBuf;

use anyhow::Result;
use wfkit_datasets::{LabelledTrace, Trace};
use wfkit_report::words::{abbreviated, sparkline};

use super::select::check_known;
use crate::cli::ClassList;
use crate::context::Context;
use crate::input::read_traces;

/// Columns of a drawing, so that it fits 80 with what stands before it.
const COLUMNS: usize = 60;

pub(super) fn run(
    paths: &[PathBuf],
    classes: Option<&ClassList>,
    (each, most): (usize, usize),
    context: &Context<'_>,
) -> Result<()> {
    let set = read_traces(paths, context)?.set;
    let map = set.classes();
    if let Some(ClassList(names)) = classes {
        check_known(&map, names)?;
    }
    let mut of_class = vec![0; map.len()];
    let is_wanted = |labelled: &&LabelledTrace| {
        let class = map.index_of(&labelled.key.class).expect("the classes are those of the set");
        let is_named = classes.is_none_or(|ClassList(names)| names.contains(&labelled.key.class));
        of_class[class] += 1;
        is_named && of_class[class] <= each
    };
    let all: Vec<&LabelledTrace> = set.traces().iter().filter(is_wanted).collect();
    let shown = &all[..all.len().min(most)];
    let longest_ns = shown.iter().map(|labelled| labelled.trace.duration_ns()).max().unwrap_or(0);
    let line = |text: &str| context.printer.line(text);
    for labelled in shown {
        let trace = &labelled.trace;
        line(&format!(
            "{}: {} packets, {:.1} kB in, {:.1} kB out, {:.2} s",
            abbreviated(&labelled.key.to_string(), 40),
            trace.len(),
            trace.in_bytes() as f64 / 1e3,
            trace.out_bytes() as f64 / 1e3,
            trace.duration_ns() as f64 / 1e9
        ))?;
        line(&format!("  in  {}", sparkline(&bytes_over_time(trace, longest_ns, |size| size < 0))))?;
        line(&format!("  out {}", sparkline(&bytes_over_time(trace, longest_ns, |size| size > 0))))?;
    }
    line(&format!(
        "Bytes over time, {:.0} ms a column; the height is a share of the row's largest column. {}As a picture: wfkit plot waterfall, cumulative.",
        longest_ns as f64 / 1e6 / COLUMNS as f64,
        match all.len() - shown.len() {
            0 => String::new(),
            more => format!("{more} traces more: --most. "),
        }
    ))
}

/// Bytes of the packets in one direction, by columns of one width for all traces.
fn bytes_over_time(trace: &Trace, longest_ns: u64, is_counted: fn(i32) -> bool) -> Vec<f64> {
    let mut columns = vec![0.0; COLUMNS];
    for (&time, &size) in trace.time_ns().iter().zip(trace.size()) {
        if is_counted(size) {
            let column = (time as u128 * COLUMNS as u128 / (u128::from(longest_ns) + 1)) as usize;
            columns[column.min(COLUMNS - 1)] += f64::from(size.unsigned_abs());
        }
    }
    columns
}
