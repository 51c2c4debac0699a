//! `other-forests rafor|smartcore|linfa DIR TREES SEED` times another crate's forest on the data of `forest_speed`, and prints the same
//! JSON: CPU seconds of training and of answers for the test rows, peak memory over the data, and the accuracy.

use std::path::Path;

use linfa::prelude::*;
use linfa_ensemble::EnsembleLearnerParams;
use linfa_trees::DecisionTree;
use ndarray::{Array1, Array2};
use rafor::prelude::*;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use smartcore::ensemble::random_forest_classifier::{RandomForestClassifier, RandomForestClassifierParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

/// What all of them are given: rows one after another.
struct Data {
    features: usize,
    x: Vec<f64>,
    y: Vec<usize>,
    x_test: Vec<f64>,
    y_test: Vec<usize>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [library, dir, trees, seed] = &args[..] else { panic!("other-forests rafor|smartcore|linfa DIR TREES SEED") };
    let (trees, seed) = (trees.parse().expect("a number of trees"), seed.parse().expect("a seed"));
    let data = Data::read(Path::new(dir));
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = memory_mb("VmRSS:");
    let (fit, memory, predict, answers) = match library.as_str() {
        "rafor" => rafor(&data, trees, seed, before),
        "smartcore" => smartcore(&data, trees, seed, before),
        "linfa" => linfa(&data, trees, seed, before),
        other => panic!("no library {other}"),
    };
    let right = answers.iter().zip(&data.y_test).filter(|(a, b)| a == b).count();
    let accuracy = right as f64 / answers.len() as f64;
    println!("{{\"fit\": {fit}, \"predict\": {predict}, \"memory_mb\": {memory}, \"accuracy\": {accuracy}}}");
}

type Timed = (f64, f64, f64, Vec<usize>);

/// Training, its peak of memory, answers.
fn timed<M>(before: f64, fit: impl FnOnce() -> M, answer: impl FnOnce(&M) -> Vec<usize>) -> Timed {
    let start = cpu_seconds();
    let model = fit();
    let (fitted, memory) = (cpu_seconds() - start, memory_mb("VmHWM:") - before);
    let start = cpu_seconds();
    let answers = answer(&model);
    (fitted, memory, cpu_seconds() - start, answers)
}

fn rafor(data: &Data, trees: usize, seed: u64, before: f64) -> Timed {
    let narrow = |x: &[f64]| x.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let (x, x_test) = (narrow(&data.x), narrow(&data.x_test));
    let y: Vec<i64> = data.y.iter().map(|&y| y as i64).collect();
    let fit = || <rafor::rf::Classifier>::trainer().with_trees(trees).with_threads(2).with_seed(seed).train(&x, &y);
    timed(before, fit, |model| {
        let p = model.proba(&x_test, 2);
        p.chunks(model.num_classes()).map(|row| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("classes")).collect()
    })
}

fn smartcore(data: &Data, trees: usize, seed: u64, before: f64) -> Timed {
    let matrix = |x: &[f64]| {
        let rows = x.len() / data.features;
        DenseMatrix::new(rows, data.features, x.to_vec(), false).expect("as many values as rows and columns")
    };
    let (x, x_test) = (matrix(&data.x), matrix(&data.x_test));
    let y: Vec<u32> = data.y.iter().map(|&y| y as u32).collect();
    let params = RandomForestClassifierParameters::default().with_n_trees(trees as u16).with_seed(seed);
    timed(
        before,
        || RandomForestClassifier::fit(&x, &y, params).expect("the data are valid"),
        |model| model.predict(&x_test).expect("it is fitted").into_iter().map(|y| y as usize).collect(),
    )
}

fn linfa(data: &Data, trees: usize, seed: u64, before: f64) -> Timed {
    let matrix = |x: &[f64]| {
        Array2::from_shape_vec((x.len() / data.features, data.features), x.to_vec()).expect("rows and columns")
    };
    let rows = DatasetBase::new(matrix(&data.x), Array1::from(data.y.clone()));
    let x_test = matrix(&data.x_test);
    let params = EnsembleLearnerParams::new_fixed_rng(DecisionTree::params(), SmallRng::seed_from_u64(seed))
        .ensemble_size(trees)
        .bootstrap_proportion(1.0)
        .feature_proportion(1.0 / (data.features as f64).sqrt());
    timed(before, || params.fit(&rows).expect("the data are valid"), |model| model.predict(&x_test).to_vec())
}

impl Data {
    fn read(dir: &Path) -> Self {
        let shape = std::fs::read_to_string(dir.join("shape.txt")).expect("DIR has shape.txt");
        let features = shape.split_whitespace().nth(2).and_then(|n| n.parse().ok()).expect("four numbers");
        let numbers = |name: &str| std::fs::read(dir.join(name)).expect("DIR has the data");
        let x = |name| numbers(name).as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
        let y = |name| numbers(name).as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes) as usize).collect();
        Self { features, x: x("train.x"), y: y("train.y"), x_test: x("test.x"), y_test: y("test.y") }
    }
}

/// CPU time of all threads of this process, those that ended too.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    (fields[11].parse::<f64>().expect("ticks") + fields[12].parse::<f64>().expect("ticks")) / 100.0
}

fn memory_mb(what: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("it is told");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}
