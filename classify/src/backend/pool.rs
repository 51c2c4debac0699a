//! Forests and an alignment, joined.

use std::collections::HashSet;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::aligned::{Aligner, Effort, best_view, describe, judged};
use super::blend::Blend;
use super::{Kind, LearnError, Model, Shown, Training};
use crate::alignment::{Alignment, OutOfFold};
use crate::forest::{OutOfBag, Values};
use crate::log_linear::{self, Fitted};

/// Floors below the forests' probabilities that are tried: a class that no tree voted for is not impossible.
const FLOORS: [f64; 3] = [1e-2, 1e-3, 1e-4];

/// Probabilities in proportion to exp(a z + w ln((f + floor) / (1 + C floor))), with f what forests say and z the scores of an alignment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pool {
    forests: Blend,
    alignment: Alignment,
    joint: Joint,
    #[serde(skip)]
    judged: Option<OutOfBag>,
}

/// How members are joined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Joint {
    /// w.
    of_forests: f64,
    /// a.
    of_alignment: f64,
    floor: f64,
}

/// What forests say out of bag, and of which rows that is an answer.
pub(crate) struct Judged<'a> {
    pub(crate) said: &'a OutOfBag,
    /// Ascending.
    pub(crate) rows: &'a [usize],
}

impl Pool {
    /// Forests with an alignment of the same rows, or forests alone where an alignment adds nothing: weights have the least log loss over rows that
    /// neither has learned from, and a member stays only if it makes the likelihood of these rows greater by more than ln(n) / 2, with n rows: G. Schwarz,
    /// "Estimating the dimension of a model", Annals of Statistics 6, 1978. One row of each group is judged at most, so they are independent.
    pub(crate) fn fit(
        forests: Blend,
        by_forests: &Judged<'_>,
        training: &Training<'_>,
    ) -> Result<Box<dyn Model>, LearnError> {
        let pair = |scores: &OutOfFold| Pair::of(by_forests, scores, training);
        let (view, gain) = best_view(training, |scores| {
            let pair = pair(scores);
            let (_, loss) = pair.joined();
            (loss, pair.loss_of_forests() - loss)
        })?;
        // Not so either where nothing could be judged, and there is no number.
        // Nothing is where nothing could be judged, and the gain is no number.
        let is_worth = |gain: f64, least: f64| gain > least;
        if !is_worth(gain, 0.0) {
            return Ok(Box::new(forests));
        }
        let aligner = Aligner::new(training, view);
        let pair = pair(&aligner.judge(Effort::LEARNING)?);
        let ((joint, loss), n) = (pair.joined(), pair.labels.len() as f64);
        if !is_worth(n * (pair.loss_of_forests() - loss), n.ln() / 2.0) {
            return Ok(Box::new(forests));
        }
        let said = judged(training, &pair.rows, joint.probabilities(&pair.forests, &pair.alignment));
        Ok(Box::new(Self { forests, alignment: aligner.learn()?, joint, judged: Some(said) }))
    }

    pub(crate) fn n_features(&self) -> usize {
        self.forests.n_features()
    }

    /// Whether it is one for so many classes: what a stored one must be.
    pub(crate) fn is_sound(&self, classes: usize) -> bool {
        let Joint { of_forests, of_alignment, floor } = self.joint;
        let weights = 0.0..=log_linear::MOST;
        self.forests.is_sound(classes)
            && self.alignment.n_classes() == classes
            && weights.contains(&of_forests)
            && weights.contains(&of_alignment)
            && floor > 0.0
            && floor <= 1.0
    }
}

impl Joint {
    fn probabilities(&self, forests: &Array2<f64>, alignment: &Array2<f64>) -> Array2<f64> {
        let forests = logarithms(forests, self.floor);
        log_linear::join(&[forests.view(), alignment.view()], &[self.of_forests, self.of_alignment])
    }
}

fn logarithms(probabilities: &Array2<f64>, floor: f64) -> Array2<f64> {
    let sum = 1.0 + probabilities.ncols() as f64 * floor;
    probabilities.mapv(|p| ((p + floor) / sum).ln())
}

/// What forests and an alignment say of the same rows.
struct Pair {
    rows: Vec<usize>,
    labels: Vec<usize>,
    forests: Array2<f64>,
    alignment: Array2<f64>,
}

impl Pair {
    fn of(by_forests: &Judged<'_>, scores: &OutOfFold, training: &Training<'_>) -> Self {
        let both: Vec<usize> = (0..scores.rows.len())
            .filter(|&place| by_forests.rows.binary_search(&scores.rows[place]).is_ok())
            .collect();
        // Of copies one is judged: they say the same, and would seem to be more than they are.
        let mut seen = HashSet::new();
        let group = |row: usize| training.groups.map_or(row, |groups| groups.of_row()[row]);
        let places: Vec<usize> = both.into_iter().filter(|&place| seen.insert(group(scores.rows[place]))).collect();
        let rows: Vec<usize> = places.iter().map(|&place| scores.rows[place]).collect();
        Self {
            labels: rows.iter().map(|&row| training.labels[row]).collect(),
            forests: by_forests.said.probabilities.select(Axis(0), &rows),
            alignment: scores.scores.select(Axis(0), &places),
            rows,
        }
    }

    /// How to join both, and the mean log loss of that.
    fn joined(&self) -> (Joint, f64) {
        let fitted = |floor: f64| {
            let forests = logarithms(&self.forests, floor);
            let Fitted { weights, loss } = log_linear::fit(&[forests.view(), self.alignment.view()], &self.labels);
            (Joint { of_forests: weights[0], of_alignment: weights[1], floor }, loss)
        };
        least(FLOORS.map(fitted))
    }

    /// The mean log loss of forests alone, as well as they can be calibrated by the same rule.
    fn loss_of_forests(&self) -> f64 {
        let alone = |floor: f64| {
            let forests = logarithms(&self.forests, floor);
            (floor, log_linear::fit(&[forests.view()], &self.labels).loss)
        };
        least(FLOORS.map(alone)).1
    }
}

/// The first with the least loss.
fn least<T: Copy, const N: usize>(all: [(T, f64); N]) -> (T, f64) {
    all.into_iter().reduce(|a, b| if b.1 < a.1 { b } else { a }).expect("there is one")
}

impl Model for Pool {
    fn predict(&self, shown: Shown<'_>) -> Array2<f64> {
        self.joint.probabilities(&self.forests.predict(shown), &self.alignment.scores(shown.traces))
    }

    fn describe(&self) -> String {
        let Joint { of_forests, of_alignment, .. } = self.joint;
        let (forests, alignment) = (self.forests.describe(), describe(&self.alignment));
        format!("pool: {alignment}, weight {of_alignment:.2}; {forests}, weight {of_forests:.2}")
    }

    fn n_nodes(&self) -> Option<usize> {
        self.forests.n_nodes()
    }

    fn out_of_bag(&self, _: Values<'_>) -> Option<OutOfBag> {
        self.judged.clone()
    }

    fn alignment(&self) -> Option<&Alignment> {
        Some(&self.alignment)
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        Some((Kind::Pool, postcard::to_stdvec(self).expect("numbers and lists of them are postcard")))
    }
}
