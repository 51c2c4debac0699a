//! `wfkit dataset retime`: the same traces with another round trip.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::json;
use wfkit_datasets::TraceFormat;
use wfkit_defend::{RetimedSession, retime_set};
use wfkit_metrics::Utility;

use super::dataset::describe;
use crate::context::{Context, count};
use crate::input::{list, read_traces};
use wfkit_evaluate::Traces;
use wfkit_report::words::hanging;

/// What is moved, for the report.
const MODEL: &str = "inferred: an incoming packet answers the last outgoing one that left a round trip before it (the trace's first), an \
                     outgoing packet the last incoming one before it; a packet moves once for every round trip before it, and what \
                     answers nothing stays";

pub(super) fn run(
    paths: &[PathBuf],
    rtt_ns: u64,
    from_rtt_ns: Option<u64>,
    out: &Path,
    context: &Context<'_>,
) -> Result<()> {
    let keeps_origins = TraceFormat::of_extension(out)? == TraceFormat::Parquet;
    ensure!(keeps_origins, "{}: only .parquet keeps which load a trace is a copy of", out.display());
    let read = read_traces(paths, context)?;
    let before = Utility::of(&read.set.volumes());
    let retimed = retime_set(&read.set, from_rtt_ns, rtt_ns);
    ensure!(
        retimed.without_answer < read.set.len(),
        "{}: no trace has an incoming packet after an outgoing one, so nothing in it depends on the round trip; \
         wfkit dataset info tells what is in it",
        list(paths)
    );
    context.write_traces(out, &retimed.set)?;
    let after = Utility::of(&retimed.set.volumes());
    let traces = Traces { set: retimed.set, dropped: read.dropped };
    let mut report = describe("dataset retime", paths, &traces, context)?;
    count(&mut report.counts, "packets clipped: gaps shorter than what was taken", retimed.clipped_packets);
    count(&mut report.counts, "traces with a clipped packet", retimed.clipped_traces);
    count(&mut report.counts, "traces without an answer, unchanged", retimed.without_answer);
    let sessions = retimed.sessions.iter().map(|one: &RetimedSession| {
        json!({
            "session": one.session,
            "traces": one.traces,
            "from_rtt_ms": one.from_ns.map(ms),
        })
    });
    report.utility.extras.set(
        "retime",
        json!({
            "rtt_ms": ms(rtt_ns),
            "from_rtt": match from_rtt_ns {
                Some(_) => "as given",
                None => "measured: the median over the traces of a session of the time from the first outgoing packet to the first incoming one",
            },
            "sessions": sessions.collect::<Vec<_>>(),
            "median_seconds_before": before.median_seconds,
            "median_seconds_after": after.median_seconds,
            "model": MODEL,
            "reason": "null where there is no session, or no answer to measure a round trip by",
        }),
    );
    if retimed.clipped_packets > 0 {
        context.printer.warn(&format!(
            "{} packets in {} traces came too soon after what they answer, or after the packet before them, for so short a round trip: \
             they move by less",
            retimed.clipped_packets, retimed.clipped_traces
        ));
    }
    let seconds = |of: &Utility| of.median_seconds.map_or("?".to_owned(), |seconds| format!("{seconds:.3} s"));
    let how = if from_rtt_ns.is_some() { "as given" } else { "measured" };
    let told = format!(
        "round trip {} ({how}) -> {} ms; median trace {} -> {}",
        from_told(&retimed.sessions),
        ms(rtt_ns),
        seconds(&before),
        seconds(&after)
    );
    hanging(&told).iter().try_for_each(|line| context.printer.line(line))?;
    context.finish_and_print(report, Some(out))
}

/// The round trip before, or the range that it has over sessions.
fn from_told(sessions: &[RetimedSession]) -> String {
    let known = || sessions.iter().filter_map(|one| one.from_ns);
    match (known().min(), known().max()) {
        (Some(least), Some(most)) if least < most => {
            format!("{:.1} to {:.1} ms over {} sessions", ms(least), ms(most), known().count())
        }
        (Some(only), _) => format!("{:.1} ms", ms(only)),
        _ => "unknown".to_owned(),
    }
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}
