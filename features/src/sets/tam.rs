//! `tam`, `tam-pooled`, `tam-cumulative`: packets per slot of time, outgoing and incoming apart.
//!
//! Shen, Ji, Li, Gao and Zhang, "Subverting Website Fingerprinting Defenses with Robust Traffic Representation", USENIX
//! Security 2023: the traffic aggregation matrix. As in the authors' code, `tam` has two rows (outgoing, then incoming) of 1,800
//! slots over 80 s; a packet at t < 80 s counts in slot floor(1799 t / 80 s), so that slots are 44.469 ms wide, later ones in the last
//! slot; packets after the first 5,000 are left out.
//!
//! That matrix is for a convolution, which tolerates shifts. For learners that look at one column at a time there are two more
//! forms, of all packets: `tam-pooled`, 75 slots of 0.2 s a direction, what is later in the last slot; and `tam-cumulative`,
//! packets before 0.1 s, 0.2 s, .. 15 s, without what is later.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use crate::column::{Feature, FeatureInformation, Unit};

/// Slots a direction of `tam`.
pub(crate) const SLOTS: usize = 1_800;
/// Where its last slot begins.
const HORIZON_NS: u64 = 80_000_000_000;
/// Packets that it counts at most.
const PACKETS: usize = 5_000;

const POOLED_SLOTS: usize = 75;
const POOLED_NS: u64 = 200_000_000;
const CUMULATIVE_SLOTS: usize = 150;
const CUMULATIVE_NS: u64 = 100_000_000;

/// `tam`; learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tam;

/// `tam-pooled`; learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pooled;

/// `tam-cumulative`; learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cumulative;

impl Extract for Tam {
    fn columns(&self) -> Vec<Feature> {
        columns(SLOTS)
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let slot = |time_ns: u64| match time_ns {
            // Below 80 s the product is far below 2^64.
            0..HORIZON_NS => (time_ns * (SLOTS as u64 - 1) / HORIZON_NS) as usize,
            _ => SLOTS - 1,
        };
        push_counts(trace, PACKETS, SLOTS, slot, row);
    }
}

impl Extract for Pooled {
    fn columns(&self) -> Vec<Feature> {
        columns(POOLED_SLOTS)
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let slot = |time_ns: u64| (time_ns / POOLED_NS).min(POOLED_SLOTS as u64 - 1) as usize;
        push_counts(trace, usize::MAX, POOLED_SLOTS, slot, row);
    }
}

impl Extract for Cumulative {
    fn columns(&self) -> Vec<Feature> {
        columns(CUMULATIVE_SLOTS)
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let start = row.len();
        push_counts(trace, usize::MAX, CUMULATIVE_SLOTS, |time_ns| (time_ns / CUMULATIVE_NS) as usize, row);
        for direction in row[start..].chunks_exact_mut(CUMULATIVE_SLOTS) {
            let mut sum = 0.0;
            for slot in direction {
                sum += *slot;
                *slot = sum;
            }
        }
    }
}

fn columns(slots: usize) -> Vec<Feature> {
    let direction = |family| Feature::numbered(family, slots, Unit::Packets, FeatureInformation::Time);
    direction("out").chain(direction("in")).collect()
}

/// Outgoing packets in each slot, then incoming ones.
fn push_counts(trace: &Trace, packets: usize, slots: usize, slot: impl Fn(u64) -> usize, row: &mut Vec<f64>) {
    let start = row.len();
    row.resize(start + 2 * slots, 0.0);
    let counts = &mut row[start..];
    for (time_ns, size) in trace.packets().take(packets) {
        let slot = slot(time_ns);
        if slot < slots {
            counts[if size > 0 { slot } else { slots + slot }] += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::{golden, row};

    fn filled(row: &[f64]) -> Vec<(usize, f64)> {
        row.iter().copied().enumerate().filter(|&(_, count)| count > 0.0).collect()
    }

    #[test]
    fn golden_slots() {
        let row = row(&Tam, &golden::trace());
        assert_eq!(row.len(), Tam.columns().len());
        assert_eq!(filled(&row[..SLOTS]), [(0, 2.0), (4, 1.0), (11, 1.0), (44, 1.0)]);
        assert_eq!(filled(&row[SLOTS..]), [(8, 1.0), (11, 1.0), (29, 3.0), (47, 2.0)]);
    }

    #[test]
    fn late_packets_share_the_last_slot_and_are_not_cumulated() {
        let late = Trace::new(vec![0, 80_000_000_000, u64::MAX], vec![1, 1, 1]).unwrap();
        assert_eq!(filled(&row(&Tam, &late)), [(0, 1.0), (SLOTS - 1, 2.0)]);
        assert_eq!(filled(&row(&Pooled, &late)), [(0, 1.0), (POOLED_SLOTS - 1, 2.0)]);
        assert_eq!(row(&Cumulative, &late)[149], 1.0);
    }

    #[test]
    fn packets_before_each_moment() {
        let row = row(&Cumulative, &golden::trace());
        assert_eq!((row.len(), Cumulative.columns().len()), (300, 300));
        assert_eq!((row[0], row[1], row[2], row[149]), (2.0, 2.0, 3.0, 5.0));
        assert_eq!((row[150 + 3], row[150 + 4], row[299]), (0.0, 1.0, 7.0));
    }
}
