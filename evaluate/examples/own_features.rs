//! Own features against `best`, on the same folds: is the difference more than luck?
//!
//! `cargo run --release -p wfkit-evaluate --example own_features -- datasets/data/lab/secretstroll/traces.parquet`

use std::path::PathBuf;

use ndarray::Array2;
use wfkit_classify::Samples;
use wfkit_datasets::{Label, Trace, read_traces};
use wfkit_evaluate::{Setting, attack, compare, cross_validate, folds_of, measure};
use wfkit_features::FeatureMatrix;

/// Bytes of the three largest bursts of answers, and how many bursts there are.
fn features(trace: &Trace) -> [f64; 4] {
    let mut bursts: Vec<f64> = trace
        .size()
        .chunk_by(|a, b| (*a < 0) == (*b < 0))
        .filter(|run| run[0] < 0)
        .map(|run| run.iter().map(|&size| f64::from(-size)).sum())
        .collect();
    let count = bursts.len() as f64;
    bursts.sort_by(|a, b| b.total_cmp(a));
    let nth = |n: usize| bursts.get(n).copied().unwrap_or(0.0);
    [nth(0), nth(1), nth(2), count]
}

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a file of traces")?;
    let set = read_traces(&PathBuf::from(path))?.set;
    let names = ["largest", "second", "third", "bursts"].map(str::to_owned).to_vec();
    let values: Vec<f64> = set.traces().iter().flat_map(|labelled| features(&labelled.trace)).collect();
    let labels = set.traces().iter().map(Label::from).collect();
    let matrix = FeatureMatrix::new(names, labels, Array2::from_shape_vec((set.len(), 4), values)?)?;

    let setting = Setting::silent(7);
    let folds = folds_of(&set, 3, setting)?;
    let own = measure(&attack("forest")?, Samples::Features(&matrix), &folds, setting)?;
    let best = cross_validate(&attack("best")?, &set, 3, setting)??; // the same folds: they follow from the set and the seed
    for (name, found) in [("own features", &own), ("best", &best)] {
        println!(
            "{name:>12}: accuracy {:.3}, log loss {:.3}",
            found.scores.accuracy.unwrap_or(f64::NAN),
            found.scores.log_loss.unwrap_or(f64::NAN)
        );
    }
    for pair in compare(&best, &[own]) {
        println!("{}", pair.told);
    }
    Ok(())
}
