//! The attacks on a public set of simulated page loads over Tor: 100 pages, recorded in independent simulations.
//!
//! Expected are the scores of scikit-learn 1.9.1 (forests at their defaults, 100 trees but 260 for the sequence) on features
//! written in Python; trained on 40 traces a page of run 1 and 30 of run 2, tested on 25 of run 3. Which 25 is not known,
//! and moves the area under the curve by 0.001: on the traces taken here scikit-learn itself gives 0.9967 for the three
//! totals, 0.9980 for k-FP and 0.9975 for CUMUL.

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

#[test]
fn attacks_score_as_they_did_elsewhere() {
    let Some((set, split)) = first_traces() else { return };
    for (name, accuracy, auc) in [
        ("totals", 0.954, 0.9981),
        ("kfp-175", 0.973, 0.9988),
        ("cumul", 0.969, 0.9983),
        ("kfp-175,cumul", 0.973, 0.9986),
        ("bursts", 0.813, 0.9926),
        ("ngram-direction", 0.956, 0.9980),
        ("direction-time-1500", 0.952, 0.9981),
    ] {
        check(name, Samples::Traces(&set), &split, accuracy, auc);
    }
    // Where all packets are cells, `totals` has five columns for three numbers, and these alone were measured.
    let three = |name: &str| ["totals.out_packets", "totals.in_packets", "totals.seconds"].contains(&name);
    check("forest", Samples::Features(&columns(&set, "totals", three)), &split, 0.954, 0.9981);
    // Only the first 1,500 cells were measured; `sequence` has more of them, and does better.
    check("sequence-1500", Samples::Traces(&set), &split, 0.940, 0.9980);
}

fn check(name: &str, samples: Samples<'_>, split: &Split, expected_accuracy: f64, expected_auc: f64) {
    let attack = Attack::by_name(name, &AttackOptions::default()).unwrap();
    let evaluation = evaluate(&attack, samples, std::slice::from_ref(split), 0, &|_| {}).unwrap();
    let options = ScoreOptions { bootstrap: 0, seed: 0 };
    let scores = Scores::compute(&evaluation.probabilities, &evaluation.truth, &options).unwrap();
    let (accuracy, auc) = (scores.accuracy.unwrap(), scores.roc_auc_macro_ovr.unwrap());
    assert!(
        (accuracy - expected_accuracy).abs() <= ACCURACY_BAND,
        "{name}: accuracy {accuracy}, expected {expected_accuracy}"
    );
    assert!((auc - expected_auc).abs() <= AUC_BAND, "{name}: AUC {auc}, expected {expected_auc}");
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
fn columns(set: &TraceSet, spec: &str, mut wanted: impl FnMut(&str) -> bool) -> FeatureMatrix {
    let traces: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
    let all = spec.parse::<FeatureSpec>().unwrap().fit(&traces).transform(set);
    let places: Vec<usize> = (0..all.names().len()).filter(|&place| wanted(&all.names()[place])).collect();
    let names = places.iter().map(|&place| all.names()[place].clone()).collect();
    let values = all.values().select(ndarray::Axis(1), &places);
    FeatureMatrix::new(names, all.rows().to_vec(), values).unwrap()
}
