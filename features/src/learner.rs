//! What feature sets learn from traces that are not all there at once.

use std::collections::{BTreeSet, HashMap};

use wfkit_datasets::{Trace, TraceSet};

use crate::sets::{CommonSizes, Commonest, FittedSet, Histogram, NgramLearner, TimingLearner};
use crate::{FeatureExtractor, FeatureSet, FeatureSpec};

/// So many n-grams of a kind are counted at a time: some 200 MB. What a set of traces has more than these takes further passes over it.
const NGRAMS: usize = 1 << 22;

impl FeatureSpec {
    /// What [`fit`](Self::fit) learns, of traces that are not all there at once. `pass` is called as often as they have to be gone through,
    /// not at all where nothing is to be learned, and hands all of them to what it is given, in parts: once for most sets, twice for
    /// `ngram-cells`, four times for `tiktok-timing`; vocabularies of more than 4 million n-grams take a pass for every 4 million or so. What is
    /// held meanwhile does not grow with the number of traces.
    ///
    /// # Errors
    /// What `pass` fails with.
    pub fn fit_in_parts<E>(
        &self,
        pass: impl FnMut(&mut dyn FnMut(&TraceSet)) -> Result<(), E>,
    ) -> Result<FeatureExtractor, E> {
        self.fit_holding(NGRAMS, pass)
    }

    fn fit_holding<E>(
        &self,
        ngrams: usize,
        mut pass: impl FnMut(&mut dyn FnMut(&TraceSet)) -> Result<(), E>,
    ) -> Result<FeatureExtractor, E> {
        let mut learners: Vec<OfSet> = self.sets().iter().map(|&set| OfSet::new(set, ngrams)).collect();
        while learners.iter().any(|learner| !matches!(learner, OfSet::Known(_))) {
            pass(&mut |part| learners.iter_mut().for_each(|learner| learner.see(part)))?;
            learners = learners.into_iter().map(|learner| learner.turned(ngrams)).collect();
        }
        let known = |learner| match learner {
            OfSet::Known(fitted) => fitted,
            _ => unreachable!("the passes end when all is known"),
        };
        Ok(FeatureExtractor::of(learners.into_iter().map(known).collect()))
    }
}

/// What a set has to know of all traces.
#[derive(Debug)]
enum OfSet {
    /// Nothing more.
    Known(FittedSet),
    /// The length of the longest.
    Longest(FeatureSet, usize),
    /// The largest size, in bytes.
    Largest(FeatureSet, Option<u32>),
    /// Which sizes there are.
    Sizes(FeatureSet, BTreeSet<i32>),
    /// How many packets have each size.
    Packets(HashMap<i32, u64>),
    /// In how many traces each size is.
    Histogram(Commonest<i32>),
    /// In how many traces each n-gram is.
    Ngrams(FeatureSet, Box<NgramLearner>),
    /// The percentiles of the times of bursts.
    Timing(Box<TimingLearner>),
}

impl OfSet {
    fn new(set: FeatureSet, ngrams: usize) -> Self {
        match set {
            set if !set.learns() => Self::Known(FittedSet::fit(set, &[])),
            FeatureSet::KfpSize => Self::Packets(HashMap::new()),
            FeatureSet::WangKnn => Self::Sizes(set, BTreeSet::new()),
            FeatureSet::Requests | FeatureSet::NgramCells => Self::Largest(set, None),
            FeatureSet::SizeHistogram => Self::Histogram(Histogram::learner(ngrams)),
            FeatureSet::Ngram => Self::Ngrams(set, Box::new(NgramLearner::in_bytes(ngrams))),
            FeatureSet::TiktokTiming => Self::Timing(Box::new(TimingLearner::new())),
            set => Self::Longest(set, 0),
        }
    }

    /// Looks at some more traces.
    fn see(&mut self, part: &TraceSet) {
        let traces = || part.traces().iter().map(|labelled| &labelled.trace);
        let sizes = || traces().flat_map(|trace| trace.size()).copied();
        match self {
            Self::Known(_) => {}
            Self::Longest(_, longest) => *longest = traces().map(Trace::len).max().unwrap_or(0).max(*longest),
            Self::Largest(_, largest) => *largest = sizes().map(i32::unsigned_abs).max().max(*largest),
            Self::Sizes(_, known) => known.extend(sizes()),
            Self::Packets(counts) => sizes().for_each(|size| *counts.entry(size).or_default() += 1),
            Self::Histogram(counts) => traces().for_each(|trace| counts.see(trace.size().to_vec())),
            Self::Ngrams(_, learner) => traces().for_each(|trace| learner.see(trace)),
            Self::Timing(learner) => traces().for_each(|trace| learner.see(trace)),
        }
    }

