//! `size-histogram`: how often each size of the training traces occurs.
//!
//! One column a (size, direction) pair of the training traces, the 1,000 that occur in most of them at most, as `size_+600`; two
//! more count the outgoing and incoming packets of any other size. Herrmann, Wendolsky and Federrath, "Website Fingerprinting:
//! Attacking Popular Privacy Enhancing Technologies with the Multinomial Naive-Bayes Classifier", CCSW 2009, use all sizes.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use super::ngram::{Commonest, PER_KIND};
use crate::column::{Feature, FeatureInformation, Unit};

/// The sizes that are counted, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Histogram {
    sizes: Vec<i32>,
}

impl Histogram {
    pub(crate) fn fit(training: &[&Trace]) -> Self {
        let mut sizes = Self::learner(usize::MAX);
        training.iter().for_each(|trace| sizes.see(trace.size().to_vec()));
        sizes.turn();
        Self::of(sizes)
    }

    /// What finds the sizes, of which it holds at most so many at a time.
    pub(crate) fn learner(most: usize) -> Commonest<i32> {
        Commonest::new(1, most)
    }

    /// Of the sizes that were found.
    pub(crate) fn of(sizes: Commonest<i32>) -> Self {
        Self { sizes: sizes.done() }
    }
}

impl Extract for Histogram {
    fn columns(&self) -> Vec<Feature> {
        let column = |name: String| Feature::of("size", name, Unit::Packets, FeatureInformation::Size);
        let sizes = self.sizes.iter().map(|size| column(format!("size_{size:+}")));
        let others = ["other_in", "other_out"].map(|name| Feature::one(name, Unit::Packets, FeatureInformation::Size));
        sizes.chain(others).collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let start = row.len();
        row.resize(start + self.sizes.len() + 2, 0.0);
        let (counts, others) = row[start..].split_at_mut(self.sizes.len());
        for size in trace.size() {
            match self.sizes.binary_search(size) {
                Ok(place) => counts[place] += 1.0,
                Err(_) => others[usize::from(*size > 0)] += 1.0,
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.sizes.len() > PER_KIND || !self.sizes.is_sorted_by(|a, b| a < b) {
            return Err(format!("sizes are not ascending, or more than {PER_KIND}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::row;

    #[test]
    fn sizes_of_training_and_others() {
        let trace = |size: &[i32]| Trace::new(vec![0; size.len()], size.into()).unwrap();
        let histogram = Histogram::fit(&[&trace(&[600, -1448])]);
        let names: Vec<String> = histogram.columns().into_iter().map(|column| column.name).collect();
        assert_eq!(names, ["size_-1448", "size_+600", "other_in", "other_out"]);
        assert_eq!(row(&histogram, &trace(&[600, 600, 1, -7, -8])), [0.0, 2.0, 2.0, 1.0]);
        assert_eq!(row(&Histogram::fit(&[]), &trace(&[600])), [0.0, 1.0]);
    }
}
