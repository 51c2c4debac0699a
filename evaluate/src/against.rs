//! Whether one attack is better than others on the same splits.

use std::borrow::Borrow;

use serde::Serialize;
use wfkit_metrics::{
    Comparison, Contestant, Interval, PairedTest, corrected_resampled_t_test, holm, mcnemar_test_by_group,
};

use crate::{AttackSummary, Measured};

/// One attack tested against another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairedComparison {
    /// The one.
    pub first: String,
    /// The other.
    pub second: String,
    /// Splits that both were tested on.
    pub folds: usize,
    /// Traces tested.
    pub n: usize,
    /// Loads that they are copies of.
    pub origins: u64,
    /// The test of accuracy that is to be believed: over folds the corrected t-test, over one split McNemar's.
    pub accuracy: Comparison,
    /// That in words.
    pub told: String,
    /// McNemar's test, each load once.
    pub accuracy_mcnemar: PairedTest,
    /// The test of log loss.
    pub log_loss_corrected_t_test: LossTest,
    /// Where the tests are from.
    pub source: &'static str,
    /// The scores of the other.
    pub second_scores: AttackSummary,
}

/// Whether log loss differs over folds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum LossTest {
    /// The test.
    Tested {
        /// Of the first less the second.
        mean_difference: f64,
        /// For this comparison alone.
        p_value: f64,
        /// As corrected for all comparisons.
        p_holm: f64,
        /// Student's t.
        statistic: Statistic,
        /// Of the difference.
        #[serde(skip_serializing_if = "Option::is_none")]
        interval_95: Option<Interval>,
    },
    /// There is none.
    Missing {
        /// Why.
        reason: &'static str,
    },
}

/// A number, or a word where it is no number of JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Statistic {
    /// A number.
    Finite(f64),
    /// `infinite`.
    Told(&'static str),
}

impl LossTest {
    fn of(test: Option<PairedTest>, p_holm: f64) -> Self {
        let Some(PairedTest { mean_difference, statistic, p_value, interval_95 }) = test else {
            return Self::Missing { reason: "fewer than two folds" };
        };
        let statistic = if statistic.is_finite() { Statistic::Finite(statistic) } else { Statistic::Told("infinite") };
        Self::Tested { mean_difference, p_value, p_holm, statistic, interval_95 }
    }

    /// The corrected p-value; none where there was no test.
    pub fn p_holm(&self) -> Option<f64> {
        match self {
            Self::Tested { p_holm, .. } => Some(*p_holm),
            Self::Missing { .. } => None,
        }
    }
}

/// Both tests of accuracy, and that of log loss, against each of the others; p-values corrected for their number.
///
/// # Panics
/// If the attacks were not measured on the same traces.
pub fn compare<M: Borrow<Measured>>(first: &Measured, others: &[M]) -> Vec<PairedComparison> {
    let others: Vec<&Measured> = others.iter().map(M::borrow).collect();
    let rounds = first.rounds();
    let (one, all) = (first.contestant(), others.iter().map(|other| other.contestant()).collect::<Vec<Contestant>>());
    let compared = Comparison::against(&one, &all, rounds);
    let losses = |second: &Measured| -> Option<PairedTest> {
        let differences: Vec<f64> = fold_losses(first).iter().zip(fold_losses(second)).map(|(a, b)| a - b).collect();
        corrected_resampled_t_test(&differences, rounds.test_over_train)
    };
    let losses: Vec<Option<PairedTest>> = others.iter().map(|other| losses(other)).collect();
    let of_losses = holm(&losses.iter().map(|test| test.map_or(1.0, |test| test.p_value)).collect::<Vec<_>>());
    let groups = rounds.groups.unwrap_or_default();
    let told_of = |(place, comparison): (usize, Comparison)| {
        let second = others[place];
        PairedComparison {
            first: first.attack.clone(),
            second: second.attack.clone(),
            folds: first.evaluation.folds.len(),
            n: first.evaluation.rows.len(),
            origins: first.scores.origins,
            told: comparison.to_string(),
            accuracy: comparison,
            accuracy_mcnemar: mcnemar_test_by_group(&one.right, &all[place].right, groups),
            log_loss_corrected_t_test: LossTest::of(losses[place], of_losses[place]),
            source: "Nadeau and Bengio 2003; McNemar 1947, exact, each origin once; Holm 1979 over all attacks compared with",
            second_scores: second.summary(),
        }
    };
    compared.into_iter().enumerate().map(told_of).collect()
}

/// The mean log loss of each fold that tested something, in their order.
fn fold_losses(measured: &Measured) -> Vec<f64> {
    let evaluation = &measured.evaluation;
    let loss = |place: usize| {
        let p = evaluation.probabilities.values()[[place, evaluation.truth[place]]];
        -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    };
    let mean = |places: &Vec<usize>| places.iter().map(|&place| loss(place)).sum::<f64>() / places.len() as f64;
    evaluation.tested_in.iter().filter(|places| !places.is_empty()).map(mean).collect()
}

/// An attack beside the trivial one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BesideTrivial {
    /// Its scores.
    #[serde(flatten)]
    pub summary: AttackSummary,
    /// The test of accuracy against the trivial attack, in words.
    pub against_trivial: Option<String>,
}

/// Every attack, compared with the trivial one on the same folds; p-values corrected for their number.
pub fn beside_trivial(all: &[&Measured], trivial: &Measured) -> Vec<BesideTrivial> {
    let others = all.iter().filter(|one| one.attack != trivial.attack);
    let contestants: Vec<Contestant> = others.map(|one| one.contestant()).collect();
    let mut compared = Comparison::against(&trivial.contestant(), &contestants, trivial.rounds()).into_iter();
    let one = |one: &&Measured| BesideTrivial {
        summary: one.summary(),
        against_trivial: match one.attack == trivial.attack {
            true => Some("is the trivial attack".to_owned()),
            false => compared.next().map(|comparison| comparison.reversed().to_string()),
        },
    };
    all.iter().map(one).collect()
}
