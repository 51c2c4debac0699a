//! `totals`: what the traffic amounts to, the trivial attack.
//!
//! Packets out and in, bytes out and in, duration: five numbers that need no look inside the trace, the floor that any
//! attack must beat. Where all packets have one size, as Tor cells do, bytes repeat packets and three numbers remain;
//! their strength was shown by Dyer, Coull, Ristenpart and Shrimpton, "Peek-a-Boo, I Still See You", IEEE S&P 2012.
//!
//! A trace of one packet has duration 0; a trace without incoming packets has 0 incoming packets and bytes.

use wfkit_datasets::Trace;

use crate::stats::seconds;

pub(crate) fn columns() -> Vec<String> {
    ["out_packets", "in_packets", "out_bytes", "in_bytes", "seconds"].map(str::to_owned).into()
}

pub(crate) fn push(trace: &Trace, row: &mut Vec<f64>) {
    row.extend([
        trace.out_packets() as f64,
        trace.in_packets() as f64,
        trace.out_bytes() as f64,
        trace.in_bytes() as f64,
        seconds(trace.duration_ns()),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_a_trace_and_of_one_packet() {
        let row = |time_ns: &[u64], size: &[i32]| {
            let mut row = Vec::new();
            push(&Trace::new(time_ns.into(), size.into()).unwrap(), &mut row);
            row
        };
        assert_eq!(row(&[0, 0, 1_500_000_000], &[100, -1448, -20]), [1.0, 2.0, 100.0, 1468.0, 1.5]);
        assert_eq!(row(&[0], &[7]), [1.0, 0.0, 7.0, 0.0, 0.0]);
    }
}
