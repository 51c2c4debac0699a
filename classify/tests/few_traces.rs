//! One or two traces a class: every attack is right where classes are apart, and at chance where they are not, never below it.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use wfkit_classify::{Attack, AttackOptions, Backend, Calibration, Samples, attacks};
use wfkit_datasets::{Trace, TraceSet};
use wfkit_features::{FeatureMatrix, FeatureSpec};
use wfkit_metrics::{Average, roc_auc_ovr};

const CLASSES: usize = 8;

fn features(set: &TraceSet) -> FeatureMatrix {
    let all: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
    "totals,cumul".parse::<FeatureSpec>().unwrap().fit(&all).transform(set)
}

/// The area, or why there is none.
fn area(attack: &Attack, train: &TraceSet, test: &TraceSet, seed: u64) -> Result<f64, String> {
    let both = (features(train), features(test));
    let (train, test) = match attack.takes_traces() {
        true => (Samples::Traces(train), Samples::Traces(test)),
        false => (Samples::Features(&both.0), Samples::Features(&both.1)),
    };
    let fitted = attack.fit(train, seed).map_err(|error| error.to_string())?;
    let p = fitted.predict(test).map_err(|error| error.to_string())?;
    let truth: Vec<usize> = test.labels(p.classes()).into_iter().flatten().collect();
    Ok(roc_auc_ovr(&p, &truth, Average::Macro).unwrap())
}

fn named(name: &str, backend: Backend) -> Attack {
    let options = AttackOptions { trees: Some(30), backend, ..AttackOptions::default() };
    Attack::by_name(name, &options).or_else(|_| Attack::by_name(name, &AttackOptions::default())).unwrap()
}

/// Every attack, uncalibrated and by every calibration; forests by every backend.
fn all() -> Vec<(String, Attack)> {
    let own = attacks().iter().map(|info| (info.name, Backend::Native));
    let others = [("kfp-175", Backend::Smartcore), ("kfp-175", Backend::Linfa), ("totals", Backend::Smartcore)];
    let calibrated = |(name, backend): (&'static str, Backend)| {
        Calibration::ALL.map(|calibration| {
            (format!("{name} by {backend}, calibration {calibration}"), named(name, backend).calibrated(calibration))
        })
    };
    own.chain(others).flat_map(calibrated).collect()
}

#[test]
fn classes_that_are_apart_are_told_apart_from_one_or_two_traces() {
    let test = traces::apart(CLASSES, 10, 100);
    let mut wrong = Vec::new();
    for (name, attack) in all() {
        for reps in [1, 2] {
            match area(&attack, &traces::apart(CLASSES, reps, reps as u64), &test, 3) {
                Ok(area) if area > 0.9 => {}
                // No n-gram of one trace a class occurs in another, so there is nothing to learn from.
                Err(reason) if reps == 1 && reason.contains("8 rows of 0 features") => {}
                Ok(area) => wrong.push(format!("{name}, {reps} a class: {area:.3}")),
                Err(reason) => wrong.push(format!("{name}, {reps} a class: {reason}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_found_in_noise_and_never_less_than_nothing() {
    const ROUNDS: u64 = 24;
    let mut wrong = Vec::new();
    // What costs most is tried in its two forms that differ most.
    let cheap = |name: &str| !["best", "sequence", "ngram"].iter().any(|dear| name.starts_with(dear));
    for (name, attack) in all().into_iter().filter(|(name, _)| cheap(name) || name.ends_with("none")) {
        for reps in [1, 2] {
            let areas: Vec<f64> = (0..ROUNDS)
                .map(|round| {
                    let train = traces::noise(CLASSES, reps, 2 * round + 1);
                    area(&attack, &train, &traces::noise(CLASSES, 6, 2 * round), round).unwrap()
                })
                .collect();
            let n = ROUNDS as f64;
            let mean = areas.iter().sum::<f64>() / n;
            let deviation = (areas.iter().map(|area| (area - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
            if (mean - 0.5).abs() > 3.0 * deviation / n.sqrt() {
                wrong.push(format!("{name}, {reps} a class: {mean:.3} with deviation {deviation:.3}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
