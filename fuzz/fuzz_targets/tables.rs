//! Any bytes as a table of features, as class probabilities, ours and those of others, as a truth, and as folds.
#![no_main]

use wfkit_datasets::{FileKind, FoldFile, ProbabilityTable, Truth, read_probabilities, read_table};
use wfkit_fuzz::{file_of, pass_caught_panics};
use wfkit_metrics::ClassMap;

libfuzzer_sys::fuzz_target!(init: pass_caught_panics(), |bytes: &[u8]| {
    let path = file_of("table", bytes);
    let classes = ClassMap::from_labels(["1", "2"]);
    let _ = FileKind::of(&path);
    let _ = read_table(&path);
    let _ = read_probabilities(&path);
    let _ = ProbabilityTable::read(&path, &classes);
    let _ = Truth::read(&path);
    let _ = FoldFile::read(&path);
});
