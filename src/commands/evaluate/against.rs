//! Whether one attack is better than another on the same splits.

use serde_json::{Value, json};
use wfkit_metrics::{PairedTest, corrected_resampled_t_test, mcnemar_test};

use crate::measure::Measured;

/// Both tests of both attacks' decisions. Over folds the corrected t-test is to be believed, over one split McNemar's.
pub(super) fn compare(first: &Measured, second: &Measured) -> Value {
    let right = |measured: &Measured| -> Vec<bool> {
        let decisions = measured.evaluation.probabilities.argmax();
        decisions.iter().zip(&measured.evaluation.truth).map(|(decision, truth)| decision == truth).collect()
    };
    let mcnemar = mcnemar_test(&right(first), &right(second));
    let folds = || first.evaluation.folds.iter().zip(&second.evaluation.folds);
    let accuracies: Option<Vec<f64>> = folds().map(|(a, b)| Some(a.accuracy? - b.accuracy?)).collect();
    let share =
        folds().map(|(fold, _)| fold.test as f64 / fold.train as f64).sum::<f64>() / folds().count().max(1) as f64;
    let t_test = accuracies.and_then(|differences| corrected_resampled_t_test(&differences, share));
    let loss = |measured: &Measured| -> Vec<f64> { fold_losses(measured) };
    let losses: Vec<f64> = loss(first).iter().zip(loss(second)).map(|(a, b)| a - b).collect();
    json!({
        "first": first.attack,
        "second": second.attack,
        "folds": folds().count(),
        "n": first.evaluation.rows.len(),
        "accuracy_corrected_t_test": told(t_test),
        "log_loss_corrected_t_test": told(corrected_resampled_t_test(&losses, share)),
        "accuracy_mcnemar": told(Some(mcnemar)),
        "source": "Nadeau and Bengio 2003; McNemar 1947, exact",
        "second_scores": second.summary(),
    })
}

/// As text where the statistic is no number of JSON.
fn told(test: Option<PairedTest>) -> Value {
    match test {
        None => json!({ "reason": "fewer than two folds" }),
        Some(test) if test.statistic.is_finite() => json!(test),
        Some(test) => {
            json!({ "mean_difference": test.mean_difference, "p_value": test.p_value, "statistic": "infinite" })
        }
    }
}

/// The mean log loss of each fold, in their order.
fn fold_losses(measured: &Measured) -> Vec<f64> {
    let evaluation = &measured.evaluation;
    let loss = |place: usize| {
        let p = evaluation.probabilities.values()[[place, evaluation.truth[place]]];
        -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    };
    let mean = |places: &Vec<usize>| places.iter().map(|&place| loss(place)).sum::<f64>() / places.len().max(1) as f64;
    evaluation.tested_in.iter().map(mean).collect()
}
