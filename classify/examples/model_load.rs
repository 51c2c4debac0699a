//! What it costs to load a model file: `model_load make FILE ROWS TREES` makes one on 175 features and 100 classes by the recipe of
//! the tests, `model_load map FILE` loads it as the program does, `model_load read FILE` from a copy in memory. Prints JSON; the
//! peak counts the mapped pages too, which the system may drop at any time.
#![allow(clippy::print_stdout, reason = "prints its result")]

#[path = "../tests/common/synthetic.rs"]
mod synthetic;
#[path = "common/usage.rs"]
mod usage;

use std::path::Path;

use usage::{cpu_seconds, forget_peak, memory_mb};
use wfkit_classify::{Attack, AttackOptions, FittedAttack, Samples};
use wfkit_datasets::{Label, TraceKey};
use wfkit_features::FeatureMatrix;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", file, rows, trees] => make(Path::new(file), number(rows), number(trees)),
        ["map", file] => time(|| FittedAttack::load(Path::new(file)).expect("a model")),
        ["read", file] => time(|| FittedAttack::from_bytes(&std::fs::read(file).expect("a file")).expect("a model")),
        _ => panic!("model_load make FILE ROWS TREES, model_load map FILE, model_load read FILE"),
    }
}

fn make(file: &Path, rows: usize, trees: usize) {
    let (values, classes) = synthetic::make(0, rows, 175, 100);
    let label = |(rep, class): (i64, &usize)| {
        let key = TraceKey { class: format!("c{class:02}"), rep, session: None };
        Label::new(key, None)
    };
    let labels = (0..).zip(&classes).map(label).collect();
    let matrix = FeatureMatrix::new((0..175).map(|i| format!("f{i}")).collect(), labels, values).expect("a matrix");
    let options = AttackOptions { trees: Some(trees), ..AttackOptions::default() };
    let forest = Attack::by_name("forest", &options).and_then(|attack| attack.fit(Samples::Features(&matrix), 0));
    forest.expect("the data are valid").save(file).expect("FILE can be written");
}

fn time(load: impl FnOnce() -> FittedAttack) {
    forget_peak();
    let (before, start) = (memory_mb("VmRSS:"), cpu_seconds());
    let model = load();
    let (spent, peak) = (cpu_seconds() - start, memory_mb("VmHWM:") - before);
    println!(
        "{{\"load\": {spent}, \"peak_mb\": {peak}, \"model_mb\": {}, \"nodes\": {}}}",
        model.model().as_forest().map_or(0.0, |forest| forest.n_bytes() as f64 / 1e6),
        model.model().n_nodes().unwrap_or(0),
    );
}

fn number(text: &str) -> usize {
    text.parse().expect("a whole number")
}
