//! What gives traces away: against scikit-learn (`vectors/make_explain.py` made the numbers), and controls.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::collections::BTreeMap;

use ndarray::{Array2, Axis, concatenate};
use serde::Deserialize;
use wfkit_classify::forest::{ClassWeights, ForestParams, Importance, Judges, MaxFeatures};
use wfkit_classify::{ExplainError, ExplainOptions, Explained, Tendency, explain};
use wfkit_datasets::{Label, TraceKey};
use wfkit_features::{Column, FeatureInformation, FeatureMatrix, Unit};
use wfkit_metrics::{mutual_information_bits, per_class_auc_of_score};

#[derive(Deserialize)]
struct Vectors {
    train: Rows,
    test: Rows,
    alone: Vec<Alone>,
    seeds: u64,
    tree_repeats: usize,
    tree: OfTree,
    forest: Spread,
    weighted_rows: Vec<usize>,
    weighted: Vec<Weighted>,
}

/// What one tree says of the test rows after learning from some training rows, weighted by class.
#[derive(Deserialize)]
struct Weighted {
    weights: String,
    probabilities: Vec<[f64; CLASSES]>,
}

#[derive(Deserialize)]
struct Rows {
    x: Vec<[f64; FEATURES]>,
    labels: Vec<usize>,
}

/// Every feature by itself, of the first rows.
#[derive(Deserialize)]
struct Alone {
    rows: usize,
    bins: usize,
    auc_by_class: Vec<Vec<f64>>,
    bits: Vec<f64>,
    bits_by_class: Vec<Vec<f64>>,
}

/// Of all test rows (`all`), and of those of each class.
#[derive(Deserialize)]
struct OfTree {
    sure: BTreeMap<String, f64>,
    lost: BTreeMap<String, Spread>,
}

/// Mean and standard deviation for each feature: over permutations, or over seeds.
#[derive(Deserialize)]
struct Spread {
    mean: Vec<f64>,
    sd: Vec<f64>,
}

const FEATURES: usize = 6;
const CLASSES: usize = 4;
const CONSTANT: usize = 3;

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors/explain.json")).unwrap()
}

impl Rows {
    fn x(&self) -> Array2<f64> {
        Array2::from(self.x.clone())
    }
}

#[test]
fn areas_and_bits_are_those_of_scikit_learn() {
    let Vectors { train, alone, .. } = vectors();
    let x = train.x();
    for expected in alone {
        let labels = &train.labels[..expected.rows];
        for (feature, column) in x.columns().into_iter().enumerate() {
            let values = &column.to_vec()[..expected.rows];
            let close = |what: &str, ours: f64, theirs: f64| {
                assert!((ours - theirs).abs() < 1e-9, "feature {feature}, {what}: {ours}, {theirs}");
            };
            let areas = per_class_auc_of_score(values, labels, CLASSES).unwrap();
            let bits = mutual_information_bits(values, labels, CLASSES, expected.bins).unwrap();
            close("bits", bits, expected.bits[feature]);
            for (class, area) in areas.into_iter().enumerate() {
                close("area", area.unwrap(), expected.auc_by_class[feature][class]);
                let is_it: Vec<usize> = labels.iter().map(|&label| usize::from(label == class)).collect();
                let bits = mutual_information_bits(values, &is_it, 2, expected.bins).unwrap();
                close("bits of a class", bits, expected.bits_by_class[feature][class]);
            }
        }
    }
}

