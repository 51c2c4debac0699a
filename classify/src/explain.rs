//! What gives traces away: every feature, and every group of features, by itself and in a forest.

use std::collections::BTreeMap;

use ndarray::Axis;
use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;
use wfkit_datasets::Groups;
use wfkit_features::{Column, FeatureInformation, FeatureMatrix};
use wfkit_metrics::seed::mix;
use wfkit_metrics::{
    ClassMap, Observer, Probabilities, Silent, Work, ceiling_of_one_score, mutual_information_bits,
    per_class_auc_of_score,
};

use crate::attack::judged_rows;
use crate::forest::{ForestError, ForestParams, Importance, Judges};
use crate::learners::Training;

/// Bins that the values of a feature are put into for its mutual information: so it can tell 4 bits at most.
pub const INFORMATION_BINS: usize = 16;

/// Features are permuted each by itself, by definition and by what they tell.
const LEVELS: usize = 3;

/// How an explanation is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExplainOptions {
    /// Trees of the random forest. Default 100.
    pub trees: usize,
    /// How often each feature and group is permuted, at least 1. Default 5.
    pub repeats: usize,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self { trees: 100, repeats: 5 }
    }
}

/// What the features of a matrix give away of all classes, or of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The class that is told from the rest; none where it is about all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How many traces were judged: those (of the class) that some tree did not learn from.
    pub traces: usize,
    /// The mean probability that the forest gives their true class, out of bag: what importances are taken from.
    pub probability_of_true_class: f64,
    /// The largest [`Explained::auc`] that a single feature can have: 1 of a class, [`ceiling_of_one_score`] of all, were all equally
    /// frequent.
    pub auc_ceiling: f64,
    /// By what features tell of a trace (volume, size, time, order), the most important first.
    pub groups: Vec<Explained>,
    /// By definition, as `kfp-core.per_second_piece`, the most important first.
    pub definitions: Vec<Explained>,
    /// Every feature, the most important first, then by bits, then in column order.
    pub features: Vec<Explained>,
    /// What the forest says out of bag of the traces that some tree did not learn from.
    #[serde(skip)]
    pub probabilities: Probabilities,
    /// The column of their true class.
    #[serde(skip)]
    pub truth: Vec<usize>,
}

/// What a feature, or a group of them, gives away.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// Name of the feature or group.
    pub name: String,
    /// What it tells of a trace.
    pub tells: FeatureInformation,
    /// How many features it is.
    pub columns: usize,
    /// One-vs-rest area under the ROC curve of the value alone, in the direction that tells more, so 0.5 at least: max(AUC, 1 - AUC); of all
    /// classes its mean over them. Of a group: that of its feature of the largest.
    pub auc: f64,
    /// Which values that class has; none of all classes, which differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Tendency>,
    /// Mutual information of value and class (of one class: of value and whether it is the class), see [`mutual_information_bits`]; in
    /// [`INFORMATION_BINS`] bins. Of a group: that of its best feature.
    pub bits: f64,
    /// How much less probability the true class gets once the feature, or the group as one, is permuted, see
    /// [`Forest::importance`](crate::forest::Forest::importance): mean over the repeats.
    pub importance: f64,
    /// Standard deviation over the repeats (divided by their number less one; 0 where there is but one).
    pub deviation: f64,
}

/// Which values of a feature, compared with the rest, a class has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tendency {
    /// Larger ones.
    High,
    /// Smaller ones.
    Low,
}

impl std::fmt::Display for Tendency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Low => "low",
        })
    }
}

/// A feature by itself.
struct Alone {
    auc: f64,
    direction: Option<Tendency>,
    bits: f64,
}

/// Why nothing is explained.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ExplainError {
    /// There are no two classes.
    #[error("{0} class(es): nothing to tell apart")]
    Classes(usize),
    /// There is no such class.
    #[error("there is no class {0:?}")]
    NoSuchClass(String),
    /// The schema is of other columns.
    #[error("the schema is not that of the features: column {column} of {columns} differs")]
    Schema {
        /// The first column that differs, counted from 0.
        column: usize,
        /// How many there are.
        columns: usize,
    },
    /// Nothing is permuted.
    #[error("the number of repeats is 0, but must be at least 1")]
    NoRepeat,
    /// No forest grows.
    #[error(transparent)]
    Forest(#[from] ForestError),
}

