//! What feature sets learn from traces that are not all there at once.

use std::collections::{BTreeSet, HashMap};

use wfkit_datasets::{Trace, TraceSet};

use crate::sets::{CommonSizes, FittedSet};
use crate::{FeatureExtractor, FeatureSet, FeatureSpec};

/// Learns what [`FeatureSpec::fit`] learns, from parts of a set one after the other. Made by [`FeatureSpec::learner`].
#[derive(Debug)]
pub struct Learner(Vec<OfSet>);

/// What a set has to know of all traces.
#[derive(Debug)]
enum OfSet {
    /// Nothing.
    Nothing(FeatureSet),
    /// The length of the longest.
    Longest(FeatureSet, usize),
    /// The largest size, in bytes.
    Largest(FeatureSet, Option<u32>),
    /// Which sizes there are.
    Sizes(FeatureSet, BTreeSet<i32>),
    /// How many packets have each size.
    Packets(HashMap<i32, u64>),
}

impl FeatureSpec {
    /// What learns from parts of a set.
    ///
    /// # Errors
    /// The first set that needs to look at all traces at once: vocabularies of n-grams, and edges between equally many values.
    pub fn learner(&self) -> Result<Learner, FeatureSet> {
        let of_set = |&set: &FeatureSet| match set {
            set if !set.learns() => Ok(OfSet::Nothing(set)),
            FeatureSet::KfpSize => Ok(OfSet::Packets(HashMap::new())),
            FeatureSet::WangKnn => Ok(OfSet::Sizes(set, BTreeSet::new())),
            FeatureSet::Requests => Ok(OfSet::Largest(set, None)),
            FeatureSet::Ngram | FeatureSet::NgramCells | FeatureSet::SizeHistogram | FeatureSet::TiktokTiming => {
                Err(set)
            }
            set => Ok(OfSet::Longest(set, 0)),
        };
        self.sets().iter().map(of_set).collect::<Result<_, _>>().map(Learner)
    }
}

impl Learner {
    /// Looks at some more traces.
    pub fn see(&mut self, part: &TraceSet) {
        let traces = || part.traces().iter().map(|labelled| &labelled.trace);
        let sizes = || traces().flat_map(|trace| trace.size()).copied();
        for of_set in &mut self.0 {
            match of_set {
                OfSet::Nothing(_) => {}
                OfSet::Longest(_, longest) => *longest = traces().map(Trace::len).max().unwrap_or(0).max(*longest),
                OfSet::Largest(_, largest) => *largest = sizes().map(i32::unsigned_abs).max().max(*largest),
                OfSet::Sizes(_, known) => known.extend(sizes()),
                OfSet::Packets(counts) => sizes().for_each(|size| *counts.entry(size).or_default() += 1),
            }
        }
    }

    /// What was learned.
    pub fn done(self) -> FeatureExtractor {
        FeatureExtractor::of(self.0.into_iter().map(OfSet::done).collect())
    }
}

impl OfSet {
    /// A set that learns from the longest trace, the largest size or the sizes that there are learns the same of one trace that has them.
    fn done(self) -> FittedSet {
        let of_one = |set, sizes: Vec<i32>| match Trace::new(vec![0; sizes.len()], sizes) {
            Ok(trace) => FittedSet::fit(set, &[&trace]),
            Err(_) => FittedSet::fit(set, &[]),
        };
        match self {
            Self::Nothing(set) => FittedSet::fit(set, &[]),
            Self::Longest(set, packets) => of_one(set, vec![1; packets]),
            Self::Largest(set, largest) => {
                of_one(set, largest.map(|size| i32::try_from(size).unwrap_or(i32::MAX)).into_iter().collect())
            }
            Self::Sizes(set, sizes) => of_one(set, sizes.into_iter().collect()),
            Self::Packets(counts) => FittedSet::KfpSize(CommonSizes::of_counts(counts)),
        }
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
        ) {
            let all = set(&sizes);
            let cut = cut.min(all.len());
            let rows: Vec<usize> = (0..all.len()).collect();
            let traces: Vec<&Trace> = all.traces().iter().map(|labelled| &labelled.trace).collect();
            for set in FeatureSet::ALL {
                let spec = FeatureSpec::from(set);
                let Ok(mut learner) = spec.learner() else { continue };
                learner.see(&all.select(&rows[..cut]));
                learner.see(&all.select(&rows[cut..]));
                prop_assert_eq!(learner.done(), spec.fit(&traces), "{}", set);
            }
        }
    }

    #[test]
    fn what_needs_all_traces_at_once_says_so() {
        let refused: Vec<&str> = FeatureSet::ALL
            .into_iter()
            .filter_map(|set| FeatureSpec::from(set).learner().err())
            .map(FeatureSet::name)
            .collect();
        assert_eq!(refused, ["ngram", "ngram-cells", "size-histogram", "tiktok-timing"]);
    }
}
