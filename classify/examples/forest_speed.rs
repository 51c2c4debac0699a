//! Times the forest on synthetic data: `forest_speed ROWS TEST FEATURES CLASSES`. Its peer is
//! `tests/vectors/make_forest.py --time` with the same numbers.
#![allow(clippy::print_stdout, reason = "prints its result")]

#[path = "../tests/common/synthetic.rs"]
mod synthetic;

use std::time::Instant;

use wfkit_classify::forest::ForestParams;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse().expect("ROWS TEST FEATURES CLASSES"));
    let mut next = || numbers.next().expect("ROWS TEST FEATURES CLASSES");
    let (rows, test, features, classes) = (next(), next(), next(), next());
    let (x, labels) = synthetic::make(0, rows, features, classes);
    let (x_test, labels_test) = synthetic::make(rows as u64, test, features, classes);
    let before = peak_mb();
    for (name, params) in
        [("random-forest", ForestParams::random_forest()), ("extra-trees", ForestParams::extra_trees())]
    {
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let forest = params.fit(x.view(), &labels, classes, 0).expect("the data are valid");
        let (fit, fit_cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let start = Instant::now();
        let p = forest.predict(x_test.view());
        let predict = start.elapsed().as_secs_f64();
        let right = p.rows().into_iter().zip(&labels_test).filter(|(row, label)| {
            let largest = row.iter().copied().fold(0.0, f64::max);
            row.iter().position(|&p| p == largest) == Some(**label)
        });
        println!(
            "{name}: fit {fit:.3} s, {fit_cpu:.2} cpu s; predict {predict:.4} s; accuracy {:.4}; {} nodes; model {:.1} MB; peak +{:.0} MB",
            right.count() as f64 / test as f64,
            forest.n_nodes(),
            forest.n_bytes() as f64 / 1e6,
            peak_mb() - before,
        );
    }
}

/// User and system time of this process so far; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.split_whitespace().skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    fields.iter().sum::<f64>() / 100.0
}

/// The largest memory of this process so far; 0 where the system does not say.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
}
