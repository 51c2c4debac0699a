//! The data of a picture, as a table.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// Named columns of numbers and texts: what a picture shows, for people who read it and programs that take it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// What stands in a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A text.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A number; five significant digits are written.
    Number(f64),
    /// Nothing is known.
    Missing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Missing }
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Missing, Self::from)
    }
}

impl Cell {
    /// As it is written: nothing where nothing is known.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => significant(*number),
            Self::Missing => String::new(),
        }
    }

    /// Whether it is read from the right.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Number(_))
    }

    fn value(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.clone()),
            Self::Count(count) => Value::from(*count),
            Self::Number(number) => {
                let rounded = significant(*number).parse().ok().and_then(Number::from_f64);
                rounded.map_or(Value::Null, Value::Number)
            }
            Self::Missing => Value::Null,
        }
    }
}

/// Five significant digits, without zeros at the end; more before the point where the number has them.
fn significant(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let digits = number.abs().log10().floor() as i32;
    let text = format!("{number:.*}", (4 - digits).clamp(0, 12) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

impl Table {
    /// A table without rows yet. Names of columns are words joined by `_`, with their unit at the end.
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it has another number of cells than there are columns.
    pub fn push<const N: usize>(&mut self, row: [Cell; N]) {
        assert_eq!(N, self.columns.len(), "a row has a cell a column");
        self.rows.push(row.to_vec());
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// The rows, in reading order.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// As CSV (RFC 4180, lines ended by a line feed).
    pub fn csv(&self) -> String {
        let mut text = self.columns.join(",") + "\n";
        for row in &self.rows {
            let fields: Vec<String> = row.iter().map(|cell| quoted(&cell.text())).collect();
            let _ = writeln!(text, "{}", fields.join(",")); // Writing to a string does not fail.
        }
        text
    }

    /// As a list of objects, a row each.
    pub fn records(&self) -> Value {
        let record = |row: &Vec<Cell>| {
            let fields = self.columns.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), cell.value()));
            Value::Object(fields.collect::<Map<String, Value>>())
        };
        Value::Array(self.rows.iter().map(record).collect())
    }
}

fn quoted(field: &str) -> String {
    match field.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_five_digits_and_no_more_zeros_than_needed() {
        let numbers = [0.0, 0.5, 1234567.8, 0.000_123_456_7, -2.0, 1e-9, 99999.9].map(significant);
        assert_eq!(numbers, ["0", "0.5", "1234568", "0.00012346", "-2", "0.000000001", "100000"]);
    }

    #[test]
    fn csv_quotes_what_needs_it_and_leaves_the_unknown_empty() {
        let mut table = Table::new(&["class", "auc"]);
        table.push(["a,\"b\"".into(), 0.25.into()]);
        table.push(["c".into(), f64::NAN.into()]);
        assert_eq!(table.csv(), "class,auc\n\"a,\"\"b\"\"\",0.25\nc,\n");
        assert_eq!(table.records()[1]["auc"], Value::Null);
    }
}
