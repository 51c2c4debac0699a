//! The same input and seed give the same bytes on any number of threads.

use serde_json::Value;
use wfkit_datasets::read_probabilities;

use super::support::Folder;

/// Takes out what the clock says. `median_seconds` and the like are of the traffic, and stay.
fn without_clock(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("stage") {
                fields.remove("seconds");
            }
            for measured in
                ["train_seconds", "predict_seconds", "train_cpu_seconds", "predict_cpu_seconds", "microseconds_a_trace"]
            {
                fields.remove(measured);
            }
            fields.values_mut().for_each(without_clock);
        }
        Value::Array(values) => values.iter_mut().for_each(without_clock),
        _ => {}
    }
}

fn report(folder: &Folder, name: &str) -> Value {
    let mut report = serde_json::from_str(&folder.text(name)).unwrap();
    without_clock(&mut report);
    report
}

#[test]
fn a_run_writes_the_same_bytes_on_any_number_of_threads() {
    let folders = [1, 2, 4].map(|threads| {
        let folder = Folder::new();
        folder.wfkit(&format!("run --quiet --threads {threads} --seed 3")).succeeds();
        folder
    });
    let [one, more @ ..] = &folders;
    let files = one.files("out");
    assert_eq!(files.len(), 45);
    for other in more {
        assert_eq!(other.files("out"), files);
        for name in files.iter().map(|name| format!("out/{name}")) {
            if name.ends_with(".report.json") {
                assert_eq!(report(other, &name), report(one, &name), "{name}");
            } else {
                assert!(other.bytes(&name) == one.bytes(&name), "{name} differs");
            }
        }
    }
}

#[test]
fn a_seed_decides_everything_random() {
    let folder = Folder::with_traces();
    let mut files = Vec::new();
    for (seed, name) in [(7, "a"), (7, "b"), (8, "c")] {
        let everywhere = format!("--seed {seed} --quiet");
        for command in [
            format!("evaluate traces.parquet --attack totals --out {name}.parquet"),
            format!("train traces.parquet --attack totals --out {name}.wfm"),
            format!("defend traces.parquet --attack totals --defence front --replicas 2 --out {name}-defended.parquet"),
            format!("dataset split traces.parquet --out {name}-split"),
        ] {
            folder.wfkit(&format!("{command} {everywhere}")).succeeds();
        }
        let written = [".parquet", ".wfm", "-defended.parquet", "-split/train.parquet"];
        files.push(written.map(|ending| folder.bytes(&format!("{name}{ending}"))));
    }
    assert!(files[0] == files[1], "the same seed gives the same bytes");
    assert!(files[0].iter().zip(&files[2]).all(|(seven, eight)| seven != eight), "another seed gives others");
    let [seven, eight] = ["a", "c"].map(|name| read_probabilities(&folder.path(&format!("{name}.parquet"))).unwrap());
    assert_eq!(seven.keys.len(), eight.keys.len());
    assert_ne!(seven.probabilities, eight.probabilities);
}
