//! Bursts: what passes in one direction before the other speaks.

use wfkit_datasets::Trace;

/// A maximal run of packets of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Burst {
    /// Sum of the signed sizes: never 0, negative incoming.
    pub(super) bytes: i64,
    /// Its first packet, counted from 0.
    pub(super) start: usize,
    /// The packet after its last.
    pub(super) end: usize,
}

impl Burst {
    pub(super) fn packets(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn is_out(&self) -> bool {
        self.bytes > 0
    }
}

/// The bursts of a trace, in order.
pub(super) fn bursts(trace: &Trace) -> impl Iterator<Item = Burst> + '_ {
    let runs = trace.size().chunk_by(|a, b| a.signum() == b.signum());
    runs.scan(0, |next, run| {
        let start = *next;
        *next += run.len();
        Some(Burst { bytes: run.iter().map(|&size| i64::from(size)).sum(), start, end: *next })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_direction() {
        let trace = Trace::new(vec![0; 5], vec![-5, 600, 20, -1, i32::MIN]).unwrap();
        let found: Vec<(i64, usize)> = bursts(&trace).map(|burst| (burst.bytes, burst.packets())).collect();
        assert_eq!(found, [(-5, 1), (620, 2), (-1 + i64::from(i32::MIN), 2)]);
        assert_eq!(bursts(&trace).map(|burst| burst.is_out()).collect::<Vec<_>>(), [false, true, false]);
    }
}
