//! `wfkit capture info`: what is in capture files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use wfkit_capture::{CaptureInfo, capture_info, captures_in};
use wfkit_report::words::abbreviated;

use crate::context::Context;

/// Characters of a path in a table, so that a file has one line in 80 columns.
const LONGEST_NAME: usize = 29;

/// What one file holds, or why it cannot be read.
#[derive(Serialize)]
struct File {
    file: String,
    #[serde(flatten)]
    info: Option<CaptureInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What all files hold together.
#[derive(Default, Serialize)]
struct Totals {
    files: u64,
    unreadable: u64,
    without_trace: u64,
    packets: u64,
    bytes: u64,
    cut_packets: u64,
    flows: u64,
    tls_connections: u64,
    tls_handshakes: u64,
}

#[derive(Serialize)]
struct Document {
    stage: &'static str,
    tool: &'static str,
    files: Vec<File>,
    totals: Totals,
}

/// One bad file does not keep the others from being told about.
pub(super) fn run(paths: &[PathBuf], context: &Context<'_>) -> Result<()> {
    let found = files_of(paths)?;
    let bar = context.printer.progress("reading", found.len() as u64);
    let look = |(path, problem): (PathBuf, Option<String>)| {
        let file = match problem {
            Some(_) => File { file: path.display().to_string(), info: None, error: problem },
            None => look(&path),
        };
        bar.inc(1);
        file
    };
    let files: Vec<File> = found.into_iter().map(look).collect();
    bar.finish_and_clear();
    for File { file, error, .. } in &files {
        if let Some(error) = error {
            context.printer.warn(&format!("{file}: {error}"));
        }
    }
    let totals = totals(&files);
    let (unreadable, all) = (totals.unreadable, totals.files);
    match files.as_slice() {
        _ if context.printer.is_json() => {
            let tool = crate::TOOL;
            context.printer.document(&Document { stage: "capture info", tool, files, totals })?;
        }
        [File { file, info, .. }] => {
            if let Some(info) = info {
                print_one(file, info, context)?;
            }
        }
        files => print_all(files, &totals, context)?,
    }
    if unreadable > 0 {
        bail!("{unreadable} of {all} capture files cannot be read");
    }
    Ok(())
}

/// The files that were given, and those in folders that were given; where one cannot be read it is said already.
fn files_of(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Option<String>)>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push((path.clone(), None));
            continue;
        }
        let found = captures_in(path).with_context(|| format!("{}: cannot read", path.display()))?;
        if found.captures.is_empty() && found.unreadable.is_empty() {
            bail!("{}: there is no capture in this folder", path.display());
        }
        files.extend(found.captures.into_iter().map(|path| (path, None)));
        files.extend(found.unreadable.into_iter().map(|(path, problem)| (path, Some(problem))));
    }
    Ok(files)
}

fn look(path: &Path) -> File {
    let (info, error) = match capture_info(path) {
        Ok(info) => (Some(info), None),
        Err(error) => (None, Some(error.to_string())),
    };
    File { file: path.display().to_string(), info, error }
}

fn totals(files: &[File]) -> Totals {
    let mut totals = Totals { files: files.len() as u64, ..Totals::default() };
    for file in files {
        let Some(info) = &file.info else {
            totals.unreadable += 1;
            continue;
        };
        totals.without_trace += u64::from(info.trace_packets == 0);
        totals.packets += info.packets;
        totals.bytes += info.bytes;
        totals.cut_packets += info.cut_packets;
        totals.flows += info.flows;
        totals.tls_connections += info.tls_connections;
        totals.tls_handshakes += info.tls_handshakes;
    }
    totals
}

/// One file, one line a fact.
fn print_one(file: &str, info: &CaptureInfo, context: &Context<'_>) -> Result<()> {
    let mut rows = vec![
        ["format".to_owned(), info.format.clone()],
        ["link types".to_owned(), links(info)],
        ["snap length".to_owned(), info.snap_len.clone()],
        ["packets".to_owned(), grouped(info.packets)],
        ["cut by the snap length".to_owned(), grouped(info.cut_packets)],
        ["bytes on the wire".to_owned(), grouped(info.bytes)],
        ["bytes in the file".to_owned(), grouped(info.captured_bytes)],
        ["span".to_owned(), seconds(info)],
        ["TCP segments".to_owned(), grouped(info.tcp_segments)],
        ["TCP flows".to_owned(), grouped(info.flows)],
        ["client told by".to_owned(), info.client_rule.clone()],
        ["TLS connections".to_owned(), grouped(info.tls_connections)],
        ["TLS handshakes seen".to_owned(), grouped(info.tls_handshakes)],
        ["trace, before reassembly".to_owned(), trace(info)],
    ];
    rows.extend(info.left_out.iter().map(|(reason, n)| [format!("not in it: {reason}"), grouped(*n)]));
    rows.extend(info.warnings.iter().map(|(kind, n)| [format!("warning: {kind}"), grouped(*n)]));
    rows.extend(info.problems.iter().map(|problem| ["problem".to_owned(), problem.clone()]));
    context.printer.table(["", file], &rows)
}

