//! Calibration against scikit-learn and SciPy, on the cases of `vectors/calibration.json` (written by `vectors/make_calibration.py`).

use ndarray::Array2;
use serde::Deserialize;
use wfkit_classify::Calibration;

/// So many judged traces that certainty has no bound: scikit-learn knows none.
const ENDLESS: usize = 1 << 60;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    train: Vec<Vec<f64>>,
    labels: Vec<usize>,
    test: Vec<Vec<f64>>,
    platt: Vec<Vec<f64>>,
    isotonic: Vec<Vec<f64>>,
    least_loss: f64,
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).expect("equal rows")
}

#[test]
fn curves_are_those_of_scikit_learn() {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/calibration.json")).expect("valid vectors");
    for case in &vectors.cases {
        let (train, test) = (matrix(&case.train), matrix(&case.test));
        // scikit-learn stops its search earlier than ours.
        for (calibration, expected, near) in
            [(Calibration::Isotonic, &case.isotonic, 1e-12), (Calibration::Platt, &case.platt, 1e-4)]
        {
            let found = calibration.fit(train.view(), &case.labels, ENDLESS).expect("it is one").apply(test.clone());
            let worst = (&found - &matrix(expected)).mapv(f64::abs).into_iter().fold(0.0, f64::max);
            assert!(worst <= near, "{calibration}: off by {worst}");
        }
        let tempered = Calibration::Temperature.fit(train.view(), &case.labels, ENDLESS).expect("it is one");
        let rows = tempered.apply(train.clone());
        let losses = case.labels.iter().enumerate().map(|(row, &label)| -rows[(row, label)].ln());
        let loss = losses.sum::<f64>() / case.labels.len() as f64;
        assert!((loss - case.least_loss).abs() <= 1e-7, "{loss}, least {}", case.least_loss);
    }
}
