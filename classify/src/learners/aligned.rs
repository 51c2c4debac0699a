//! Alignment of packets as a learner.

use std::collections::HashMap;

use ndarray::{Array2, Axis};
use rand::Rng;
use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;
use wfkit_metrics::seed::mix;

use super::stored::{Stored, as_postcard};
use super::{Kind, LearnError, Learner, Model, Shown, Training};
use crate::alignment::{Alignment, AlignmentError, AlignmentParams, AlignmentView, Folds, OutOfFold};
use crate::forest::OutOfBag;
use crate::seed::stream;

/// [`crate::alignment`] on packets alone, its view chosen by log loss out of fold.
pub(crate) struct Align;

/// What it learned.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Aligned {
    alignment: Alignment,
    #[serde(skip)]
    judged: Option<OutOfBag>,
}

/// From how much is learned, and how much of it is scored out of fold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Traces of a class at most.
    of_class: usize,
    folds: usize,
    most_scored: usize,
    rounds: usize,
}

impl Effort {
    /// Enough to tell which view is the better one.
    pub(crate) const COMPARING: Self = Self { of_class: 12, folds: 2, most_scored: 500, rounds: 4 };
    /// Profiles hardly gain by more traces, and two or three weights by more rows.
    pub(crate) const LEARNING: Self = Self { of_class: 64, folds: 3, most_scored: 3000, rounds: 12 };
}

/// An aligner of the rows of a training part.
pub(crate) struct Aligner<'a> {
    training: Training<'a>,
    view: AlignmentView,
}

impl<'a> Aligner<'a> {
    pub(crate) fn new(training: &Training<'a>, view: AlignmentView) -> Self {
        Self { training: *training, view }
    }

    fn params(&self, effort: Effort) -> AlignmentParams {
        let Effort { rounds, .. } = effort;
        AlignmentParams { view: self.view, rounds, background: self.training.background, ..AlignmentParams::default() }
    }

    /// Scores of training rows by what did not learn from their group; rows are those of the training part.
    pub(crate) fn judge(&self, effort: Effort) -> Result<OutOfFold, AlignmentError> {
        let Training { n_classes, seed, observer, .. } = self.training;
        let (rows, traces, labels) = self.chosen(effort.of_class);
        let groups: Vec<usize> = match self.training.groups {
            Some(groups) => rows.iter().map(|&row| groups.of_row()[row]).collect(),
            None => rows.clone(),
        };
        let folds = Folds { folds: effort.folds, most_scored: effort.most_scored, seed: mix(seed, 1) };
        let found = self.params(effort).out_of_fold_watched((&traces, &labels), n_classes, &groups, folds, observer)?;
        Ok(OutOfFold { rows: found.rows.iter().map(|&place| rows[place]).collect(), ..found })
    }

    pub(crate) fn learn(&self) -> Result<Alignment, AlignmentError> {
        let Training { n_classes, seed, observer, .. } = self.training;
        let (_, traces, labels) = self.chosen(Effort::LEARNING.of_class);
        self.params(Effort::LEARNING).fit_watched((&traces, &labels), n_classes, mix(seed, 2), observer)
    }

    /// Rows, ascending, their traces and labels: at most `most` of each class, in a random order of loads, one copy of each before the second of any.
    fn chosen(&self, most: usize) -> (Vec<usize>, Vec<&'a Trace>, Vec<usize>) {
        let Training { traces, labels, groups, n_classes, seed, .. } = self.training;
        let mut copies: HashMap<usize, usize> = HashMap::new();
        let mut rng = stream(seed, 0);
        let mut of_class: Vec<Vec<(usize, u64, usize)>> = vec![Vec::new(); n_classes];
        for (row, &label) in labels.iter().enumerate() {
            let copy = copies.entry(groups.map_or(row, |groups| groups.of_row()[row])).or_default();
            of_class[label].push((*copy, rng.next_u64(), row));
            *copy += 1;
        }
        let mut rows: Vec<usize> = Vec::new();
        for mut ranked in of_class {
            ranked.sort_unstable();
            rows.extend(ranked.into_iter().take(most).map(|(.., row)| row));
        }
        rows.sort_unstable();
        let chosen = rows.iter().map(|&row| traces[row]).collect();
        let labels = rows.iter().map(|&row| labels[row]).collect();
        (rows, chosen, labels)
    }
}

/// The view whose loss is least, as `judge` finds it from scores out of fold, and what else it found of that view; answers where none can be judged.
pub(crate) fn best_view<T>(
    training: &Training<'_>,
    judge: impl Fn(&OutOfFold) -> (f64, T),
) -> Result<(AlignmentView, T), AlignmentError> {
    let of_view = |view| Aligner::new(training, view).judge(Effort::COMPARING).map(|scores| judge(&scores));
    let (answers, bursts) = (of_view(AlignmentView::Answers)?, of_view(AlignmentView::Bursts)?);
    Ok(if bursts.0 < answers.0 { (AlignmentView::Bursts, bursts.1) } else { (AlignmentView::Answers, answers.1) })
}

impl Learner for Align {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        let (view, ()) = best_view(training, |scores| (scores.sharpness(training.labels).1, ()))?;
        let aligner = Aligner::new(training, view);
        let scores = aligner.judge(Effort::LEARNING)?;
        let (sharpness, _) = scores.sharpness(training.labels);
        let alignment = aligner.learn()?.with_sharpness(sharpness);
        let judged = judged(training, &scores.rows, alignment.probabilities_of(scores.scores));
        Ok(Box::new(Aligned { alignment, judged: Some(judged) }))
    }
}

/// What was said of these rows by what did not learn from them; nothing of the others.
pub(crate) fn judged(training: &Training<'_>, rows: &[usize], said: Array2<f64>) -> OutOfBag {
    let mut probabilities = Array2::zeros((training.labels.len(), training.n_classes));
    let mut trees = vec![0; training.labels.len()];
    for (&row, said) in rows.iter().zip(said.axis_iter(Axis(0))) {
        probabilities.row_mut(row).assign(&said);
        trees[row] = 1;
    }
    OutOfBag { probabilities, trees }
}

impl Model for Aligned {
    fn predict(&self, Shown { traces, .. }: Shown<'_>) -> Array2<f64> {
        self.alignment.probabilities(traces)
    }

    fn describe(&self) -> String {
        describe(&self.alignment)
    }

    fn out_of_bag(&self, _: crate::forest::Values<'_>) -> Option<OutOfBag> {
        self.judged.clone()
    }

    fn alignment(&self) -> Option<&Alignment> {
        Some(&self.alignment)
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        as_postcard(Kind::Alignment, self)
    }
}

impl Stored for Aligned {
    fn is_sound(&self, classes: usize) -> bool {
        self.alignment.n_classes() == classes
    }

    fn n_features(&self) -> usize {
        0
    }
}

/// One line on an alignment.
pub(crate) fn describe(alignment: &Alignment) -> String {
    let view = match alignment.view() {
        AlignmentView::Answers => "answers",
        AlignmentView::Bursts => "bursts",
    };
    format!("alignment of {view} with {} columns", alignment.n_columns())
}
