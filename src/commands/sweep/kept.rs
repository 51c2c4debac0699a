//! What was measured before, so that a sweep goes on where it was interrupted.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::context::{hex, make_folder, write};

/// A folder with one small file a measurement, named by the digest of everything that it depends on.
pub(super) struct Kept {
    folder: PathBuf,
    /// Nothing is read, as if nothing were there.
    fresh: bool,
}

/// A measurement beside what it depends on.
#[derive(Serialize, Deserialize)]
struct Record<T> {
    of: String,
    found: T,
}

impl Kept {
    pub(super) fn open(folder: PathBuf, fresh: bool) -> Result<Self> {
        make_folder(&folder)?;
        Ok(Self { folder, fresh })
    }

    /// What was found of `of`; nothing where it was not kept, or not whole.
    pub(super) fn get<T: DeserializeOwned>(&self, of: &str) -> Option<T> {
        if self.fresh {
            return None;
        }
        let record: Record<T> = serde_json::from_slice(&fs::read(self.path(of)).ok()?).ok()?;
        (record.of == of).then_some(record.found)
    }

    /// Keeps it. The file appears whole or not at all.
    pub(super) fn put<T: Serialize>(&self, of: &str, found: T) -> Result<()> {
        let path = self.path(of);
        let text = serde_json::to_string_pretty(&Record { of: of.to_owned(), found })? + "\n";
        write(&path, text)
    }

    fn path(&self, of: &str) -> PathBuf {
        let digest = hex(&Sha256::digest(of));
        self.folder.join(format!("{}.json", &digest[..32]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_until_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path().join("a/b"), false).unwrap();
        assert_eq!(kept.get::<u32>("x"), None);
        kept.put("x", 7).unwrap();
        kept.put("y", 8).unwrap();
        assert_eq!((kept.get("x"), kept.get("y")), (Some(7), Some(8)));
        assert_eq!(kept.get::<String>("x"), None, "of another form");
        fs::write(kept.path("x"), &fs::read(kept.path("x")).unwrap()[..20]).unwrap();
        fs::copy(kept.path("y"), kept.path("z")).unwrap();
        assert_eq!((kept.get::<u32>("x"), kept.get::<u32>("z")), (None, None));
        assert_eq!(Kept::open(folder.path().join("a/b"), true).unwrap().get::<u32>("y"), None);
    }
}
