//! A learner of your own against `best`: the same traces, the same folds, the same scores; is the difference more than luck?
//!
//! `cargo run --release -p wfkit-evaluate --example own_learner -- datasets/data/lab/secretstroll/traces.parquet`

use std::collections::HashMap;
use std::path::PathBuf;

use ndarray::Array2;
use wfkit_classify::learners::{LearnError, Learner, Model, Shown};
use wfkit_classify::{Attack, AttackInput, Calibration, Samples, Training};
use wfkit_datasets::{Trace, read_traces};
use wfkit_evaluate::{Setting, attack, compare, folds_of, measure};

/// Naive Bayes over how much has come in at each twentieth of the packets that go out; `pseudo` counts are added to each.
struct Courses {
    pseudo: f64,
}

#[derive(Debug)]
struct CoursesOfClasses {
    /// By class and mark: the logarithm of how likely it is.
    likely: Vec<HashMap<(usize, i32), f64>>,
    /// Of marks that a class never had.
    unseen: Vec<f64>,
}

/// In steps of 4 KiB: what has come in when each twentieth of the packets has gone out, with its number.
fn course(trace: &Trace) -> Vec<(usize, i32)> {
    let out = trace.size().iter().filter(|&&size| size > 0).count();
    let (mut gone, mut come, mut course) = (0, 0, Vec::new());
    for &size in trace.size() {
        if size < 0 {
            come -= size;
            continue;
        }
        gone += 1;
        if gone * 20 / out > (gone - 1) * 20 / out {
            course.push((course.len(), come / 4096));
        }
    }
    course
}

impl Learner for Courses {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        if training.traces.is_empty() {
            return Err(LearnError::Own("there are no traces whose course could be learned".to_owned()));
        }
        let mut counts = vec![HashMap::<(usize, i32), f64>::new(); training.n_classes];
        for (trace, &label) in training.traces.iter().zip(training.labels) {
            course(trace).into_iter().for_each(|mark| *counts[label].entry(mark).or_default() += 1.0);
        }
        let total = |of_class: &HashMap<(usize, i32), f64>| of_class.values().sum::<f64>() + self.pseudo * 512.0;
        let unseen = counts.iter().map(|of_class| (self.pseudo / total(of_class)).ln()).collect();
        let likely = counts.iter().map(|of_class| {
            let total = total(of_class);
            of_class.iter().map(|(&mark, n)| (mark, ((n + self.pseudo) / total).ln())).collect()
        });
        Ok(Box::new(CoursesOfClasses { likely: likely.collect(), unseen }))
    }
}

impl Model for CoursesOfClasses {
    fn predict(&self, shown: Shown<'_>) -> Array2<f64> {
        let mut said = Array2::zeros((shown.traces.len(), self.unseen.len()));
        for (mut row, trace) in said.rows_mut().into_iter().zip(shown.traces) {
            let course = course(trace);
            for (class, value) in row.iter_mut().enumerate() {
                let likely = |mark| self.likely[class].get(mark).unwrap_or(&self.unseen[class]);
                *value = course.iter().map(likely).sum::<f64>();
            }
            let most = row.fold(f64::NEG_INFINITY, |most, &value| most.max(value));
            row.mapv_inplace(|value| (value - most).exp());
            let sum = row.sum();
            row /= sum;
        }
        said
    }

    fn describe(&self) -> String {
        "naive Bayes over the course of traces".to_owned()
    }
}

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a file of traces")?;
    let set = read_traces(&PathBuf::from(path))?.set;
    let setting = Setting::silent(7);
    let folds = folds_of(&set, 3, setting)?;

    // Naive Bayes is far too sure of itself; a temperature is learned in inner folds.
    let own = Attack::of_learner("course", AttackInput::Packets, Courses { pseudo: 0.1 });
    let own = own.calibrated(Calibration::Temperature);
    let own = measure(&own, Samples::Traces(&set), &folds, setting)?;
    let best = measure(&attack("best")?, Samples::Traces(&set), &folds, setting)?;
    for found in [&own, &best] {
        println!(
            "{:>6}: accuracy {:.3}, log loss {:.3}",
            found.attack,
            found.scores.accuracy.unwrap_or(f64::NAN),
            found.scores.log_loss.unwrap_or(f64::NAN)
        );
    }
    for pair in compare(&best, &[own]) {
        println!("{}", pair.told);
    }
    Ok(())
}
