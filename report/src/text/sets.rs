//! Sets of traces: what is in them, what they look like, whether they can be trusted; and the field's public ones.

use wfkit_datasets::{ClassInfo, LabelledTrace, Layer, PUBLIC_SETS, PublicSet, Trace, TraceSet};
use wfkit_evaluate::{AUDIT_TREES, SetAudit, ShortcutKind, Standing};
use wfkit_metrics::{Interval, StageReport};

use super::{Entry, Text};
use crate::words::{NARROW, abbreviated, percent, sparkline, wrapped};

/// What a set is, in a few lines.
pub fn set(set: &TraceSet, classes: &[ClassInfo], report: &StageReport) -> Text {
    let mut text = Text::new();
    let n = |name: &str| report.counts.get(name).copied().unwrap_or_default();
    let sizes = || classes.iter().map(|class| class.traces);
    let (fewest, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
    let each = match fewest == most {
        true => format!("{fewest} each"),
        false => format!(
            "{fewest} to {most} each, {:.1} times as many in the largest as in the smallest",
            most as f64 / fewest as f64
        ),
    };
    text.line(format!("{} traces of {} classes ({each}), {} packets", n("traces"), n("classes"), n("packets")));
    let of_none = match n("traces without session") {
        0 => String::new(),
        without => format!(", {without} traces in none"),
    };
    let layer = match set.provenance().layer {
        Layer::Frame => "link-layer frames",
        Layer::Ip => "IP packets",
        Layer::Tcp => "TCP payloads",
        Layer::Tls => "TLS records",
        Layer::Cell => "Tor cells",
        Layer::Udp => "UDP payloads",
        Layer::Unknown => "not said of what",
    };
    text.line(format!("sizes: {layer}; {} sessions{of_none}", n("sessions")));
    if n("traces with a twin of the same packets") == 0 {
        text.line("no two traces have the same packets".to_owned());
    }
    for (name, what) in [
        ("traces with a twin of the same packets", "have the packets of another trace"),
        ("traces without incoming packet", "have no incoming packet"),
        ("traces without outgoing packet", "have no outgoing packet"),
        ("traces without start", "do not say when they start"),
    ] {
        if n(name) > 0 {
            text.line(format!("{} traces {what}", n(name)));
        }
    }
    for (reason, dropped) in &report.dropped {
        text.line(format!("left out by reading: {dropped} x {reason}"));
    }
    let privacy = &report.privacy;
    let attacked = match (privacy.accuracy, &privacy.reason) {
        (Some(accuracy), _) => Some(format!(
            "volume alone (the attack `{}`) tells the class of {} of the traces; all of the report: --full",
            privacy.attack,
            percent(accuracy)
        )),
        (None, Some(reason)) => Some(format!("no attack: {reason}")),
        (None, None) => None,
    };
    text.lines(attacked);
    text
}

/// The first `shown` classes, one a row.
pub fn classes(classes: &[ClassInfo], shown: usize) -> Text {
    let row = |class: &ClassInfo| {
        let bytes = |bytes: f64| format!("{:.1}", bytes / 1e3);
        let ClassInfo { traces, sessions, packets, in_bytes, out_bytes, seconds, .. } = *class;
        [
            abbreviated(&class.class, 24),
            traces.to_string(),
            sessions.to_string(),
            format!("{packets:.0}"),
            bytes(in_bytes),
            bytes(out_bytes),
            format!("{seconds:.2}"),
        ]
    };
    let mut text = Text::new();
    let header = ["class", "traces", "sessions", "packets", "kB in", "kB out", "seconds"];
    text.table(header, classes.iter().take(shown).map(row));
    let medians = "Packets, kB and seconds are medians over the traces of a class.";
    text.line(match classes.len().saturating_sub(shown) {
        0 => medians.to_owned(),
        more => format!("{medians} {more} classes more: --full"),
    });
    text
}

/// What becomes of a set that can be read and has so many doubts.
pub fn validated(doubts: usize) -> String {
    match doubts {
        0 => "verdict: nothing is wrong, and nothing suspicious".to_owned(),
        1 => "verdict: readable; one thing is suspicious and named above".to_owned(),
        doubts => format!("verdict: readable; {doubts} things are suspicious and named above"),
    }
}

/// Columns of a drawing, so that it fits 80 with what stands before it.
const COLUMNS: usize = 60;

/// Traces drawn as bytes over time: of each class, or of each of these, `each` at most, and `most` in all.
pub fn drawn(set: &TraceSet, names: Option<&[String]>, (each, most): (usize, usize)) -> Text {
    let map = set.classes();
    let mut of_class = vec![0; map.len()];
    let is_wanted = |labelled: &&LabelledTrace| {
        let class = map.index_of(&labelled.key.class).expect("the classes are those of the set");
        let is_named = names.is_none_or(|names| names.contains(&labelled.key.class));
        of_class[class] += 1;
        is_named && of_class[class] <= each
    };
    let all: Vec<&LabelledTrace> = set.traces().iter().filter(is_wanted).collect();
    let shown = &all[..all.len().min(most)];
    let longest_ns = shown.iter().map(|labelled| labelled.trace.duration_ns()).max().unwrap_or(0);
    let mut text = Text::new();
    for labelled in shown {
        let trace = &labelled.trace;
        text.line(format!(
            "{}: {} packets, {:.1} kB in, {:.1} kB out, {:.2} s",
            abbreviated(&labelled.key.to_string(), 40),
            trace.len(),
            trace.in_bytes() as f64 / 1e3,
            trace.out_bytes() as f64 / 1e3,
            trace.duration_ns() as f64 / 1e9
        ));
        text.line(format!("  in  {}", sparkline(&bytes_over_time(trace, longest_ns, |size| size < 0))));
        text.line(format!("  out {}", sparkline(&bytes_over_time(trace, longest_ns, |size| size > 0))));
    }
    text.line(format!(
        "Bytes over time, {:.0} ms a column; the height is a share of the row's largest column. {}As a picture: wfkit plot waterfall, cumulative.",
        longest_ns as f64 / 1e6 / COLUMNS as f64,
        match all.len() - shown.len() {
            0 => String::new(),
            more => format!("{more} traces more: --most. "),
        }
    ));
    text
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

/// What an audit of so many traces found, by so many folds: its verdict, and what alone tells the class.
pub fn audited(audit: &SetAudit, verdict: &str, traces: usize, folds: usize) -> Text {
    let mut text = Text::new();
    text.lines(wrapped(verdict, NARROW));
    text.table(["what alone is known", "accuracy", "95 %", "beside chance, attack"], rows(audit));
    text.line(format!(
        "{traces} traces, {folds} stratified folds, forests of {AUDIT_TREES} trees; more with --format json"
    ));
    text
}

fn rows(audit: &SetAudit) -> Vec<[String; 4]> {
    let share = |share: f64| format!("{share:.3}");
    let span = |interval: Interval| format!("{:.3} to {:.3}", interval.low, interval.high);
    let dash = || "-".to_owned();
    let mut rows: Vec<[String; 4]> = Vec::new();
    if let Ok((found, beside)) = &audit.measured {
        let attacked = beside.accuracy.map(|(accuracy, interval)| (share(accuracy), span(interval)));
        let (accuracy, interval) = attacked.unwrap_or((dash(), dash()));
        rows.push([beside.attack.clone(), accuracy, interval, "the attack".to_owned()]);
        rows.push(["nothing".to_owned(), share(beside.chance), dash(), "chance".to_owned()]);
        for (about, heading) in
            [(ShortcutKind::Recording, "of the recording"), (ShortcutKind::Traffic, "of the traffic")]
        {
            rows.push([heading.to_owned(), String::new(), String::new(), String::new()]);
            rows.extend(found.iter().filter(|one| one.about == about).map(|one| {
                let name = format!("  {}", one.name);
                match &one.found {
                    Ok((found, standing)) => {
                        let loud = if one.is_recording_at(Standing::AboveChance) { "! " } else { "" };
                        [name, share(found.accuracy), span(found.interval), format!("{loud}{}", standing.in_words())]
                    }
                    Err(reason) => [name, dash(), dash(), (*reason).to_owned()],
                }
            }));
        }
    }
    rows.push(["of all traces".to_owned(), "share".to_owned(), String::new(), String::new()]);
    for (name, n, of_all, interval) in audit.twins.shares() {
        rows.push([format!("  {name}"), share(of_all), span(interval), format!("{n} of {}", audit.twins.traces)]);
    }
    rows
}

/// The field's public sets in a few words each.
pub fn public_sets() -> Text {
    let entry = |set: &PublicSet| Entry {
        name: set.name.to_owned(),
        said: vec![("what", set.what.to_owned()), ("size", size(set)), ("shows", set.shows.to_owned())],
    };
    let mut text = Text::new();
    text.entries(PUBLIC_SETS.iter().map(entry));
    text.line("\nwfkit dataset describe NAME: its makers, licence and place, and how it is read.");
    text
}

fn size(set: &PublicSet) -> String {
    match set.closed {
        Some((classes, traces)) => format!("{classes} classes, {traces} traces"),
        None => "see its page".to_owned(),
    }
}

/// All that is known of one of them.
pub fn public_set(set: &PublicSet) -> Text {
    let mut text = Text::new();
    text.line(format!("{}: {}", set.name, set.what));
    for (name, value) in [
        ("Closed world", size(set).as_str()),
        ("A trace shows", set.shows),
        ("Source", set.source),
        ("Licence", set.licence),
        ("Where", set.place),
        ("SHA-256", set.digest.unwrap_or("not known: no copy was at hand")),
        ("Read as", set.format.unwrap_or("what its content says")),
        ("Note", set.note),
    ] {
        if !value.is_empty() {
            text.line(format!("{name}: {value}"));
        }
    }
    text.line(match set.is_captures() {
        true => "Next: wfkit capture import PATH --out traces.parquet".to_owned(),
        false => format!("Next: wfkit dataset import {} PATH --out {}.parquet", set.name, set.name),
    });
    text
}
