//! `direction`, `time`, `direction-time`: one number a packet, in order, padded with 0.
//!
//! - `direction`: 1 outgoing, -1 incoming. Rimmer et al., NDSS 2018; Sirinam, Imani, Juarez and Wright, "Deep Fingerprinting",
//!   CCS 2018.
//! - `time`: seconds since the first packet.
//! - `direction-time`: direction times time. Rahman, Sirinam, Mathews, Gangadhara and Wright, "Tik-Tok: The Utility of Packet Timing in
//!   Website Fingerprinting Attacks", PETS 2020. Deviation: 0.1 ms is added to every time, since a packet at 0 would be padding.
//!
//! Learned is the length: that of the longest training trace, at most 5,000 or, where the name says so, 1,500.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use super::sequence::Length;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::stats::seconds;

/// Added to the times of `direction-time`, so that none is 0.
pub(crate) const EPSILON_NS: u64 = 100_000;

/// `direction` and `direction-1500`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Direction(pub(super) Length);

/// `time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Time(pub(super) Length);

/// `direction-time` and `direction-time-1500`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct DirectionTime(pub(super) Length);

/// The direction of a packet.
pub(crate) fn direction(size: i32) -> f64 {
    f64::from(size.signum())
}

/// Direction times time, never 0.
pub(crate) fn direction_time(time_ns: u64, size: i32) -> f64 {
    direction(size) * seconds(time_ns.saturating_add(EPSILON_NS))
}

impl Extract for Direction {
    fn columns(&self) -> Vec<Feature> {
        self.0.columns("packet", Unit::Direction, FeatureInformation::Order)
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        self.0.push(trace.size().iter().map(|&size| direction(size)), row);
    }

    fn check(&self) -> Result<(), String> {
        self.0.check()
    }
}

impl Extract for Time {
    fn columns(&self) -> Vec<Feature> {
        self.0.columns("packet", Unit::Seconds, FeatureInformation::Time)
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        self.0.push(trace.time_ns().iter().map(|&time_ns| seconds(time_ns)), row);
    }

    fn check(&self) -> Result<(), String> {
        self.0.check()
    }
}

impl Extract for DirectionTime {
    fn columns(&self) -> Vec<Feature> {
        self.0.columns("packet", Unit::Seconds, FeatureInformation::Time)
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        self.0.push(trace.packets().map(|(time_ns, size)| direction_time(time_ns, size)), row);
    }

    fn check(&self) -> Result<(), String> {
        self.0.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::row;

    #[test]
    fn one_number_a_packet_then_zeros() {
        let long = Trace::new(vec![0; 3], vec![1; 3]).unwrap();
        let trace = Trace::new(vec![0, 500_000_000], vec![600, -1448]).unwrap();
        let length = Length::fit(&[&long], 1_500);
        assert_eq!(row(&Direction(length), &trace), [1.0, -1.0, 0.0]);
        assert_eq!(row(&Time(length), &trace), [0.0, 0.5, 0.0]);
        assert_eq!(row(&DirectionTime(length), &trace), [1e-4, -0.5001, 0.0]);
        assert_eq!(Time(length).columns()[2].name, "packet_0003");
    }
}
