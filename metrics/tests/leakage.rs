//! Bits and bounds against numpy and scikit-learn, on the cases of `vectors/leakage.json` (written by `vectors/make_leakage.py`).

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use ndarray::Array2;
use serde::Deserialize;
use wfkit_metrics::{ClassMap, Information, Probabilities, cover_hart_bound};

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    rows: Vec<Vec<f64>>,
    truth: Vec<usize>,
    class_entropy_bits: f64,
    cross_entropy_bits: f64,
    at_least_bits_by_cross_entropy: f64,
    error: f64,
    at_least_bits_by_error: f64,
    decided_bits: f64,
    nearest_wrong: usize,
    cover_hart: f64,
}

#[test]
fn bits_and_bounds_are_those_of_numpy() {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/leakage.json")).unwrap();
    assert_eq!(vectors.cases.len(), 4);
    for case in vectors.cases {
        let classes = case.rows[0].len();
        let rows = Array2::from_shape_vec((case.rows.len(), classes), case.rows.concat()).unwrap();
        let names: Vec<String> = (0..classes).map(|class| format!("{class:02}")).collect();
        let told = Information::shown_by(&Probabilities::new(ClassMap::from_labels(names), rows).unwrap(), &case.truth);
        let told = told.unwrap();
        for (ours, theirs) in [
            (told.class_entropy_bits, case.class_entropy_bits),
            (told.cross_entropy_bits, case.cross_entropy_bits),
            (told.at_least_bits_by_cross_entropy, case.at_least_bits_by_cross_entropy),
            (told.error, case.error),
            (told.at_least_bits_by_error, case.at_least_bits_by_error),
            (cover_hart_bound(case.nearest_wrong as f64 / case.truth.len() as f64, classes), case.cover_hart),
        ] {
            assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}");
        }
        // What decisions tell in these very counts is never less than Fano's bound.
        assert!(told.at_least_bits_by_error <= case.decided_bits + 1e-12);
    }
}
