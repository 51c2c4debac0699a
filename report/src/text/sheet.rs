//! The score sheet: every number of an evaluation in one file, with its interval, its n and its split.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use wfkit_evaluate::Measured;
use wfkit_metrics::{Interval, Scores, StageReport};

use super::matrix;
use super::sections::section;

/// What a sheet is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetForm {
    /// One document.
    Json,
    /// Tables to paste.
    Markdown,
}

impl SheetForm {
    /// By the ending of a file; none for another.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") => Some(Self::Json),
            Some("md") => Some(Self::Markdown),
            _ => None,
        }
    }
}

/// One attack on the sheet.
fn line(measured: &Measured, split: &str) -> Value {
    let Scores { intervals_95, .. } = &measured.scores;
    let interval = |of: &dyn Fn(&wfkit_metrics::Intervals) -> Option<Interval>| intervals_95.as_ref().and_then(of);
    let scores = &measured.scores;
    let without = intervals_95.as_ref().and_then(|all| all.reason.as_deref());
    let reason = scores.reason.as_deref().or(without).unwrap_or("no interval is computed where it is null");
    // Resampling would move the calibration error up, so it gets no percentiles.
    let worth = intervals_95.as_ref().and_then(|all| all.effective_traces).unwrap_or(scores.traces as f64);
    let share =
        |value: Option<f64>| value.map(|value| Interval::of_share(value, worth / measured.widened_by().powi(2)));
    let worst_recall = scores.worst_class.as_ref().map(|worst| worst.recall);
    let number = |value: Option<f64>, interval_95: Option<Interval>| json!({ "value": value, "interval_95": interval_95, "n": scores.traces, "origins": scores.origins, "split": split, "reason": reason });
    json!({
        "attack": measured.attack,
        "accuracy": number(scores.accuracy, interval(&|all| Some(all.accuracy))),
        "top_5_accuracy": number(scores.top_5_accuracy, share(scores.top_5_accuracy)),
        "macro_f1": number(scores.macro_f1, interval(&|all| all.macro_f1)),
        "worst_class_recall": number(worst_recall, interval(&|all| all.worst_class_recall)),
        "roc_auc_macro_ovr": number(scores.roc_auc_macro_ovr, interval(&|all| all.roc_auc_macro_ovr)),
        "log_loss": number(scores.log_loss, interval(&|all| all.log_loss)),
        "expected_calibration_error": number(scores.expected_calibration_error, None),
        "intervals_clustered_by": intervals_95.as_ref().and_then(|all| all.clustered_by.as_deref()).unwrap_or("trace"),
    })
}

/// What guessing the commonest class scores, and the shares of the classes as probabilities.
fn chance(measured: &Measured, split: &str) -> Value {
    let scores = &measured.scores;
    let share = |traces: u64| traces as f64 / scores.traces.max(1) as f64;
    let entropy: f64 = scores.per_class.iter().map(|class| share(class.traces)).map(|p| -p * p.ln()).sum();
    let number = |value: Option<f64>| json!({ "value": value, "interval_95": null, "n": scores.traces, "origins": scores.origins, "split": split, "reason": "chance is computed, not measured" });
    json!({
        "attack": "chance",
        "accuracy": number(scores.chance_accuracy),
        "roc_auc_macro_ovr": number(scores.accuracy.map(|_| 0.5)),
        "log_loss": number(scores.accuracy.map(|_| entropy)),
    })
}

/// The sheet of attacks on one split, the first of them the one that the report is about; nothing but the parts of the report where there is none.
pub fn sheet(form: SheetForm, report: &StageReport, attacks: &[&Measured], split: &str) -> String {
    let mut lines: Vec<Value> = attacks.first().map(|first| chance(first, split)).into_iter().collect();
    lines.extend(attacks.iter().rev().map(|measured| line(measured, split)));
    written(form, report, &lines, split)
}

/// As [`sheet`], of what the report has beside the scores of attacks on one split.
pub fn sheet_of_parts(form: SheetForm, report: &StageReport) -> String {
    let split = report.privacy.extras.get("split").and_then(Value::as_str).unwrap_or_default();
    written(form, report, &[], split)
}

fn written(form: SheetForm, report: &StageReport, lines: &[Value], split: &str) -> String {
    match form {
        SheetForm::Json => {
            let sheet = json!({ "tool": report.tool, "seed": report.seed, "options": report.options, "inputs": report.inputs, "split": split,
                                "counts": report.counts, "scores": lines });
            format!("{:#}\n", with_parts(sheet, report))
        }
        SheetForm::Markdown => markdown(report, lines, split),
    }
}

/// What of a report belongs on the sheet, in this order, as far as it was asked for.
const PARTS: [&str; 13] = [
    "benchmark",
    "matrix",
    "attacks",
    "calibration",
    "against",
    "open_world",
    "one_vs_rest",
    "few_shot",
    "early",
    "drift",
    "shortcuts",
    "leakage",
    "reliability",
];

fn parts(report: &StageReport) -> impl Iterator<Item = (&'static str, &Value)> {
    PARTS.into_iter().filter_map(|name| Some((name, report.privacy.extras.get(name)?)))
}

fn with_parts(mut sheet: Value, report: &StageReport) -> Value {
    for (name, part) in parts(report) {
        sheet[name] = part.clone();
    }
    sheet
}

fn markdown(report: &StageReport, lines: &[Value], split: &str) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        let _ = writeln!(text, "{line}"); // Writing to a string does not fail.
    };
    say(format!("# Score sheet\n\n{}, seed {}, {split}.\n", report.tool, report.seed));
    for input in &report.inputs {
        say(format!("- `{}` sha256 {}", input.path, input.sha256));
    }
    let warning = report.privacy.extras.get("shortcuts").and_then(|shortcuts| shortcuts["warning"].as_str());
    if let Some(warning) = warning {
        say(format!("\n**Warning: {warning}.**"));
    }
    let columns = [
        "accuracy",
        "top_5_accuracy",
        "macro_f1",
        "worst_class_recall",
        "roc_auc_macro_ovr",
        "log_loss",
        "expected_calibration_error",
    ];
    if !lines.is_empty() {
        say(format!("\n| attack | traces | origins | {} |", columns.join(" | ")));
        say(format!("|---|---|---|{}", "---|".repeat(columns.len())));
    }
    for line in lines {
        let cells: Vec<String> = columns.iter().map(|column| cell(&line[*column])).collect();
        let name = line["attack"].as_str().unwrap_or_default();
        let accuracy = &line["accuracy"];
        say(format!("| {name} | {} | {} | {} |", accuracy["n"], accuracy["origins"], cells.join(" | ")));
    }
    let clustered = lines.iter().find_map(|line| line["intervals_clustered_by"].as_str()).unwrap_or("trace");
    if !lines.is_empty() {
        say(format!("\nIn brackets: 95 % intervals, resampled by {clustered}."));
    }
    for (name, part) in parts(report) {
        match (name, part) {
            ("matrix", part) => text.push_str(&matrix::markdown(part)),
            _ => text.push_str(&section(name, part)),
        }
    }
    text
}

fn cell(number: &Value) -> String {
    let Some(value) = number["value"].as_f64() else { return "-".to_owned() };
    let interval = &number["interval_95"];
    match (interval["low"].as_f64(), interval["high"].as_f64()) {
        (Some(low), Some(high)) => format!("{value:.4} [{low:.4}, {high:.4}]"),
        _ => format!("{value:.4}"),
    }
}
