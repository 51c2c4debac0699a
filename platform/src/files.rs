//! Uploads and what is made of them, in one folder: `incoming/` while they arrive, `submissions/ID/` once they are accepted.

use std::io;
use std::path::{Path, PathBuf};

use crate::Millis;

/// A folder of files.
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// The folder `root`, which is made if need be.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        std::fs::create_dir_all(root.join("incoming"))?;
        std::fs::create_dir_all(root.join("submissions"))?;
        Ok(Self { root })
    }

    /// Where an upload is written while it arrives.
    pub(crate) fn incoming(&self, id: &str) -> PathBuf {
        self.root.join("incoming").join(id)
    }

    /// The folder of a submission.
    pub fn of_submission(&self, id: &str) -> PathBuf {
        self.root.join("submissions").join(id)
    }

    /// The upload of a submission, under the name that says what it is.
    pub fn upload(&self, id: &str, file_name: &str) -> PathBuf {
        self.of_submission(id).join(file_name)
    }

    /// What the server made of the specification of a defence.
    pub(crate) fn defended(&self, id: &str) -> PathBuf {
        self.of_submission(id).join("defended.csv.zip")
    }

    /// Train, test or truth file of a defence.
    pub(crate) fn part(&self, id: &str, team: i64, part: &str) -> PathBuf {
        self.of_submission(id).join("split").join(format!("team_{team}_{part}.csv.zip"))
    }

    /// Undefended traffic that a round compares with.
    pub(crate) fn baseline(&self, round_id: &str) -> PathBuf {
        self.root.join(format!("baseline-{round_id}.csv.zip"))
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Moves an upload that has arrived to its submission. Both are on disk when this returns.
    pub(crate) fn accept(&self, incoming: &Path, id: &str, file_name: &str) -> io::Result<()> {
        let folder = self.of_submission(id);
        std::fs::create_dir_all(&folder)?;
        std::fs::rename(incoming, folder.join(file_name))?;
        for folder in [&folder, &self.root.join("submissions")] {
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Removes what killed processes left: arrivals and folders that are `older_than` and of no submission that `known` has.
    pub(crate) fn sweep(&self, older_than: Millis, known: impl Fn(&str) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for (folder, arrivals) in [("incoming", true), ("submissions", false)] {
            for entry in std::fs::read_dir(self.root.join(folder))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let changed = entry.metadata().and_then(|meta| meta.modified());
                let changed = changed.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
                let old = changed.is_some_and(|at| (at.as_millis() as Millis) < older_than);
                if old && (arrivals || !known(&name)) {
                    let path = entry.path();
                    if path.is_dir() {
                        std::fs::remove_dir_all(path)?
                    } else {
                        std::fs::remove_file(path)?
                    }
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}
