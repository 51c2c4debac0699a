//! Attacks judged on samples that they have not learned from.

use std::collections::HashMap;

use ndarray::Array2;
use serde::Serialize;
use thiserror::Error;
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Groups, Known, Overlap, TraceKey};
use wfkit_metrics::seed::mix;
use wfkit_metrics::{Average, ClassMap, Observer, Probabilities, accuracy, roc_auc_ovr};

use crate::attack::{Attack, AttackError, FittedAttack};
use crate::neighbours::errors::{NearestNeighbourErrors, nearest_neighbour_errors};
use crate::samples::{Samples, ascending};

/// What an attack said of every tested sample, and how it came to say so.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Name of the attack.
    pub attack: String,
    /// Shape `(n_tested, n_classes)`; a column for every class of the samples, a row for every tested one, in their order. A
    /// class that a fold had no training sample of has probability 0 in the rows of that fold.
    pub probabilities: Probabilities,
    /// The column of the true class, shape `(n_tested,)`.
    pub truth: Vec<usize>,
    /// Which samples were tested, shape `(n_tested,)`, ascending.
    pub rows: Vec<usize>,
    /// One a split, in their order.
    pub folds: Vec<Fold>,
    /// The places in `rows` that each split tested, ascending.
    pub tested_in: Vec<Vec<usize>>,
    /// Which of the tested rows are copies of one load, shape `(n_tested,)`.
    pub origins: Groups,
}

impl Evaluation {
    /// What was tested although it was learned from, over all splits.
    pub fn overlap(&self) -> Overlap {
        Overlap::sum(self.folds.iter().map(|fold| &fold.overlap))
    }
}

/// One round of learning and testing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fold {
    /// Name of the split.
    pub name: String,
    /// Number of training samples.
    pub train: usize,
    /// Number of tested samples.
    pub test: usize,
    /// Share of tested samples whose most probable class is the true one; none where nothing was tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Macro one-vs-rest area under the ROC curve; none where it is undefined, as with one class tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roc_auc: Option<f64>,
    /// Tested traces that were learned from: what was said of them is worth nothing.
    pub overlap: Overlap,
    /// Errors of nearest neighbours in the attack's own features, for bounds on what they leak; none where nothing was tested.
    #[serde(skip)]
    pub nearest: Option<NearestNeighbourErrors>,
    /// Number of nodes of the trees, where the backend tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<usize>,
    /// What the model says of itself.
    pub model: String,
}

/// How far an evaluation is; folds are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// A fold begins to learn.
    FoldStart {
        /// The fold.
        fold: usize,
        /// How many there are.
        folds: usize,
        /// Its name.
        name: &'a str,
    },
    /// A fold says how far its learner is; only of those that go through their rows again and again.
    About {
        /// The fold.
        fold: usize,
        /// How far it is.
        what: &'a str,
    },
    /// A fold has learned and begins to predict.
    FitDone {
        /// The fold.
        fold: usize,
    },
    /// A fold has predicted.
    PredictDone {
        /// The fold.
        fold: usize,
    },
}

/// Why an attack could not be judged.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EvaluateError {
    /// The attack fails in a fold.
    #[error("{fold}: {source}")]
    Attack {
        /// Name of the split.
        fold: String,
        /// Why it fails.
        source: AttackError,
    },
    /// A split names a sample that does not exist.
    #[error("{fold}: row {row} of {rows} samples")]
    Row {
        /// Name of the split.
        fold: String,
        /// The row, counted from 0.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// A sample is learned and tested.
    #[error("{fold}: ({key}) is both in the training and in the test part")]
    Overlap {
        /// Name of the split.
        fold: String,
        /// The sample.
        key: Box<TraceKey>,
    },
    /// Two splits test one sample: it would have two answers.
    #[error("{fold}: ({key}) has been tested before")]
    TestedTwice {
        /// Name of the later split.
        fold: String,
        /// The sample.
        key: Box<TraceKey>,
    },
}

