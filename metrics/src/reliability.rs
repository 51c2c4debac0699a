//! How often an attack is right when it says how sure it is.

use serde::{Deserialize, Serialize};

use crate::Probabilities;
use crate::confidence::{CALIBRATION_BINS, calibration_bin};
use crate::truth::{ScoreError, support};

/// The decisions of one range of confidence, where confidence is the largest probability of a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The confidence is above this.
    pub above: f64,
    /// The confidence is at most this.
    pub to: f64,
    /// Number of decisions.
    pub traces: u64,
    /// Their mean confidence.
    pub confidence: f64,
    /// Share of them that are right.
    pub accuracy: f64,
}

/// The reliability table: the bins of [`expected_calibration_error`](crate::expected_calibration_error) that are not empty, by
/// rising confidence. Calibrated probabilities have accuracy and confidence equal but for chance (A. Murphy, R. Winkler, "Reliability
/// of subjective probability forecasts of precipitation and temperature", Applied Statistics 26, 1977).
pub fn reliability(probabilities: &Probabilities, truth: &[usize]) -> Result<Vec<ReliabilityBin>, ScoreError> {
    support(probabilities, truth)?;
    let (mut traces, mut right) = ([0u64; CALIBRATION_BINS], [0u64; CALIBRATION_BINS]);
    let mut confidence = [0.0; CALIBRATION_BINS];
    for ((row, &class), decision) in probabilities.values().rows().into_iter().zip(truth).zip(probabilities.argmax()) {
        let bin = calibration_bin(row[decision]);
        traces[bin] += 1;
        confidence[bin] += row[decision];
        right[bin] += u64::from(decision == class);
    }
    let edge = |bin: usize| bin as f64 / CALIBRATION_BINS as f64;
    let of_bin = |bin: usize| ReliabilityBin {
        above: edge(bin),
        to: edge(bin + 1),
        traces: traces[bin],
        confidence: confidence[bin] / traces[bin] as f64,
        accuracy: right[bin] as f64 / traces[bin] as f64,
    };
    Ok((0..CALIBRATION_BINS).filter(|&bin| traces[bin] > 0).map(of_bin).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClassMap, expected_calibration_error};
    use ndarray::array;

    #[test]
    fn the_gaps_of_the_table_are_the_calibration_error() {
        let rows = array![[0.6, 0.4], [0.62, 0.38], [0.1, 0.9], [0.08, 0.92]];
        let probabilities = Probabilities::new(ClassMap::from_labels(["a", "b"]), rows).unwrap();
        let truth = [0, 1, 1, 0];
        let table = reliability(&probabilities, &truth).unwrap();
        assert_eq!(table.iter().map(|bin| bin.traces).collect::<Vec<_>>(), [1, 1, 2]);
        assert_eq!((table[2].accuracy, table[2].above), (0.5, 13.0 / 15.0));
        let gap = |bin: &ReliabilityBin| bin.traces as f64 / 4.0 * (bin.accuracy - bin.confidence).abs();
        let error = expected_calibration_error(&probabilities, &truth).unwrap();
        assert!((table.iter().map(gap).sum::<f64>() - error).abs() < 1e-15);
    }
}
