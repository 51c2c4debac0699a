//! What every command shares, and the files it writes.

use std::collections::BTreeMap;

use wfkit_datasets::TraceSet;

pub(crate) use wfkit_evaluate::TRIVIAL_FOLDS as FOLDS;
pub(crate) use wfkit_terminal::{Context, drawn_as, make_folder, write, write_picture, write_sheet};

/// Adds the numbers of traces, classes and packets of `set`.
pub(crate) fn count_set(counts: &mut BTreeMap<String, u64>, set: &TraceSet) {
    count(counts, "traces", set.len());
    count(counts, "classes", set.classes().len());
    count(counts, "packets", set.packets());
}

/// Sets one number.
pub(crate) fn count(counts: &mut BTreeMap<String, u64>, name: &str, n: usize) {
    counts.insert(name.to_owned(), n as u64);
}
