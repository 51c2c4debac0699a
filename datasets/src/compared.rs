//! Whether a folder was made again byte by byte.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wfkit_metrics::without_clock;

use crate::DigestError;
use crate::files::files_below;

/// Two folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedFolders {
    /// Files that were compared.
    pub files: usize,
    /// What is in both, and not the same, or missing in the first.
    pub differing: Vec<String>,
    /// What is in the first alone.
    pub others: Vec<String>,
}

impl ComparedFolders {
    /// What `again` has beside what `made` has; reports but for the times they took and where inputs were found, and without the file `but`.
    ///
    /// # Errors
    /// A file of `again` that cannot be read.
    pub fn of(made: &Path, again: &Path, but: &str) -> Result<Self, DigestError> {
        let (first, second) = (names(made), names(again));
        let mut differing = Vec::new();
        for name in second.iter().filter(|name| *name != but) {
            if !is_same(&made.join(name), &again.join(name))? {
                differing.push(name.clone());
            }
        }
        let others = first.difference(&second).cloned().collect();
        let files = second.iter().filter(|name| *name != but).count();
        Ok(Self { files, differing, others })
    }
}

/// The files in `folder` and those below it, by what they are called from there.
fn names(folder: &Path) -> BTreeSet<String> {
    let name = |path: &PathBuf| {
        let name = path.strip_prefix(folder).expect("it was found in the folder");
        name.to_string_lossy().into_owned()
    };
    files_below(folder).iter().map(name).collect()
}

fn is_same(made: &Path, again: &Path) -> Result<bool, DigestError> {
    let Ok(first) = fs::read(made) else { return Ok(false) };
    let second = fs::read(again).map_err(|error| DigestError { path: again.to_owned(), error })?;
    if first == second || again.extension().is_none_or(|ending| ending != "json") {
        return Ok(first == second);
    }
    let report = |bytes: &[u8]| -> Option<Value> {
        let mut report = serde_json::from_slice(bytes).ok()?;
        without_clock(&mut report);
        without_places(&mut report);
        Some(report)
    };
    Ok(report(&first).is_some_and(|first| Some(first) == report(&second)))
}

/// Takes out where inputs were found, which stand beside what they are.
fn without_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("sha256") {
                fields.remove("path");
            }
            fields.values_mut().for_each(without_places);
        }
        Value::Array(values) => values.iter_mut().for_each(without_places),
        _ => {}
    }
}