/// Judges every feature of `matrix`, whose schema is `columns`: alone, by AUC and mutual information, and in a random forest by
/// what is lost when it is permuted; the latter also for the groups and definitions of the schema as one. For all classes, or
/// for `class` against the rest.
///
/// The forest is judged out of bag: every trace by the trees that did not learn from it. Two features that say the same share
/// their importance, so a low importance is no proof that a feature says nothing (its AUC and bits tell), and traces that occur twice
/// look more recognisable than they are.
pub fn explain(
    matrix: &FeatureMatrix,
    columns: &[Column],
    class: Option<&str>,
    options: &ExplainOptions,
    seed: u64,
) -> Result<Explanation, ExplainError> {
    explain_watched(matrix, columns, class, options, seed, &Silent)
}

/// The same, watched by somebody.
///
/// # Errors
/// As of [`explain`].
pub fn explain_watched(
    matrix: &FeatureMatrix,
    columns: &[Column],
    class: Option<&str>,
    options: &ExplainOptions,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Explanation, ExplainError> {
    check_schema(matrix, columns)?;
    if options.repeats == 0 {
        return Err(ExplainError::NoRepeat);
    }
    let classes = matrix.classes();
    if classes.len() < 2 {
        return Err(ExplainError::Classes(classes.len()));
    }
    let find = |name: &str| classes.index_of(name).ok_or_else(|| ExplainError::NoSuchClass(name.to_owned()));
    let asked = class.map(find).transpose()?;
    let labels = labels(matrix, &classes);

    let params = ForestParams::random_forest().with_trees(options.trees);
    let origins = Groups::by_origin_of_labels(matrix.rows());
    let training = Training::new(matrix.values(), &labels, classes.len(), mix(seed, 0)).grouped(&origins);
    let forest = params.grow(&training.watched_by(observer))?;
    let work = Work::begin(observer, "importance", LEVELS * options.repeats * options.trees);
    let judged = |groups: &[usize], stream: u64| {
        let seed = mix(seed, stream);
        let draws = (options.repeats, seed);
        forest.importance_told(matrix.values(), (&labels, groups), Judges::OutOfBag, draws, &work)
    };
    let alone = alone(matrix, &labels, classes.len(), asked);
    let level = |key: &dyn Fn(&Column) -> String, stream| {
        let (names, groups) = grouped(columns, key);
        explained(names, &groups, columns, &alone, &judged(&groups, stream), asked)
    };
    let groups = level(&|column| column.information.to_string(), 1);
    let definitions = level(&|column| column.definition.clone(), 2);
    let each: Vec<usize> = (0..columns.len()).collect();
    let of_each = judged(&each, 3);
    drop(work);
    let features = explained(matrix.names().to_vec(), &each, columns, &alone, &of_each, asked);

    let (values, truth) = judged_rows(&forest.out_of_bag(matrix.values()), &labels, &origins);
    let (traces, probability_of_true_class) = match asked {
        Some(class) => (of_each.rows[class], of_each.sure[class]),
        None => (truth.len(), over_rows(&of_each.sure, &of_each.rows)),
    };
    let probabilities = Probabilities::new(classes, values).expect("averages of class fractions are distributions");
    let auc_ceiling = if class.is_some() { 1.0 } else { ceiling_of_one_score(probabilities.classes().len()) };
    let class = class.map(str::to_owned);
    Ok(Explanation {
        class,
        traces,
        probability_of_true_class,
        auc_ceiling,
        groups,
        definitions,
        features,
        probabilities,
        truth,
    })
}

fn check_schema(matrix: &FeatureMatrix, columns: &[Column]) -> Result<(), ExplainError> {
    let all = columns.len().max(matrix.names().len());
    let differs = |&at: &usize| columns.get(at).map(|column| &column.name) != matrix.names().get(at);
    (0..all).find(differs).map_or(Ok(()), |column| Err(ExplainError::Schema { column, columns: all }))
}

fn labels(matrix: &FeatureMatrix, classes: &ClassMap) -> Vec<usize> {
    let label = |class: &str| classes.index_of(class).expect("the classes are those of the rows");
    matrix.rows().iter().map(|row| label(&row.key.class)).collect()
}

/// AUC and bits of every column by itself.
fn alone(matrix: &FeatureMatrix, labels: &[usize], n_classes: usize, asked: Option<usize>) -> Vec<Alone> {
    let is_it: Vec<usize> = labels.iter().map(|&label| usize::from(Some(label) == asked)).collect();
    let of_column = |values: Vec<f64>| {
        let finite = "finite values, and every row has a label";
        let areas = per_class_auc_of_score(&values, labels, n_classes).expect(finite);
        let area = |class: usize| areas[class].expect("two or more classes, each with a row");
        let either = |class: usize| area(class).max(1.0 - area(class));
        let bits = match asked {
            Some(_) => mutual_information_bits(&values, &is_it, 2, INFORMATION_BINS),
            None => mutual_information_bits(&values, labels, n_classes, INFORMATION_BINS),
        };
        let auc = match asked {
            Some(class) => either(class),
            None => (0..n_classes).map(either).sum::<f64>() / n_classes as f64,
        };
        let direction = asked.map(|class| if area(class) < 0.5 { Tendency::Low } else { Tendency::High });
        Alone { auc, direction, bits: bits.expect(finite) }
    };
    (0..matrix.names().len()).into_par_iter().map(|at| of_column(matrix.values().column(at).to_vec())).collect()
}

/// The groups that `key` makes of the columns, in order of their names, and the group of every column.
fn grouped(columns: &[Column], key: &dyn Fn(&Column) -> String) -> (Vec<String>, Vec<usize>) {
    let mut numbers: BTreeMap<String, usize> = columns.iter().map(|column| (key(column), 0)).collect();
    numbers.values_mut().enumerate().for_each(|(number, value)| *value = number);
    let groups = columns.iter().map(|column| numbers[&key(column)]).collect();
    (numbers.into_keys().collect(), groups)
}

/// The groups `names`, best first; `groups` are the groups of the columns.
fn explained(
    names: Vec<String>,
    groups: &[usize],
    columns: &[Column],
    alone: &[Alone],
    found: &Importance,
    asked: Option<usize>,
) -> Vec<Explained> {
    let mut members = vec![Vec::new(); names.len()];
    for (column, &group) in groups.iter().enumerate() {
        members[group].push(column);
    }
    let of_group = |(group, name): (usize, String)| {
        let members = &members[group];
        let first_best = |a: usize, b: usize| if alone[b].auc > alone[a].auc { b } else { a };
        let best = &alone[members.iter().copied().reduce(first_best).expect("a group has a column")];
        let lost: Vec<f64> = (found.lost.index_axis(Axis(1), group).rows().into_iter())
            .map(|by_class| match asked {
                Some(class) => by_class[class],
                None => over_rows(&by_class.to_vec(), &found.rows),
            })
            .collect();
        let (importance, deviation) = mean_and_deviation(&lost);
        Explained {
            name,
            tells: columns[members[0]].information,
            columns: members.len(),
            auc: best.auc,
            direction: best.direction,
            bits: members.iter().map(|&column| alone[column].bits).fold(0.0, f64::max),
            importance,
            deviation,
        }
    };
    let mut all: Vec<Explained> = names.into_iter().enumerate().map(of_group).collect();
    all.sort_by(|a, b| b.importance.total_cmp(&a.importance).then(b.bits.total_cmp(&a.bits)));
    all
}

/// The mean over all judged rows of what is known by class.
fn over_rows(by_class: &[f64], rows: &[usize]) -> f64 {
    let sum: f64 = by_class.iter().zip(rows).map(|(value, &rows)| value * rows as f64).sum();
    sum / rows.iter().sum::<usize>().max(1) as f64
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}
