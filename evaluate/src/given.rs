//! What somebody else's attack said, judged like our own.

use std::collections::BTreeMap;

use wfkit_classify::{Evaluation, Fold, Samples};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Known, Overlap};
use wfkit_metrics::{Average, Probabilities, accuracy, roc_auc_ovr};

/// As if `probabilities` had been said of the samples at `rows`, ascending, one row each, in an evaluation of our own; they have a column for
/// every class of the samples. Without splits nothing is said of training: all rows are taken as tested by one model.
///
/// # Panics
/// If there are not as many rows as rows of probabilities, a class has no column, or a row is tested by no split.
pub fn given(
    attack: String,
    probabilities: Probabilities,
    rows: &[usize],
    samples: Samples<'_>,
    splits: Option<&[Split]>,
) -> Evaluation {
    assert_eq!(probabilities.len(), rows.len(), "a row of probabilities for every row");
    let labels = samples.labels(probabilities.classes());
    let truth: Vec<usize> = rows.iter().map(|&row| labels[row].expect("every class has a column")).collect();
    let splits = match splits {
        Some(splits) => splits_testing(splits, rows),
        None => vec![Split { name: "all".to_owned(), train: Vec::new(), test: rows.to_vec() }],
    };
    let known = samples.known();
    let place_of: BTreeMap<usize, usize> = rows.iter().enumerate().map(|(place, &row)| (row, place)).collect();
    let tested_in: Vec<Vec<usize>> =
        splits.iter().map(|split| split.test.iter().map(|row| place_of[row]).collect()).collect();
    assert_eq!(tested_in.iter().map(Vec::len).sum::<usize>(), rows.len(), "every row is tested by one split");
    let fold = |(split, tested): (&Split, &Vec<usize>)| fold(split, tested, &probabilities, &truth, &known);
    let folds = splits.iter().zip(&tested_in).map(fold).collect();
    let origins = samples.origins().select(rows);
    Evaluation { attack, probabilities, truth, rows: rows.to_vec(), folds, tested_in, origins }
}

/// The splits as far as they test these rows, ascending; those that test none are left out.
pub fn splits_testing(splits: &[Split], rows: &[usize]) -> Vec<Split> {
    let mut splits = splits.to_vec();
    for split in &mut splits {
        split.test.retain(|row| rows.binary_search(row).is_ok());
    }
    splits.retain(|split| !split.test.is_empty());
    splits
}

fn fold(split: &Split, tested: &[usize], all: &Probabilities, truth: &[usize], known: &[Known]) -> Fold {
    let (said, truth) = (all.select(tested), tested.iter().map(|&place| truth[place]).collect::<Vec<usize>>());
    let at = |rows: &[usize]| -> Vec<&Known> { rows.iter().map(|&row| &known[row]).collect() };
    Fold {
        name: split.name.clone(),
        train: split.train.len(),
        test: tested.len(),
        accuracy: accuracy(&said, &truth).ok(),
        roc_auc: roc_auc_ovr(&said, &truth, Average::Macro).ok(),
        overlap: Overlap::between(&at(&split.train), &at(&split.test)),
        nearest: None,
        nodes: None,
        model: "not known: probabilities are given".to_owned(),
    }
}
