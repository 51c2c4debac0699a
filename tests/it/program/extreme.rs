//! Traces that no defence was made for: every command on them ends, within a minute and 4 GB, with a result or an error that says what to do.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, write_traces};
use wfkit_defend::list;

use super::support::Folder;

/// Kilobytes of memory, and seconds.
const LIMITS: (u32, u64) = (4_000_000, 60);

fn set(traces: Vec<Trace>) -> TraceSet {
    let one = |(trace, rep): (Trace, i64)| {
        let class = if rep % 2 == 0 { "a" } else { "b" };
        LabelledTrace::new(TraceKey { class: class.into(), rep, session: None }, None, trace)
    };
    let traces = traces.into_iter().zip(0..).map(one).collect();
    TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
}

fn trace(packets: impl Iterator<Item = (u64, i32)>) -> Trace {
    let (times, sizes) = packets.unzip();
    Trace::new(times, sizes).unwrap()
}

/// Files of extreme traces, each by its name.
fn files(folder: &Folder) -> [&'static str; 5] {
    let usecs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/usecs.csv");
    folder.write("usecs.csv", std::fs::read(usecs).unwrap());
    let ordinary = || trace((0..40).map(|i| (i * 50_000_000, if i % 4 == 0 { 600 } else { -1400 })));
    let write = |name: &str, traces: Vec<Trace>| write_traces(&folder.path(name), &set(traces)).unwrap();
    write("one.parquet", vec![trace([(0, 600)].into_iter()), trace([(0, -600)].into_iter())]);
    let largest = |sign: i32| {
        trace((0..6).map(move |i| (i * 1_000_000_000, if i % 2 == 0 { sign * i32::MAX } else { -sign * i32::MAX })))
    };
    write("sizes.parquet", vec![largest(1), largest(-1), ordinary(), ordinary()]);
    let many = || trace((0..1_000_000).map(|i| (i * 20_000, if i % 5 == 0 { 600 } else { -1400 })));
    write("many.parquet", vec![many(), ordinary()]);
    let at_once = || trace((0..2_000).map(|i| (0, if i % 5 == 0 { 600 } else { -1400 })));
    write("at-once.parquet", vec![at_once(), at_once(), ordinary(), ordinary()]);
    ["usecs.csv", "one.parquet", "sizes.parquet", "many.parquet", "at-once.parquet"]
}

/// Runs the program within the limits; what is wrong with how it ended.
fn run(folder: &Folder, arguments: &str) -> Option<String> {
    let (memory, seconds) = LIMITS;
    let program = env!("CARGO_BIN_EXE_wfkit");
    let command = format!("ulimit -v {memory}; exec timeout {seconds} '{program}' {arguments} --quiet");
    let started = Instant::now();
    let output = Command::new("sh").args(["-c", &command]).current_dir(folder.path("")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let ended = match output.status.code() {
        Some(0) => None,
        // Said, and nothing about memory that was not there.
        Some(1) if told.contains("error: ") && !told.contains("allocation") && !told.contains("panicked") => None,
        code => Some(format!("ended with {code:?}")),
    };
    let too_large = told.contains("limit") && !(told.contains("class ") && told.contains("--most-packets"));
    let wrong = ended.or_else(|| too_large.then(|| "does not name the trace and what to do".to_owned()))?;
    Some(format!("{arguments}: {wrong} after {:.0} s: {told}", started.elapsed().as_secs_f64()))
}

#[test]
fn every_defence_ends_on_extreme_traces() {
    let folder = Folder::new();
    let mut wrong = Vec::new();
    for file in files(&folder) {
        for defence in list() {
            let fit = if defence.needs.classes { "--fit-on self" } else { "" };
            let name = defence.name;
            wrong.extend(run(
                &folder,
                &format!("defend {file} --defence {name} {fit} --attack totals --draws-train 1 --out d.parquet"),
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of them: {wrong:#?}", wrong.len());
}

#[test]
fn other_commands_end_on_extreme_traces() {
    let folder = Folder::new();
    let mut wrong = Vec::new();
    for file in files(&folder) {
        for defence in ["netflow", "front", "tamaraw:cell", "jitter:uniform,delays=inferred", "palette"] {
            wrong.extend(run(&folder, &format!("defend lint {defence} {file}")));
            if defence != "palette" {
                wrong.extend(run(&folder, &format!("defend cost {file} --draws 2 --defence {defence}")));
            }
        }
        wrong.extend(run(&folder, &format!("sweep {file} --defence netflow --defence tamaraw:cell --attack totals --folds 2 --draws 1 --out results")));
        wrong.extend(run(&folder, &format!("sessions make {file} --pages 1..2 --out sessions.parquet")));
    }
    assert!(wrong.is_empty(), "{} of them: {wrong:#?}", wrong.len());
}
