//! Scores of the probabilities themselves.

use crate::truth::support;
use crate::{Probabilities, ScoreError};

/// Number of equal-width bins of [`expected_calibration_error`].
pub const CALIBRATION_BINS: usize = 15;

/// Mean of -ln(probability of the true class).
///
/// Probabilities are clipped to `[eps, 1 - eps]` with eps = 2^-52, as scikit-learn's `log_loss` does for float64; a true class
/// at 0 costs 36.04. (Kaggle clips at 1e-15, which costs 34.54, and rescales rows first; ours sum to 1 already.)
pub fn log_loss(probabilities: &Probabilities, truth: &[usize]) -> Result<f64, ScoreError> {
    support(probabilities, truth)?;
    Ok(losses(probabilities, truth).sum::<f64>() / truth.len() as f64)
}

/// The log loss of every trace.
pub(crate) fn losses(probabilities: &Probabilities, truth: &[usize]) -> impl Iterator<Item = f64> {
    let values = probabilities.values();
    truth.iter().enumerate().map(move |(row, &class)| {
        let clipped = values[[row, class]].clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        -clipped.ln()
    })
}

/// Multi-class Brier score: the mean over traces of the sum over classes of (probability - truth)^2, between 0 and 2.
///
/// G. W. Brier: Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78, 1950. Equals
/// scikit-learn's `brier_score_loss(scale_by_half=False)` (1.7 or newer); its default halves the score of *two* classes,
/// ours never.
pub fn brier(probabilities: &Probabilities, truth: &[usize]) -> Result<f64, ScoreError> {
    support(probabilities, truth)?;
    let of_row = |(row, &class): (ndarray::ArrayView1<'_, f64>, &usize)| -> f64 {
        let outcome = |column| if column == class { 1.0 } else { 0.0 };
        row.iter().enumerate().map(|(column, p)| (p - outcome(column)).powi(2)).sum()
    };
    let sum: f64 = probabilities.values().rows().into_iter().zip(truth).map(of_row).sum();
    Ok(sum / truth.len() as f64)
}

/// Expected calibration error: the mean over traces of |accuracy - mean confidence| of the trace's bin, where the confidence
/// is the largest probability of the row.
///
/// C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: On Calibration of Modern Neural Networks, ICML 2017. Their M = 15 bins of
/// equal width, each open below and closed above: `((m - 1) / M, m / M]`. Empty bins count nothing. Ties of the largest
/// probability go to the first class.
pub fn expected_calibration_error(probabilities: &Probabilities, truth: &[usize]) -> Result<f64, ScoreError> {
    support(probabilities, truth)?;
    // Right decisions minus confidence, summed by bin: |sum| = traces * |accuracy - mean confidence|.
    let mut gaps = [0.0; CALIBRATION_BINS];
    let values = probabilities.values();
    for ((row, &class), decision) in truth.iter().enumerate().zip(probabilities.argmax()) {
        let confidence = values[[row, decision]];
        let bin = calibration_bin(confidence);
        let right = if decision == class { 1.0 } else { 0.0 };
        gaps[bin] += right - confidence;
    }
    Ok(gaps.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / truth.len() as f64)
}

/// The bin of a confidence, counted from 0.
pub(crate) fn calibration_bin(confidence: f64) -> usize {
    (1..CALIBRATION_BINS).take_while(|&m| m as f64 / (CALIBRATION_BINS as f64) < confidence).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassMap;
    use ndarray::{Array2, array};

    fn of(rows: Array2<f64>) -> Probabilities {
        Probabilities::new(ClassMap::from_labels((0..rows.ncols()).map(|class| class.to_string())), rows).unwrap()
    }

    #[test]
    fn certain_and_right_or_wrong() {
        let certain = of(array![[1.0, 0.0], [0.0, 1.0]]);
        assert!(log_loss(&certain, &[0, 1]).unwrap() < 1e-15);
        assert_eq!(brier(&certain, &[0, 1]), Ok(0.0));
        assert_eq!(expected_calibration_error(&certain, &[0, 1]), Ok(0.0));
        assert_eq!(log_loss(&certain, &[1, 0]), Ok(52.0 * std::f64::consts::LN_2));
        assert_eq!(brier(&certain, &[1, 0]), Ok(2.0));
        assert_eq!(expected_calibration_error(&certain, &[1, 0]), Ok(1.0));
    }

    #[test]
    fn uniform_rows_cost_the_logarithm_of_the_classes() {
        let uniform = of(Array2::from_elem((8, 4), 0.25));
        let truth = [0, 1, 2, 3, 0, 1, 2, 3];
        assert!((log_loss(&uniform, &truth).unwrap() - 4f64.ln()).abs() < 1e-15);
        assert_eq!(brier(&uniform, &truth), Ok(0.75));
        assert_eq!(expected_calibration_error(&uniform, &truth), Ok(0.0));
    }

    #[test]
    fn a_bin_is_open_below_and_closed_above() {
        // 0.6 = 9/15 closes bin 9; a right 0.6 and a wrong 0.62 lie apart, a right 0.59 and a wrong 0.6 together.
        let apart = of(array![[0.6, 0.4], [0.62, 0.38]]);
        assert!((expected_calibration_error(&apart, &[0, 1]).unwrap() - (0.4 + 0.62) / 2.0).abs() < 1e-15);
        let together = of(array![[0.59, 0.41], [0.6, 0.4]]);
        assert!((expected_calibration_error(&together, &[0, 1]).unwrap() - (0.6 - 0.41) / 2.0).abs() < 1e-15);
    }
}
