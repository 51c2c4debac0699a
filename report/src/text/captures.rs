//! What is in capture files.

use std::collections::BTreeMap;

use wfkit_capture::{CaptureInfo, CaptureSurvey, CaptureTotals, SurveyedFile};

use super::Text;
use crate::words::abbreviated;

/// Characters of a path in a table, so that a file has one line in 80 columns.
const LONGEST_NAME: usize = 29;

/// Of one file all that is known, of several what they have in common and a line each; nothing of one that cannot be read.
pub fn captures(survey: &CaptureSurvey) -> Text {
    match survey.files.as_slice() {
        [SurveyedFile { file, info: Some(info), .. }] => one(file, info),
        [_] => Text::new(),
        files => all(files, &survey.totals),
    }
}

/// One file, one line a fact.
fn one(file: &str, info: &CaptureInfo) -> Text {
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
    let mut text = Text::new();
    text.table(["", file], rows);
    text
}

/// Several files: all of them together, one line each, then what is wrong with which.
fn all(files: &[SurveyedFile], totals: &CaptureTotals) -> Text {
    let mut text = Text::new();
    let without = totals.without_trace;
    text.line(format!(
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
    ));
    let infos = || files.iter().filter_map(|file| file.info.as_ref());
    for (what, value) in [
        ("format", counted(infos().map(|info| info.format.clone()))),
        ("link types", counted(infos().map(links))),
        ("snap length", counted(infos().map(|info| info.snap_len.clone()))),
        ("client told by", counted(infos().map(|info| info.client_rule.clone()))),
    ] {
        text.line(format!("{what}: {value}"));
    }
    let row = |file: &SurveyedFile| match &file.info {
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
    text.table(["file", "packets", "bytes", "seconds", "cut", "in trace"], files.iter().map(row));

    let said = |file: &SurveyedFile| -> Vec<[String; 2]> {
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
    if !problems.is_empty() {
        text.table(["file", "problem"], problems);
    }
    text
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
