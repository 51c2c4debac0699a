//! Alignment as an attack, and as a member of `best`.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use wfkit_classify::{Attack, AttackOptions, Calibration, FittedAttack, Samples, evaluate};
use wfkit_datasets::{LabelledTrace, TraceSet};
use wfkit_metrics::{accuracy, log_loss};

fn best(trees: usize) -> Attack {
    Attack::by_name("best", &AttackOptions { trees: Some(trees), ..AttackOptions::default() }).unwrap()
}

fn alignment() -> Attack {
    Attack::by_name("alignment", &AttackOptions::default()).unwrap()
}

fn fit(attack: &Attack, set: &TraceSet) -> FittedAttack {
    attack.fit(Samples::Traces(set), 5).unwrap()
}

#[test]
fn best_aligns_where_the_order_of_answers_gives_classes_away() {
    let (train, test) = (traces::answers(8, 12, 24, 1), traces::answers(8, 12, 24, 2));
    let scores = |attack: &Attack| {
        let said = fit(attack, &train).predict(Samples::Traces(&test)).unwrap();
        let truth: Vec<usize> = Samples::Traces(&test).labels(said.classes()).into_iter().flatten().collect();
        (accuracy(&said, &truth).unwrap(), log_loss(&said, &truth).unwrap())
    };
    let (pooled, aligned) = (scores(&best(60)), scores(&alignment()));
    let forest = scores(&Attack::by_name("kfp-size,requests", &AttackOptions::default()).unwrap());
    assert!(aligned.0 > 0.9 && pooled.0 > 0.9 && pooled.1 < forest.1, "{pooled:?}, {aligned:?}, {forest:?}");
    let described = fit(&best(60), &train).model().describe();
    assert!(described.starts_with("pool: alignment of ") && described.contains("trees, weight "), "{described}");
}

#[test]
fn best_stays_with_its_forests_where_an_alignment_adds_nothing() {
    let described = |set: &TraceSet| fit(&best(30), set).model().describe();
    for seed in 0..5 {
        let described = described(&traces::noise(4, 20, seed));
        assert!(!described.contains("pool"), "{described}");
    }
    // What no other trace of the class is there to judge by is not joined either.
    let described = described(&traces::answers(8, 1, 24, 1));
    assert!(!described.contains("pool"), "{described}");
}

#[test]
fn copies_do_not_make_an_alignment_seem_better_than_it_is() {
    // Noise, each load five times with a packet more or less: what knows a copy again is right about all others.
    let loads = traces::noise(4, 15, 3);
    let copies = loads.traces().iter().flat_map(|load| {
        (0..5).map(move |copy| {
            let mut key = load.key.clone();
            key.rep = key.rep * 5 + copy;
            let mut copied = LabelledTrace::new(key, None, load.trace.clone());
            copied.origin = Some(format!("{}/{}", load.key.class, load.key.rep));
            copied
        })
    });
    let set = TraceSet::new(copies.collect(), loads.provenance().clone()).unwrap();
    for attack in [best(30), alignment()] {
        let fitted = fit(&attack, &set);
        let (rows, said) = fitted.out_of_bag(Samples::Traces(&set)).unwrap();
        let labels: Vec<usize> = Samples::Traces(&set).labels(said.classes()).into_iter().flatten().collect();
        let truth: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
        let loss = log_loss(&said, &truth).unwrap();
        assert!((loss - 4f64.ln()).abs() < 0.12, "{}: {loss}", attack.name());
        assert!(!fitted.model().describe().contains("pool"));
    }
}

#[test]
fn models_with_an_alignment_say_the_same_after_a_trip_to_disk() {
    let (train, test) = (traces::answers(5, 10, 20, 1), traces::answers(5, 4, 20, 2));
    for attack in [best(20), alignment(), alignment().calibrated(Calibration::None)] {
        let model = fit(&attack, &train);
        assert!(model.model().alignment().is_some(), "{}", model.model().describe());
        let bytes = model.to_bytes().unwrap();
        let back = FittedAttack::from_bytes(&bytes).unwrap();
        let said = |model: &FittedAttack| model.predict(Samples::Traces(&test)).unwrap();
        assert_eq!(said(&back), said(&model));
        assert_eq!(back.to_bytes().unwrap(), bytes);
        assert_eq!(fit(&attack, &train).to_bytes().unwrap(), bytes, "the same seed, the same bytes");
        assert!(back.out_of_bag(Samples::Traces(&train)).is_none(), "it would have to learn again");
    }
}

#[test]
fn threads_do_not_matter() {
    let train = traces::answers(4, 10, 16, 1);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fit(&best(20), &train).to_bytes().unwrap())
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn what_was_not_learned_from_decides_how_sure_it_is() {
    let set = traces::answers(6, 15, 12, 1);
    let found = evaluate(&alignment(), Samples::Traces(&set), &traces::folds(&set, 3), 1, &|_| {}).unwrap();
    let loss = log_loss(&found.probabilities, &found.truth).unwrap();
    let said = found.probabilities.values();
    let largest = said.rows().into_iter().map(|row| row.fold(0.0f64, |a, &b| a.max(b)));
    let confidence = largest.sum::<f64>() / found.truth.len() as f64;
    let right = accuracy(&found.probabilities, &found.truth).unwrap();
    assert!((confidence - right).abs() < 0.06, "{confidence} for {right}, log loss {loss}");
}

#[test]
fn rows_of_one_class_say_nothing_of_how_sure_to_be() {
    // Only of the first class are there several loads, so only these could be judged: whoever always names it seems never to be wrong.
    let (all, test) = (traces::answers(6, 12, 16, 1), traces::answers(6, 4, 16, 2));
    let several = &all.traces()[0].key.class;
    let mut met = std::collections::HashSet::new();
    let few = all.traces().iter().filter(|one| met.insert(&one.key.class) || one.key.class == *several);
    let train = TraceSet::new(few.cloned().collect(), all.provenance().clone()).unwrap();
    let kfp = Attack::by_name("kfp-size", &AttackOptions::default()).unwrap();
    for attack in [best(60), alignment(), kfp.calibrated(Calibration::Temperature)] {
        let model = fit(&attack, &train);
        let said = model.predict(Samples::Traces(&test)).unwrap();
        let surest = said.values().iter().copied().fold(0.0, f64::max);
        assert!(surest <= 0.5 + 1e-12, "{}: {surest}, as where nothing could be judged", attack.name());
    }
}
