//! What it changes to run a defence as published code has it, not as its paper does.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;
use wfkit_metrics::{Interval, mean_interval_95};

use super::Points;
use super::plan::Pair;
use super::point::Draw;
use crate::printer::Printer;

/// Code minus paper, of the same draws of both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Difference {
    paper: String,
    code: String,
    what: &'static str,
    draws: usize,
    bandwidth: Change,
    latency: Change,
    /// One an attack, then one a view.
    found: Vec<FoundChange>,
}

/// What an attack finds more of the code's defence than of the paper's.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct FoundChange {
    attack: String,
    accuracy: Change,
    roc_auc: Change,
}

/// A number of both, as means over draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Change {
    paper: f64,
    code: f64,
    /// Mean of code minus paper.
    difference: f64,
    /// Student's over the draws, for these traces; none where neither leaves anything to chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_95: Option<Interval>,
}

impl Change {
    /// Draw n of the one against draw n of the other, which have the same random numbers; what has one draw is the same in all.
    fn of(paper: &[Draw], code: &[Draw], value: impl Fn(&Draw) -> f64) -> Self {
        let draws = paper.len().max(code.len());
        let values =
            |all: &[Draw]| -> Vec<f64> { (0..draws).map(|draw| value(&all[draw.min(all.len() - 1)])).collect() };
        let (paper, code) = (values(paper), values(code));
        let differences: Vec<f64> = paper.iter().zip(&code).map(|(paper, code)| code - paper).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        Self {
            paper: mean(&paper),
            code: mean(&code),
            difference: mean(&differences),
            interval_95: mean_interval_95(&differences),
        }
    }
}

/// Of every pair of which both could be measured.
pub(super) fn differences(pairs: &[Pair], measured: &Points) -> Vec<Difference> {
    let draws = |name: String| measured.iter().find(|(_, measured, _)| *measured == name).map(|(.., draws)| &draws[..]);
    let of = |pair: &Pair| {
        let (paper, code) = (draws(pair.paper.to_string())?, draws(pair.code.to_string())?);
        let found = |place: usize| {
            let found = &paper[0].found[place];
            let view = found.view.map(|view| format!(", {view} only")).unwrap_or_default();
            FoundChange {
                attack: format!("{}{view}", found.attack),
                accuracy: Change::of(paper, code, |draw| draw.found[place].accuracy),
                roc_auc: Change::of(paper, code, |draw| draw.found[place].roc_auc),
            }
        };
        Some(Difference {
            paper: pair.paper.to_string(),
            code: pair.code.to_string(),
            what: pair.what,
            draws: paper.len().max(code.len()),
            bandwidth: Change::of(paper, code, |draw| draw.cost.bandwidth),
            latency: Change::of(paper, code, |draw| draw.cost.latency),
            found: (0..paper[0].found.len()).map(found).collect(),
        })
    };
    pairs.iter().filter_map(of).collect()
}

const NOTE: &str = "As in the paper -> as in published code (difference, in brackets its 95 % interval over draws, draw by draw, for these traces; none \
                    where nothing is left to chance)";

/// A pair a row.
pub(super) fn print(differences: &[Difference], printer: &Printer) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    let row = |difference: &Difference| {
        let lines =
            |line: &dyn Fn(&FoundChange) -> String| difference.found.iter().map(line).collect::<Vec<_>>().join("\n");
        [
            format!("{}\n{}", difference.paper, difference.code),
            shares(&difference.bandwidth).replace(" (", "\n("),
            shares(&difference.latency).replace(" (", "\n("),
            lines(&|found| found.attack.clone()),
            lines(&|found| scores(&found.accuracy)),
            lines(&|found| scores(&found.roc_auc)),
        ]
    };
    let rows: Vec<_> = differences.iter().map(row).collect();
    printer.line(&format!("\n{NOTE}:"))?;
    printer.table(["paper, code", "bandwidth", "latency", "attack", "accuracy", "ROC-AUC"], &rows)
}

