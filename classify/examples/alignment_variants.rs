//! What each part of an alignment is worth: `alignment_variants TRACES FOLDS SEED..` prints a table, each variant over the same folds.
//!
//! Sharpness is 1: nothing is calibrated, so that log losses say what the model itself believes.
#![allow(clippy::print_stdout, reason = "prints its result")]

use std::path::Path;

use ndarray::{Array2, Axis};
use wfkit_classify::Samples;
use wfkit_classify::alignment::{AlignmentParams, AlignmentView};
use wfkit_datasets::splits::stratified_k_fold;
use wfkit_datasets::{Groups, read_traces};
use wfkit_metrics::{Average, Probabilities, accuracy, log_loss, roc_auc_ovr};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, folds, seeds @ ..] = args.as_slice() else { panic!("alignment_variants TRACES FOLDS SEED..") };
    let folds: usize = folds.parse().expect("FOLDS is a whole number");
    let seeds: Vec<u64> = seeds.iter().map(|seed| seed.parse().expect("SEED is a whole number")).collect();
    let set = read_traces(Path::new(file)).expect("TRACES is a trace file").set;
    let classes = set.classes();
    let names: Vec<&str> = set.traces().iter().map(|labelled| labelled.key.class.as_str()).collect();
    let samples = Samples::Traces(&set);
    let labels: Vec<usize> = samples.labels(&classes).into_iter().flatten().collect();
    let traces = samples.traces();

    let usual = AlignmentParams::default();
    let concentrated = |concentration| AlignmentParams { concentration, ..usual };
    let variants = [
        ("as it is", usual),
        ("runs of both directions", AlignmentParams { view: AlignmentView::Bursts, ..usual }),
        ("the central trace of a class alone, no round", AlignmentParams { rounds: 0, ..usual }),
        ("1 round", AlignmentParams { rounds: 1, ..usual }),
        ("6 rounds", AlignmentParams { rounds: 6, ..usual }),
        ("1 prototype", AlignmentParams { prototypes: 1, ..usual }),
        ("10 prototypes", AlignmentParams { prototypes: 10, ..usual }),
        ("60 prototypes", AlignmentParams { prototypes: 60, ..usual }),
        ("the prior weighs 1 token", concentrated(1.0)),
        ("10", concentrated(10.0)),
        ("40", concentrated(40.0)),
        ("60", concentrated(60.0)),
        ("100", concentrated(100.0)),
        ("400", concentrated(400.0)),
    ];
    println!("{folds} folds, seeds {seeds:?}\n\n| variant | accuracy | ROC-AUC | log loss |\n|---|---:|---:|---:|");
    for (what, params) in variants {
        let mut scores = [0.0; 3];
        for &seed in &seeds {
            let splits =
                stratified_k_fold(&names, &Groups::by_origin(&set), folds, seed).expect("enough traces").splits;
            let mut said = Array2::zeros((traces.len(), classes.len()));
            for split in &splits {
                let of = |rows: &[usize]| rows.iter().map(|&row| traces[row]).collect::<Vec<_>>();
                let learned: Vec<usize> = split.train.iter().map(|&row| labels[row]).collect();
                let model = params.fit(&of(&split.train), &learned, classes.len(), seed).expect("the data are valid");
                let found = model.probabilities(&of(&split.test));
                for (&row, found) in split.test.iter().zip(found.axis_iter(Axis(0))) {
                    said.row_mut(row).assign(&found);
                }
            }
            let said = Probabilities::new(classes.clone(), said).expect("rows sum to 1");
            let of_seed = [
                accuracy(&said, &labels).expect("scores"),
                roc_auc_ovr(&said, &labels, Average::Macro).expect("scores"),
                log_loss(&said, &labels).expect("scores"),
            ];
            scores.iter_mut().zip(of_seed).for_each(|(sum, score)| *sum += score / seeds.len() as f64);
        }
        println!("| {what} | {:.4} | {:.5} | {:.4} |", scores[0], scores[1], scores[2]);
    }
}
