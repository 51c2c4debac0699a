//! Judges alignment alone: `alignment_folds TRACES folds|sessions|shots K [answers|bursts|choose] [SEED] [shuffle]`.
//!
//! `TRACES` is a trace file that wfkit reads. In every fold the sharpness is learned in three inner folds of the training part.
#![allow(clippy::print_stdout, reason = "prints its result")]

#[path = "common/usage.rs"]
mod usage;

use std::path::Path;

use ndarray::{Array2, Axis};
use usage::{cpu_seconds, forget_peak, memory_mb};
use wfkit_classify::alignment::{AlignmentParams, AlignmentView};
use wfkit_classify::shuffle_labels;
use wfkit_datasets::splits::{by_session, explicit, stratified_k_fold};
use wfkit_datasets::{Groups, Trace, read_traces};
use wfkit_metrics::{Average, Probabilities, accuracy, log_loss, roc_auc_ovr};

const INNER_FOLDS: usize = 3;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, split, folds, rest @ ..] = args.as_slice() else {
        panic!("alignment_folds TRACES folds|sessions|shots K [answers|bursts|choose] [SEED] [shuffle]");
    };
    let folds: usize = folds.parse().expect("K is a whole number");
    let view = rest.first().map_or("answers", String::as_str);
    let seed: u64 = rest.get(1).map_or(0, |seed| seed.parse().expect("SEED is a whole number"));

    let mut set = read_traces(Path::new(file)).expect("TRACES is a trace file").set;
    if rest.get(2).is_some() {
        set = shuffle_labels(&set, seed);
    }
    let classes = set.classes();
    let label = |class: &str| classes.index_of(class).expect("a class of the set");
    let labels: Vec<usize> = set.traces().iter().map(|labelled| label(&labelled.key.class)).collect();
    let traces: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
    let groups = Groups::by_origin(&set);
    let splits = if split == "shots" {
        // The first K traces of each class are learned from, all others tested on.
        let mut seen = vec![0; classes.len()];
        let mut is_train = |&row: &usize| {
            seen[labels[row]] += 1;
            seen[labels[row]] <= folds
        };
        let (train, test) = (0..labels.len()).partition(|row| is_train(row));
        vec![explicit(labels.len(), train, test).expect("more than K traces of a class")]
    } else if split == "sessions" {
        let sessions: Vec<Option<&str>> = set.traces().iter().map(|labelled| labelled.key.session.as_deref()).collect();
        by_session(&sessions, &Groups::by_origin(&set), |_| None, folds).expect("sessions")
    } else {
        let names: Vec<&str> = set.traces().iter().map(|labelled| labelled.key.class.as_str()).collect();
        stratified_k_fold(&names, &Groups::by_origin(&set), folds, seed).expect("folds").splits
    };

    forget_peak();
    let start = cpu_seconds();
    let mut probabilities = Array2::zeros((labels.len(), classes.len()));
    for split in &splits {
        let of = |rows: &[usize]| rows.iter().map(|&row| traces[row]).collect::<Vec<_>>();
        let train_labels: Vec<usize> = split.train.iter().map(|&row| labels[row]).collect();
        let train_groups = groups.select(&split.train);
        let train = of(&split.train);
        let params = AlignmentParams {
            view: if view == "bursts" { AlignmentView::Bursts } else { AlignmentView::Answers },
            ..AlignmentParams::default()
        };
        let params = if view == "choose" {
            let (params, losses) = params
                .choose_view(&train, &train_labels, classes.len(), train_groups.of_row(), INNER_FOLDS, seed)
                .expect("the data are valid");
            println!("{}: {losses:.4?}", split.name);
            params
        } else {
            params
        };
        let (model, out_of_fold) = params
            .fit_calibrated(&train, &train_labels, classes.len(), train_groups.of_row(), INNER_FOLDS, seed)
            .expect("the data are valid");
        let found = model.probabilities(&of(&split.test));
        for (row, found) in split.test.iter().zip(found.axis_iter(Axis(0))) {
            probabilities.row_mut(*row).assign(&found);
        }
        let inner = out_of_fold.log_loss(model.sharpness(), &train_labels);
        println!("{}: sharpness {:.3}, inner log loss {inner:.4}", split.name, model.sharpness());
    }
    let seconds = cpu_seconds() - start;
    // With shots, not every row was tested.
    let mut rows: Vec<usize> = splits.iter().flat_map(|split| split.test.clone()).collect();
    rows.sort_unstable();
    let labels: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
    let probabilities = Probabilities::new(classes, probabilities.select(Axis(0), &rows)).expect("rows sum to 1");
    println!(
        "accuracy {:.4}, macro AUC {:.5}, log loss {:.4}; {seconds:.1} CPU s, peak {:.0} MB",
        accuracy(&probabilities, &labels).expect("scores"),
        roc_auc_ovr(&probabilities, &labels, Average::Macro).expect("scores"),
        log_loss(&probabilities, &labels).expect("scores"),
        memory_mb("VmHWM:"),
    );
}
