//! `totals`: what the traffic amounts to, the trivial attack.
//!
//! Packets out and in, bytes out and in, duration: five numbers that need no look inside the trace, the floor that any
//! attack must beat. Where all packets have one size, as Tor cells do, bytes repeat packets and three numbers remain;
//! their strength was shown by Dyer, Coull, Ristenpart and Shrimpton, "Peek-a-Boo, I Still See You", IEEE S&P 2012.
//!
//! A trace of one packet has duration 0; a trace without incoming packets has 0 incoming packets and bytes.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::stats::seconds;

/// Learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals;

impl Extract for Totals {
    fn columns(&self) -> Vec<Feature> {
        let volume = |name, unit| Feature::one(name, unit, FeatureInformation::Volume);
        vec![
            volume("out_packets", Unit::Packets),
            volume("in_packets", Unit::Packets),
            volume("out_bytes", Unit::Bytes),
            volume("in_bytes", Unit::Bytes),
            Feature::one("seconds", Unit::Seconds, FeatureInformation::Time),
        ]
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        row.extend([
            trace.out_packets() as f64,
            trace.in_packets() as f64,
            trace.out_bytes() as f64,
            trace.in_bytes() as f64,
            seconds(trace.duration_ns()),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::row;

    #[test]
    fn totals_of_a_trace_and_of_one_packet() {
        let row = |time_ns: &[u64], size: &[i32]| row(&Totals, &Trace::new(time_ns.into(), size.into()).unwrap());
        assert_eq!(row(&[0, 0, 1_500_000_000], &[100, -1448, -20]), [1.0, 2.0, 100.0, 1468.0, 1.5]);
        assert_eq!(row(&[0], &[7]), [1.0, 0.0, 7.0, 0.0, 0.0]);
    }
}
