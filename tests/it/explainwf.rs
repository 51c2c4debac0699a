//! The attacks on a public set of simulated page loads over Tor: 100 pages, recorded in independent simulations.
//!
//! Expected are the scores of scikit-learn 1.9.1 (forests at their defaults, 100 trees but 260 for the sequence) on features
//! written in Python; trained on 40 traces a page of run 1 and 30 of run 2, tested on 25 of run 3. Which 25 is not known,
//! and moves the area under the curve by 0.001: on the traces taken here scikit-learn itself gives 0.9967 for the three
//! totals, 0.9980 for k-FP and 0.9975 for CUMUL.
//!
//! `cargo test --release --workspace --test it explainwf -- --nocapture` prints the table.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::collections::HashMap;

use wfkit_classify::{Attack, AttackOptions, Samples, evaluate};
use wfkit_datasets::splits::{Split, explicit};
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceSet, read_traces};
use wfkit_features::{FeatureMatrix, FeatureSpec};
use wfkit_metrics::{ScoreOptions, Scores};

use crate::shared::shared_data;

/// How far an accuracy may be from the expected one: seeds differ by about 0.003, choices of features by about 0.01.
const ACCURACY_BAND: f64 = 0.015;
/// How far an area under the curve may be from the expected one.
const AUC_BAND: f64 = 0.002;

/// An attack over traces or over columns of a feature set, its trees where not its own, training traces a page where not all,
/// and the expected accuracy, area under the curve and log loss.
struct Expected {
    input: &'static str,
    columns: Option<fn(&str) -> bool>,
    trees: Option<usize>,
    train: usize,
    accuracy: f64,
    auc: f64,
    log_loss: Option<f64>,
}

const fn of(input: &'static str, accuracy: f64, auc: f64, log_loss: Option<f64>) -> Expected {
    Expected { input, columns: None, trees: None, train: 70, accuracy, auc, log_loss }
}

/// Where all packets are cells, `totals` has five columns for three numbers, and these alone were measured.
fn is_of_the_three(name: &str) -> bool {
    ["totals.out_packets", "totals.in_packets", "totals.seconds"].contains(&name)
}

const TABLE: [Expected; 18] = [
    Expected { columns: Some(is_of_the_three), ..of("totals", 0.954, 0.9981, Some(0.35)) },
    // Only the first 1,500 cells were measured; `sequence` has more of them, and does better.
    of("sequence-1500", 0.940, 0.9980, Some(0.25)),
    of("bursts", 0.813, 0.9926, Some(1.03)),
    of("ngram-direction", 0.956, 0.9980, None),
    of("kfp-175", 0.973, 0.9988, Some(0.14)),
    Expected { trees: Some(1000), ..of("kfp-175", 0.973, 0.9993, Some(0.10)) },
    of("cumul-forest", 0.969, 0.9983, Some(0.16)),
    of("kfp-175,cumul", 0.973, 0.9986, Some(0.14)),
    of("direction-time-1500", 0.952, 0.9981, Some(0.27)),
    Expected { columns: Some(is_of_the_first_700_slots), ..of("tam", 0.223, 0.8476, Some(6.73)) },
    of("tam-pooled", 0.703, 0.9578, None),
    of("tam-cumulative", 0.745, 0.9629, None),
    Expected { train: 5, ..of("kfp-175", 0.958, 0.9986, None) },
    Expected { train: 10, ..of("kfp-175", 0.964, 0.9982, None) },
    Expected { train: 20, ..of("kfp-175", 0.970, 0.9989, None) },
    Expected { train: 5, ..of("cumul-forest", 0.962, 0.9982, None) },
    Expected { train: 10, ..of("cumul-forest", 0.969, 0.9981, None) },
    Expected { train: 20, ..of("cumul-forest", 0.965, 0.9981, None) },
];

fn is_of_the_first_700_slots(name: &str) -> bool {
    name.rsplit('_').next().and_then(|slot| slot.parse::<usize>().ok()).is_some_and(|slot| slot <= 700)
}

