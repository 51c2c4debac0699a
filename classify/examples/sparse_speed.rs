//! What mostly zeros save: `sparse_speed dense|sparse ROWS COLUMNS PER_MILLE TREES` grows a forest on counts of which so many in a
//! thousand are not 0, with 100 classes, from an array or from a sparse matrix, and predicts 1,000 rows. Prints JSON; the digest of
//! the model is the same for both.
#![allow(clippy::print_stdout, reason = "prints its result")]

#[path = "common/usage.rs"]
mod usage;

use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use sha2::{Digest as _, Sha256};
use usage::{cpu_seconds, forget_peak, memory_mb};
use wfkit_classify::forest::{ForestParams, Values};
use wfkit_features::SparseMatrix;

const CLASSES: usize = 100;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, numbers @ ..] = args.as_slice() else {
        panic!("sparse_speed dense|sparse ROWS COLUMNS PER_MILLE TREES")
    };
    let numbers: Vec<usize> = numbers.iter().map(|text| text.parse().expect("a whole number")).collect();
    let [rows, columns, per_mille, trees] = numbers[..].try_into().expect("four numbers");
    forget_peak();
    let sparse = make(rows, columns, per_mille as u64, 1);
    let test = make(1_000, columns, per_mille as u64, 2);
    let labels: Vec<usize> = (0..rows).map(|row| row % CLASSES).collect();
    match kind.as_str() {
        "dense" => {
            let (x, x_test) = (sparse.to_dense(), test.to_dense());
            drop((sparse, test));
            run(x.view().into(), x_test.view().into(), &labels, trees);
        }
        _ => run((&sparse).into(), (&test).into(), &labels, trees),
    }
}

fn run<'x>(x: Values<'x>, test: Values<'_>, labels: &'x [usize], trees: usize) {
    let (data, start) = (memory_mb("VmRSS:"), cpu_seconds());
    forget_peak();
    let forest =
        ForestParams::random_forest().with_trees(trees).fit(x, labels, CLASSES, 7).expect("the data are valid");
    let (fit, peak, start) = (cpu_seconds() - start, memory_mb("VmHWM:"), cpu_seconds());
    let said = forest.predict(test);
    let predict = cpu_seconds() - start;
    let right = said.rows().into_iter().enumerate().filter(|(row, p)| p.iter().all(|&other| other <= p[row % CLASSES]));
    let digest = Sha256::digest(postcard::to_stdvec(&forest).expect("numbers"));
    println!(
        "{{\"fit\": {fit}, \"predict\": {predict}, \"data_mb\": {data}, \"peak_mb\": {peak}, \"right\": {}, \"nodes\": {}, \
         \"digest\": \"{:02x}{:02x}{:02x}{:02x}\"}}",
        right.count(),
        forest.n_nodes(),
        digest[0],
        digest[1],
        digest[2],
        digest[3],
    );
}

/// Counts of 1 to 4; a class has its own in every hundredth column three times as often.
fn make(rows: usize, columns: usize, per_mille: u64, seed: u64) -> SparseMatrix {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut column = |column: usize| -> Vec<(u32, f64)> {
        let mut entries = Vec::new();
        for row in 0..rows {
            let drawn = rng.next_u64();
            let often = if row % CLASSES == column % CLASSES { 3 * per_mille } else { per_mille };
            if (drawn >> 32) % 1_000 < often {
                entries.push((row as u32, (drawn % 4 + 1) as f64));
            }
        }
        entries
    };
    SparseMatrix::from_columns(rows, (0..columns).map(&mut column)).expect("rows ascend")
}
