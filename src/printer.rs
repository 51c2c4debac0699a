//! The only place that prints: results to standard output, messages and progress to standard error.

mod log_lines;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, Width, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terminal_size::terminal_size_of;
use wfkit_metrics::{ReportRow, StageReport};
use wfkit_report::answer::Answer;

use self::log_lines::LogLines;
use crate::cli::{Format, Global};

/// Prints as the user asked for it.
pub(crate) struct Printer {
    format: Format,
    quiet: bool,
    /// Nobody reads the results.
    is_mute: bool,
    /// How often each warning was given.
    warnings: Mutex<BTreeMap<String, u64>>,
}

impl Printer {
    pub(crate) fn new(global: &Global) -> Self {
        Self { format: global.format, quiet: global.quiet, is_mute: false, warnings: Mutex::default() }
    }

    /// One that shows how far things are, as `like`, and no results.
    pub(crate) fn of_nobody(like: &Self) -> Self {
        Self { format: Format::Text, quiet: like.quiet, is_mute: true, warnings: Mutex::default() }
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
        for ReportRow { section, name, value } in rows.into_iter().filter(|row| !is_detail(row)) {
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
        // What a row is about is a name, which is not broken unless it is long.
        let names = rows.iter().flat_map(|row| row[0].lines()).chain(header.first().copied());
        let longest = names.map(|name| name.chars().count()).max().unwrap_or(0) as u16;
        if let Some(first) = table.column_mut(0).filter(|_| N > 1 && longest <= LONGEST_NAME) {
            first.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(longest + PADDING)));
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
        if self.is_mute {
            return Ok(());
        }
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

    /// Something that went wrong without ending the command: said even under `--quiet`, and once, however often it happens.
    pub(crate) fn warn(&self, message: &str) {
        let mut warnings = self.warnings.lock().expect("nobody panics while holding it");
        let times = warnings.entry(message.to_owned()).or_default();
        *times += 1;
        if *times == 1 {
            let _ = writeln!(std::io::stderr(), "warning: {message}");
        }
    }

    /// Tells of warnings that were given more than once.
    pub(crate) fn end(&self) {
        for (message, times) in self.warnings.lock().expect("nobody panics while holding it").iter() {
            if *times > 1 {
                let _ = writeln!(std::io::stderr(), "warning, {times} times: {message}");
            }
        }
    }

    /// A progress bar of `total` steps, with their rate and the time left; a line now and then where standard error is no terminal; nothing
    /// under `--quiet`.
    pub(crate) fn progress(&self, what: &str, total: u64) -> ProgressBar {
        self.bar(
            what,
            total,
            "{msg:>12} {bar:32} {pos}/{len} {per_sec} {elapsed} (left: {eta})",
            "{msg}: {pos}/{len}, {per_sec}, {elapsed} (left: {eta})",
        )
    }

    /// As [`progress`](Self::progress), without a known end.
    pub(crate) fn counter(&self, what: &str) -> ProgressBar {
        self.bar(what, 0, "{msg:>12} {pos} packets {per_sec} {elapsed}", "{msg}: {pos} packets, {per_sec}, {elapsed}")
    }

    /// That something is under way whose steps are not known; it ends with what is returned.
    pub(crate) fn working(&self, what: &str) -> Working {
        Working(self.bar(what, 0, "{msg:>12} {spinner} {elapsed}", "{msg}: {elapsed}"))
    }

    fn bar(&self, what: &str, total: u64, on_terminals: &str, in_logs: &str) -> ProgressBar {
        let (target, template) = match () {
            () if self.quiet => (ProgressDrawTarget::hidden(), on_terminals),
            () if std::io::stderr().is_terminal() => (ProgressDrawTarget::stderr(), on_terminals),
            () => (ProgressDrawTarget::term_like_with_hz(Box::new(LogLines::new()), 1), in_logs),
        };
        let style = ProgressStyle::with_template(template).expect("the template is well formed");
        let bar = ProgressBar::with_draw_target(Some(total), target).with_style(style).with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// Shown until it is dropped.
pub(crate) struct Working(ProgressBar);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What ended the program.
pub(crate) fn tell(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "error: {}", said_once(error));
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

fn is_detail(ReportRow { section, name, .. }: &ReportRow) -> bool {
    let is_one = DETAILS.iter().any(|detail| name.starts_with(detail) || name == detail.trim_end_matches('.'));
    section == "options" || is_one && !NEVERTHELESS.contains(&name.as_str())
}

/// Names that are not broken into lines have at most so many letters.
const LONGEST_NAME: u16 = 30;

/// Blanks on both sides of what stands in a column.
const PADDING: u16 = 2;

/// Columns of a table where standard output is no terminal, and `COLUMNS` does not say.
const COLUMNS: u16 = 132;

/// Columns of a table: those of the terminal; without one, those that `COLUMNS` says.
fn columns() -> u16 {
    let said = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| (40..=1000).contains(columns));
    match terminal_size_of(std::io::stdout()) {
        Some((terminal_size::Width(columns), _)) => columns,
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
