//! The only place that prints: results to standard output, messages and progress to standard error.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, Width, presets};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use terminal_size::terminal_size_of;
use wfkit_metrics::{ReportRow, StageReport};
use wfkit_report::answer::Answer;
use wfkit_report::lines::{Block, Entry, Text};
use wfkit_report::words::wrapped;

use crate::log_lines::LogLines;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables.
    Text,
    /// One JSON document: the stage report.
    Json,
}

/// Prints as the user asked for it.
#[derive(Debug)]
pub struct Printer {
    format: Format,
    quiet: bool,
    /// Nobody reads the results.
    is_mute: bool,
    /// How often each warning was given.
    warnings: Mutex<BTreeMap<String, u64>>,
}

impl Printer {
    /// One that prints results so; without messages and progress where it is to be `quiet`.
    pub fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet, is_mute: false, warnings: Mutex::default() }
    }

    /// One that shows how far things are, as `like`, and no results.
    pub fn of_nobody(like: &Self) -> Self {
        Self { format: Format::Text, quiet: like.quiet, is_mute: true, warnings: Mutex::default() }
    }

    /// A stage report: one JSON document, or what of it most people want to know in a table, and where the rest is.
    pub fn report(&self, report: &StageReport, written: Option<&Path>) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return self.document(report);
        }
        let rows = report.rows();
        let all = rows.len();
        let mut table = table(&["", "", &report.stage].map(str::to_owned));
        let mut previous = String::new();
        for ReportRow { section, name, value } in rows.into_iter().filter(|row| !row.is_detail()) {
            let shown = if section == previous { String::new() } else { section.clone() };
            previous = section;
            table.add_row([shown, name, value]);
        }
        let left = all - table.row_count();
        self.write(&table.to_string())?;
        match written {
            _ if left == 0 => Ok(()),
            Some(path) => self.write(&format!("{left} lines more are in {}", path.display())),
            None => self.write(&format!("{left} lines more with --format json")),
        }
    }

    /// The answer of a stage, without what its report says beside it; the report where a JSON document is asked for.
    pub fn answer(&self, answer: &Answer, report: &StageReport, written: Option<&Path>) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return self.document(report);
        }
        answer.text().iter().try_for_each(|line| self.write(line))?;
        match written {
            Some(path) => self.write(&format!("All of it: --full, or {}", path.display())),
            None => self.write("All of it: --full, or --format json"),
        }
    }

    /// One JSON document.
    pub fn document<T: serde::Serialize>(&self, document: &T) -> anyhow::Result<()> {
        self.write(&serde_json::to_string_pretty(document)?)
    }

    /// Lines, tables and lists; nothing under `--format json`, where the document says it all.
    pub fn text(&self, text: &Text) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return Ok(());
        }
        text.blocks().iter().try_for_each(|block| match block {
            Block::Line(line) => self.line(line),
            Block::Table { header, rows } => self.table(header, rows),
            Block::Entries(entries) => self.entries(entries),
        })
    }

    /// One JSON document where that is asked for, else what it says in words.
    pub fn shown<T: serde::Serialize>(&self, document: &T, text: impl FnOnce() -> Text) -> anyhow::Result<()> {
        match self.format {
            Format::Json => self.document(document),
            Format::Text => self.text(&text()),
        }
    }

    fn table(&self, header: &[String], rows: &[Vec<String>]) -> anyhow::Result<()> {
        let columns_of = header.len();
        let mut table = table(header);
        for row in rows {
            table.add_row(row);
        }
        // What a row is about is a name, which is not broken unless it is long; elsewhere short cells are not where there is room, else words.
        let cells = |column: usize| rows.iter().map(move |row| &*row[column]).chain([&*header[column]]);
        let letters = |text: &str| text.chars().count() as u16;
        let name = cells(0).flat_map(str::lines).map(letters).max().unwrap_or(0);
        let word = |column| cells(column).flat_map(str::split_whitespace).map(letters).max().unwrap_or(0);
        let short = |column: usize| {
            let cells = rows.iter().flat_map(|row| row[column].lines()).map(letters);
            cells.filter(|&letters| letters <= SHORT_CELL).max().unwrap_or(0).max(word(column))
        };
        let named = |mut least: Vec<u16>| {
            if name <= LONGEST_NAME {
                least[0] = name;
            }
            least
        };
        let fits = |least: &Vec<u16>| least.iter().map(|least| least + PADDING + 1).sum::<u16>() <= columns();
        let ways = [named((0..columns_of).map(short).collect()), named((0..columns_of).map(word).collect())];
        let name_alone = if columns_of > 1 && name <= LONGEST_NAME { vec![name] } else { Vec::new() };
        let least = ways.into_iter().find(fits).unwrap_or(name_alone);
        for (column, &least) in least.iter().enumerate() {
            let column = table.column_mut(column).expect("a header has all columns");
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + PADDING)));
        }
        self.write(&table.to_string())
    }

    /// Things with what is said of each, below its name, under a word of its own.
    fn entries(&self, entries: &[Entry]) -> anyhow::Result<()> {
        let labels = entries.iter().flat_map(|entry| &entry.said).map(|(label, _)| label.len());
        let width = labels.max().unwrap_or(0);
        for entry in entries {
            self.write(&entry.name)?;
            for (label, said) in &entry.said {
                let room = usize::from(columns().min(WIDEST_PROSE)).saturating_sub(width + 4);
                for (nth, line) in wrapped(said, room).iter().enumerate() {
                    let label = if nth == 0 { label } else { "" };
                    self.write(&format!("  {label:width$}  {line}"))?;
                }
            }
        }
        Ok(())
    }

    /// Lines of text among tables, as wide as the terminal where one is known; nothing under `--format json`.
    pub fn line(&self, text: &str) -> anyhow::Result<()> {
        if self.format == Format::Json {
            return Ok(());
        }
        let Some(columns) = known_columns() else { return self.write(text) };
        for line in text.split('\n') {
            let words = line.trim_start_matches(' ');
            let before = line.len() - words.len();
            // What stands under a dash goes on below its first word.
            let below = before + if words.starts_with("- ") { 2 } else { 0 };
            for (nth, part) in wrapped(words, usize::from(columns).saturating_sub(below)).iter().enumerate() {
                self.write(&format!("{}{part}", " ".repeat(if nth == 0 { before } else { below })))?;
            }
        }
        Ok(())
    }

    /// What other programs read, as it is.
    pub fn verbatim(&self, text: &str) -> anyhow::Result<()> {
        self.write(text)
    }

    fn write(&self, text: &str) -> anyhow::Result<()> {
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
    pub fn note(&self, message: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{message}");
        }
    }

    /// Whether one JSON document is asked for.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Something that went wrong without ending the command: said even under `--quiet`, and once, however often it happens.
    pub fn warn(&self, message: &str) {
        let mut warnings = self.warnings.lock().expect("nobody panics while holding it");
        let times = warnings.entry(message.to_owned()).or_default();
        *times += 1;
        if *times == 1 {
            let _ = writeln!(std::io::stderr(), "warning: {message}");
        }
    }

    /// Tells of warnings that were given more than once.
    pub fn end(&self) {
        for (message, times) in self.warnings.lock().expect("nobody panics while holding it").iter() {
            if *times > 1 {
                let _ = writeln!(std::io::stderr(), "warning, {times} times: {message}");
            }
        }
    }

    /// A progress bar of `total` steps, with their rate and the time left; a line now and then where standard error is no terminal; nothing
    /// under `--quiet`.
    pub fn progress(&self, what: &str, total: u64) -> ProgressBar {
        self.bar(
            what,
            total,
            "{prefix:>12} {bar:24} {pos}/{len} {rate} {elapsed} (left: {left}) {wide_msg}",
            "{prefix}: {pos}/{len}, {rate}, {elapsed} (left: {left}) {msg}",
        )
    }

    /// As [`progress`](Self::progress), without a known end.
    pub fn counter(&self, what: &str) -> ProgressBar {
        self.bar(
            what,
            0,
            "{prefix:>12} {pos} packets {per_sec} {elapsed}",
            "{prefix}: {pos} packets, {per_sec}, {elapsed}",
        )
    }

    /// That something is under way whose steps are not known.
    pub fn spinner(&self, what: &str) -> ProgressBar {
        self.bar(what, 0, "{prefix:>12} {spinner} {elapsed}", "{prefix}: {elapsed}")
    }

    fn bar(&self, what: &str, total: u64, on_terminals: &str, in_logs: &str) -> ProgressBar {
        let (target, template) = match () {
            () if self.quiet => (ProgressDrawTarget::hidden(), on_terminals),
            () if std::io::stderr().is_terminal() => (ProgressDrawTarget::stderr(), on_terminals),
            () => (ProgressDrawTarget::term_like_with_hz(Box::new(LogLines::new()), 1), in_logs),
        };
        let style = ProgressStyle::with_template(template).expect("the template is well formed");
        let style = style.with_key("rate", write_rate).with_key("left", write_left);
        let bar = ProgressBar::with_draw_target(Some(total), target).with_style(style).with_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// Steps a second, or seconds a step where there are fewer, over all of the time: parts of long steps tell nothing yet.
fn write_rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    let rate = state.pos() as f64 / state.elapsed().as_secs_f64().max(1e-3);
    let _ = match rate {
        0.0 => out.write_str("-"),
        slow if slow < 1.0 => write!(out, "{:.1} s each", 1.0 / slow),
        rate => write!(out, "{rate:.0}/s"),
    };
}

