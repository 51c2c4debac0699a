//! What it changes to run a defence as published code has it, not as its paper does.

use serde::Serialize;
use wfkit_metrics::{Interval, mean_interval_95};

use super::Points;
use super::plan::VariantPair;
use super::point::Draw;

/// Code minus paper, of the same draws of both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VariantDifference {
    /// As in the paper.
    pub paper: String,
    /// As in published code.
    pub code: String,
    /// What code changes.
    pub what: &'static str,
    /// Draws behind it.
    pub draws: usize,
    /// Bandwidth overhead both ways.
    pub bandwidth: Change,
    /// Latency overhead.
    pub latency: Change,
    /// One an attack, then one a view.
    pub found: Vec<FoundChange>,
}

/// What an attack finds more of the code's defence than of the paper's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundChange {
    /// The attack.
    pub attack: String,
    /// Accuracy.
    pub accuracy: Change,
    /// Macro one-vs-rest area under the ROC curve.
    pub roc_auc: Change,
}

/// A number of both, as means over draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// As in the paper.
    pub paper: f64,
    /// As in published code.
    pub code: f64,
    /// Mean of code minus paper.
    pub difference: f64,
    /// Student's over the draws, for these traces; none where neither leaves anything to chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_95: Option<Interval>,
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
pub(super) fn differences(pairs: &[VariantPair], measured: &Points) -> Vec<VariantDifference> {
    let draws = |name: String| measured.iter().find(|(_, measured, _)| *measured == name).map(|(.., draws)| &draws[..]);
    let of = |pair: &VariantPair| {
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
        Some(VariantDifference {
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

#[cfg(test)]
mod tests {
    use super::super::summary::tests::draw;
    use super::*;

    #[test]
    fn draws_are_compared_one_by_one() {
        let pair = |paper: &str, code: &str| VariantPair {
            paper: paper.parse().unwrap(),
            code: code.parse().unwrap(),
            what: "less",
        };
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
    }

    #[test]
    fn without_chance_there_is_no_interval() {
        let one = [draw(1.0, 0.0, &[0.6])];
        assert_eq!(Change::of(&one, &one, |draw| draw.cost.bandwidth).interval_95, None);
    }
}
