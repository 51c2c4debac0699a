//! Traces of which one thing is left to be seen.

use std::cmp::Reverse;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{LabelledTrace, Trace, TraceSet};

/// One kind of information in a trace, the others taken out. An attack that is trained again on such traces tells what this kind alone
/// gives away.
///
/// All views leave the number of packets; [`Sizes`](Self::Sizes) leaves the bytes and [`Times`](Self::Times) the duration too, so what they
/// give away is held against what the totals alone do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// How large the packets are each way: outgoing before incoming, the largest first, 1 ms apart.
    Sizes,
    /// When packets are sent, either way: every packet is outgoing, of one byte.
    Times,
    /// In which order directions follow each other: every packet is of one byte, 1 ms after the one before.
    Order,
}

/// Time between packets whose times are taken out.
const STEP_NS: u64 = 1_000_000;

impl View {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sizes, Self::Times, Self::Order];

    /// What is left of a trace.
    pub fn of_trace(self, trace: &Trace) -> Trace {
        let steps = || (0..trace.len() as u64).map(|step| step * STEP_NS).collect();
        let (time_ns, size): (Vec<u64>, Vec<i32>) = match self {
            Self::Sizes => {
                let mut sizes = trace.size().to_vec();
                sizes.sort_unstable_by_key(|&size| Reverse((size > 0, size.unsigned_abs())));
                (steps(), sizes)
            }
            Self::Times => (trace.time_ns().to_vec(), vec![1; trace.len()]),
            Self::Order => (steps(), trace.size().iter().map(|size| size.signum()).collect()),
        };
        Trace::new(time_ns, size).expect("times ascend from 0, and no size is 0")
    }

    /// What is left of every trace of a set, under the same keys, without its start.
    pub fn of(self, set: &TraceSet) -> TraceSet {
        let traces = set
            .traces()
            .iter()
            .map(|labelled| LabelledTrace::new(labelled.key.clone(), None, self.of_trace(&labelled.trace)));
        TraceSet::new(traces.collect(), set.provenance().clone()).expect("the keys are those of a set")
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sizes => "sizes",
            Self::Times => "times",
            Self::Order => "order",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_view_leaves_one_thing() {
        let trace = Trace::new(vec![0, 5, 9, 9], vec![-7, 100, -900, 3]).unwrap();
        let seen = |view: View| {
            let trace = view.of_trace(&trace);
            (trace.time_ns().to_vec(), trace.size().to_vec())
        };
        let steps = vec![0, STEP_NS, 2 * STEP_NS, 3 * STEP_NS];
        assert_eq!(seen(View::Sizes), (steps.clone(), vec![100, 3, -900, -7]));
        assert_eq!(seen(View::Times), (vec![0, 5, 9, 9], vec![1; 4]));
        assert_eq!(seen(View::Order), (steps, vec![-1, 1, -1, 1]));
    }

    #[test]
    fn what_is_taken_out_cannot_be_told_apart() {
        let a = Trace::new(vec![0, 5, 9], vec![10, -20, 30]).unwrap();
        let other_times = Trace::new(vec![0, 50, 90], vec![30, 10, -20]).unwrap();
        let other_sizes = Trace::new(vec![0, 5, 9], vec![-1, -2, 3]).unwrap();
        let other_both = Trace::new(vec![0, 50, 90], vec![1, -2, 3]).unwrap();
        assert_eq!(View::Sizes.of_trace(&a), View::Sizes.of_trace(&other_times));
        assert_eq!(View::Times.of_trace(&a), View::Times.of_trace(&other_sizes));
        assert_eq!(View::Order.of_trace(&a), View::Order.of_trace(&other_both));
    }
}