/// Fits the attack to the training part of every split, and has it judge the test part.
///
/// Whatever is learned, features included, is learned from the training part alone, in each fold with a seed of its own. The
/// observer hears how far things are; this function does not look at the clock.
pub fn evaluate(
    attack: &Attack,
    samples: Samples<'_>,
    splits: &[Split],
    seed: u64,
    observer: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Evaluation, EvaluateError> {
    let rows = tested_rows(samples, splits)?;
    let place: HashMap<usize, usize> = rows.iter().enumerate().map(|(place, &row)| (row, place)).collect();
    let classes = samples.classes();
    let mut values = Array2::zeros((rows.len(), classes.len()));
    let known = samples.known();
    let mut folds = Vec::with_capacity(splits.len());
    let mut tested_in = Vec::with_capacity(splits.len());
    for (fold, split) in splits.iter().enumerate() {
        observer(Event::FoldStart { fold, folds: splits.len(), name: &split.name });
        let test = ascending(&split.test);
        let (trained_on, tested) = (samples.select(&ascending(&split.train)), samples.select(&test));
        let overlap = Overlap::between(&at(&known, &split.train), &at(&known, &test));
        let round =
            Round { overlap, fold, name: &split.name, classes: &classes, seed: mix(seed, fold as u64), observer };
        let (said, judged) = round.play(attack, trained_on.as_samples(), tested.as_samples())?;
        for (&row, line) in test.iter().zip(said.values().rows()) {
            values.row_mut(place[&row]).assign(&line);
        }
        folds.push(judged);
        tested_in.push(test.iter().map(|row| place[row]).collect());
    }
    let truth = known_labels(samples, &classes);
    let truth = rows.iter().map(|&row| truth[row]).collect();
    let probabilities = Probabilities::new(classes, values).expect("every row was tested once, so is a distribution");
    let origins = samples.origins().select(&rows);
    Ok(Evaluation { attack: attack.name().to_owned(), probabilities, truth, rows, folds, tested_in, origins })
}

fn at<'a>(known: &'a [Known], rows: &[usize]) -> Vec<&'a Known> {
    rows.iter().map(|&row| &known[row]).collect()
}

/// Fits the attack to `train`, and has it judge `test`: two collections, whose keys may be the same.
///
/// Rows of the evaluation are those of `test`; a column for every class of either.
pub fn evaluate_on(
    attack: &Attack,
    train: Samples<'_>,
    test: Samples<'_>,
    seed: u64,
    observer: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Evaluation, EvaluateError> {
    let name = "train and test";
    observer(Event::FoldStart { fold: 0, folds: 1, name });
    let (trained, tested) = (train.classes(), test.classes());
    let classes = ClassMap::from_labels(trained.names().iter().chain(tested.names()));
    let (train_known, test_known) = (train.known(), test.known());
    let overlap = Overlap::between(&train_known.iter().collect::<Vec<_>>(), &test_known.iter().collect::<Vec<_>>());
    let round = Round { overlap, fold: 0, name, classes: &classes, seed: mix(seed, 0), observer };
    let (probabilities, judged) = round.play(attack, train, test)?;
    let truth = known_labels(test, &classes);
    let rows: Vec<usize> = (0..test.len()).collect();
    let tested_in = vec![rows.clone()];
    let origins = test.origins();
    let folds = vec![judged];
    Ok(Evaluation { attack: attack.name().to_owned(), probabilities, truth, rows, folds, tested_in, origins })
}

/// One round of learning and testing.
struct Round<'a> {
    overlap: Overlap,
    fold: usize,
    name: &'a str,
    classes: &'a ClassMap,
    seed: u64,
    observer: &'a (dyn Fn(Event<'_>) + Sync),
}

/// Folds are what is counted; of a fold only what its learner says is passed on.
impl Observer for Round<'_> {
    fn about(&self, what: &str) {
        (self.observer)(Event::About { fold: self.fold, what });
    }
}

