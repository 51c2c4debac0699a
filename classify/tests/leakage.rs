//! Errors of nearest neighbours against scikit-learn, on the cases that wfkit-metrics has in `tests/vectors/leakage.json`.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use ndarray::Array2;
use serde::Deserialize;
use wfkit_classify::nearest_neighbour_errors;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    truth: Vec<usize>,
    train: Vec<Vec<f64>>,
    train_labels: Vec<usize>,
    test: Vec<Vec<f64>>,
    k: usize,
    nearest_wrong: usize,
    k_nearest_wrong: usize,
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

#[test]
fn neighbours_are_those_of_scikit_learn() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../metrics/tests/vectors/leakage.json")).unwrap();
    for case in vectors.cases {
        let (train, test) = (matrix(&case.train), matrix(&case.test));
        let found = nearest_neighbour_errors(train.view(), &case.train_labels, test.view(), &case.truth, 5).unwrap();
        let of_all = (found.of_all.k, found.of_all.wrong_by_nearest, found.of_all.wrong_by_k_nearest);
        assert_eq!(of_all, (case.k, case.nearest_wrong, case.k_nearest_wrong));
        // Draws of fewer rows are judged as those rows alone would be, on average no better.
        let error = |at: &wfkit_classify::ErrorsAt| at.wrong_by_nearest as f64 / (at.draws * at.tested) as f64;
        assert!(error(&found.curve[0]) >= error(found.curve.last().unwrap()) - 0.05);
    }
}
