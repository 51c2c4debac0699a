//! The attack that chooses its features.

use ndarray::{Array2, Axis};
use wfkit_datasets::{Groups, TraceSet};
use wfkit_features::{FeatureExtractor, FeatureSpec};
use wfkit_metrics::seed::mix;

use crate::alignment::OutOfFold;
use crate::calibrate::Calibration;
use crate::forest::{ForestParams, OutOfBag, Thresholds};
use crate::learners::blend::Blend;
use crate::learners::pool::{Candidate, Pool};
use crate::learners::{LearnError, Training};
use crate::samples::AttackFeatures;

use super::input::{Learned, Sees};

/// Trees that judge a candidate set.
const JUDGES: usize = 100;

/// Shares of the random forest in the blend that are tried; the rest is extra-trees'.
const SHARES: [f64; 5] = [1.0, 0.75, 0.5, 0.25, 0.0];

/// What it chooses from.
pub(super) struct Best {
    pub(super) candidates: Vec<FeatureSpec>,
    /// What may join the forests over the chosen features.
    pub(super) joining: Vec<Candidate>,
    /// How forests grow.
    pub(super) params: ForestParams,
}

impl Best {
    /// Fits a forest on each candidate, keeps that of the least log loss out of bag once a temperature is fitted, and grows `params.trees`
    /// trees of a random forest and as many extra-trees on it (bootstrapped, so that they can be judged), blended by the share
    /// that does best out of bag, and joined with those of `joining` that add something. Nothing but `set`, the training part, is looked at.
    ///
    /// Ties go to the first candidate and to the larger share of the random forest.
    pub(super) fn fit(
        &self,
        set: &TraceSet,
        training: &Training<'_>,
        groups: &Groups,
    ) -> Result<Learned<'static>, LearnError> {
        let Self { candidates, joining, params } = self;
        let labels = training.labels;
        let grow = |params: &ForestParams, taken: &AttackFeatures<'_>, stream: u64| {
            params.grow(&Training { x: taken.values(), ..*training }.seeded(mix(training.seed, stream)))
        };
        let mut best: Option<(f64, FeatureExtractor, AttackFeatures<'static>)> = None;
        for spec in candidates {
            let extractor = spec.fit(training.traces);
            let taken = AttackFeatures::now(&extractor, set, training.observer);
            let judges = params.clone().with_trees(JUDGES);
            let forest = grow(&judges, &taken, 0)?;
            let loss = calibrated_loss(&forest.out_of_bag(taken.values()), labels, groups);
            if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
                best = Some((loss, extractor, taken));
            }
        }
        let (_, extractor, taken) = best.expect("there are candidates");
        let extra_trees = ForestParams { thresholds: Thresholds::Random, bootstrap: true, ..params.clone() };
        let forest = grow(params, &taken, 1)?;
        let extra = grow(&extra_trees, &taken, 2)?;
        let judged = [forest.out_of_bag(taken.values()), extra.out_of_bag(taken.values())];
        let loss = |share: f64| calibrated_loss(&mixed(&judged, share), labels, groups);
        let share = SHARES.map(|share| (loss(share), share)).into_iter().reduce(|a, b| if b.0 < a.0 { b } else { a });
        let share = share.expect("there are shares").1;
        let parts = [(share, forest), (1.0 - share, extra)].into_iter().filter(|&(share, _)| share > 0.0).collect();
        let said = mixed(&judged, share);
        let rows = judgeable(&said, labels, groups);
        let training = training.seeded(mix(training.seed, 3));
        let by_forests = OutOfFold { scores: said.probabilities.select(Axis(0), &rows), rows };
        let model = Pool::fit(Blend::new(parts), by_forests, joining, &training)?;
        Ok(Learned { sees: Sees::Features(extractor), taken, model })
    }
}

fn mixed([forest, extra]: &[OutOfBag; 2], share: f64) -> OutOfBag {
    OutOfBag {
        probabilities: &forest.probabilities * share + &extra.probabilities * (1.0 - share),
        trees: forest.trees.iter().zip(&extra.trees).map(|(&a, &b)| a.min(b)).collect(),
    }
}

/// The mean log loss out of bag, once a temperature is fitted to it; infinite where every tree saw every row.
fn calibrated_loss(judged: &OutOfBag, labels: &[usize], groups: &Groups) -> f64 {
    let (probabilities, labels) = judged_rows(judged, labels, groups);
    if labels.is_empty() {
        return f64::INFINITY;
    }
    let Some(calibrator) = Calibration::Temperature.fit(probabilities.view(), &labels, labels.len()) else {
        return f64::INFINITY;
    };
    let calibrated = calibrator.apply(probabilities);
    let loss = |(row, &label): (usize, &usize)| -calibrated[(row, label)].max(f64::MIN_POSITIVE).ln();
    labels.iter().enumerate().map(loss).sum::<f64>() / labels.len() as f64
}

/// The rows that some tree did not see, of classes that have another load, which those trees could learn from; and their labels.
pub(crate) fn judged_rows(judged: &OutOfBag, labels: &[usize], groups: &Groups) -> (Array2<f64>, Vec<usize>) {
    let rows = judgeable(judged, labels, groups);
    (judged.probabilities.select(Axis(0), &rows), rows.iter().map(|&row| labels[row]).collect())
}

/// The rows of [`judged_rows`].
pub(crate) fn judgeable(judged: &OutOfBag, labels: &[usize], groups: &Groups) -> Vec<usize> {
    let several = of_several_groups(labels, groups);
    (0..labels.len()).filter(|&row| judged.trees[row] > 0 && several[labels[row]]).collect()
}

/// Whether each class has rows of several groups, so that some can be held back. None has where only one would: whoever always names that
/// class would never be seen to be wrong.
pub(crate) fn of_several_groups(labels: &[usize], groups: &Groups) -> Vec<bool> {
    let mut first = vec![None; labels.iter().max().map_or(0, |&last| last + 1)];
    let mut several = vec![false; first.len()];
    for (&label, &group) in labels.iter().zip(groups.of_row()) {
        several[label] |= *first[label].get_or_insert(group) != group;
    }
    if several.iter().filter(|&&several| several).count() == 1 {
        several.fill(false);
    }
    several
}
