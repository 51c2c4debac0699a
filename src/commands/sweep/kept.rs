//! What was measured before, so that a sweep goes on where it was interrupted.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use wfkit_evaluate::Memory;

use crate::context::{hex, make_folder, write};

/// A folder with one small file a measurement, named by the digest of everything that it depends on.
pub(super) struct Kept {
    folder: PathBuf,
    /// Nothing is read, as if nothing were there.
    fresh: bool,
    /// Everything is to be there.
    whole: bool,
}

/// A measurement beside what it depends on.
#[derive(Serialize, Deserialize)]
struct Record {
    of: String,
    found: Value,
}

impl Kept {
    pub(super) fn open(folder: PathBuf, fresh: bool) -> Result<Self> {
        make_folder(&folder)?;
        Ok(Self { folder, fresh, whole: false })
    }

    /// Of what others measured, all of it.
    pub(super) fn of_others(folder: PathBuf) -> Result<Self> {
        Ok(Self { whole: true, ..Self::open(folder, false)? })
    }

    fn path(&self, of: &str) -> PathBuf {
        let digest = hex(&Sha256::digest(of));
        self.folder.join(format!("{}.json", &digest[..32]))
    }
}

impl Memory for Kept {
    /// Nothing where it was not kept, or not whole.
    fn recall(&self, of: &str) -> Option<Value> {
        if self.fresh {
            return None;
        }
        let record: Record = serde_json::from_slice(&fs::read(self.path(of)).ok()?).ok()?;
        (record.of == of).then_some(record.found)
    }

    /// The file appears whole or not at all.
    fn keep(&self, of: &str, found: Value) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.whole {
            return Err(
                "the shards did not measure this: they are of another build of wfkit, or were interrupted; run \
                        them again with this one"
                    .into(),
            );
        }
        let text = serde_json::to_string_pretty(&Record { of: of.to_owned(), found })? + "\n";
        Ok(write(&self.path(of), text)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_is_found_until_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path().join("a/b"), false).unwrap();
        assert_eq!(kept.recall("x"), None);
        kept.keep("x", json!(7)).unwrap();
        kept.keep("y", json!(8)).unwrap();
        assert_eq!((kept.recall("x"), kept.recall("y")), (Some(json!(7)), Some(json!(8))));
        fs::write(kept.path("x"), &fs::read(kept.path("x")).unwrap()[..20]).unwrap();
        fs::copy(kept.path("y"), kept.path("z")).unwrap();
        assert_eq!((kept.recall("x"), kept.recall("z")), (None, None));
        let of_others = Kept::of_others(folder.path().join("a/b")).unwrap();
        of_others.keep("y", json!(9)).unwrap_err();
        assert_eq!(of_others.recall("x"), None);
        assert_eq!(Kept::open(folder.path().join("a/b"), true).unwrap().recall("y"), None);
    }
}
