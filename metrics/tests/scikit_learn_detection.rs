//! Detection and comparison against scikit-learn and SciPy, on the cases of `vectors/detection.json` (written by
//! `vectors/make_detection.py`).

use serde::Deserialize;
use wfkit_metrics::{Detection, corrected_resampled_t_test, mcnemar_test};

#[derive(Deserialize)]
struct Vectors {
    detections: Vec<Scored>,
    comparisons: Vec<Compared>,
    mcnemar: Vec<Decided>,
}

#[derive(Deserialize)]
struct Scored {
    positive: Vec<bool>,
    score: Vec<f64>,
    roc_auc: f64,
    tpr_at: Vec<(f64, f64)>,
    by_rate: Vec<AtRate>,
}

#[derive(Deserialize)]
struct AtRate {
    base_rate: f64,
    average_precision: f64,
    precision_at_recall_50: f64,
    recall_at_precision_97: f64,
}

#[derive(Deserialize)]
struct Compared {
    differences: Vec<f64>,
    test_over_train: f64,
    statistic: f64,
    p_value: f64,
}

#[derive(Deserialize)]
struct Decided {
    first: Vec<bool>,
    second: Vec<bool>,
    p_value: f64,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors/detection.json")).expect("valid vectors")
}

#[track_caller]
fn close(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-12, "{ours} is not {theirs}");
}

#[test]
fn detections_at_any_base_rate() {
    for case in vectors().detections {
        let detection = Detection::of(&case.score, &case.positive).expect("both kinds are there");
        close(detection.roc_auc(), case.roc_auc);
        for (limit, rate) in case.tpr_at {
            close(detection.true_positive_rate_at(limit), rate);
        }
        for at in case.by_rate {
            close(detection.average_precision(at.base_rate), at.average_precision);
            close(detection.precision_at_recall(0.5, at.base_rate), at.precision_at_recall_50);
            close(detection.recall_at_precision(0.97, at.base_rate), at.recall_at_precision_97);
        }
    }
}

#[test]
fn pairs_of_attacks() {
    for case in vectors().comparisons {
        let test = corrected_resampled_t_test(&case.differences, case.test_over_train).expect("two folds or more");
        assert!((test.statistic - case.statistic).abs() <= 1e-11 * case.statistic.abs(), "{test:?}");
        assert!((test.p_value - case.p_value).abs() <= 1e-12, "{test:?}, expected {}", case.p_value);
    }
    for case in vectors().mcnemar {
        close(mcnemar_test(&case.first, &case.second).p_value, case.p_value);
    }
}
