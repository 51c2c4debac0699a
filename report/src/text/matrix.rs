//! A matrix of transfer: trained on the row, tested on the column.

use std::fmt::Write as _;

use serde_json::Value;
use wfkit_evaluate::{FALSE_POSITIVES, MatrixCell, Scored, Transfer, short};

use super::Text;
use super::sections::section;
use crate::picture::{HeatCell, heat};
use crate::words::{NARROW, abbreviated, hanging};

fn accuracy_of(cells: &[Value], train: usize, test: usize, n: usize) -> Option<f64> {
    cells[train * n + test]["accuracy"].as_f64()
}

/// What a matrix says in a line, then its accuracies in 80 columns.
pub fn matrix(transfer: &Transfer) -> Text {
    let mut text = Text::new();
    text.line(&transfer.told).lines(lines(&transfer.cells, &transfer.names));
    text
}

/// Accuracies as lines of 80 columns at most: what does not fit is left to the report, and told. Then why cells have none.
fn lines(cells: &[MatrixCell], names: &[String]) -> Vec<String> {
    const CELL: usize = 6;
    let n = names.len();
    let label = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).clamp(4, 24);
    let shown = n.min((NARROW - label - 4) / CELL);
    let mut lines = vec!["accuracy: trained on the row, tested on the column; [within, by folds]".to_owned()];
    let mut head = " ".repeat(label + 4);
    (1..=shown).for_each(|column| {
        let _ = write!(head, "{column:>CELL$}"); // Writing to a string does not fail.
    });
    lines.push(head);
    for (train, name) in names.iter().enumerate().take(shown) {
        let mut line = format!("{:>3} {:<label$}", train + 1, abbreviated(name, label));
        for test in 0..shown {
            let text = cells[train * n + test].accuracy().map_or_else(|| "-".to_owned(), short);
            let text = if train == test { format!("[{text}]") } else { format!("{text} ") };
            let _ = write!(line, "{text:>CELL$}");
        }
        lines.push(line.trim_end().to_owned());
    }
    if shown < n {
        lines.push(format!("the first {shown} of {n}; all of them with --picture, --sheet or --format json"));
    }
    let without: Vec<&MatrixCell> = cells.iter().filter(|cell| cell.accuracy().is_none()).collect();
    const NOTES: usize = 5;
    for cell in without.iter().take(NOTES) {
        lines.extend(hanging(&format!("no score: {} -> {}: {}", cell.train, cell.test, cell.scored.reason())));
    }
    if without.len() > NOTES {
        lines.push(format!("{} more without a score", without.len() - NOTES));
    }
    let unknown: usize = cells.iter().map(|cell| cell.left_out_class_not_trained_on).sum();
    if unknown > 0 {
        lines.extend(hanging(&format!(
            "{unknown} tests are in no score: of classes that were not trained on there, or, within, have one load"
        )));
    }
    lines
}

/// The same as a heat map.
pub fn matrix_heat(Transfer { attack, part, told, cells, names, .. }: &Transfer) -> String {
    let cell = |cell: &MatrixCell| {
        let row = cell.scored.row();
        let decimal = |value: Option<f64>| match value {
            Some(number) if number.fract() == 0.0 => format!("{number}"),
            Some(number) => format!("{number:.4}"),
            None => "-".to_owned(),
        };
        let n = match &cell.scored {
            Scored::Scores(scores) => scores.row.n,
            Scored::Missing { n, .. } => *n as u64,
        };
        HeatCell {
            value: cell.accuracy(),
            interval: row.and_then(|row| row.accuracy_95).map(|interval| (interval.low, interval.high)),
            within: cell.is_within(),
            columns: [
                n.to_string(),
                decimal(row.and_then(|row| row.roc_auc_macro_ovr)),
                decimal(row.and_then(|row| row.log_loss)),
            ],
        }
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let title = format!("{attack}: trained on a {part}, tested on a {part}");
    heat(&title, told, &names, &cells.iter().map(cell).collect::<Vec<_>>())
}

/// For the score sheet: the line, and the accuracies as a table.
pub(super) fn markdown(part: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().replace('|', "\\|");
    let empty = Vec::new();
    let list = |name: &str| part[name].as_array().unwrap_or(&empty).clone();
    let names: Vec<String> = list("names").iter().map(text).collect();
    let cells = list("cells");
    let mut lines = vec![
        format!("\n## matrix\n\n{}.\n", text(&part["told"])),
        format!("| trained on \\ tested on | {} |", names.join(" | ")),
        format!("|---|{}", "---|".repeat(names.len())),
    ];
    for (train, name) in names.iter().enumerate() {
        let cell = |test: usize| match accuracy_of(&cells, train, test, names.len()) {
            Some(accuracy) if train == test => format!("*{accuracy:.2}*"),
            Some(accuracy) => format!("{accuracy:.2}"),
            None => "-".to_owned(),
        };
        lines.push(format!("| {name} | {} |", (0..names.len()).map(cell).collect::<Vec<_>>().join(" | ")));
    }
    lines.push(format!("\nOn the diagonal, within by folds. False positive rates: {FALSE_POSITIVES}."));
    lines.join("\n") + "\n" + &section("cells of the matrix", &part["cells"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wfkit_evaluate::{CellScores, FalsePositives, ScoreRow};

    use super::*;

    fn cells(n: usize) -> Vec<MatrixCell> {
        let scores = |accuracy: f64| {
            Scored::Scores(CellScores {
                row: ScoreRow { n: 4, accuracy: Some(accuracy), ..ScoreRow::default() },
                origins: 4,
                false_positive_rate: FalsePositives { at_recall_50: None, at_recall_80: None, at_recall_95: None },
            })
        };
        let cell = |at: usize| {
            let (train, test) = (at / n, at % n);
            MatrixCell {
                train: format!("s{train}"),
                test: format!("s{test}"),
                r#where: if train == test { "within" } else { "across" },
                trained_on: 4,
                scored: match at {
                    1 => Scored::Missing { n: 4, accuracy: None, reason: "two learned".to_owned() },
                    _ => scores(if train == test { 1.0 } else { 0.25 }),
                },
                left_out_class_not_trained_on: 1,
            }
        };
        (0..n * n).map(cell).collect()
    }

    #[test]
    fn sources_are_rows_and_columns() {
        assert_eq!(
            lines(&cells(2), &["monday", "tuesday"].map(str::to_owned)).join("\n"),
            "accuracy: trained on the row, tested on the column; [within, by folds]\n                1     2\n  1 monday [1.00]    -\n  \
             2 tuesday  .25 [1.00]\nno score: s0 -> s1: two learned\n4 tests are in no score: of classes that were not trained on there, or, \
             within,\n  have one load"
        );
        let part = json!({ "told": "x", "names": ["a|b", "c"], "cells": cells(2) });
        assert!(markdown(&part).contains(
            "| trained on \\ tested on | a\\|b | c |\n|---|---|---|\n| a\\|b | *1.00* | - |\n| c | 0.25 | *1.00* |\n"
        ));
    }

    #[test]
    fn many_sources_with_long_names_fit_eighty_columns() {
        let names: Vec<String> = (0..40).map(|at| format!("a-session-with-a-very-long-name-{at}")).collect();
        let lines = lines(&cells(40), &names);
        assert!(lines.iter().all(|line| line.chars().count() <= NARROW), "{lines:#?}");
        assert!(lines.iter().any(|line| line.starts_with("the first 8 of 40;")), "{lines:#?}");
    }
}
