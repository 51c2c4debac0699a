//! What was measured before, so that a sweep goes on where it was interrupted.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wfkit_datasets::files::replace_with;
use wfkit_datasets::{files_below, hex};

use super::Memory;
use crate::ExperimentError;
use crate::error::at;

/// Folders with one small file a measurement, named by the digest of everything that it depends on.
#[derive(Debug)]
pub struct KeptPoints {
    folders: Vec<PathBuf>,
    /// Nothing is read, as if nothing were there.
    fresh: bool,
    /// Everything is to be there.
    whole: bool,
}

/// What is told of a measurement that the shares of a sweep lack.
pub const LACKING: &str = "the shards did not measure this: they are of another build of wfkit, or were interrupted; run \
                                  them again with this one";

/// A measurement beside what it depends on.
#[derive(Serialize, Deserialize)]
struct Record {
    of: String,
    found: Value,
}

impl KeptPoints {
    /// What was kept in a folder, where the rest will be; it is made with the first that is kept.
    pub fn open(folder: PathBuf, fresh: bool) -> Self {
        Self { folders: vec![folder], fresh, whole: false }
    }

    /// What others measured, all of it.
    pub fn of_others(folders: Vec<PathBuf>) -> Self {
        Self { folders, fresh: false, whole: true }
    }

    /// Copies all of it into one folder, which is made.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub fn gather(&self, into: &Path) -> Result<(), ExperimentError> {
        fs::create_dir_all(into).map_err(at(format!("{}: cannot make this folder", into.display())))?;
        for point in self.folders.iter().flat_map(|folder| files_below(folder)) {
            let content = fs::read(&point).map_err(at(format!("{}: cannot read", point.display())))?;
            let copy = into.join(point.file_name().unwrap_or_default());
            replace_with(&copy, content).map_err(at(format!("{}: cannot write", copy.display())))?;
        }
        Ok(())
    }

    fn name(of: &str) -> String {
        let digest = hex(&Sha256::digest(of));
        format!("{}.json", &digest[..32])
    }
}

impl Memory for KeptPoints {
    /// Nothing where it was not kept, or not whole.
    fn recall(&self, of: &str) -> Option<Value> {
        if self.fresh {
            return None;
        }
        let name = Self::name(of);
        let record =
            |folder: &PathBuf| -> Option<Record> { serde_json::from_slice(&fs::read(folder.join(&name)).ok()?).ok() };
        self.folders.iter().filter_map(record).find(|record| record.of == of).map(|record| record.found)
    }

    /// The file appears whole or not at all.
    fn keep(&self, of: &str, found: Value) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let folder = match self.folders.as_slice() {
            [folder] if !self.whole => folder,
            _ => return Err(LACKING.into()),
        };
        fs::create_dir_all(folder)
            .map_err(|error| format!("{}: cannot make this folder: {error}", folder.display()))?;
        let text = serde_json::to_string_pretty(&Record { of: of.to_owned(), found })? + "\n";
        let path = folder.join(Self::name(of));
        replace_with(&path, text).map_err(|error| format!("{}: cannot write: {error}", path.display()).into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_is_found_until_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let of_ours = folder.path().join("a/b");
        let kept = KeptPoints::open(of_ours.clone(), false);
        assert_eq!(kept.recall("x"), None);
        assert!(!of_ours.exists(), "a sweep that fails leaves nothing");
        kept.keep("x", json!(7)).unwrap();
        kept.keep("y", json!(8)).unwrap();
        assert_eq!((kept.recall("x"), kept.recall("y")), (Some(json!(7)), Some(json!(8))));
        let path = |of: &str| of_ours.join(KeptPoints::name(of));
        fs::write(path("x"), &fs::read(path("x")).unwrap()[..20]).unwrap();
        fs::copy(path("y"), path("z")).unwrap();
        assert_eq!((kept.recall("x"), kept.recall("z")), (None, None));
        let of_others = KeptPoints::of_others(vec![folder.path().join("none"), of_ours.clone()]);
        of_others.keep("y", json!(9)).unwrap_err();
        assert_eq!((of_others.recall("x"), of_others.recall("y")), (None, Some(json!(8))));
        assert_eq!(KeptPoints::open(of_ours, true).recall("y"), None);
    }
}
