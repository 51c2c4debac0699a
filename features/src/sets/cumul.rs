//! `cumul`, `cumul-common`, `cumul-paper`, `cumul-two-curves`: the cumulative size of a trace, sampled.
//!
//! Panchenko, Lanze, Zinnen, Henze, Pennekamp, Wehrle and Engel, "Website Fingerprinting at Internet Scale", NDSS 2016.
//! Here, as there, **incoming counts up**. With p_i the size of packet i, positive if incoming, a_i = a_{i-1} + |p_i|
//! and c_i = c_{i-1} + p_i from a_0 = c_0 = 0, the curve C joins the points (a_i, c_i) by straight lines. The features
//! are the number of incoming and outgoing packets, the incoming and outgoing bytes, and C at 100 equidistant points.
//! Times are not part of it.
//!
//! The sources differ in the points, hence four sets:
//! - `cumul`: a_N k / 100, k = 1..100, on the whole curve. The paper's points include the start, which is (0, 0) for
//!   every trace; these do not.
//! - `cumul-paper`: a_N (k - 1) / 99, k = 1..100, the paper's points; the first is always 0.
//! - `cumul-common`: a_1 + (a_N - a_1) k / 100, k = 1..100, the points of most published code, which starts at the
//!   first packet.
//! - `cumul-two-curves`: a_N k / 50, k = 1..50, on the curve of the incoming bytes, then on that of the outgoing bytes. Two
//!   curves are used by Li, Guo and Hopper, "Measuring Information Leakage in Website Fingerprinting Attacks and
//!   Defenses", CCS 2018; the points, which published code takes between the first and the last packet, are those of `cumul` here.
//!
//! The first four features stand in the order of the paper's text; the authors' script has outgoing bytes before
//! incoming. The paper's outlier removal and scaling to [-1, 1] are left to the attack: a forest needs neither.
//!
//! A trace of one packet is a straight line or one point, 100 times (`cumul-common`); without incoming
//! packets C only falls.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use crate::column::{Feature, FeatureInformation, Unit};

/// Points sampled on the curve, or on both.
const POINTS: usize = 100;

/// `cumul`; learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whole;

/// `cumul-common`; learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Common;

/// `cumul-paper`; learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paper;

/// `cumul-two-curves`; learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TwoCurves;

impl Extract for Whole {
    fn columns(&self) -> Vec<Feature> {
        one_curve_columns()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        push_totals(trace, row);
        push_points(trace, from_origin(trace, POINTS), row);
    }
}

impl Extract for Common {
    fn columns(&self) -> Vec<Feature> {
        one_curve_columns()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        push_totals(trace, row);
        push_points(trace, from_first_packet(trace, POINTS), row);
    }
}

impl Extract for Paper {
    fn columns(&self) -> Vec<Feature> {
        one_curve_columns()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        push_totals(trace, row);
        row.push(0.0);
        push_points(trace, from_origin(trace, POINTS - 1), row);
    }
}

impl Extract for TwoCurves {
    fn columns(&self) -> Vec<Feature> {
        let curve = |family| Feature::numbered(family, POINTS / 2, Unit::Bytes, FeatureInformation::Order);
        totals().into_iter().chain(curve("in")).chain(curve("out")).collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        push_totals(trace, row);
        let points: Vec<f64> = from_origin(trace, POINTS / 2).collect();
        let start = row.len();
        push_points(trace, points.iter().copied(), row);
        // With I and O the incoming and outgoing bytes so far: a = I + O and c = I - O.
        let curve = row.split_off(start);
        row.extend(points.iter().zip(&curve).map(|(a, c)| (a + c) / 2.0));
        row.extend(points.iter().zip(&curve).map(|(a, c)| (a - c) / 2.0));
    }
}

fn one_curve_columns() -> Vec<Feature> {
    totals().into_iter().chain(Feature::numbered("c", POINTS, Unit::Bytes, FeatureInformation::Order)).collect()
}

fn totals() -> [Feature; 4] {
    let columns = ["in_packets", "out_packets", "in_bytes", "out_bytes"];
    columns.map(|name| {
        let unit = if name.ends_with("packets") { Unit::Packets } else { Unit::Bytes };
        Feature::one(name, unit, FeatureInformation::Volume)
    })
}

fn push_totals(trace: &Trace, row: &mut Vec<f64>) {
    row.extend([
        trace.in_packets() as f64,
        trace.out_packets() as f64,
        trace.in_bytes() as f64,
        trace.out_bytes() as f64,
    ]);
}

