//! `cumul` and `cumul-common`: the cumulative size of a trace, sampled.
//!
//! Panchenko, Lanze, Zinnen, Henze, Pennekamp, Wehrle and Engel, "Website Fingerprinting at Internet Scale", NDSS 2016.
//! Here, as there, **incoming counts up**. With p_i the size of packet i, positive if incoming, a_i = a_{i-1} + |p_i|
//! and c_i = c_{i-1} + p_i from a_0 = c_0 = 0, the curve C joins the points (a_i, c_i) by straight lines. The features
//! are the number of incoming and outgoing packets, the incoming and outgoing bytes, and C at 100 equidistant points.
//! Times are not part of it.
//!
//! The sources differ in the points, hence two sets:
//! - `cumul`: a_N k / 100, k = 1..100, on the whole curve. The paper's points include the start, which is (0, 0) for
//!   every trace; these end at the end of the curve instead.
//! - `cumul-common`: a_1 + (a_N - a_1) k / 100, k = 1..100, the points of most published code, which starts at the
//!   first packet.
//!
//! The first four features stand in the order of the paper's text; the authors' script has outgoing bytes before
//! incoming. The paper's outlier removal and scaling to [-1, 1] are left to the attack: a forest needs neither.
//!
//! A trace of one packet is a straight line (`cumul`) or one point, 100 times (`cumul-common`); without incoming
//! packets C only falls.

use wfkit_datasets::Trace;

/// Points sampled on the curve.
const POINTS: usize = 100;

/// Where the sampled part of the curve starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At (0, 0), before the first packet.
    Origin,
    /// At (a_1, c_1), after the first packet.
    FirstPacket,
}

pub(crate) fn columns() -> Vec<String> {
    let totals = ["in_packets", "out_packets", "in_bytes", "out_bytes"].map(str::to_owned);
    let points = (1..=POINTS).map(|point| format!("c_{point:03}"));
    totals.into_iter().chain(points).collect()
}

pub(crate) fn push(trace: &Trace, start: Start, row: &mut Vec<f64>) {
    row.extend([
        trace.in_packets() as f64,
        trace.out_packets() as f64,
        trace.in_bytes() as f64,
        trace.out_bytes() as f64,
    ]);
    push_points(trace, start, POINTS, row);
}

fn push_points(trace: &Trace, start: Start, points: usize, row: &mut Vec<f64>) {
    let length = |size: i32| f64::from(size.unsigned_abs());
    let end = (trace.out_bytes() + trace.in_bytes()) as f64;
    let start = match start {
        Start::Origin => 0.0,
        Start::FirstPacket => length(trace.size()[0]),
    };

    // The packet under the point, and the curve before that packet.
    let (mut packet, mut a, mut c) = (0, 0.0, 0.0);
    for k in 1..=points {
        let x = start + (end - start) * k as f64 / points as f64;
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
    use crate::golden::trace;

    fn points(trace: &Trace, start: Start, points: usize) -> Vec<f64> {
        let mut row = Vec::new();
        push_points(trace, start, points, &mut row);
        row
    }

    #[test]
    fn golden_points_of_the_whole_curve() {
        assert_eq!(points(&trace(), Start::Origin, 8), [-1.5, -3.0, -1.5, -2.0, -0.5, 1.0, 0.5, 2.0]);
    }

    #[test]
    fn golden_points_from_the_first_packet() {
        let expected = [-2.375, -2.25, -1.125, -1.5, -0.125, 0.75, 0.625, 2.0];
        assert_eq!(points(&trace(), Start::FirstPacket, 8), expected);
    }

    #[test]
    fn one_packet_is_a_line_or_a_point() {
        let packet = Trace::new(vec![0], vec![-800]).unwrap();
        assert_eq!(points(&packet, Start::Origin, 4), [200.0, 400.0, 600.0, 800.0]);
        assert_eq!(points(&packet, Start::FirstPacket, 4), [800.0; 4]);
    }

    #[test]
    fn without_incoming_packets_the_curve_falls() {
        let out = Trace::new(vec![0, 0], vec![300, 100]).unwrap();
        let mut row = Vec::new();
        push(&out, Start::Origin, &mut row);
        assert_eq!(row[..4], [0.0, 2.0, 0.0, 400.0]);
        assert_eq!((row.len(), row[4], row[103]), (104, -4.0, -400.0));
    }

    #[test]
    fn the_curve_ends_at_incoming_less_outgoing_bytes() {
        let trace = Trace::new(vec![0, 1, 2, 3, 4], vec![333, -1448, -7, 19, -536]).unwrap();
        for start in [Start::Origin, Start::FirstPacket] {
            assert_eq!(points(&trace, start, 100)[99], (1448 + 7 + 536 - 333 - 19) as f64);
        }
    }
}
