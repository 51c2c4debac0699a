//! Evaluations, and that nothing leaks into them.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use std::sync::Mutex;

use wfkit_classify::{
    Attack, AttackInfo, AttackOptions, Backend, Evaluation, Event, Samples, attacks, evaluate, shuffle_labels,
};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Trace, TraceSet};
use wfkit_features::FeatureSpec;
use wfkit_metrics::{ScoreOptions, Scores};

fn attack(name: &str, trees: usize) -> Attack {
    let options = AttackOptions { trees: Some(trees), ..AttackOptions::default() };
    Attack::by_name(name, &options).or_else(|_| Attack::by_name(name, &AttackOptions::default())).unwrap()
}

fn run(attack: &Attack, set: &TraceSet, splits: &[Split]) -> Evaluation {
    if attack.takes_traces() {
        return evaluate(attack, Samples::Traces(set), splits, 5, &|_| {}).unwrap();
    }
    let all: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
    let matrix = "kfp-size".parse::<FeatureSpec>().unwrap().fit(&all).transform(set);
    evaluate(attack, Samples::Features(&matrix), splits, 5, &|_| {}).unwrap()
}

fn scores(evaluation: &Evaluation) -> Scores {
    Scores::compute(
        &evaluation.probabilities,
        &evaluation.truth,
        &ScoreOptions { bootstrap: 500, seed: 1, ..ScoreOptions::default() },
    )
    .unwrap()
}

/// The attacks of every name, and of every backend.
fn all_attacks() -> impl Iterator<Item = Attack> {
    let named = attacks().iter().map(|info| attack(info.name, 40));
    named.chain(other_backends())
}

fn other_backends() -> impl Iterator<Item = Attack> {
    let options = |backend| AttackOptions { trees: Some(40), backend, ..AttackOptions::default() };
    [Backend::Smartcore, Backend::Linfa].into_iter().map(move |b| Attack::by_name("totals", &options(b)).unwrap())
}

#[test]
fn shuffled_labels_leave_nothing_to_learn() {
    let real = traces::generate(4, 60, 1);
    let shuffled = shuffle_labels(&real, 2);
    let splits = traces::folds(&shuffled, 4);
    for attack in all_attacks() {
        let scores = scores(&run(&attack, &shuffled, &splits));
        let interval = scores.intervals_95.unwrap().roc_auc_macro_ovr.unwrap();
        let auc = scores.roc_auc_macro_ovr.unwrap();
        assert!(interval.contains(0.5), "{}: AUC {auc}, {interval:?}", attack.name());
    }
}

#[test]
fn shuffling_keeps_traces_and_the_sizes_of_classes() {
    let real = traces::generate(3, 5, 1);
    let shuffled = shuffle_labels(&real, 2);
    let sorted = |mut hashes: Vec<[u8; 32]>| {
        hashes.sort_unstable();
        hashes
    };
    let hashes = |set: &TraceSet| sorted(set.traces().iter().map(|t| t.trace.content_hash()).collect());
    assert_eq!(hashes(&shuffled), hashes(&real));
    let counts = |set: &TraceSet| {
        (0..3).map(|c| set.traces().iter().filter(|t| t.key.class == format!("c{c}")).count()).collect::<Vec<_>>()
    };
    assert_eq!(counts(&shuffled), [5, 5, 5]);
    assert_eq!(shuffle_labels(&real, 2), shuffled);
    assert_ne!(shuffle_labels(&real, 3), shuffled);
}

#[test]
fn a_planted_feature_is_found_by_all() {
    let set = traces::planted(5, 20);
    let splits = traces::folds(&set, 4);
    // Counts and times are blind to sizes, and an alignment counts whole cells.
    let sees_sizes = |info: &&AttackInfo| !["kfp-175", "kfp-knn", "kfp-core", "alignment"].contains(&info.name);
    for info in attacks().iter().filter(sees_sizes) {
        let scores = scores(&run(&attack(info.name, 40), &set, &splits));
        assert_eq!(scores.accuracy, Some(1.0), "{}", info.name);
        assert_eq!(scores.roc_auc_macro_ovr, Some(1.0), "{}", info.name);
    }
    // The other libraries' trees give up where the features that they draw happen to be constant.
    for attack in other_backends() {
        let auc = scores(&run(&attack, &set, &splits)).roc_auc_macro_ovr.unwrap();
        assert!(auc > 0.8, "{auc}");
    }
}

#[test]
fn constant_traces_leave_chance_and_are_all_leaks() {
    let set = traces::constant(4, 12);
    let splits = traces::folds(&set, 3);
    for attack in all_attacks() {
        let evaluation = run(&attack, &set, &splits);
        let scores = scores(&evaluation);
        assert!((scores.roc_auc_macro_ovr.unwrap() - 0.5).abs() < 0.05, "{}: {scores:?}", attack.name());
        assert!(evaluation.folds.iter().all(|fold| fold.overlap.same_packets == 16));
    }
}