#[test]
fn attacks_score_as_they_did_elsewhere() {
    let Some((set, split)) = first_traces() else { return };
    println!("| input | trees | train a page | accuracy | expected | AUC | expected | log loss | expected |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut outside = Vec::new();
    for expected in TABLE {
        let Expected { input, trees, train, accuracy, auc, log_loss, .. } = expected;
        let split = few_shot(&set, &split, train);
        let options = AttackOptions { trees, ..AttackOptions::default() };
        let found = match expected.columns {
            None => score(Attack::by_name(input, &options).unwrap(), Samples::Traces(&set), &split),
            Some(wanted) => {
                let matrix = columns(&set, input, wanted);
                score(Attack::by_name("forest", &options).unwrap(), Samples::Features(&matrix), &split)
            }
        };
        let [found_accuracy, found_auc, found_loss] = found;
        let trees = trees.map_or("its own".to_owned(), |trees| trees.to_string());
        let loss = log_loss.map_or("-".to_owned(), |loss| format!("{loss:.2}"));
        println!(
            "| {input} | {trees} | {train} | {found_accuracy:.4} | {accuracy:.3} | {found_auc:.4} | {auc:.4} | {found_loss:.3} | {loss} |"
        );
        if (found_accuracy - accuracy).abs() > ACCURACY_BAND || (found_auc - auc).abs() > auc_band(auc) {
            outside.push(format!("{input}, {train} a page: {found:?}, expected {accuracy}, {auc}"));
        }
    }
    let best = score(Attack::by_name("best", &AttackOptions::default()).unwrap(), Samples::Traces(&set), &split);
    println!("| best | its own | 70 | {:.4} | | {:.4} | | {:.3} | |", best[0], best[1], best[2]);
    // Its paper has 0.91 on other pages, the nearest neighbour by the columns of kfp-175 0.950 on these.
    let neighbours =
        score(Attack::by_name("wang-knn", &AttackOptions::default()).unwrap(), Samples::Traces(&set), &split);
    println!("| wang-knn | - | 70 | {:.4} | | {:.4} | | {:.3} | |", neighbours[0], neighbours[1], neighbours[2]);
    assert!(neighbours[0] > 0.95, "{neighbours:?}");
    assert!(outside.is_empty(), "{outside:#?}");
    // The best row of all is 0.973 with a log loss of 0.10.
    assert!(best[0] > 0.973 && best[2] < 0.10, "{best:?}");
}

/// A tenth of what is missing to 1, where that is more: few traces make curves of low area noisy.
fn auc_band(auc: f64) -> f64 {
    AUC_BAND.max((1.0 - auc) / 10.0)
}

/// Accuracy, area under the curve and log loss.
fn score(attack: Attack, samples: Samples<'_>, split: &Split) -> [f64; 3] {
    let evaluation = evaluate(&attack, samples, std::slice::from_ref(split), 0, &|_| {}).unwrap();
    let options = ScoreOptions { bootstrap: 0, seed: 0, ..ScoreOptions::default() };
    let scores = Scores::compute(&evaluation.probabilities, &evaluation.truth, &options).unwrap();
    [scores.accuracy.unwrap(), scores.roc_auc_macro_ovr.unwrap(), scores.log_loss.unwrap()]
}

/// The split with the first `most` training traces of each page.
fn few_shot(set: &TraceSet, split: &Split, most: usize) -> Split {
    let mut taken: HashMap<&str, usize> = HashMap::new();
    let train = split.train.iter().copied().filter(|&row| {
        let taken = taken.entry(&set.traces()[row].key.class).or_default();
        *taken += 1;
        *taken <= most
    });
    explicit(set.len(), train.collect(), split.test.clone()).unwrap()
}

/// The first traces of each page in each run, and which to test on.
fn first_traces() -> Option<(TraceSet, Split)> {
    let folder = shared_data("explainwf")?;
    let mut traces: Vec<LabelledTrace> = Vec::new();
    for (run, per_page) in [("run1", 40), ("run2", 30), ("run3", 25)] {
        let log = read_traces(&folder.join(run).join("wget2-traces.log.xz")).unwrap();
        let mut taken: HashMap<&str, usize> = HashMap::new();
        for labelled in log.set.traces() {
            let taken = taken.entry(&labelled.key.class).or_default();
            *taken += 1;
            if *taken <= per_page {
                traces.push(labelled.clone());
            }
        }
    }
    let set = TraceSet::new(traces, Provenance::new(Layer::Cell, vec![])).unwrap();
    assert_eq!((set.classes().len(), set.len()), (100, 100 * (40 + 30 + 25)));
    let (test, train) = (0..set.len()).partition(|&row| set.traces()[row].key.session.as_deref() == Some("run3"));
    let split = explicit(set.len(), train, test).unwrap();
    Some((set, split))
}

/// Some columns of a feature set.
fn columns(set: &TraceSet, spec: &str, wanted: fn(&str) -> bool) -> FeatureMatrix {
    let traces: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
    let all = spec.parse::<FeatureSpec>().unwrap().fit(&traces).transform(set);
    let places: Vec<usize> = (0..all.names().len()).filter(|&place| wanted(&all.names()[place])).collect();
    let names = places.iter().map(|&place| all.names()[place].clone()).collect();
    let values = all.values().select(ndarray::Axis(1), &places);
    FeatureMatrix::new(names, all.rows().to_vec(), values).unwrap()
}
