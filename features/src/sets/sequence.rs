//! `sequence`: the signed sizes themselves, one a column, padded with 0.
//!
//! Positive is outgoing, negative incoming, 0 is no packet (no packet has size 0). Times are not part of it. The plain
//! input of Rimmer et al., "Automated Website Fingerprinting through Deep Learning", NDSS 2018, and of a forest on raw
//! packets. It differs from that paper in keeping sizes, not directions alone, and in the length: that of the longest
//! training trace, at most [`CAP`] or, for `sequence-1500`, [`SHORT_CAP`], where theirs is fixed. Packets of any trace beyond the length are cut.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use crate::column::{Feature, FeatureInformation, Unit};

/// Packets kept at most.
pub(crate) const CAP: usize = 5_000;

/// Packets kept at most by `sequence-1500`: a length that published tables use, and a third of the work.
pub(crate) const SHORT_CAP: usize = 1_500;

/// How many packets the rows of `sequence` and its like hold, as learned from training traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Length {
    packets: usize,
    /// The most that `packets` could have been: equal to it, longer training traces may have been cut.
    cap: usize,
}

impl Length {
    pub(crate) fn fit(traces: &[&Trace], cap: usize) -> Self {
        let longest = traces.iter().map(|trace| trace.len()).max().unwrap_or(0);
        Self { packets: longest.min(cap), cap }
    }

    /// One column a packet. Their names have four digits whatever the length, so that they do not depend on it.
    pub(super) fn columns(self, family: &'static str, unit: Unit, information: FeatureInformation) -> Vec<Feature> {
        let column = |packet| Feature::of(family, format!("{family}_{packet:04}"), unit, information);
        (1..=self.packets).map(column).collect()
    }

    /// The first values, padded with 0.
    pub(super) fn push(self, values: impl Iterator<Item = f64>, row: &mut Vec<f64>) {
        let end = row.len() + self.packets;
        row.extend(values.take(self.packets));
        row.resize(end, 0.0);
    }

    pub(super) fn check(self) -> Result<(), String> {
        if self.packets > self.cap.min(CAP) {
            return Err(format!("sequence of {} packets, more than its cap or {CAP}", self.packets));
        }
        Ok(())
    }
}

/// `sequence` and `sequence-1500`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sizes(Length);

impl Sizes {
    pub(crate) fn fit(traces: &[&Trace], cap: usize) -> Self {
        Self(Length::fit(traces, cap))
    }
}

impl Extract for Sizes {
    fn columns(&self) -> Vec<Feature> {
        self.0.columns("size", Unit::Bytes, FeatureInformation::Order)
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        self.0.push(trace.size().iter().map(|&size| f64::from(size)), row);
    }

    fn check(&self) -> Result<(), String> {
        self.0.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(size: Vec<i32>) -> Trace {
        Trace::new(vec![0; size.len()], size).unwrap()
    }

    #[test]
    fn short_traces_are_padded_and_long_ones_cut() {
        let sizes = Sizes::fit(&[&trace(vec![1, -2, 3]), &trace(vec![1])], CAP);
        let names: Vec<String> = sizes.columns().into_iter().map(|column| column.name).collect();
        assert_eq!(names, ["size_0001", "size_0002", "size_0003"]);
        let mut row = vec![9.0];
        sizes.push(&trace(vec![5]), &mut row);
        sizes.push(&trace(vec![-1, -2, -3, -4]), &mut row);
        assert_eq!(row, [9.0, 5.0, 0.0, 0.0, -1.0, -2.0, -3.0]);
    }

    #[test]
    fn the_length_is_capped_and_of_nothing_it_is_0() {
        assert_eq!(Length::fit(&[&trace(vec![1; CAP + 1])], CAP), Length { packets: CAP, cap: CAP });
        assert_eq!(Length::fit(&[], CAP).packets, 0);
    }
}
