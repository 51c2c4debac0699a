//! Chance in a defence says nothing of labels: traces of pure noise stay what they were, whatever defends them.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use wfkit_classify::{Attack, AttackOptions, Samples, evaluate_on};
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};
use wfkit_defend::{DefenseSpec, defend, list};
use wfkit_metrics::seed::mix;
use wfkit_metrics::{ScoreOptions, Scores};

const CLASSES: u64 = 20;
const REPS: u64 = 10;

/// Classes that are names alone: loads of some 60 to 100 packets within some seconds, drawn from one distribution. Keys are the same for
/// every `noise`, packets are not.
fn noise_set(noise: u64) -> TraceSet {
    let load = |class: u64, rep: u64| {
        let stream = mix(noise, class * REPS + rep);
        let number = |index: u64, below: u64| mix(stream, index) % below;
        let packets = 60 + number(0, 41);
        let mut time_ns = 0;
        let times = (0..packets).map(|i| {
            time_ns += if i == 0 { 0 } else { number(2 * i + 1, 120_000_000) };
            time_ns
        });
        let times = times.collect();
        let sizes = (0..packets).map(|i| if number(2 * i + 2, 4) == 0 { 536 } else { -1_072 }).collect();
        let key = TraceKey { class: format!("page {class}"), rep: rep as i64, session: None };
        LabelledTrace::new(key, None, Trace::new(times, sizes).unwrap())
    };
    let loads = (0..CLASSES).flat_map(|class| (0..REPS).map(move |rep| load(class, rep))).collect();
    TraceSet::new(loads, Provenance::new(Layer::Tcp, vec![])).unwrap()
}

/// What an attack finds that learned from one set and is tested on the other: the mean area over classes, 0.5 where there is nothing.
fn found(train: &TraceSet, test: &TraceSet) -> f64 {
    let options = AttackOptions { trees: Some(40), ..AttackOptions::default() };
    let attack = Attack::by_name("totals,cumul,tam", &options).unwrap();
    let measured = evaluate_on(&attack, Samples::Traces(train), Samples::Traces(test), 7, &|_| {}).unwrap();
    let options = ScoreOptions { bootstrap: 0, seed: 0, ..ScoreOptions::default() };
    let scores = Scores::compute(&measured.probabilities, &measured.truth, &options).unwrap();
    scores.roc_auc_macro_ovr.unwrap()
}

/// Of such an area where there is nothing to find: that of the rank statistic of one class, over the root of their number.
fn standard_error() -> f64 {
    let (of_class, others) = (REPS as f64, (REPS * (CLASSES - 1)) as f64);
    ((of_class + others + 1.0) / (12.0 * of_class * others)).sqrt() / (CLASSES as f64).sqrt()
}

/// Every defence with its defaults; those that learn have learned from the training file. Sets of classes that look alike show which set it is, which
/// they promise to: with all classes in one they show nothing.
fn specs() -> Vec<String> {
    let of = |name: &str| match name {
        "k-anonymous" | "supersequence" | "palette" => format!("{name},k={CLASSES}"),
        name => name.to_owned(),
    };
    let alone = list().iter().map(|defence| of(defence.name));
    // Behind a shape that all loads share, chance must still differ from load to load.
    alone.chain(["constant-rate,tau=20s+front".to_owned(), "front+jitter".to_owned()]).collect()
}

#[test]
fn defended_noise_is_noise() {
    let (train, test) = (noise_set(1), noise_set(2));
    let error = standard_error();
    let undefended = found(&train, &test);
    assert!((undefended - 0.5).abs() < 3.0 * error, "undefended: {undefended}");
    let mut wrong = Vec::new();
    for text in specs() {
        let spec: DefenseSpec = text.parse().unwrap();
        let spec = if spec.needs_training() { spec.fit(train.clone()) } else { spec };
        let defended = |set| defend(set, &spec, 0).unwrap_or_else(|error| panic!("{text}: {error}")).observe();
        let area = found(&defended(&train), &defended(&test));
        if (area - 0.5).abs() >= 3.0 * error {
            wrong.push(format!("{text}: {area:.3}"));
        }
    }
    assert!(wrong.is_empty(), "{} away from 0.5 at most: {wrong:?}", 3.0 * error);
}

/// Two loads of the same packets get the same padding whatever they are called: what they are called is in nothing that an observer sees.
#[test]
fn labels_change_nothing() {
    let set = noise_set(3);
    let renamed = |labelled: &LabelledTrace| LabelledTrace {
        key: TraceKey {
            class: "all".into(),
            rep: mix(9, labelled.trace.content_hash()[0].into()) as i64 ^ labelled.trace.duration_ns() as i64,
            session: Some("s".into()),
        },
        ..labelled.clone()
    };
    let other = TraceSet::new(set.traces().iter().map(renamed).collect(), set.provenance().clone()).unwrap();
    let sorted = |set: &TraceSet, spec: &DefenseSpec| {
        let observed = defend(set, spec, 1).unwrap().observe();
        let mut hashes: Vec<[u8; 32]> = observed.traces().iter().map(|t| t.trace.content_hash()).collect();
        hashes.sort_unstable();
        hashes
    };
    for defence in list().iter().filter(|defence| !defence.needs.classes) {
        let spec: DefenseSpec = format!("{}+jitter", defence.name).parse().unwrap();
        assert!(sorted(&set, &spec) == sorted(&other, &spec), "{spec}");
    }
}
