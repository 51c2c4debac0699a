//! Whether one attack is better than others on the same splits.

use serde_json::{Value, json};
use wfkit_metrics::{Comparison, Contestant, PairedTest, corrected_resampled_t_test, holm, mcnemar_test_by_group};

use crate::measure::Measured;

/// Both tests of accuracy, and that of log loss, against each of the others; p-values corrected for their number. Over folds the corrected t-test is
/// to be believed, over one split McNemar's.
pub(in crate::commands) fn compare(first: &Measured, others: &[Measured]) -> Vec<Value> {
    let rounds = first.rounds();
    let (one, all) = (first.contestant(), others.iter().map(Measured::contestant).collect::<Vec<Contestant>>());
    let compared = Comparison::against(&one, &all, rounds);
    let losses = |second: &Measured| -> Option<PairedTest> {
        let differences: Vec<f64> = fold_losses(first).iter().zip(fold_losses(second)).map(|(a, b)| a - b).collect();
        corrected_resampled_t_test(&differences, rounds.test_over_train)
    };
    let losses: Vec<Option<PairedTest>> = others.iter().map(losses).collect();
    let of_losses = holm(&losses.iter().map(|test| test.map_or(1.0, |test| test.p_value)).collect::<Vec<_>>());
    let groups = rounds.groups.unwrap_or_default();
    let told_of = |place: usize| {
        let (comparison, second) = (&compared[place], &others[place]);
        let mcnemar = mcnemar_test_by_group(&one.right, &all[place].right, groups);
        json!({
            "first": first.attack,
            "second": second.attack,
            "folds": first.evaluation.folds.len(),
            "n": first.evaluation.rows.len(),
            "origins": first.scores.origins,
            "accuracy": comparison,
            "told": comparison.to_string(),
            "accuracy_mcnemar": mcnemar,
            "log_loss_corrected_t_test": told(losses[place], of_losses[place]),
            "source": "Nadeau and Bengio 2003; McNemar 1947, exact, each origin once; Holm 1979 over all attacks compared with",
            "second_scores": second.summary(),
        })
    };
    (0..others.len()).map(told_of).collect()
}

/// As text where the statistic is no number of JSON.
fn told(test: Option<PairedTest>, p_holm: f64) -> Value {
    let Some(test) = test else { return json!({ "reason": "fewer than two folds" }) };
    let statistic = if test.statistic.is_finite() { json!(test.statistic) } else { json!("infinite") };
    let mut told = json!({ "mean_difference": test.mean_difference, "p_value": test.p_value, "p_holm": p_holm, "statistic": statistic });
    if let Some(interval) = test.interval_95 {
        told["interval_95"] = json!(interval);
    }
    told
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
