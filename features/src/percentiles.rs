//! Percentiles of more numbers than memory holds.

use std::collections::HashMap;

use crate::stats::{percentile_by, ranks_around};

/// So many bits more of the wanted numbers are known after each pass.
const DIGIT: u32 = 16;

/// Exact percentiles of numbers that come one by one, in four passes over all of them: each tells 16 bits more of the order statistics that
/// the percentiles lie between. No more is held than counts of numbers that begin like one of those.
#[derive(Debug)]
pub(crate) struct Percentiles {
    percents: Vec<f64>,
    len: usize,
    /// So many leading bits are known of the wanted numbers.
    known: u32,
    /// What is wanted, by rank; nothing before the first pass has told how many numbers there are.
    wanted: Vec<Wanted>,
    /// How many numbers begin with these bits, and one digit more than is known.
    counts: HashMap<u64, usize>,
}

/// An order statistic.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    rank: usize,
    /// The bits that are known.
    bits: u64,
    /// How many numbers are smaller whatever the other bits are.
    below: usize,
}

impl Percentiles {
    pub(crate) fn new(percents: Vec<f64>) -> Self {
        Self { percents, len: 0, known: 0, wanted: Vec::new(), counts: HashMap::new() }
    }

    pub(crate) fn see(&mut self, value: f64) {
        let bits = ordered(value);
        let is_wanted = match self.known {
            0 => true,
            u64::BITS => false,
            known => self.wanted.binary_search_by_key(&(bits >> (u64::BITS - known)), |wanted| wanted.bits).is_ok(),
        };
        if is_wanted {
            *self.counts.entry(bits >> (u64::BITS - self.known - DIGIT)).or_default() += 1;
        }
    }

    /// Ends a pass; whether there is to be another.
    pub(crate) fn turn(&mut self) -> bool {
        if self.known == u64::BITS {
            return false;
        }
        let mut counts: Vec<(u64, usize)> = self.counts.drain().collect();
        counts.sort_unstable();
        if self.known == 0 {
            self.len = counts.iter().map(|(_, count)| count).sum();
            let mut ranks: Vec<usize> =
                self.percents.iter().flat_map(|&percent| ranks_around(self.len, percent)).collect();
            ranks.sort_unstable();
            ranks.dedup();
            self.wanted = ranks.into_iter().map(|rank| Wanted { rank, bits: 0, below: 0 }).collect();
        }
        for wanted in &mut self.wanted {
            let first = counts.partition_point(|&(bits, _)| bits >> DIGIT < wanted.bits);
            for &(bits, count) in &counts[first..] {
                wanted.bits = bits;
                if wanted.below + count > wanted.rank {
                    break;
                }
                wanted.below += count;
            }
        }
        self.known = if self.len == 0 { u64::BITS } else { self.known + DIGIT };
        self.known < u64::BITS
    }

    /// The percentiles that were asked for; none of no numbers.
    pub(crate) fn done(self) -> Vec<f64> {
        let of_rank = |rank: usize| match self.wanted.binary_search_by_key(&rank, |wanted| wanted.rank) {
            Ok(place) => from_ordered(self.wanted[place].bits),
            Err(_) => unreachable!("the ranks around every percentile are wanted"),
        };
        let percents = self.percents.iter().filter(|_| self.len > 0);
        percents.map(|&percent| percentile_by(self.len, percent, of_rank)).collect()
    }
}

/// Bits that stand in the order of the numbers (that of [`f64::total_cmp`]).
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn from_ordered(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_numbers(
            mut values in prop::collection::vec(prop_oneof![any::<f64>().prop_filter("a number", |value| !value.is_nan()), (0..5u8).prop_map(f64::from)], 0..60),
        ) {
            let percents = vec![0.0, 5.0, 33.0, 50.0, 99.0, 100.0];
            let mut learned = Percentiles::new(percents.clone());
            let mut passes = 1;
            values.iter().for_each(|&value| learned.see(value));
            while learned.turn() {
                passes += 1;
                values.iter().for_each(|&value| learned.see(value));
            }
            prop_assert_eq!(passes, if values.is_empty() { 1 } else { 4 });
            values.sort_unstable_by(f64::total_cmp);
            let of_sorted = |&percent: &f64| percentile_by(values.len(), percent, |rank| values[rank]).to_bits();
            let expected: Vec<u64> = percents.iter().filter(|_| !values.is_empty()).map(of_sorted).collect();
            prop_assert_eq!(learned.done().into_iter().map(f64::to_bits).collect::<Vec<_>>(), expected);
        }
    }
}