/// Several files: all of them together, one line each, then what is wrong with which.
fn print_all(files: &[File], totals: &Totals, context: &Context<'_>) -> Result<()> {
    let without = totals.without_trace;
    context.printer.line(&format!(
        "{} files, {} packets, {} bytes, {} flows; {} of {} TLS connections show their handshake; {}",
        grouped(totals.files),
        grouped(totals.packets),
        grouped(totals.bytes),
        grouped(totals.flows),
        grouped(totals.tls_handshakes),
        grouped(totals.tls_connections),
        match (without, totals.unreadable) {
            (0, 0) => "each gives a trace".to_owned(),
            (without, 0) => format!("{} give no trace", grouped(without)),
            (without, unreadable) => {
                format!("{} give no trace, {} cannot be read", grouped(without), grouped(unreadable))
            }
        }
    ))?;
    let infos = || files.iter().filter_map(|file| file.info.as_ref());
    for (what, value) in [
        ("format", counted(infos().map(|info| info.format.clone()))),
        ("link types", counted(infos().map(links))),
        ("snap length", counted(infos().map(|info| info.snap_len.clone()))),
        ("client told by", counted(infos().map(|info| info.client_rule.clone()))),
    ] {
        context.printer.line(&format!("{what}: {value}"))?;
    }
    let row = |file: &File| match &file.info {
        Some(info) => [
            abbreviated(&file.file, LONGEST_NAME),
            grouped(info.packets),
            grouped(info.bytes),
            format!("{:.2}", info.span_ns as f64 / 1e9),
            grouped(info.cut_packets),
            match info.no_trace.as_str() {
                "" => grouped(info.trace_packets),
                _ => "none".to_owned(),
            },
        ],
        None => {
            let mut row: [String; 6] = std::array::from_fn(|_| "-".to_owned());
            row[0] = abbreviated(&file.file, LONGEST_NAME);
            row[5] = "unreadable".to_owned();
            row
        }
    };
    let rows: Vec<[String; 6]> = files.iter().map(row).collect();
    context.printer.table(["file", "packets", "bytes", "seconds", "cut", "in trace"], &rows)?;

    let said = |file: &File| -> Vec<[String; 2]> {
        let Some(info) = &file.info else {
            let error = file.error.clone().unwrap_or_default();
            return vec![[abbreviated(&file.file, LONGEST_NAME), error]];
        };
        let no_trace = (!info.no_trace.is_empty()).then(|| format!("no trace: {}", info.no_trace));
        let warnings = info.warnings.iter().map(|(kind, n)| format!("{} x {kind}", grouped(*n)));
        let all = no_trace.into_iter().chain(info.problems.iter().cloned()).chain(warnings);
        all.map(|problem| [abbreviated(&file.file, LONGEST_NAME), problem]).collect()
    };
    let problems: Vec<[String; 2]> = files.iter().flat_map(said).collect();
    if problems.is_empty() { Ok(()) } else { context.printer.table(["file", "problem"], &problems) }
}

/// What all have; or how many have what, the most frequent first.
fn counted(values: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    match counts.as_slice() {
        [] => "-".to_owned(),
        [(value, _)] => value.clone(),
        several => several.iter().map(|(value, n)| format!("{value} ({})", grouped(*n))).collect::<Vec<_>>().join("; "),
    }
}

fn links(info: &CaptureInfo) -> String {
    let all = info.link_types.iter();
    match info.link_types.len() {
        0 => "-".to_owned(),
        1 => all.map(|(link, _)| link.clone()).collect(),
        _ => all.map(|(link, n)| format!("{link}: {}", grouped(*n))).collect::<Vec<_>>().join(", "),
    }
}

fn seconds(info: &CaptureInfo) -> String {
    format!("{:.3} s", info.span_ns as f64 / 1e9)
}

fn trace(info: &CaptureInfo) -> String {
    match info.no_trace.as_str() {
        "" => format!("{} packets", grouped(info.trace_packets)),
        why => format!("none: {why}"),
    }
}

/// With commas between thousands.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).expect("digits")).collect();
    parts.join(",")
}