/// The points a_N k / `points`, k = 1..`points`.
fn from_origin(trace: &Trace, points: usize) -> impl Iterator<Item = f64> {
    points_between(0.0, end(trace), points)
}

/// The points a_1 + (a_N - a_1) k / `points`, k = 1..`points`.
fn from_first_packet(trace: &Trace, points: usize) -> impl Iterator<Item = f64> {
    points_between(length(trace.size()[0]), end(trace), points)
}

fn points_between(start: f64, end: f64, points: usize) -> impl Iterator<Item = f64> {
    (1..=points).map(move |k| start + (end - start) * k as f64 / points as f64)
}

fn end(trace: &Trace) -> f64 {
    (trace.out_bytes() + trace.in_bytes()) as f64
}

fn length(size: i32) -> f64 {
    f64::from(size.unsigned_abs())
}

/// The curve at ascending `points`.
fn push_points(trace: &Trace, points: impl Iterator<Item = f64>, row: &mut Vec<f64>) {
    // The packet under the point, and the curve before that packet.
    let (mut packet, mut a, mut c) = (0, 0.0, 0.0);
    for x in points {
        while a + length(trace.size()[packet]) < x && packet + 1 < trace.len() {
            a += length(trace.size()[packet]);
            c -= f64::from(trace.size()[packet]);
            packet += 1;
        }
        // |c_i - c_{i-1}| = a_i - a_{i-1}: the curve rises or falls by one a byte.
        let slope = -f64::from(trace.size()[packet].signum());
        row.push(c + slope * (x - a));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::golden::trace;
    use crate::sets::row;

    fn whole(trace: &Trace, points: usize) -> Vec<f64> {
        let mut row = Vec::new();
        push_points(trace, from_origin(trace, points), &mut row);
        row
    }

    fn common(trace: &Trace, points: usize) -> Vec<f64> {
        let mut row = Vec::new();
        push_points(trace, from_first_packet(trace, points), &mut row);
        row
    }

    #[test]
    fn golden_points_of_the_whole_curve() {
        assert_eq!(whole(&trace(), 8), [-1.5, -3.0, -1.5, -2.0, -0.5, 1.0, 0.5, 2.0]);
    }

    #[test]
    fn golden_points_from_the_first_packet() {
        assert_eq!(common(&trace(), 8), [-2.375, -2.25, -1.125, -1.5, -0.125, 0.75, 0.625, 2.0]);
    }

    #[test]
    fn the_points_of_the_paper_include_both_ends() {
        let row = row(&Paper, &trace());
        assert_eq!((row.len(), row[4], row[103]), (104, 0.0, 2.0));
        assert_eq!(row[5..], whole(&trace(), 99));
    }

    #[test]
    fn two_curves_add_up_to_the_points_and_differ_by_the_one_curve() {
        let row = row(&TwoCurves, &trace());
        assert_eq!((row.len(), row[53], row[103]), (104, 7.0, 5.0));
        for (k, c) in whole(&trace(), 50).into_iter().enumerate() {
            let (incoming, outgoing) = (row[4 + k], row[54 + k]);
            assert!((incoming - outgoing - c).abs() < 1e-12);
            assert!((incoming + outgoing - 12.0 * (k + 1) as f64 / 50.0).abs() < 1e-12);
        }
    }

    #[test]
    fn one_packet_is_a_line_or_a_point() {
        let packet = Trace::new(vec![0], vec![-800]).unwrap();
        assert_eq!(whole(&packet, 4), [200.0, 400.0, 600.0, 800.0]);
        assert_eq!(common(&packet, 4), [800.0; 4]);
    }

    #[test]
    fn without_incoming_packets_the_curve_falls() {
        let out = Trace::new(vec![0, 0], vec![300, 100]).unwrap();
        let row = row(&Whole, &out);
        assert_eq!(row[..4], [0.0, 2.0, 0.0, 400.0]);
        assert_eq!((row.len(), row[4], row[103]), (104, -4.0, -400.0));
    }

    #[test]
    fn the_curve_ends_at_incoming_less_outgoing_bytes() {
        let trace = Trace::new(vec![0, 1, 2, 3, 4], vec![333, -1448, -7, 19, -536]).unwrap();
        let net = (1448 + 7 + 536 - 333 - 19) as f64;
        assert_eq!((whole(&trace, 100)[99], common(&trace, 100)[99]), (net, net));
    }
}