/// The time that is left if steps go on as they did so far.
fn write_left(state: &ProgressState, out: &mut dyn fmt::Write) {
    let (done, all) = (state.pos(), state.len().unwrap_or(0));
    let _ = match done {
        0 => out.write_str("-"),
        done => {
            let left = state.elapsed().mul_f64(all.saturating_sub(done) as f64 / done as f64);
            write!(out, "{}", HumanDuration(left))
        }
    };
}

/// What ended the program, and what helps.
pub fn tell(error: &anyhow::Error, hint: Option<String>) {
    let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
    let _ = writeln!(std::io::stderr(), "error: {}{hint}", said_once(error));
}

/// Names that are not broken into lines have at most so many letters.
const LONGEST_NAME: u16 = 30;

/// Cells that have at most so many letters are not broken into lines where there is room.
const SHORT_CELL: u16 = 14;

/// Blanks on both sides of what stands in a column.
const PADDING: u16 = 2;

/// Columns of a table where standard output is no terminal, and `COLUMNS` does not say.
const COLUMNS: u16 = 132;

/// Lines of prose are not longer, however wide the terminal: nobody finds the beginning of the next one.
const WIDEST_PROSE: u16 = 100;

/// Columns of a table.
fn columns() -> u16 {
    known_columns().unwrap_or(COLUMNS)
}

/// Columns of the terminal; without one, those that `COLUMNS` says.
fn known_columns() -> Option<u16> {
    let said = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| (40..=1000).contains(columns));
    match terminal_size_of(std::io::stdout()) {
        Some((terminal_size::Width(columns), _)) => Some(columns),
        None => said(),
    }
}

/// A table with lines around its header only, as wide as the terminal at most.
fn table(header: &[String]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(columns())
        .set_header(header);
    table
}

/// The error and what caused it, without the causes that it tells itself.
pub fn said_once(error: &anyhow::Error) -> String {
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