#[test]
fn rows_are_in_sample_order_and_folds_add_up() {
    let set = traces::generate(3, 8, 4);
    let mut splits = traces::folds(&set, 4);
    splits.swap(0, 3);
    splits[1].test.reverse();
    let attack = attack("totals", 10);
    let events = Mutex::new(Vec::new());
    let note = |event: Event<'_>| events.lock().unwrap().push(format!("{event:?}"));
    let evaluation = evaluate(&attack, Samples::Traces(&set), &splits[..3], 1, &note).unwrap();

    let expected: Vec<usize> = (0..24).filter(|row| row % 4 != 0).collect();
    assert_eq!(evaluation.rows, expected);
    let label = |row: &usize| set.classes().index_of(&set.traces()[*row].key.class).unwrap();
    assert_eq!(evaluation.truth, expected.iter().map(label).collect::<Vec<_>>());
    let names: Vec<&str> = evaluation.folds.iter().map(|fold| fold.name.as_str()).collect();
    assert_eq!(names, ["fold 4", "fold 2", "fold 3"]);
    assert!(evaluation.folds.iter().all(|fold| (fold.train, fold.test) == (18, 6)));
    assert!(evaluation.folds.iter().all(|fold| (fold.overlap.tested, fold.overlap.learned_from()) == (6, 0)));
    let right = evaluation.folds.iter().map(|fold| fold.accuracy.unwrap() * 6.0).sum::<f64>();
    assert!((scores(&evaluation).accuracy.unwrap() - right / 18.0).abs() < 1e-12);
    let events = events.into_inner().unwrap();
    assert_eq!(events.len(), 9);
    assert_eq!(
        events[..3],
        ["FoldStart { fold: 0, folds: 3, name: \"fold 4\" }", "FitDone { fold: 0 }", "PredictDone { fold: 0 }"]
    );
}

#[test]
fn a_class_that_a_fold_never_saw_has_probability_zero() {
    let set = traces::generate(3, 6, 4);
    let unseen = Split { name: "new class".to_owned(), train: (0..12).collect(), test: (12..18).collect() };
    let evaluation = run(&attack("totals", 10), &set, &[unseen]);
    assert_eq!(evaluation.probabilities.classes().len(), 3);
    assert!(evaluation.probabilities.values().column(2).iter().all(|&p| p == 0.0));
    assert_eq!(evaluation.folds[0].accuracy, Some(0.0));
    assert_eq!(evaluation.folds[0].roc_auc, None);
}

#[test]
fn features_are_learned_from_the_training_part_alone() {
    // The longest traces are in the test part, so `sequence` must not have a column for their end.
    let set = traces::generate(3, 4, 4);
    let length = |row: usize| set.traces()[row].trace.len();
    let longest = (0..set.len()).map(length).max().unwrap();
    let train: Vec<usize> = (0..set.len()).filter(|&row| length(row) < longest).collect();
    let most = train.iter().map(|&row| length(row)).max().unwrap();
    let fitted = attack("sequence", 5).fit(Samples::Traces(&set.select(&train)), 0).unwrap();
    assert_eq!(fitted.about().features.len(), most);
    assert_eq!(fitted.predict(Samples::Traces(&set)).unwrap().len(), set.len());
}

#[test]
fn splits_that_cheat_are_refused() {
    let set = traces::generate(2, 3, 4);
    let error = |splits: &[(&str, &[usize], &[usize])]| {
        let split = |&(name, train, test): &(&str, &[usize], &[usize])| Split {
            name: name.to_owned(),
            train: train.to_vec(),
            test: test.to_vec(),
        };
        let splits: Vec<Split> = splits.iter().map(split).collect();
        evaluate(&attack("totals", 3), Samples::Traces(&set), &splits, 0, &|_| {}).unwrap_err().to_string()
    };
    assert_eq!(error(&[("a", &[0, 4], &[0])]), "a: (class c0, rep 0) is both in the training and in the test part");
    assert_eq!(error(&[("a", &[0, 4], &[1]), ("b", &[0, 4], &[1])]), "b: (class c0, rep 2) has been tested before");
    assert_eq!(error(&[("a", &[0, 4], &[6])]), "a: row 6 of 6 samples");
    assert_eq!(
        error(&[("a", &[0, 1], &[4])]),
        "a: attack totals: all 2 training samples are of one class, c0; it tells classes apart, so give it traces of two at least"
    );
    assert_eq!(error(&[("a", &[], &[4])]), "a: attack totals: there are no samples to learn from");
}
