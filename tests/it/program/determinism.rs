//! The same input and seed give the same bytes on any number of threads.

use serde_json::Value;
use wfkit_datasets::read_probabilities;
use wfkit_metrics::without_clock;

use super::support::Folder;

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
    assert_eq!(files.len(), 50);
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
