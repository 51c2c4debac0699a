//! `wfkit capture info`: what is in capture files.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Serialize;
use wfkit_capture::{CaptureInfo, capture_info};

use crate::context::Context;

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
    let bar = context.printer.progress("reading", paths.len() as u64);
    let look = |path: &PathBuf| {
        let file = look(path);
        bar.inc(1);
        file
    };
    let files: Vec<File> = paths.iter().map(look).collect();
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
            let tool = concat!("wfkit ", env!("CARGO_PKG_VERSION"));
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

/// Several files, one line each, then all of them, then what is wrong with which.
fn print_all(files: &[File], totals: &Totals, context: &Context<'_>) -> Result<()> {
    let row = |file: &File| match &file.info {
        Some(info) => [
            file.file.clone(),
            info.format.clone(),
            links(info),
            info.snap_len.clone(),
            grouped(info.packets),
            grouped(info.bytes),
            seconds(info),
            grouped(info.cut_packets),
            grouped(info.flows),
            info.client_rule.clone(),
            format!("{} of {}", info.tls_handshakes, info.tls_connections),
            trace(info),
        ],
        None => {
            let mut row: [String; 12] = std::array::from_fn(|_| "-".to_owned());
            row[0].clone_from(&file.file);
            row[11] = "cannot be read".to_owned();
            row
        }
    };
    let mut rows: Vec<[String; 12]> = files.iter().map(row).collect();
    let mut sum: [String; 12] = Default::default();
    sum[0] = format!("{} files", grouped(totals.files));
    sum[4] = grouped(totals.packets);
    sum[5] = grouped(totals.bytes);
    sum[7] = grouped(totals.cut_packets);
    sum[8] = grouped(totals.flows);
    sum[10] = format!("{} of {}", totals.tls_handshakes, totals.tls_connections);
    sum[11] = format!("none: {}", grouped(totals.without_trace + totals.unreadable));
    rows.push(sum);
    let header = [
        "file",
        "format",
        "link types",
        "snap length",
        "packets",
        "bytes",
        "span",
        "cut",
        "flows",
        "client by",
        "TLS handshakes",
        "trace (raw)",
    ];
    context.printer.table(header, &rows)?;

    let said = |file: &File| -> Vec<[String; 2]> {
        let Some(info) = &file.info else {
            let error = file.error.clone().unwrap_or_default();
            return vec![[file.file.clone(), error]];
        };
        let warnings = info.warnings.iter().map(|(kind, n)| format!("{} x {kind}", grouped(*n)));
        let all = info.problems.iter().cloned().chain(warnings);
        all.map(|problem| [file.file.clone(), problem]).collect()
    };
    let problems: Vec<[String; 2]> = files.iter().flat_map(said).collect();
    if problems.is_empty() { Ok(()) } else { context.printer.table(["file", "problem"], &problems) }
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
