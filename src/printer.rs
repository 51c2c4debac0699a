//! The only place that prints: results to standard output, messages and progress to standard error.

use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::time::Duration;

use comfy_table::{ContentArrangement, LineStyle, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terminal_size::{Width, terminal_size_of};
use wfkit_metrics::{ReportRow, StageReport};
use wfkit_report::answer::Answer;

use crate::cli::{Format, Global};

/// Prints as the user asked for it.
pub(crate) struct Printer {
    format: Format,
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(global: &Global) -> Self {
        Self { format: global.format, quiet: global.quiet }
    }

    /// A stage report: one JSON document, or what of it most people want to know in a table, and where the rest is.
    pub(crate) fn report(&self, report: &StageReport, written: Option<&Path>) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return self.document(report);
        }
        let rows = report.rows();
        let all = rows.len();
        let mut table = table(["", "", &report.stage]);
        let mut previous = String::new();
        for ReportRow { section, name, value } in rows.into_iter().filter(|row| !is_detail(&row.name)) {
            let shown = if section == previous { String::new() } else { section.clone() };
            previous = section;
            table.add_row([shown, name, value]);
        }
        let left = all - table.row_count();
        self.text(&table.to_string())?;
        match written {
            _ if left == 0 => Ok(()),
            Some(path) => self.text(&format!("{left} lines more are in {}", path.display())),
            None => self.text(&format!("{left} lines more with --format json")),
        }
    }

    /// The answer of a stage, without what its report says beside it; the report where a JSON document is asked for.
    pub(crate) fn answer(&self, answer: &Answer, report: &StageReport, written: Option<&Path>) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return self.document(report);
        }
        answer.text().iter().try_for_each(|line| self.text(line))?;
        match written {
            Some(path) => self.text(&format!("All of it: --full, or {}", path.display())),
            None => self.text("All of it: --full, or --format json"),
        }
    }

    /// One JSON document.
    pub(crate) fn document<T: serde::Serialize>(&self, document: &T) -> anyhow::Result<()> {
        self.text(&serde_json::to_string_pretty(document)?)
    }

    /// A table of `rows` under `header`; nothing under `--format json`, where the document says it all.
    pub(crate) fn table<const N: usize>(&self, header: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return Ok(());
        }
        let mut table = table(header);
        for row in rows {
            table.add_row(row);
        }
        self.text(&table.to_string())
    }

    /// A line of text among tables; nothing under `--format json`.
    pub(crate) fn line(&self, line: &str) -> anyhow::Result<()> {
        match self.format {
            Format::Json => Ok(()),
            Format::Text => self.text(line),
        }
    }

    fn text(&self, text: &str) -> anyhow::Result<()> {
        // Not `println!`, which panics when the reader has gone, as in `wfkit run | head`.
        match writeln!(std::io::stdout(), "{text}") {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            done => Ok(done?),
        }
    }

    /// A message for whoever watches.
    pub(crate) fn note(&self, message: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{message}");
        }
    }

    /// Whether one JSON document is asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// What ended the command.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let _ = writeln!(std::io::stderr(), "error: {}", said_once(error));
    }

    /// Something that went wrong without ending the command: said even under `--quiet`.
    pub(crate) fn warn(&self, message: &str) {
        let _ = writeln!(std::io::stderr(), "warning: {message}");
    }

    /// A progress bar of `total` steps; invisible under `--quiet` and where standard error is no terminal.
    pub(crate) fn progress(&self, what: &str, total: u64) -> ProgressBar {
        let visible = !self.quiet && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg:>12} {bar:32} {pos}/{len} {elapsed} (left: {eta})")
            .expect("the template is well formed");
        let bar = ProgressBar::with_draw_target(Some(total), target).with_style(style).with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// As [`progress`](Self::progress), without a known end.
    pub(crate) fn counter(&self, what: &str) -> ProgressBar {
        let bar = self.progress(what, 0);
        let style = ProgressStyle::with_template("{msg:>12} {pos} packets {elapsed}");
        bar.with_style(style.expect("the template is well formed"))
    }
}

/// What only some readers of a report look for.
const DETAILS: [&str; 22] = [
    "attacks.",
    "cost.",
    "drift.",
    "expected_calibration_error",
    "explanation.",
    "folds.",
    "inputs.",
    "intervals_95.macro_f1",
    "intervals_95.resamples",
    "intervals_95.widened_by",
    "leakage.",
    "macro_precision",
    "matrix.",
    "macro_recall",
    "most_confused",
    "packets.",
    "per_class",
    "reliability",
    "roc_auc_macro_ovo",
    "roc_auc_weighted",
    "shortcuts.",
    "volumes.",
];

/// What of [`DETAILS`] everybody should see.
const NEVERTHELESS: [&str; 8] = [
    "leakage.asymptotic_lower_bound.told",
    "leakage.bayes_error.by",
    "leakage.bayes_error.estimate",
    "leakage.bayes_error.interval_95",
    "leakage.caution",
    "leakage.information.at_least_bits_by_cross_entropy",
    "leakage.information.at_least_bits_by_error",
    "shortcuts.warning",
];

fn is_detail(name: &str) -> bool {
    let is_one = DETAILS.iter().any(|detail| name.starts_with(detail) || name == detail.trim_end_matches('.'));
    is_one && !NEVERTHELESS.contains(&name)
}

/// Columns of a table where standard output is no terminal, and `COLUMNS` does not say.
const COLUMNS: u16 = 132;

/// Columns of a table: those of the terminal; without one, those that `COLUMNS` says.
fn columns() -> u16 {
    let said = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| (40..=1000).contains(columns));
    match terminal_size_of(std::io::stdout()) {
        Some((Width(columns), _)) => columns,
        None => said().unwrap_or(COLUMNS),
    }
}

/// A table with lines around its header only, as wide as the terminal at most.
fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(columns())
        .set_header(header);
    table
}

/// The error and what caused it, without the causes that it tells itself.
pub(crate) fn said_once(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| {
        if said.is_empty() {
            cause
        } else if said.contains(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    })
}

/// A score between 0 and 1 with four decimals, or a dash.
pub(crate) fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

/// A share as a percentage with one decimal.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
