//! `ngram-direction`: n-grams of directions, and a histogram of burst lengths.
//!
//! How often each of the 2^n sequences of n successive directions occurs, n = 1..6 (126 columns, `gram_oio` being outgoing, incoming,
//! outgoing), as in Li, Guo and Hopper, CCS 2018, there for n = 2..6; and how many outgoing and incoming bursts (maximal runs of
//! one direction) have 1, 2, .. 60 packets or more (122 columns). Sizes and times are not part of it.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use super::burst::bursts;
use crate::column::{Feature, FeatureInformation, Unit};

const LONGEST_GRAM: usize = 6;
/// Lengths of bursts counted apart; one more column counts the longer ones.
const LENGTHS: usize = 60;

/// Learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Directions;

impl Extract for Directions {
    fn columns(&self) -> Vec<Feature> {
        let gram = |n: usize, code: usize| {
            let directions = (0..n).rev().map(|bit| if code >> bit & 1 == 1 { 'o' } else { 'i' });
            let name = format!("gram_{}", directions.collect::<String>());
            Feature::of("gram", name, Unit::Count, FeatureInformation::Order)
        };
        let grams = (1..=LONGEST_GRAM).flat_map(|n| (0..1 << n).map(move |code| gram(n, code)));
        let lengths = ["out_burst", "in_burst"].into_iter().flat_map(|family| {
            let more = Feature::of(family, format!("{family}_more"), Unit::Count, FeatureInformation::Order);
            Feature::numbered(family, LENGTHS, Unit::Count, FeatureInformation::Order).chain([more])
        });
        grams.chain(lengths).collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        for n in 1..=LONGEST_GRAM {
            let mut counts = vec![0.0; 1 << n];
            let mut code = 0;
            for (packet, &size) in trace.size().iter().enumerate() {
                code = (code << 1 | usize::from(size > 0)) & ((1 << n) - 1);
                if packet + 1 >= n {
                    counts[code] += 1.0;
                }
            }
            row.extend(counts);
        }
        let mut lengths = [0.0; 2 * (LENGTHS + 1)];
        for burst in bursts(trace) {
            let length = burst.packets().min(LENGTHS + 1) - 1;
            lengths[if burst.is_out() { length } else { LENGTHS + 1 + length }] += 1.0;
        }
        row.extend(lengths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::{golden, row};

    #[test]
    fn golden_directions() {
        let row = row(&Directions, &golden::trace());
        let names: Vec<String> = Directions.columns().into_iter().map(|column| column.name).collect();
        assert_eq!((row.len(), names.len()), (248, 248));
        let of = |name: &str| row[names.iter().position(|n| n == name).unwrap()];
        assert_eq!(["gram_i", "gram_o", "gram_oo", "gram_oi", "gram_oioo"].map(of), [7.0, 5.0, 2.0, 3.0, 0.0]);
        assert_eq!(["out_burst_01", "out_burst_03", "in_burst_02", "in_burst_more"].map(of), [2.0, 1.0, 2.0, 0.0]);
    }

    #[test]
    fn a_trace_shorter_than_a_gram_has_none() {
        let row = row(&Directions, &Trace::new(vec![0], vec![-9]).unwrap());
        assert_eq!((row[..126].iter().sum::<f64>(), row.iter().sum::<f64>()), (1.0, 2.0));
    }
}
