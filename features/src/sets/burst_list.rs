//! `bursts`: the signed bytes of the first 150 bursts, maximal runs of one direction, padded with 0.
//!
//! As in Wang and Goldberg, "Walkie-Talkie", USENIX Security 2017, whose bursts are counts of cells; where all packets have one size
//! these are the same up to that factor. Times are not part of it.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use super::burst::bursts;
use crate::column::{Feature, FeatureInformation, Unit};

const BURSTS: usize = 150;

/// Learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bursts;

impl Extract for Bursts {
    fn columns(&self) -> Vec<Feature> {
        Feature::numbered("burst", BURSTS, Unit::Bytes, FeatureInformation::Order).collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let sums = bursts(trace).map(|burst| burst.bytes as f64);
        row.extend(sums.chain([0.0; BURSTS]).take(BURSTS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::{golden, row};

    #[test]
    fn golden_bursts() {
        let row = row(&Bursts, &golden::trace());
        assert_eq!((row.len(), &row[..7]), (150, &[3.0, -2.0, 1.0, -3.0, 1.0, -2.0, 0.0][..]));
    }
}
