//! Named attacks beyond one forest: that they find what is there, are calibrated, saved, and remember.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use wfkit_classify::{Attack, AttackOptions, Calibration, FittedAttack, Samples, attacks, evaluate, shuffle_labels};
use wfkit_metrics::log_loss;

fn attack(name: &str) -> Attack {
    let options = AttackOptions { trees: Some(20), ..AttackOptions::default() };
    Attack::by_name(name, &options).or_else(|_| Attack::by_name(name, &AttackOptions::default())).unwrap()
}

#[test]
fn every_attack_on_traces_is_saved_whole_and_knows_its_traces() {
    let set = traces::generate(3, 12, 1);
    for info in attacks().iter().filter(|info| !["forest", "extra-trees"].contains(&info.name)) {
        for calibration in [Calibration::None, Calibration::Temperature] {
            let mut fitted = attack(info.name).calibrated(calibration).fit(Samples::Traces(&set), 3).unwrap();
            assert_eq!(fitted.already_learned(Samples::Traces(&set)), None, "not asked to remember");
            fitted.remember(Samples::Traces(&set));
            let back = FittedAttack::from_bytes(&fitted.to_bytes().unwrap()).unwrap();
            let known = |set| back.already_learned(Samples::Traces(set)).map(|overlap| overlap.learned_from());
            assert_eq!(known(&set), Some(36), "{}", info.name);
            assert_eq!(known(&traces::generate(3, 12, 2)), Some(0));
            assert_eq!(back.calibrator(), fitted.calibrator());
            assert_eq!(back.calibrator().is_some(), calibration != Calibration::None, "{}", info.name);
            let (ours, theirs) = (fitted.predict(Samples::Traces(&set)), back.predict(Samples::Traces(&set)));
            assert_eq!(ours.unwrap(), theirs.unwrap(), "{}", info.name);
        }
    }
}

#[test]
fn neighbours_that_disagree_say_unmonitored() {
    let set = shuffle_labels(&traces::generate(4, 15, 1), 2);
    let judged =
        |attack: Attack| evaluate(&attack, Samples::Traces(&set), &traces::folds(&set, 3), 1, &|_| {}).unwrap();
    let said =
        |evaluation: &wfkit_classify::Evaluation| evaluation.probabilities.argmax().iter().filter(|&&c| c == 0).count();
    for name in ["kfp-knn", "wang-knn"] {
        let open = judged(attack(name).unmonitored("c0"));
        assert!(open.probabilities.values().iter().all(|&p| p == 0.0 || p > 1.0 - 1e-9), "{name}");
        let closed = judged(attack(name));
        assert!(said(&open) > said(&closed), "{name}: doubt goes to the unmonitored class");
    }
    let error = attack("kfp-knn").unmonitored("nowhere").fit(Samples::Traces(&set), 1).unwrap_err().to_string();
    assert_eq!(error, "attack kfp-knn: there is no class \"nowhere\" to be unmonitored");
}

#[test]
fn calibration_helps_on_traces_that_were_not_learned_from() {
    let set = traces::generate(6, 40, 3);
    let loss = |calibration| {
        let attack = attack("totals").calibrated(calibration);
        let judged = evaluate(&attack, Samples::Traces(&set), &traces::folds(&set, 4), 1, &|_| {}).unwrap();
        log_loss(&judged.probabilities, &judged.truth).unwrap()
    };
    let plain = loss(Calibration::None);
    for calibration in [Calibration::Temperature, Calibration::Platt] {
        assert!(loss(calibration) < plain, "{calibration}: {} against {plain}", loss(calibration));
    }
}

#[test]
fn best_repeats_itself_on_any_number_of_threads() {
    let set = traces::generate(3, 12, 1);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| attack("best").fit(Samples::Traces(&set), 3).unwrap().to_bytes().unwrap())
    };
    assert_eq!(on(1), on(3));
}
