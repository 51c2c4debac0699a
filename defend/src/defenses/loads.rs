//! Where a load ends, for a defence that is not told.

use std::ops::Range;

use wfkit_datasets::Trace;

use crate::StopRule;

/// The packets of each load: all of them where the end is known; under a soft stop a silence longer than its quiet time ends a
/// load, and the next packet starts another one.
pub(super) fn loads(trace: &Trace, stop: StopRule) -> Vec<Range<usize>> {
    let silence_ns = silence_ns(stop);
    let times = trace.time_ns();
    let ends = (1..times.len()).filter(|&i| times[i] - times[i - 1] > silence_ns).chain([times.len()]);
    let mut start = 0;
    ends.map(|end| std::mem::replace(&mut start, end)..end).collect()
}

/// The longest silence within a load.
pub(super) fn silence_ns(stop: StopRule) -> u64 {
    match stop {
        StopRule::Soft { quiet_ns } => quiet_ns,
        StopRule::NoPadding | StopRule::Oracle => u64::MAX,
    }
}

/// How long a defence goes on after the last packet of a load, because it cannot know that it was the last.
pub(super) fn tail_ns(stop: StopRule) -> u64 {
    match stop {
        StopRule::Soft { quiet_ns } => quiet_ns,
        StopRule::NoPadding | StopRule::Oracle => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_silence_ends_a_load() {
        let trace = Trace::new(vec![0, 5, 15, 26, 27], vec![1; 5]).unwrap();
        assert_eq!(loads(&trace, StopRule::Oracle).first(), Some(&(0..5)));
        assert_eq!(loads(&trace, StopRule::Soft { quiet_ns: 10 }), [0..3, 3..5]);
        assert_eq!(loads(&trace, StopRule::Soft { quiet_ns: 0 }).len(), 5);
    }
}
