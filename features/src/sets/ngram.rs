//! `ngram` and `ngram-cells`: how often sizes, bursts and pairs of them follow each other.
//!
//! Siby, Juarez, Diaz, Vallina-Rodriguez and Troncoso, "Encrypted DNS => Privacy? A Traffic Analysis Perspective", NDSS 2020:
//! counts of the uni-grams and bi-grams of two sequences, the signed sizes of the records and the signed sums of the
//! bursts (maximal runs of one direction), into a forest. An n-gram that did not occur in training is not counted.
//!
//! Deviations:
//! - The vocabulary is bounded: of each of the four kinds, the [`PER_KIND`] n-grams that occur in most training traces, and
//!   in two at least (what occurs in one trace alone tells no class). Of equally common ones the smaller comes first,
//!   incoming before outgoing. So there are at most 4,000 columns.
//! - `ngram` counts the sizes of packets, whatever the layer of the traces; the paper's are TLS records.
//! - `ngram-cells` first turns sizes, and the sums of bursts, into cells ([`Cell`]), since TCP cuts the same stream
//!   into different segments every time.
//!
//! A trace of one packet has one size, one burst and no pair.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use super::burst::bursts;
use super::cell::Cell;
use crate::column::{Feature, FeatureInformation, Unit};

/// N-grams of each kind kept at most.
pub(super) const PER_KIND: usize = 1_000;

/// Training traces in which an n-gram occurs at least.
const TRACES: usize = 2;

/// The vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ngrams {
    /// What a size is rounded to; bytes where there is none.
    cell: Option<Cell>,
    sizes: Vec<i64>,
    size_pairs: Vec<(i64, i64)>,
    bursts: Vec<i64>,
    burst_pairs: Vec<(i64, i64)>,
}

impl Ngrams {
    pub(crate) fn in_bytes(training: &[&Trace]) -> Self {
        Self::fit(training, None)
    }

    pub(crate) fn in_cells(training: &[&Trace]) -> Self {
        Self::fit(training, Some(Cell::fit(training)))
    }

    fn fit(training: &[&Trace], cell: Option<Cell>) -> Self {
        Self {
            cell,
            sizes: commonest(training, TRACES, |trace| sizes(trace, cell)),
            size_pairs: commonest(training, TRACES, |trace| pairs(&sizes(trace, cell))),
            bursts: commonest(training, TRACES, |trace| burst_sums(trace, cell)),
            burst_pairs: commonest(training, TRACES, |trace| pairs(&burst_sums(trace, cell))),
        }
    }
}

impl Extract for Ngrams {
    fn columns(&self) -> Vec<Feature> {
        let feature = |family: &'static str, grams: String, information| {
            Feature::of(family, format!("{family}{grams}"), Unit::Count, information)
        };
        let one = |family, grams: &[i64]| -> Vec<Feature> {
            grams.iter().map(|a| feature(family, format!("_{a:+}"), FeatureInformation::Size)).collect()
        };
        let two = |family, grams: &[(i64, i64)]| -> Vec<Feature> {
            grams.iter().map(|(a, b)| feature(family, format!("_{a:+}_{b:+}"), FeatureInformation::Order)).collect()
        };
        let sizes = [one("size", &self.sizes), two("size_pair", &self.size_pairs)];
        let bursts = [one("burst", &self.bursts), two("burst_pair", &self.burst_pairs)];
        sizes.into_iter().chain(bursts).flatten().collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let (sizes, bursts) = (sizes(trace, self.cell), burst_sums(trace, self.cell));
        let (size_pairs, burst_pairs) = (pairs(&sizes), pairs(&bursts));
        push_counts(sizes, &self.sizes, row);
        push_counts(size_pairs, &self.size_pairs, row);
        push_counts(bursts, &self.bursts, row);
        push_counts(burst_pairs, &self.burst_pairs, row);
    }

    fn check(&self) -> Result<(), String> {
        fn is_vocabulary<G: Ord>(grams: &[G]) -> bool {
            grams.len() <= PER_KIND && grams.is_sorted_by(|a, b| a < b)
        }
        let singles = [&self.sizes, &self.bursts].into_iter().all(|grams| is_vocabulary(grams));
        if !singles || ![&self.size_pairs, &self.burst_pairs].into_iter().all(|grams| is_vocabulary(grams)) {
            return Err(format!("n-grams are not ascending, or more than {PER_KIND} of a kind"));
        }
        self.cell.map_or(Ok(()), Cell::check)
    }
}