    /// What it is once all traces have gone by: known, or what is to see all of them again.
    ///
    /// A set that learns from the longest trace, the largest size or the sizes that there are learns the same of one trace that has them.
    fn turned(self, ngrams: usize) -> Self {
        let of_one = |set, sizes: Vec<i32>| match Trace::new(vec![0; sizes.len()], sizes) {
            Ok(trace) => FittedSet::fit(set, &[&trace]),
            Err(_) => FittedSet::fit(set, &[]),
        };
        Self::Known(match self {
            Self::Known(fitted) => fitted,
            Self::Longest(set, packets) => of_one(set, vec![1; packets]),
            Self::Largest(set @ FeatureSet::NgramCells, largest) => {
                return Self::Ngrams(set, Box::new(NgramLearner::in_cells(largest, ngrams)));
            }
            Self::Largest(set, largest) => {
                of_one(set, largest.map(|size| i32::try_from(size).unwrap_or(i32::MAX)).into_iter().collect())
            }
            Self::Sizes(set, sizes) => of_one(set, sizes.into_iter().collect()),
            Self::Packets(counts) => FittedSet::KfpSize(CommonSizes::of_counts(counts)),
            Self::Histogram(mut counts) => match counts.turn() {
                true => return Self::Histogram(counts),
                false => FittedSet::SizeHistogram(Histogram::of(counts)),
            },
            Self::Ngrams(set, mut learner) => match (learner.turn(), set) {
                (true, _) => return Self::Ngrams(set, learner),
                (false, FeatureSet::NgramCells) => FittedSet::NgramCells(learner.done()),
                (false, _) => FittedSet::Ngram(learner.done()),
            },
            Self::Timing(mut learner) => match learner.turn() {
                true => return Self::Timing(learner),
                false => FittedSet::TiktokTiming(learner.done()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::{LabelledTrace, Layer, Provenance, TraceKey};

    use super::*;

    fn set(sizes: &[Vec<i32>]) -> TraceSet {
        let labelled = |(rep, size): (i64, &Vec<i32>)| {
            let trace = Trace::new((0..size.len() as u64).collect(), size.clone()).unwrap();
            LabelledTrace::new(TraceKey { class: "a".into(), rep, session: None }, None, trace)
        };
        TraceSet::new((0..).zip(sizes).map(labelled).collect(), Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_learned_of_parts_is_what_is_learned_of_all(
            sizes in prop::collection::vec(prop::collection::vec((-1600..1600i32).prop_map(|n| if n == 0 { i32::MIN } else { n }), 1..40), 0..12),
            cut in 0..12usize,
            most in 1..200usize,
        ) {
            let all = set(&sizes);
            let cut = cut.min(all.len());
            let rows: Vec<usize> = (0..all.len()).collect();
            let traces: Vec<&Trace> = all.traces().iter().map(|labelled| &labelled.trace).collect();
            for set in FeatureSet::ALL {
                let spec = FeatureSpec::from(set);
                for ngrams in [NGRAMS, most] {
                    let mut passes = 0;
                    let fitted = spec.fit_holding(ngrams, |see| {
                        passes += 1;
                        see(&all.select(&rows[..cut]));
                        see(&all.select(&rows[cut..]));
                        Ok::<(), ()>(())
                    });
                    prop_assert_eq!(fitted.unwrap(), spec.fit(&traces), "{}, {} n-grams at a time", set, ngrams);
                    prop_assert_eq!(passes > 0, set.learns(), "{}", set);
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_held_takes_more_passes() {
        let sizes: Vec<Vec<i32>> = (1..=3).map(|_| (1..=300).collect()).collect();
        let all = set(&sizes);
        let traces: Vec<&Trace> = all.traces().iter().map(|labelled| &labelled.trace).collect();
        let passes_with = |ngrams| {
            let mut passes = 0;
            let spec = FeatureSpec::from(FeatureSet::Ngram);
            let fitted = spec.fit_holding(ngrams, |see| {
                passes += 1;
                see(&all);
                Ok::<(), ()>(())
            });
            assert_eq!(fitted.unwrap(), spec.fit(&traces));
            passes
        };
        assert_eq!(passes_with(300), 1);
        let many = passes_with(50);
        assert!((6..60).contains(&many), "{many} passes over 300 sizes, 50 at a time");
    }
}
