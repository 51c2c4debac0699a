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
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};
use std::ops::RangeInclusive;

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
        let mut learner = NgramLearner::new(cell, usize::MAX);
        training.iter().for_each(|trace| learner.see(trace));
        learner.turn();
        learner.done()
    }
}

/// Learns the vocabulary of traces that come one by one, in passes over all of them.
#[derive(Debug)]
pub(crate) struct NgramLearner {
    cell: Option<Cell>,
    sizes: Commonest<i64>,
    size_pairs: Commonest<(i64, i64)>,
    bursts: Commonest<i64>,
    burst_pairs: Commonest<(i64, i64)>,
}

impl NgramLearner {
    /// Of sizes in bytes, which holds at most so many n-grams of each kind at a time.
    pub(crate) fn in_bytes(most: usize) -> Self {
        Self::new(None, most)
    }

    /// The same in cells, of traces with this largest size.
    pub(crate) fn in_cells(largest: Option<u32>, most: usize) -> Self {
        Self::new(Some(Cell::of_largest(largest)), most)
    }

    fn new(cell: Option<Cell>, most: usize) -> Self {
        Self {
            cell,
            sizes: Commonest::new(TRACES, most),
            size_pairs: Commonest::new(TRACES, most),
            bursts: Commonest::new(TRACES, most),
            burst_pairs: Commonest::new(TRACES, most),
        }
    }

    pub(crate) fn see(&mut self, trace: &Trace) {
        let (sizes, bursts) = (sizes(trace, self.cell), burst_sums(trace, self.cell));
        self.size_pairs.see(pairs(&sizes));
        self.burst_pairs.see(pairs(&bursts));
        self.sizes.see(sizes);
        self.bursts.see(bursts);
    }

    /// Ends a pass; whether there is to be another.
    pub(crate) fn turn(&mut self) -> bool {
        let singles = [self.sizes.turn(), self.bursts.turn()];
        let pairs = [self.size_pairs.turn(), self.burst_pairs.turn()];
        singles.into_iter().chain(pairs).any(|again| again)
    }

    pub(crate) fn done(self) -> Ngrams {
        let Self { cell, sizes, size_pairs, bursts, burst_pairs } = self;
        let (sizes, size_pairs) = (sizes.done(), size_pairs.done());
        Ngrams { cell, sizes, size_pairs, bursts: bursts.done(), burst_pairs: burst_pairs.done() }
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

/// Finds what occurs in most traces, and in some number of them at least: at most [`PER_KIND`], ascending.
///
/// Where there is more than may be held, what has a hash in one range is counted, and in further passes over all traces what has a hash in the
/// ranges behind it, so that the result does not depend on how much may be held.
#[derive(Debug)]
pub(crate) struct Commonest<G> {
    at_least: usize,
    /// So many are counted at a time.
    most: usize,
    /// Which hashes are counted in this pass; none once all have been.
    hashes: Option<RangeInclusive<u64>>,
    traces_with: HashMap<G, usize, FixedHash>,
    /// What the passes before found.
    ranked: Vec<(G, usize)>,
}

/// The same hashes in every run.
type FixedHash = BuildHasherDefault<DefaultHasher>;

impl<G: Ord + Copy + Hash> Commonest<G> {
    pub(crate) fn new(at_least: usize, most: usize) -> Self {
        Self { at_least, most, hashes: Some(0..=u64::MAX), traces_with: HashMap::default(), ranked: Vec::new() }
    }

    /// Looks at what the next trace has.
    pub(crate) fn see(&mut self, mut grams: Vec<G>) {
        let Some(hashes) = &mut self.hashes else { return };
        let hash = |gram: &G| FixedHash::default().hash_one(gram);
        grams.sort_unstable();
        grams.dedup();
        let all = *hashes == (0..=u64::MAX);
        for gram in grams.into_iter().filter(|gram| all || hashes.contains(&hash(gram))) {
            *self.traces_with.entry(gram).or_default() += 1;
        }
        while self.traces_with.len() > self.most && hashes.start() < hashes.end() {
            let middle = hashes.start() + (hashes.end() - hashes.start()) / 2;
            *hashes = *hashes.start()..=middle;
            self.traces_with.retain(|gram, _| hashes.contains(&hash(gram)));
        }
    }

    /// Ends a pass; whether there is to be another.
    pub(crate) fn turn(&mut self) -> bool {
        let Some(hashes) = self.hashes.take() else { return false };
        let at_least = self.at_least;
        self.ranked.extend(self.traces_with.drain().filter(|&(_, traces)| traces >= at_least));
        self.ranked.sort_unstable_by(|(a_gram, a), (b_gram, b)| b.cmp(a).then(a_gram.cmp(b_gram)));
        self.ranked.truncate(PER_KIND);
        // The next range is as wide as what could be held of this one.
        let width = hashes.end() - hashes.start();
        self.hashes = hashes.end().checked_add(1).map(|start| start..=start.saturating_add(width));
        self.hashes.is_some()
    }

    pub(crate) fn done(self) -> Vec<G> {
        let mut kept: Vec<G> = self.ranked.into_iter().map(|(gram, _)| gram).collect();
        kept.sort_unstable();
        kept
    }
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