fn sizes(trace: &Trace, cell: Option<Cell>) -> Vec<i64> {
    trace.size().iter().map(|&size| rounded(i64::from(size), cell)).collect()
}

fn burst_sums(trace: &Trace, cell: Option<Cell>) -> Vec<i64> {
    bursts(trace).map(|burst| rounded(burst.bytes, cell)).collect()
}

fn rounded(bytes: i64, cell: Option<Cell>) -> i64 {
    cell.map_or(bytes, |cell| cell.cells(bytes))
}

fn pairs(sequence: &[i64]) -> Vec<(i64, i64)> {
    sequence.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// What occurs in most traces, and in `at_least` so many: at most [`PER_KIND`], ascending.
pub(super) fn commonest<G: Ord + Copy + Hash>(
    training: &[&Trace],
    at_least: usize,
    grams: impl Fn(&Trace) -> Vec<G>,
) -> Vec<G> {
    let mut traces_with: HashMap<G, usize> = HashMap::new();
    for trace in training {
        let mut grams = grams(trace);
        grams.sort_unstable();
        grams.dedup();
        for gram in grams {
            *traces_with.entry(gram).or_default() += 1;
        }
    }
    let mut ranked: Vec<(G, usize)> = traces_with.into_iter().filter(|&(_, traces)| traces >= at_least).collect();
    ranked.sort_unstable_by(|(a_gram, a), (b_gram, b)| b.cmp(a).then(a_gram.cmp(b_gram)));
    let mut kept: Vec<G> = ranked.into_iter().take(PER_KIND).map(|(gram, _)| gram).collect();
    kept.sort_unstable();
    kept
}

/// How often each gram of the ascending vocabulary occurs among `grams`.
fn push_counts<G: Ord>(mut grams: Vec<G>, vocabulary: &[G], row: &mut Vec<f64>) {
    let start = row.len();
    row.resize(start + vocabulary.len(), 0.0);
    grams.sort_unstable();
    for equal in grams.chunk_by(|a, b| a == b) {
        if let Ok(place) = vocabulary.binary_search(&equal[0]) {
            row[start + place] = equal.len() as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::row;

    fn trace(size: &[i32]) -> Trace {
        Trace::new(vec![0; size.len()], size.into()).unwrap()
    }

    fn names(ngrams: &Ngrams) -> Vec<String> {
        ngrams.columns().into_iter().map(|column| column.name).collect()
    }

    #[test]
    fn sizes_and_bursts_alone_and_in_pairs() {
        let training = trace(&[600, -9, -9, 600]);
        let ngrams = Ngrams::in_bytes(&[&training, &training, &trace(&[7])]);
        let sizes = ["size_-9", "size_+600", "size_pair_-9_-9", "size_pair_-9_+600", "size_pair_+600_-9"];
        let bursts = ["burst_-18", "burst_+600", "burst_pair_-18_+600", "burst_pair_+600_-18"];
        assert_eq!(names(&ngrams), [&sizes[..], &bursts].concat());
        assert_eq!(row(&ngrams, &training), [2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0]);
        // What training did not have is not counted.
        assert_eq!(row(&ngrams, &trace(&[600, 7, 600])), [0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn in_cells_the_cut_into_segments_hides_from_bursts() {
        let (one, other) = (trace(&[543, -1448, -695]), trace(&[543, -543, -1600]));
        let ngrams = Ngrams::in_cells(&[&one, &other]);
        assert_eq!(names(&ngrams), ["size_-3", "size_-1", "size_+1", "burst_-4", "burst_+1", "burst_pair_+1_-4"]);
    }

    #[test]
    fn the_commonest_by_traces_not_by_occurrences() {
        let many: Vec<i32> = (1..=PER_KIND as i32).collect();
        let (twice, thrice) = (trace(&many), trace(&[5_000, 5_000, 5_000]));
        let kept = Ngrams::in_bytes(&[&twice, &twice, &thrice, &thrice, &thrice]).sizes;
        assert_eq!((kept.len(), kept[0], kept[998], kept[999]), (PER_KIND, 1, 999, 5_000));
    }

    #[test]
    fn without_training_there_is_no_column() {
        let ngrams = Ngrams::in_bytes(&[]);
        assert!(ngrams.columns().is_empty() && row(&ngrams, &trace(&[1])).is_empty());
    }
}
