//! Packets per second, as k-FP counts them.

use crate::stats::percentile_by;

const NS_PER_SECOND: u64 = 1_000_000_000;

/// Packets in each second of a trace: second k, counted from 1, holds the packets with k - 1 < t <= k, and second 1
/// those at t = 0 too. There are ceil(duration) seconds, at least one.
///
/// Only seconds with packets are stored: one stray packet hours after the rest costs one entry.
pub(crate) struct PerSecond {
    /// Number of seconds.
    pub(crate) len: u64,
    /// (second from 0, packets), ascending.
    busy: Vec<(u64, f64)>,
}

impl PerSecond {
    /// Counts packets at ascending times from 0.
    pub(crate) fn of(time_ns: &[u64]) -> Self {
        let mut busy = Vec::new();
        let mut rest = time_ns;
        while let Some(&time) = rest.first() {
            let second = time.saturating_sub(1) / NS_PER_SECOND;
            let end = (second + 1).saturating_mul(NS_PER_SECOND);
            let packets = rest.partition_point(|&time| time <= end);
            busy.push((second, packets as f64));
            rest = &rest[packets..];
        }
        let len = busy.last().map_or(1, |(last, _)| last + 1);
        Self { len, busy }
    }

    /// (second from 0, packets) of the seconds with packets, ascending.
    pub(crate) fn busy(&self) -> impl Iterator<Item = (u64, f64)> + '_ {
        self.busy.iter().copied()
    }

    /// The packets of the first `limit` seconds, idle ones included.
    pub(crate) fn first(&self, limit: usize) -> Vec<f64> {
        let mut packets = vec![0.0; limit.min(self.len.try_into().unwrap_or(usize::MAX))];
        for (second, count) in self.busy() {
            match packets.get_mut(second as usize) {
                Some(slot) => *slot = count,
                None => break,
            }
        }
        packets
    }

    pub(crate) fn mean(&self) -> f64 {
        self.busy().map(|(_, packets)| packets).sum::<f64>() / self.len as f64
    }

    pub(crate) fn std(&self) -> f64 {
        let mean = self.mean();
        let busy: f64 = self.busy().map(|(_, packets)| (packets - mean).powi(2)).sum();
        let idle = self.idle() as f64 * mean.powi(2);
        ((busy + idle) / self.len as f64).sqrt()
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted: Vec<f64> = self.busy().map(|(_, packets)| packets).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let idle = self.idle() as usize;
        percentile_by(self.len as usize, 50.0, |rank| rank.checked_sub(idle).map_or(0.0, |busy| sorted[busy]))
    }

    pub(crate) fn min(&self) -> f64 {
        if self.idle() > 0 { 0.0 } else { self.busy().map(|(_, packets)| packets).fold(f64::INFINITY, f64::min) }
    }

    pub(crate) fn max(&self) -> f64 {
        self.busy().map(|(_, packets)| packets).fold(0.0, f64::max)
    }

    fn idle(&self) -> u64 {
        self.len - self.busy.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owns_its_end_and_the_first_its_start() {
        let second = NS_PER_SECOND;
        let counts = PerSecond::of(&[0, 0, 1, second, second + 1, 3 * second, 3 * second + 1]);
        assert_eq!(counts.first(9), [4.0, 1.0, 1.0, 1.0]);
        assert_eq!(counts.first(2), [4.0, 1.0]);
    }

    #[test]
    fn no_duration_is_one_second() {
        let counts = PerSecond::of(&[0, 0, 0]);
        let of = [counts.mean(), counts.std(), counts.median(), counts.min(), counts.max()];
        assert_eq!((counts.len, of), (1, [3.0, 0.0, 3.0, 3.0, 3.0]));
    }

    #[test]
    fn idle_seconds_count() {
        let counts = PerSecond::of(&[0, 0, 0, 0, 3 * NS_PER_SECOND]);
        assert_eq!(counts.first(9), [4.0, 0.0, 1.0]);
        assert_eq!((counts.median(), counts.min(), counts.max()), (1.0, 0.0, 4.0));
        assert!((counts.std() - (26.0_f64 / 9.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn the_longest_time_needs_no_memory() {
        let counts = PerSecond::of(&[0, u64::MAX]);
        assert_eq!((counts.len, counts.busy.len()), (18_446_744_074, 2));
        assert_eq!((counts.median(), counts.first(3)), (0.0, vec![1.0, 0.0, 0.0]));
    }
}
