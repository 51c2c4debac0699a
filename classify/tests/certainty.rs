//! Calibrated probabilities never claim more than the traces that they were judged on can tell.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use wfkit_classify::{Attack, AttackOptions, Calibration, Samples, evaluate};
use wfkit_metrics::log_loss;

#[test]
fn on_traces_that_are_all_told_apart_an_error_is_claimed_to_be_as_likely_as_once_in_all() {
    let set = traces::apart(5, 20, 1);
    let splits = traces::folds(&set, 5);
    let train = splits[0].train.len() as f64;
    for name in ["best", "totals", "cumul"] {
        for calibration in &Calibration::ALL[1..] {
            let options = AttackOptions { trees: Some(50), ..AttackOptions::default() };
            let attack =
                Attack::by_name(name, &options).or_else(|_| Attack::by_name(name, &AttackOptions::default())).unwrap();
            let plain = attack.clone().calibrated(Calibration::None);
            let judge = |attack: &Attack| evaluate(attack, Samples::Traces(&set), &splits, 1, &|_| {}).unwrap();
            let (judged, plain) = (judge(&attack.calibrated(*calibration)), judge(&plain));
            let least = 1.0 / (train + 2.0);
            let largest = judged.probabilities.values().iter().copied().fold(0.0, f64::max);
            assert!(largest <= 1.0 - least + 1e-12, "{name}, {calibration}: {largest}");
            let loss = log_loss(&judged.probabilities, &judged.truth).unwrap();
            assert!(loss >= least && loss < 0.2, "{name}, {calibration}: {loss}");
            if *calibration == Calibration::Temperature {
                assert_eq!(judged.probabilities.argmax(), plain.probabilities.argmax(), "{name}");
            }
        }
    }
}

#[test]
fn copies_of_a_load_are_judged_once() {
    let once = traces::apart(4, 6, 1);
    let mut copied = Vec::new();
    for labelled in once.traces() {
        for copy in 0..5 {
            let mut labelled = labelled.clone();
            labelled.origin = Some(format!("{} {}", labelled.key.class, labelled.key.rep));
            labelled.key.rep = 10 * labelled.key.rep + copy;
            copied.push(labelled);
        }
    }
    let copied = wfkit_datasets::TraceSet::new(copied, once.provenance().clone()).unwrap();
    let bound = |set| {
        let attack = Attack::by_name("totals", &AttackOptions::default()).unwrap().calibrated(Calibration::Temperature);
        attack.fit(Samples::Traces(set), 1).unwrap().calibrator().unwrap().least_error()
    };
    assert_eq!((bound(&once), bound(&copied)), (1.0 / 26.0, 1.0 / 26.0));
}
