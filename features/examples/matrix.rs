//! Traces to a matrix of named features, and which of them tell classes apart.
//!
//! `cargo run --release -p wfkit-features --example matrix -- datasets/data/lab/secretstroll/traces.parquet`

use std::path::PathBuf;

use wfkit_datasets::{Trace, read_traces};
use wfkit_features::{FeatureReport, FeatureSpec};

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a file of traces")?;
    let set = read_traces(&PathBuf::from(path))?.set;

    // What sets learn, such as a length, they learn from training traces alone; here all are.
    let training: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
    let spec: FeatureSpec = "totals,kfp-core".parse()?;
    let matrix = spec.fit(&training).transform(&set);
    let (rows, columns) = matrix.values().dim();
    println!("{rows} traces, {columns} features, such as {}", matrix.names()[..3].join(", "));

    for feature in FeatureReport::of(&matrix).aucs.unwrap_or_default().iter().take(5) {
        println!("{:.3}  {}", feature.auc, feature.name);
    }
    Ok(())
}