/// The mean over classes that every repeat of every feature loses: of all rows, or of one class. Shape `(n_repeats,)`.
fn lost(found: &Importance, feature: usize, class: Option<usize>) -> Vec<f64> {
    let rows = found.rows.iter().sum::<usize>() as f64;
    let of_all =
        |by_class: &[f64]| by_class.iter().zip(&found.rows).map(|(lost, &n)| lost * n as f64).sum::<f64>() / rows;
    let repeats = found.lost.index_axis(Axis(1), feature);
    repeats.rows().into_iter().map(|by| class.map_or_else(|| of_all(&by.to_vec()), |class| by[class])).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// A tree without any chance in it.
fn one_tree() -> ForestParams {
    ForestParams {
        trees: 1,
        bootstrap: false,
        max_features: MaxFeatures::All,
        max_depth: Some(4),
        min_samples_leaf: 24,
        ..ForestParams::random_forest()
    }
}

#[test]
fn weighted_classes_give_the_tree_of_scikit_learn() {
    let Vectors { train, test, weighted_rows, weighted, .. } = vectors();
    let x = train.x().select(Axis(0), &weighted_rows);
    let labels: Vec<usize> = weighted_rows.iter().map(|&row| train.labels[row]).collect();
    let said = |class_weights| {
        let params = ForestParams { class_weights, ..one_tree() };
        params.fit(x.view(), &labels, CLASSES, 0).unwrap().predict(test.x().view())
    };
    let unweighted = said(ClassWeights::Equal);
    for expected in weighted {
        let p = said(match expected.weights.as_str() {
            "balanced" => ClassWeights::Balanced,
            _ => ClassWeights::Each(vec![0.5, 1.0, 4.0, 2.5]),
        });
        let theirs = Array2::from(expected.probabilities);
        let apart = (&p - &theirs).iter().fold(0.0, |largest: f64, d| largest.max(d.abs()));
        assert!(apart < 1e-12, "{}: {apart}", expected.weights);
        assert!((&p - &unweighted).iter().any(|d| d.abs() > 0.05), "{}: no change", expected.weights);
    }
}

/// scikit-learn's permutations leave one row in n as it is, on average; ours leave none.
fn without_own(lost: f64, rows: usize) -> f64 {
    lost * (rows - 1) as f64 / rows as f64
}

/// One tree, which is the same on both sides: it is as sure, loses nothing with the features that it does not ask, and with the
/// others the same up to the noise of 2,000 permutations.
#[test]
fn a_tree_misses_features_as_in_scikit_learn() {
    let Vectors { train, test, tree_repeats, tree, .. } = vectors();
    let grown = one_tree().fit(train.x().view(), &train.labels, CLASSES, 0).unwrap();
    let each: Vec<usize> = (0..FEATURES).collect();
    let found = grown.importance(test.x().view(), &test.labels, &each, Judges::All, tree_repeats, 1);
    let mut missed = 0;
    for (of, expected) in &tree.lost {
        let class = of.parse().ok();
        let sure = class.map_or_else(
            || (0..CLASSES).map(|c| found.sure[c] * found.rows[c] as f64).sum::<f64>() / test.labels.len() as f64,
            |class: usize| found.sure[class],
        );
        assert!((sure - tree.sure[of]).abs() < 1e-12, "{of}: {sure}, {}", tree.sure[of]);
        for feature in 0..FEATURES {
            let ours = without_own(mean(&lost(&found, feature, class)), test.labels.len());
            let (theirs, sd) = (expected.mean[feature], expected.sd[feature]);
            if sd == 0.0 {
                assert_eq!((ours, theirs), (0.0, 0.0), "{of}, feature {feature}");
                continue;
            }
            missed += 1;
            let error = sd * (2.0 / tree_repeats as f64).sqrt();
            assert!((ours - theirs).abs() < 4.0 * error, "{of}, feature {feature}: {ours}, {theirs}, error {error}");
        }
    }
    assert!(missed >= 10, "{missed}");
}

/// Forests differ by their random numbers: over 8 seeds here and 16 there, means agree within four standard errors.
#[test]
fn a_forest_misses_features_as_in_scikit_learn() {
    const SEEDS: u64 = 8;
    let Vectors { train, test, seeds, forest, .. } = vectors();
    let each: Vec<usize> = (0..FEATURES).collect();
    let mut ours = [0.0; FEATURES];
    for seed in 0..SEEDS {
        let grown = ForestParams::random_forest().fit(train.x().view(), &train.labels, CLASSES, seed).unwrap();
        let found = grown.importance(test.x().view(), &test.labels, &each, Judges::All, 20, seed);
        for (feature, sum) in ours.iter_mut().enumerate() {
            *sum += without_own(mean(&lost(&found, feature, None)), test.labels.len()) / SEEDS as f64;
        }
    }
    for (feature, ours) in ours.into_iter().enumerate() {
        let (theirs, sd) = (forest.mean[feature], forest.sd[feature]);
        let error = sd * (1.0 / SEEDS as f64 + 1.0 / seeds as f64).sqrt();
        assert!((ours - theirs).abs() <= 4.0 * error, "feature {feature}: {ours}, {theirs}, error {error}");
    }
    assert_eq!(ours[CONSTANT], 0.0);
}

const NAMES: [&str; FEATURES] = ["all", "one", "ties", "constant", "noise", "again"];

/// The features of both parts, with classes `a` to `d`; their schema has a definition of two columns.
fn matrix(labels: &[usize], x: Array2<f64>) -> (FeatureMatrix, Vec<Column>) {
    let column = |name: &str| Column {
        name: format!("set.{name}"),
        unit: Unit::Number,
        information: if name == "noise" { FeatureInformation::Time } else { FeatureInformation::Size },
        definition: if ["all", "again"].contains(&name) { "set.twice".into() } else { format!("set.{name}") },
        version: 1,
    };
    let columns: Vec<Column> = NAMES.map(column).to_vec();
    let key = |(rep, &label): (i64, &usize)| TraceKey { class: ["a", "b", "c", "d"][label].into(), rep, session: None };
    let rows = (0..).zip(labels).map(|row| Label::new(key(row), None)).collect();
    (FeatureMatrix::new(columns.iter().map(|column| column.name.clone()).collect(), rows, x).unwrap(), columns)
}

fn both() -> (Vec<usize>, Array2<f64>) {
    let Vectors { train, test, .. } = vectors();
    ([train.labels.as_slice(), &test.labels].concat(), concatenate![Axis(0), train.x(), test.x()])
}

fn named<'a>(all: &'a [Explained], name: &str) -> &'a Explained {
    all.iter().find(|one| one.name == name).unwrap()
}

