//! Times alignment, in CPU seconds, as JSON: `alignment_speed TRACES FOLDER`, or `alignment_speed --synthetic CLASSES TRACES RUNS`.
//!
//! Learns from nine tenths of the traces of each class and scores the rest. Writes what it was given and the log likelihoods to
//! `FOLDER/ours.json`, for `benches/peers/alignment` to do the same. The second form makes traces of each class by a recipe: a list of answers
//! for the class, a tenth of which change, are lost or are added.
#![allow(clippy::print_stdout, reason = "prints its result")]

#[path = "common/usage.rs"]
mod usage;

use std::path::Path;

use serde_json::json;
use usage::{cpu_seconds, forget_peak, memory_mb};
use wfkit_classify::alignment::{Alignment, AlignmentParams};
use wfkit_datasets::{Trace, read_traces};
use wfkit_metrics::seed::mix;

const SEED: u64 = 17;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--synthetic", classes, traces, runs] => synthetic(number(classes), number(traces), number(runs)),
        [file, folder] => beside_peers(Path::new(file), Path::new(folder)),
        _ => panic!("alignment_speed TRACES FOLDER, or alignment_speed --synthetic CLASSES TRACES RUNS"),
    }
}

fn beside_peers(file: &Path, folder: &Path) {
    let set = read_traces(file).expect("TRACES is a trace file").set;
    let classes = set.classes();
    let mut seen = vec![0; classes.len()];
    let (mut train, mut test) = ((Vec::new(), Vec::new()), Vec::new());
    for labelled in set.traces() {
        let class = classes.index_of(&labelled.key.class).expect("a class of the set");
        seen[class] += 1;
        if seen[class] % 10 == 0 {
            test.push(&labelled.trace);
        } else {
            train.0.push(&labelled.trace);
            train.1.push(class);
        }
    }
    let (model, times) = timed(&train.0, &train.1, classes.len(), &test);
    let sizes = |traces: &[&Trace]| traces.iter().map(|trace| trace.size().to_vec()).collect::<Vec<_>>();
    let logs: Vec<Vec<f64>> = model.log_likelihoods_of(&test).rows().into_iter().map(|row| row.to_vec()).collect();
    let written = json!({
        "seed": SEED, "classes": classes.len(), "train": sizes(&train.0), "labels": train.1, "test": sizes(&test), "log_likelihoods": logs,
    });
    std::fs::write(folder.join("ours.json"), written.to_string()).expect("FOLDER can be written to");
    println!("{times}");
}

fn synthetic(classes: usize, traces: usize, runs: usize) {
    let unit = |a: u64, b: u64, c: u64| (mix(mix(mix(SEED, a), b), c) >> 11) as f64 / (1u64 << 53) as f64;
    // Cells of an answer: mostly few.
    let cells = |u: f64| (1.0 + 2.0 * u / (1.02 - u)).floor() as i32;
    let trace = |row: usize| {
        let (class, row) = ((row % classes) as u64, row as u64 + 1_000_000);
        let runs = runs / 2 + (unit(class, 0, 1) * runs as f64) as usize;
        let mut sizes = Vec::new();
        for run in 0..runs as u64 {
            let answer = cells(unit(class, 1, run));
            let answers = match unit(row, 2, run) {
                u if u < 0.03 => vec![],
                u if u < 0.06 => vec![answer, cells(unit(row, 3, run))],
                u if u < 0.1 => vec![answer + 1],
                _ => vec![answer],
            };
            sizes.extend(answers.into_iter().flat_map(|answer| [536, -(514 * answer + 22)]));
        }
        sizes.push(536);
        Trace::new(vec![0; sizes.len()], sizes).expect("no size is 0")
    };
    let made: Vec<Trace> = (0..classes * traces).map(trace).collect();
    let labels: Vec<usize> = (0..made.len()).map(|row| row % classes).collect();
    let made: Vec<&Trace> = made.iter().collect();
    let (_, times) = timed(&made, &labels, classes, &made[..100.min(made.len())]);
    println!("{times}");
}

fn timed(train: &[&Trace], labels: &[usize], classes: usize, test: &[&Trace]) -> (Alignment, serde_json::Value) {
    forget_peak();
    let before = memory_mb("VmRSS:");
    let start = cpu_seconds();
    let model = AlignmentParams::default().fit(train, labels, classes, SEED).expect("the data are valid");
    let fit = cpu_seconds() - start;
    let memory = memory_mb("VmHWM:") - before;
    let start = cpu_seconds();
    std::hint::black_box(model.log_likelihoods_of(test));
    let predict = cpu_seconds() - start;
    let start = cpu_seconds();
    std::hint::black_box(model.log_likelihoods(test[0]));
    let single = cpu_seconds() - start;
    let start = cpu_seconds();
    let params = AlignmentParams { rounds: 0, ..AlignmentParams::default() };
    std::hint::black_box(params.fit(train, labels, classes, SEED).expect("the data are valid"));
    let backbones = cpu_seconds() - start;
    let stored = postcard::to_stdvec(&model).expect("numbers and lists of them are postcard").len();
    let times = json!({
        "train": train.len(), "test": test.len(), "fit": fit, "backbones": backbones, "predict": predict, "single": single,
        "memory_mb": memory, "model_mb": stored as f64 / 1e6,
    });
    (model, times)
}

fn number(text: &str) -> usize {
    text.parse().expect("a whole number")
}
