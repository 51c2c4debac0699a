//! Tables as they stand in a terminal of 80 and of 120 columns: as they were looked at, and with the same numbers in both.

use std::path::Path;

use super::support::Folder;

/// A name for the snapshot, and what is run on the sample.
const TABLES: [(&str, &str); 13] = [
    ("attacks", "attacks"),
    ("defences", "defend list"),
    ("features", "features list"),
    ("public-sets", "dataset list"),
    ("set", "dataset info traces.parquet"),
    ("shown", "dataset show traces.parquet"),
    ("captures", "capture info captures"),
    ("meanings", "features describe totals"),
    ("evaluation", "evaluate traces.parquet --attack totals --folds 2"),
    ("comparison", "evaluate traces.parquet --attack kfp-size --against totals --against sequence --folds 2"),
    ("few-loads", "evaluate traces.parquet --attack totals --few-shot 1,2 --folds 2"),
    ("defended", "defend traces.parquet --defence tamaraw:cell --attack totals --folds 2 --out d.parquet"),
    (
        "sweep",
        "sweep traces.parquet --defence front:n-client=100,n-server=150,w-min=1s,w-max=9s --attack totals,kfp-size --folds 2 --out s",
    ),
];

#[test]
fn tables_are_as_they_were_looked_at() {
    let folder = Folder::with_traces();
    folder.captures("captures", &[17, 48], 0..2);
    let mut differ = Vec::new();
    for (name, command) in TABLES {
        let at = |columns| without_clock(&folder.wfkit_at(Some(columns), command).succeeds().stdout);
        let (narrow, wide) = (at(80), at(120));
        for (columns, text) in [(80, &narrow), (120, &wide)] {
            let widest = text.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
            assert!(widest <= columns, "{command}: {widest} columns of {columns}:\n{text}");
            differ.extend(difference(&format!("{name}-{columns}.txt"), text));
        }
        assert_eq!(numbers(&narrow), numbers(&wide), "{command}: what 80 columns show is what 120 show");
    }
    assert!(differ.is_empty(), "tests/tables/write writes them anew; look at what changed\n{}", differ.join("\n"));
}

/// Times that things took are of no matter.
fn without_clock(text: &str) -> String {
    let is_seconds = |took: &str| took.strip_suffix(" s").is_some_and(|seconds| seconds.parse::<f64>().is_ok());
    let line = |line: &str| match line.trim_end().rsplit_once(" in ") {
        Some((before, took)) if is_seconds(took) => format!("{before} in .. s"),
        _ => line.trim_end().to_owned(),
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// All numbers of a table, in the order of their value: a cell that is broken into lines is whole, or its pieces are other numbers.
fn numbers(table: &str) -> Vec<String> {
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.parse::<f64>().is_ok();
    let mut numbers: Vec<String> = table.split_whitespace().filter(is_number).map(str::to_owned).collect();
    numbers.sort();
    numbers
}

/// How a text differs from the file of `tests/tables`, which is written where `WFKIT_SNAPSHOTS=write`.
fn difference(name: &str, text: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tables").join(name);
    if std::env::var_os("WFKIT_SNAPSHOTS").is_some_and(|how| how == "write") {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept == text {
        return None;
    }
    let (before, now) = kept
        .lines()
        .zip(text.lines())
        .find(|(before, now)| before != now)
        .unwrap_or(("another number of lines", "another number of lines"));
    Some(format!("{name}\n before: {before}\n now:    {now}"))
}