#[test]
fn what_is_planted_comes_out_on_top_and_what_does_not_vary_is_nothing() {
    let (labels, x) = both();
    let (matrix, columns) = matrix(&labels, x);
    let all = explain(&matrix, &columns, None, &ExplainOptions::default(), 3).unwrap();
    assert_eq!((all.features[0].name.as_str(), all.traces), ("set.all", 390));
    let constant = named(&all.features, "set.constant");
    assert_eq!((constant.auc, constant.bits, constant.importance, constant.deviation), (0.5, 0.0, 0.0, 0.0));
    let noise = named(&all.features, "set.noise");
    assert!(noise.importance < 0.05 * all.features[0].importance && noise.bits < 0.1, "{noise:?}");
    let twice = named(&all.definitions, "set.twice");
    let alone = [named(&all.features, "set.all"), named(&all.features, "set.again")];
    assert_eq!((twice.columns, twice.bits), (2, alone[0].bits.max(alone[1].bits)));
    assert!(twice.importance > alone[0].importance.max(alone[1].importance), "each stands in for the other");
    let time = named(&all.groups, "time");
    assert_eq!((time.columns, time.tells, time.auc, time.bits), (1, FeatureInformation::Time, noise.auc, noise.bits));
    assert_eq!(all.groups[0].name, "size");

    // The feature made for class c tells it best.
    let of_class = explain(&matrix, &columns, Some("c"), &ExplainOptions::default(), 3).unwrap();
    assert_eq!(of_class.features[0].name, "set.one");
    assert_eq!(of_class.traces, labels.iter().filter(|&&label| label == 2).count());
    assert!(of_class.features[0].auc > 0.9);
    // Class a has the low values of the first feature.
    let of_first = explain(&matrix, &columns, Some("a"), &ExplainOptions::default(), 3).unwrap();
    let first = named(&of_first.features, "set.all");
    assert!(first.auc > 0.85 && first.direction == Some(Tendency::Low), "{first:?}");
    assert!(
        of_first.features.iter().chain(&of_first.groups).all(|one| one.auc >= 0.5 && one.auc <= of_first.auc_ceiling)
    );
    assert_eq!((of_first.auc_ceiling, all.features[0].direction), (1.0, None));
    assert!(
        all.auc_ceiling < 1.0 && all.features.iter().all(|one| one.auc <= all.auc_ceiling + 0.05),
        "{}",
        all.auc_ceiling
    );
}

/// Over shuffles, the mean of what a feature seems to matter is 0 within its error, and nothing is worth a tenth of a bit.
#[test]
fn shuffled_labels_are_given_away_by_nothing() {
    let (labels, x) = both();
    let shuffles = 8;
    let mut importances = Vec::new();
    let mut by_chance = 0.0;
    for shuffle in 0..shuffles {
        // Steps of 7 rows and more, coprime to 390, so that no two shuffles are alike.
        let shuffled: Vec<usize> =
            (0..labels.len()).map(|row| labels[(row * (7 + 30 * shuffle) + shuffle) % labels.len()]).collect();
        let (matrix, columns) = matrix(&shuffled, x.clone());
        let found = explain(&matrix, &columns, None, &ExplainOptions::default(), shuffle as u64).unwrap();
        assert!(found.features.iter().all(|feature| feature.bits < 0.1), "{:?}", found.features);
        importances.extend(found.features.iter().map(|feature| feature.importance));
        by_chance += found.probability_of_true_class / shuffles as f64;
    }
    let centre = mean(&importances);
    let sd = (importances.iter().map(|i| (i - centre).powi(2)).sum::<f64>() / importances.len() as f64).sqrt();
    assert!(centre.abs() < 4.0 * sd / (importances.len() as f64).sqrt() + 1e-3, "{centre}, {sd}");
    assert!(importances.iter().all(|importance| importance.abs() < 0.03), "{importances:?}");
    assert!((by_chance - 0.3).abs() < 0.03, "the sum of the squared shares of the classes is .30: {by_chance}");
}

#[test]
fn what_cannot_be_explained_says_why() {
    let (labels, x) = both();
    let (matrix, columns) = matrix(&labels, x);
    let options = ExplainOptions::default();
    let error = |class, columns: &[Column], options| explain(&matrix, columns, class, &options, 0).unwrap_err();
    assert_eq!(error(Some("e"), &columns, options), ExplainError::NoSuchClass("e".into()));
    assert_eq!(error(None, &columns[..4], options), ExplainError::Schema { column: 4, columns: 6 });
    assert_eq!(error(None, &columns, ExplainOptions { repeats: 0, ..options }), ExplainError::NoRepeat);
    assert!(matches!(error(None, &columns, ExplainOptions { trees: 0, ..options }), ExplainError::Forest(_)));
    let one = matrix.select(&[(0..labels.len()).find(|&row| labels[row] == 1).unwrap()]);
    assert_eq!(explain(&one, &columns, None, &options, 0).unwrap_err(), ExplainError::Classes(1));
}