/// The same to paste; nothing of nothing.
pub(super) fn markdown(differences: &[Difference]) -> String {
    let Some(first) = differences.first() else { return String::new() };
    let attacks: Vec<&str> = first.found.iter().map(|found| found.attack.as_str()).collect();
    let titles: Vec<String> = attacks.iter().map(|attack| format!("{attack} accuracy | {attack} ROC-AUC")).collect();
    let mut text = format!(
        "\n{NOTE}:\n\n| paper | code | what code changes | draws | bandwidth | latency | {} |\n",
        titles.join(" | ")
    );
    text += &format!("|---|---|---|---:|---:|---:|{}\n", "---:|---:|".repeat(attacks.len()));
    for Difference { paper, code, what, draws, bandwidth, latency, found } in differences {
        let found: Vec<String> =
            found.iter().map(|found| format!("{} | {}", scores(&found.accuracy), scores(&found.roc_auc))).collect();
        let (bandwidth, latency) = (shares(bandwidth), shares(latency));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| `{paper}` | `{code}` | {what} | {draws} | {bandwidth} | {latency} | {} |",
            found.join(" | ")
        );
    }
    text
}

fn shares(change: &Change) -> String {
    shown(change, 100.0, 1, " %")
}

fn scores(change: &Change) -> String {
    shown(change, 1.0, 4, "")
}

fn shown(change: &Change, scale: f64, digits: usize, unit: &str) -> String {
    let Change { paper, code, difference, interval_95 } = *change;
    let ends =
        interval_95.map(|Interval { low, high }| format!(" [{:+.digits$}, {:+.digits$}]", low * scale, high * scale));
    let ends = ends.unwrap_or_default();
    format!(
        "{:.digits$}{unit} -> {:.digits$}{unit} ({:+.digits$}{ends})",
        paper * scale,
        code * scale,
        difference * scale
    )
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::draw;
    use super::*;

    #[test]
    fn draws_are_compared_one_by_one() {
        let pair =
            |paper: &str, code: &str| Pair { paper: paper.parse().unwrap(), code: code.parse().unwrap(), what: "less" };
        let (paper, code) = ("front:ft-1,budget=paper", "front:ft-1,budget=code");
        let measured = vec![
            (
                1,
                paper.parse::<wfkit_defend::DefenseSpec>().unwrap().to_string(),
                vec![draw(1.0, 0.0, &[0.6]), draw(2.0, 0.0, &[0.8])],
            ),
            (
                2,
                code.parse::<wfkit_defend::DefenseSpec>().unwrap().to_string(),
                vec![draw(0.5, 0.0, &[0.7]), draw(1.5, 0.0, &[0.9])],
            ),
            (3, "tamaraw:cell".to_owned(), vec![draw(4.0, 1.0, &[0.5])]),
        ];
        let found =
            differences(&[pair(paper, code), pair("tamaraw:cell", code), pair("tamaraw:ccs14", code)], &measured);
        assert_eq!(found.len(), 2, "of the third nothing was measured");
        let bandwidth = found[0].bandwidth;
        assert_eq!((bandwidth.paper, bandwidth.code, bandwidth.difference), (1.5, 1.0, -0.5));
        assert_eq!(bandwidth.interval_95, Some(Interval { low: -0.5, high: -0.5 }), "the draws do not differ in it");
        assert!((found[0].found[0].roc_auc.difference - 0.1).abs() < 1e-12);
        // What has one draw is compared with every draw.
        assert_eq!((found[1].draws, found[1].bandwidth.difference), (2, -3.0));
        assert!(found[1].bandwidth.interval_95.unwrap().low < -3.5);
        let text = markdown(&found);
        assert!(text.contains("| 150.0 % -> 100.0 % (-50.0 [-50.0, -50.0]) |"), "{text}");
        assert_eq!(markdown(&[]), "");
    }

    #[test]
    fn without_chance_there_is_no_interval() {
        let one = [draw(1.0, 0.0, &[0.6])];
        assert_eq!(Change::of(&one, &one, |draw| draw.cost.bandwidth).interval_95, None);
    }
}
