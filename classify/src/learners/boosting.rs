//! Gradient boosting, by the crate hessboost.

use std::ops::ControlFlow;

use hessboost::error::Result;
use hessboost::objective::{Multiclass, Objective};
use hessboost::prelude::{BoostedModel, DMatrix, Iterations, ModelFormat, Trainer, TrainingParams};
use hessboost::training::RoundEval;
use ndarray::{Array2, ArrayView2};
use wfkit_metrics::Work;

use super::stored::Stored;
use super::{Kind, LearnError, Learner, Model, Shown, Training};

const ROUNDS: usize = 60;
const LEARNING_RATE: f64 = 0.2;
const DEPTH: usize = 4;
/// Share of the columns that a tree may look at.
const COLUMNS: f64 = 0.3;

/// Gradient boosting of trees on the softmax of the classes, one tree a class and round: J. Friedman, "Greedy function approximation: a
/// gradient boosting machine", Annals of Statistics 29, 2001, with the second-order steps of T. Chen, C. Guestrin, "XGBoost", KDD 2016.
/// 60 rounds of trees of depth 4 at a learning rate of 0.2, each from three tenths of the columns in 256 bins; not tuned.
/// Features are rounded to f32. A leaf weighs 1 at least, as in XGBoost, but no more than half of what the rows of the rarest class weigh
/// together at the start, 2 p (1 - p) each with p = 1/classes: among many classes of few rows no leaf could hold one, and nothing be learned.
pub(crate) struct Boosting;

/// What it learned.
#[derive(Debug)]
pub(crate) struct Boosted(BoostedModel);

impl Learner for Boosting {
    fn fit(&self, training: &Training<'_>) -> std::result::Result<Box<dyn Model>, LearnError> {
        let &Training { x, labels, n_classes, seed, observer, .. } = training;
        let x = x.to_dense();
        let x = x.view();
        let least_leaf = least_leaf(labels, n_classes);
        let labels: Vec<f32> = labels.iter().map(|&label| label as f32).collect();
        let learn = || -> Result<BoostedModel> {
            let params = TrainingParams::builder()
                .objective(Objective::Softprob(Multiclass::new(n_classes)?))
                .eta(LEARNING_RATE)
                .max_depth(DEPTH)
                .colsample_bytree(COLUMNS)
                .min_child_weight(least_leaf)
                .seed(seed)
                .build()?;
            let rows = rows(x)?.with_labels(&labels)?;
            let work = Work::begin(observer, "rounds", ROUNDS);
            let told = |_: RoundEval<'_>| {
                work.step();
                ControlFlow::Continue(())
            };
            Ok(Trainer::new(&params, &rows, ROUNDS).on_round(told).train()?.model)
        };
        match learn() {
            Ok(model) => Ok(Box::new(Boosted(model))),
            Err(error) => Err(LearnError::Boosting(error.to_string())),
        }
    }
}

fn least_leaf(labels: &[usize], n_classes: usize) -> f64 {
    let mut rows = vec![0.0f64; n_classes];
    labels.iter().for_each(|&label| rows[label] += 1.0);
    let rarest = rows.into_iter().filter(|&rows| rows > 0.0).fold(f64::INFINITY, f64::min);
    let p = 1.0 / n_classes as f64;
    (rarest * 2.0 * p * (1.0 - p) / 2.0).min(1.0)
}

fn rows(x: ArrayView2<'_, f64>) -> Result<DMatrix> {
    let values: Vec<f32> = x.iter().map(|&value| value as f32).collect();
    DMatrix::from_dense(&values, x.nrows(), x.ncols())
}

impl Boosted {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        BoostedModel::decode(bytes, ModelFormat::Binary).ok().map(Self)
    }
}

impl Model for Boosted {
    fn predict(&self, Shown { x, .. }: Shown<'_>) -> Array2<f64> {
        let x = x.to_dense();
        let x = x.view();
        let mut probabilities = Array2::zeros((x.nrows(), self.0.num_class()));
        if x.is_empty() {
            return probabilities;
        }
        let predictions = rows(x).and_then(|rows| self.0.predict(&rows, Iterations::Best));
        let predictions = predictions.expect("as many finite columns as it was fitted to");
        for (mut row, predicted) in
            probabilities.rows_mut().into_iter().zip(predictions.as_slice().chunks_exact(self.0.num_class()))
        {
            // In f32 they sum to 1 within 1e-6 only.
            let sum: f64 = predicted.iter().map(|&p| f64::from(p)).sum();
            for (p, &predicted) in row.iter_mut().zip(predicted) {
                *p = f64::from(predicted) / sum;
            }
        }
        probabilities
    }

    fn describe(&self) -> String {
        format!("gradient boosting of {ROUNDS} rounds (hessboost)")
    }

    fn n_nodes(&self) -> Option<usize> {
        Some(self.0.trees().iter().map(|tree| tree.num_nodes()).sum())
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        self.0.encode(ModelFormat::Binary).ok().map(|bytes| (Kind::Boosting, bytes))
    }
}

impl Stored for Boosted {
    fn is_sound(&self, classes: usize) -> bool {
        self.0.num_class() == classes
    }

    fn n_features(&self) -> usize {
        self.0.n_features()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails")]

    use ndarray::array;

    use super::*;

    #[test]
    fn it_learns_keeps_and_repeats() {
        let x = Array2::from_shape_fn((60, 2), |(row, column)| (row % 3 * 10 + row / 20 + column) as f64);
        let labels: Vec<usize> = (0..60).map(|row| row % 3).collect();
        let model = Boosting.fit(&Training::new(x.view(), &labels, 3, 7)).unwrap();
        let probabilities = model.predict(x.view().into());
        for (row, &label) in probabilities.rows().into_iter().zip(&labels) {
            assert!(row[label] > 0.9 && (row.sum() - 1.0).abs() < 1e-9, "{row}");
        }
        let (kind, bytes) = model.stored().unwrap();
        assert_eq!(kind, Kind::Boosting);
        let loaded = Boosted::from_bytes(&bytes).unwrap();
        assert!(loaded.is_sound(3) && !loaded.is_sound(2) && loaded.n_features() == 2);
        assert_eq!(loaded.predict(x.view().into()), probabilities);
        let again = Boosting.fit(&Training::new(x.view(), &labels, 3, 7)).unwrap();
        assert_eq!(again.stored().unwrap().1, bytes);
        assert!(Boosted::from_bytes(&bytes[..bytes.len() / 2]).is_none());
        assert_eq!(model.predict(Array2::zeros((0, 2)).view().into()).dim(), (0, 3));
        assert_eq!(model.predict(array![[0.0, 1.0]].view().into()).dim(), (1, 3));
    }

    #[test]
    fn threads_do_not_matter() {
        let x = Array2::from_shape_fn((200, 8), |(row, column)| ((row * 7919 + column * 104_729) % 997) as f64);
        let labels: Vec<usize> = (0..200).map(|row| row % 5).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Boosting.fit(&Training::new(x.view(), &labels, 5, 1)).unwrap().stored().unwrap().1)
        };
        assert_eq!(with(1), with(4));
    }
}
