//! Traces from a file, and folds that part no two copies of one load.
//!
//! `cargo run --release -p wfkit-datasets --example folds -- datasets/data/lab/secretstroll/traces.parquet`

use std::path::PathBuf;

use wfkit_datasets::{Groups, Overlap, read_traces, splits};

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a file of traces")?;
    let set = read_traces(&PathBuf::from(path))?.set;
    println!(
        "{} traces of {} classes, {} packets, of layer {:?}",
        set.len(),
        set.classes().len(),
        set.packets(),
        set.provenance().layer
    );

    let first = &set.traces()[0];
    println!(
        "{}: {} packets, {} bytes in, {} out",
        first.key,
        first.trace.len(),
        first.trace.in_bytes(),
        first.trace.out_bytes()
    );

    let labels: Vec<&str> = set.traces().iter().map(|labelled| labelled.key.class.as_str()).collect();
    let folds = splits::stratified_k_fold(&labels, &Groups::by_origin(&set), 5, 7)?;
    for split in &folds.splits {
        let overlap = Overlap::between_sets(&set.select(&split.train), &set.select(&split.test));
        println!(
            "{}: {} to learn from, {} to test, {} of these learned from",
            split.name,
            split.train.len(),
            split.test.len(),
            overlap.learned_from()
        );
    }
    Ok(())
}
