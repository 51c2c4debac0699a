//! What a round allows.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use wfkit_datasets::TraceSet;

/// What a round of the competition allows. The default is the full game; small games set their own numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Number of classes; they are named `1` to this number. Default 100.
    pub classes: usize,
    /// Repetitions of a class that are asked for. Default 32.
    pub reps_mean: u64,
    /// A class has *fewer* than this many repetitions more or less than [`Self::reps_mean`]. Default 7, so 26 to 38; 0 allows
    /// no class at all.
    pub deviation: u64,
    /// A trace has *more* than this many packets. Default 5, so 6 at least.
    pub min_packets: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { classes: 100, reps_mean: 32, deviation: 7, min_packets: 5 }
    }
}

impl Rules {
    /// The narrowest rules that a set keeps: its classes and the middle of their repetitions; as for packets those of the full game, or one
    /// less than its shortest trace has.
    pub fn fitting(set: &TraceSet) -> Self {
        let mut reps: BTreeMap<&str, u64> = BTreeMap::new();
        for labelled in set.traces() {
            *reps.entry(&labelled.key.class).or_default() += 1;
        }
        let (least, most) = (reps.values().min().copied().unwrap_or(0), reps.values().max().copied().unwrap_or(0));
        let reps_mean = least.midpoint(most);
        let shortest = set.traces().iter().map(|labelled| labelled.trace.len()).min().unwrap_or(0);
        Self {
            classes: reps.len(),
            reps_mean,
            deviation: (most - reps_mean).max(reps_mean - least) + 1,
            min_packets: (shortest as u64).saturating_sub(1).min(Self::default().min_packets),
        }
    }

    /// How many repetitions a class may have; empty where [`Self::deviation`] is 0.
    pub fn reps(&self) -> RangeInclusive<u64> {
        if self.deviation == 0 {
            return RangeInclusive::new(1, 0);
        }
        let most_off = self.deviation - 1;
        // A class without a trace is missing, whatever the deviation.
        self.reps_mean.saturating_sub(most_off).max(1)..=self.reps_mean.saturating_add(most_off)
    }

    /// Whether `class` is one of `1` to [`Self::classes`], written as such.
    pub fn has_class(&self, class: &str) -> bool {
        class_number(class).is_some_and(|number| number <= self.classes as u64)
    }
}

/// The number of a class as the competition names them: a whole number from 1, without sign or leading zero.
pub(crate) fn class_number(class: &str) -> Option<u64> {
    class.parse().ok().filter(|number: &u64| *number >= 1 && number.to_string() == class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_the_repetitions() {
        assert_eq!(Rules::default().reps(), 26..=38);
        assert_eq!(Rules { reps_mean: 6, deviation: 3, ..Rules::default() }.reps(), 4..=8);
        assert_eq!(Rules { reps_mean: 2, deviation: 1, ..Rules::default() }.reps(), 2..=2);
        assert_eq!(Rules { reps_mean: 2, deviation: 9, ..Rules::default() }.reps(), 1..=10);
        assert!(Rules { deviation: 0, ..Rules::default() }.reps().is_empty());
    }

    #[test]
    fn classes_are_numbers_from_one() {
        let rules = Rules { classes: 4, ..Rules::default() };
        let all = ["0", "1", "4", "5", "01", "+1", "1.0", "a", "", "-1"];
        let allowed: Vec<_> = all.into_iter().filter(|class| rules.has_class(class)).collect();
        assert_eq!(allowed, ["1", "4"]);
    }
}
