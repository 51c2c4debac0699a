//! Scores of traces that were not learned from, by folds that keep groups whole.

use std::collections::BTreeMap;

use ndarray::Array2;
use wfkit_metrics::seed::mix;

use super::fit::{Labelled, fit};
use super::tokens::Alphabet;
use super::{AlignmentParams, sharpness};
use crate::seed::{below, stream};

/// Scores of rows by models that had not learned from them, nor from any row of their group.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfFold {
    /// The rows that have scores, ascending: all but those of classes that are one group, which cannot be both learned from and scored.
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
        for i in (1..groups.len()).rev() {
            groups.swap(i, below(&mut rng, i + 1));
        }
        for group in groups {
            fold_of_group.insert(group, next);
            next = (next + 1) % folds;
        }
    }
    groups.iter().map(|group| fold_of_group.get(group).copied()).collect()
}

/// See [`AlignmentParams::out_of_fold`].
pub(super) fn out_of_fold(
    params: &AlignmentParams,
    alphabet: &Alphabet,
    labelled: Labelled<'_>,
    groups: &[usize],
    folds: usize,
    seed: u64,
) -> OutOfFold {
    let Labelled { sequences, labels, n_classes } = labelled;
    let fold_of = deal(labels, groups, folds, seed);
    let mut scored: Vec<(usize, Vec<f64>)> = Vec::new();
    for fold in 0..folds {
        let (test, train): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|&row| fold_of[row] == Some(fold));
        if test.is_empty() || train.is_empty() {
            continue;
        }
        let chosen = |rows: &[usize]| rows.iter().map(|&row| sequences[row]).collect::<Vec<_>>();
        let train_labels: Vec<usize> = train.iter().map(|&row| labels[row]).collect();
        let learned = Labelled { sequences: &chosen(&train), labels: &train_labels, n_classes };
        let model = fit(params, alphabet, learned, mix(seed, fold as u64));
        let scores = model.scores_of(&chosen(&test));
        // A row whose class is all in this fold, by a group of several classes, was judged by a model that does not know it.
        let known = test.into_iter().zip(scores.rows()).filter(|&(row, _)| train_labels.contains(&labels[row]));
        scored.extend(known.map(|(row, scores)| (row, scores.to_vec())));
    }
    scored.sort_by_key(|&(row, _)| row);
    let (rows, scores): (Vec<usize>, Vec<Vec<f64>>) = scored.into_iter().unzip();
    let scores = Array2::from_shape_vec((rows.len(), n_classes), scores.concat()).expect("a score for each class");
    OutOfFold { rows, scores }
}

impl OutOfFold {
    /// The sharpness of the least log loss, see [`Alignment::probabilities`](super::Alignment::probabilities).
    pub fn sharpness(&self, labels: &[usize]) -> f64 {
        sharpness::fit(self.labelled(labels))
    }

    /// The mean log loss at a sharpness, in nats; NaN where there is no row.
    pub fn log_loss(&self, sharpness: f64, labels: &[usize]) -> f64 {
        sharpness::log_loss(sharpness, self.labelled(labels))
    }

    fn labelled<'a>(&'a self, labels: &'a [usize]) -> impl Iterator<Item = (&'a [f64], usize)> + Clone {
        let rows = self.scores.rows().into_iter().map(|row| row.to_slice().expect("rows are in order"));
        rows.zip(self.rows.iter().map(|&row| labels[row]))
    }
}