impl Round<'_> {
    /// What the attack says of `test`, a column a class, after learning from `train`; and how that went.
    fn play(
        &self,
        attack: &Attack,
        train: Samples<'_>,
        test: Samples<'_>,
    ) -> Result<(Probabilities, Fold), EvaluateError> {
        let in_fold = |source| EvaluateError::Attack { fold: self.name.to_owned(), source };
        let fitted = attack.fit_watched(train, self.seed, self).map_err(in_fold)?;
        (self.observer)(Event::FitDone { fold: self.fold });
        let said = fitted.predict(test).map_err(in_fold)?;
        (self.observer)(Event::PredictDone { fold: self.fold });

        let said = said.over(self.classes);
        let truth = known_labels(test, self.classes);
        let trained = truth_among(&fitted, train);
        let judged = Fold {
            nearest: neighbours(&fitted, train, &trained, test, &truth_among(&fitted, test)),
            name: self.name.to_owned(),
            train: train.len(),
            test: test.len(),
            accuracy: accuracy(&said, &truth).ok(),
            roc_auc: roc_auc_ovr(&said, &truth, Average::Macro).ok(),
            overlap: self.overlap.clone(),
            nodes: fitted.model().n_nodes(),
            model: fitted.model().describe(),
        };
        Ok((said, judged))
    }
}

/// Multiplications that the distances of a fold may take: about ten CPU seconds.
const MOST_WORK: usize = 20_000_000_000;

/// Errors of nearest neighbours; none where computing them would take longer than the attack, or it has no features to be near in.
fn neighbours(
    fitted: &FittedAttack,
    train: Samples<'_>,
    train_labels: &[usize],
    test: Samples<'_>,
    test_labels: &[usize],
) -> Option<NearestNeighbourErrors> {
    let work = train.len().saturating_mul(test.len()).saturating_mul(fitted.about().features.len());
    if work > MOST_WORK || work == 0 {
        return None;
    }
    let (train, test) = (fitted.features_of(train)?, fitted.features_of(test)?);
    let (train, test) = (train.values().to_dense(), test.values().to_dense());
    nearest_neighbour_errors(train.view(), train_labels, test.view(), test_labels, fitted.about().seed)
}

/// The labels of samples among the classes of the attack; one beyond them for others, which no neighbour can have.
fn truth_among(fitted: &FittedAttack, samples: Samples<'_>) -> Vec<usize> {
    let beyond = fitted.classes().len();
    samples.labels(fitted.classes()).into_iter().map(|label| label.unwrap_or(beyond)).collect()
}

/// All rows that some split tests, ascending, after checking the splits.
fn tested_rows(samples: Samples<'_>, splits: &[Split]) -> Result<Vec<usize>, EvaluateError> {
    let n = samples.len();
    let mut tested = vec![false; n];
    for split in splits {
        let fold = || split.name.clone();
        if let Some(&row) = split.train.iter().chain(&split.test).find(|&&row| row >= n) {
            return Err(EvaluateError::Row { fold: fold(), row, rows: n });
        }
        let mut learned = vec![false; n];
        for &row in &split.train {
            learned[row] = true;
        }
        for &row in &split.test {
            let key = || Box::new(samples.key(row).clone());
            if learned[row] {
                return Err(EvaluateError::Overlap { fold: fold(), key: key() });
            }
            if std::mem::replace(&mut tested[row], true) {
                return Err(EvaluateError::TestedTwice { fold: fold(), key: key() });
            }
        }
    }
    Ok((0..n).filter(|&row| tested[row]).collect())
}

fn known_labels(samples: Samples<'_>, classes: &ClassMap) -> Vec<usize> {
    let known = |label: Option<usize>| label.expect("the classes are those of the samples");
    samples.labels(classes).into_iter().map(known).collect()
}
