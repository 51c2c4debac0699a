//! What a 95 % interval under cross-validation holds, by simulation.
//!
//! Labels that have nothing to do with the features: the true area under the curve is 0.5. Each trace is learned from and tested, so a
//! pair of neighbours counts in both directions, and an interval that takes rows as independent is too narrow.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use wfkit_classify::{Attack, AttackOptions, Samples, evaluate, shuffle_labels};
use wfkit_metrics::{ScoreOptions, Scores};

#[test]
fn widened_intervals_hold_chance_as_often_as_they_say() {
    const ROUNDS: u64 = 200;
    let options = AttackOptions { trees: Some(20), ..AttackOptions::default() };
    let attack = Attack::by_name("totals", &options).unwrap();
    let real = traces::generate(4, 20, 1);
    let (mut plain, mut widened) = (0, 0);
    for round in 0..ROUNDS {
        let set = shuffle_labels(&real, round);
        let judged = evaluate(&attack, Samples::Traces(&set), &traces::folds(&set, 5), round, &|_| {}).unwrap();
        let options = ScoreOptions { bootstrap: 200, seed: round, ..ScoreOptions::default() };
        let scores = Scores::compute(&judged.probabilities, &judged.truth, &options).unwrap();
        let holds = |scores: &Scores| scores.intervals_95.as_ref().unwrap().roc_auc_macro_ovr.unwrap().contains(0.5);
        plain += u32::from(holds(&scores));
        widened += u32::from(holds(&scores.cross_validated(5)));
    }
    println!("0.5 inside {plain} of {ROUNDS} plain and {widened} widened intervals");
    // 95 % of 200 less two standard errors.
    assert!(widened >= 184, "{widened} of {ROUNDS}");
    assert!(plain < widened, "{plain}");
}
