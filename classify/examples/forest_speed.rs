//! Times the forest on data that another program made, as JSON: `forest_speed DIR TREES exact|histogram SEED`.
//!
//! `DIR` has `shape.txt` (training rows, test rows, features, classes) and, as little-endian numbers, `train.x` and `test.x`
//! (`f64`, row by row) and `train.y` (`u32`). The probabilities of the test rows are written to `DIR/ours.p` (`f64`).
//! `benches/peers/forest` runs this beside other forests. `forest_speed --rows N TREES` times N rows of 175 features and 100
//! classes by the recipe of the tests.
#![allow(clippy::print_stdout, reason = "prints its result")]

#[path = "../tests/common/synthetic.rs"]
mod synthetic;
#[path = "common/usage.rs"]
mod usage;

use std::path::Path;

use ndarray::Array2;
use usage::{cpu_seconds, forget_peak, memory_mb};
use wfkit_classify::forest::{Forest, ForestParams, Splits};
use wfkit_classify::leaf_knn;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--rows", rows, trees] => by_recipe(number(rows), number(trees)),
        [dir, trees, splits, seed] => {
            let splits = if splits == "histogram" { Splits::Histogram } else { Splits::Exact };
            let params = ForestParams { splits, ..ForestParams::random_forest().with_trees(number(trees)) };
            beside_peers(Path::new(dir), &params, number(seed) as u64);
        }
        _ => panic!("forest_speed DIR TREES exact|histogram SEED, or forest_speed --rows N TREES"),
    }
}

fn beside_peers(dir: &Path, params: &ForestParams, seed: u64) {
    let shape = std::fs::read_to_string(dir.join("shape.txt")).expect("DIR has shape.txt");
    let [n_train, n_test, n_features, n_classes] =
        shape.split_whitespace().map(number).collect::<Vec<_>>().try_into().expect("four numbers");
    let matrix = |name, rows| {
        Array2::from_shape_vec((rows, n_features), read(dir, name, f64::from_le_bytes)).expect("the shape of shape.txt")
    };
    let (x, x_test) = (matrix("train.x", n_train), matrix("test.x", n_test));
    let labels: Vec<usize> = read(dir, "train.y", u32::from_le_bytes).into_iter().map(|label| label as usize).collect();

    forget_peak();
    let before = memory_mb("VmRSS:");
    let start = cpu_seconds();
    let forest = params.fit(x.view(), &labels, n_classes, seed).expect("the data are valid");
    let fit = cpu_seconds() - start;
    let memory = memory_mb("VmHWM:") - before;
    let predict = each(|| forest.predict(x_test.view()));
    let leaves = each(|| forest.leaves(x_test.view()));
    let (train_leaves, test_leaves) = (forest.leaves(x.view()), forest.leaves(x_test.view()));
    let knn = each(|| leaf_knn(train_leaves.view(), test_leaves.view(), 3));
    let load =
        each(|| postcard::from_bytes::<Forest>(&postcard::to_stdvec(&forest).expect("numbers")).expect("a forest"));

    let p: Vec<u8> = forest.predict(x_test.view()).iter().flat_map(|p| p.to_le_bytes()).collect();
    std::fs::write(dir.join("ours.p"), p).expect("DIR can be written to");
    let model = postcard::to_stdvec(&forest).expect("numbers").len();
    println!(
        "{{\"fit\": {fit}, \"predict\": {predict}, \"leaves\": {leaves}, \"knn\": {knn}, \"store_and_load\": {load}, \
         \"memory_mb\": {memory}, \"model_mb\": {}, \"nodes\": {}}}",
        model as f64 / 1e6,
        forest.n_nodes(),
    );
}

fn by_recipe(rows: usize, trees: usize) {
    let (x, labels) = synthetic::make(0, rows, 175, 100);
    forget_peak();
    let before = memory_mb("VmRSS:");
    let start = cpu_seconds();
    let forest =
        ForestParams::random_forest().with_trees(trees).fit(x.view(), &labels, 100, 0).expect("the data are valid");
    let (fit, peak) = (cpu_seconds() - start, memory_mb("VmHWM:"));
    println!(
        "{{\"rows\": {rows}, \"trees\": {trees}, \"fit\": {fit}, \"nodes\": {}, \"data_mb\": {before}, \"peak_mb\": {peak}}}",
        forest.n_nodes()
    );
}

fn number(text: &str) -> usize {
    text.parse().expect("a whole number")
}

fn read<T, const N: usize>(dir: &Path, name: &str, number: fn([u8; N]) -> T) -> Vec<T> {
    let bytes = std::fs::read(dir.join(name)).expect("DIR has what the first lines of this file say");
    bytes.as_chunks().0.iter().copied().map(number).collect()
}

/// CPU seconds of one call, from as many as take half a second.
fn each<T>(call: impl Fn() -> T) -> f64 {
    let start = cpu_seconds();
    for calls in 1.. {
        std::hint::black_box(call());
        let spent = cpu_seconds() - start;
        if spent > 0.5 {
            return spent / f64::from(calls);
        }
    }
    unreachable!("calls take time")
}
