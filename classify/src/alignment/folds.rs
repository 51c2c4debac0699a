//! Scores of traces that were not learned from, by folds that keep groups whole.

use std::collections::BTreeMap;

use ndarray::Array2;
use rayon::prelude::*;
use wfkit_metrics::seed::mix;
use wfkit_metrics::{Observer, Work};

use super::AlignmentParams;
use super::fit::fit;
use super::labelled::Labelled;
use super::tokens::Alphabet;
use crate::log_linear;
use crate::seed::{below, shuffle, stream};

/// Scores of rows by models that had not learned from them, nor from any row of their group.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfFold {
    /// The rows that have scores, ascending: none of classes that are one group, which cannot be both learned from and scored.
    pub rows: Vec<usize>,
    /// Shape `(rows.len(), n_classes)`: log likelihood plus ln of the class's share of the training part, less the largest of the row, at least -60.
    pub scores: Array2<f64>,
}

/// The fold of every row: the groups of each class are dealt out in random order, so that every class is spread evenly. None where a class
/// has one group alone: it is learned from in all folds.
///
/// A group of several classes is dealt with the class of its first row.
pub(super) fn deal(labels: &[usize], groups: &[usize], folds: usize, seed: u64) -> Vec<Option<usize>> {
    let mut class_of_group: BTreeMap<usize, usize> = BTreeMap::new();
    for (&group, &label) in groups.iter().zip(labels) {
        class_of_group.entry(group).or_insert(label);
    }
    let mut by_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (&group, &class) in &class_of_group {
        by_class.entry(class).or_default().push(group);
    }
    let mut fold_of_group: BTreeMap<usize, usize> = BTreeMap::new();
    let mut next = 0;
    for (class, mut groups) in by_class {
        if groups.len() < 2 {
            continue;
        }
        let mut rng = stream(seed, class as u64);
        shuffle(&mut groups, &mut rng);
        for group in groups {
            fold_of_group.insert(group, next);
            next = (next + 1) % folds;
        }
    }
    groups.iter().map(|group| fold_of_group.get(group).copied()).collect()
}

/// How scores out of fold are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folds {
    /// How many there are, at least 2.
    pub folds: usize,
    /// How many rows are scored at most, drawn at random; the others are learned from all the same.
    pub most_scored: usize,
    /// The seed of both.
    pub seed: u64,
}

/// Whether each row is among at most `most` that are drawn from those with a fold.
fn drawn(fold_of: &[Option<usize>], most: usize, seed: u64) -> Vec<bool> {
    let mut rows: Vec<usize> = (0..fold_of.len()).filter(|&row| fold_of[row].is_some()).collect();
    let mut rng = stream(seed, u64::MAX);
    for place in 0..rows.len().min(most) {
        let other = place + below(&mut rng, rows.len() - place);
        rows.swap(place, other);
    }
    let mut is_drawn = vec![false; fold_of.len()];
    rows.iter().take(most).for_each(|&row| is_drawn[row] = true);
    is_drawn
}

/// See [`AlignmentParams::out_of_fold`].
pub(super) fn out_of_fold(
    params: &AlignmentParams,
    alphabet: &Alphabet,
    labelled: Labelled<'_>,
    groups: &[usize],
    Folds { folds, most_scored, seed }: Folds,
    observer: &dyn Observer,
) -> OutOfFold {
    let work = Work::begin(observer, "alignment, judged", folds * params.rounds * labelled.n_classes);
    let Labelled { sequences, labels, n_classes } = labelled;
    let fold_of = deal(labels, groups, folds, seed);
    let is_scored = drawn(&fold_of, most_scored, seed);
    // Folds beside each other, since what one learns of all classes together takes one thread.
    let of_fold = |fold: usize| -> Vec<(usize, Vec<f64>)> {
        let (mut test, train): (Vec<usize>, Vec<usize>) =
            (0..labels.len()).partition(|&row| fold_of[row] == Some(fold));
        test.retain(|&row| is_scored[row]);
        if test.is_empty() || train.is_empty() {
            return Vec::new();
        }
        let chosen = |rows: &[usize]| rows.iter().map(|&row| sequences[row]).collect::<Vec<_>>();
        let train_labels: Vec<usize> = train.iter().map(|&row| labels[row]).collect();
        let learned = Labelled { sequences: &chosen(&train), labels: &train_labels, n_classes };
        let model = fit(params, alphabet, learned, mix(seed, fold as u64), &work);
        let scores = model.scores_of(&chosen(&test));
        // A row whose class is all in this fold, by a group of several classes, was judged by a model that does not know it.
        let known = test.into_iter().zip(scores.rows()).filter(|&(row, _)| train_labels.contains(&labels[row]));
        known.map(|(row, scores)| (row, scores.to_vec())).collect()
    };
    let mut scored: Vec<(usize, Vec<f64>)> = (0..folds).into_par_iter().flat_map_iter(of_fold).collect();
    scored.sort_by_key(|&(row, _)| row);
    let (rows, scores): (Vec<usize>, Vec<Vec<f64>>) = scored.into_iter().unzip();
    let scores = Array2::from_shape_vec((rows.len(), n_classes), scores.concat()).expect("a score for each class");
    OutOfFold { rows, scores }
}

impl OutOfFold {
    /// The sharpness of the least log loss over `labels` of all rows, see [`Alignment::probabilities`](super::Alignment::probabilities), and that
    /// loss, the mean in nats. 1 and NaN where no row has scores.
    pub fn sharpness(&self, labels: &[usize]) -> (f64, f64) {
        let labels: Vec<usize> = self.rows.iter().map(|&row| labels[row]).collect();
        let fitted = log_linear::fit(&[self.scores.view()], &labels);
        (fitted.weights[0], fitted.loss)
    }
}
