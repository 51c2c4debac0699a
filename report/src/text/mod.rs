//! What is said of results on a terminal: functions of typed results, which print nothing.
//!
//! A [`Text`] has lines, tables and lists in their order, without a width: whoever shows it knows how wide the place is, and breaks lines by words
//! and cells by columns.

mod alignment;
mod attacks;
mod captures;
mod cost;
mod curves;
mod defences;
mod features;
mod matrix;
mod ranking;
mod run;
mod sections;
mod server;
mod sets;
mod sheet;
mod sweep;
mod tls;
mod variants;
mod verification;

pub use alignment::ExplainedAlignment;
pub use attacks::attacks;
pub use captures::captures;
pub use cost::hourly_costs;
pub use curves::{background, comparisons, drift, early, few_shot};
pub use defences::{defence, defences, findings, not_simulated};
pub(crate) use features::families;
pub use features::{explanation, feature_columns, feature_sets};
pub use matrix::{matrix, matrix_heat};
pub use ranking::{compared, ranking};
pub use run::{RunStage, run};
pub use server::{board, news, overall, round, rounds, submission, submissions, targets, team, tokens};
pub use sets::{audited, classes, drawn, public_set, public_sets, set};
pub use sheet::{SheetForm, sheet, sheet_of_parts};
pub use sweep::{sweep, sweep_csv, sweep_markdown};
pub use tls::tls;
pub use verification::verification;

/// Lines, tables and lists, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(Vec<Block>);

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A line, or several with line ends between them, to be broken by words.
    Line(String),
    /// Rows under a header that has as many cells as each of them.
    Table {
        /// What stands above each column.
        header: Vec<String>,
        /// Cells, which may have lines.
        rows: Vec<Vec<String>>,
    },
    /// Things with what is said of each.
    Entries(Vec<Entry>),
}

/// A thing that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Under which word what is said of it.
    pub said: Vec<(&'static str, String)>,
}

impl Text {
    /// One without anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its pieces.
    pub fn blocks(&self) -> &[Block] {
        &self.0
    }

    /// Goes on with a line, or several with line ends between them.
    pub fn line(&mut self, line: impl Into<String>) -> &mut Self {
        self.0.push(Block::Line(line.into()));
        self
    }

    /// Goes on with these lines.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = String>) -> &mut Self {
        self.0.extend(lines.into_iter().map(Block::Line));
        self
    }

    /// Goes on with a table, which has a header also where it has no rows.
    pub fn table<const N: usize>(
        &mut self,
        header: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> &mut Self {
        let rows = rows.into_iter().map(Vec::from).collect();
        self.0.push(Block::Table { header: header.map(str::to_owned).into(), rows });
        self
    }

    /// Goes on with a list.
    pub fn entries(&mut self, entries: impl IntoIterator<Item = Entry>) -> &mut Self {
        self.0.push(Block::Entries(entries.into_iter().collect()));
        self
    }

    /// Goes on with another text.
    pub fn text(&mut self, text: Self) -> &mut Self {
        self.0.extend(text.0);
        self
    }
}
