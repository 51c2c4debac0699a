//! The folder that a pipeline left, as its report tells it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::ExperimentError;
use crate::error::at;

/// What the report of a pipeline says that its folder was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeFolder {
    /// Name and version of the program.
    pub tool: Value,
    /// The digest of the input.
    pub sha256: Value,
}

impl MadeFolder {
    /// Reads the report in the folder.
    ///
    /// # Errors
    /// A report that cannot be read.
    pub fn read(folder: &Path) -> Result<Self, ExperimentError> {
        let path = folder.join("run.report.json");
        let text = fs::read_to_string(&path).map_err(at(format!("{}: cannot read", path.display())))?;
        let report: Value = serde_json::from_str(&text).map_err(at(path.display()))?;
        Ok(Self { tool: report["tool"].clone(), sha256: report["inputs"][0]["sha256"].clone() })
    }

    /// That the folder was made of what has this digest.
    ///
    /// # Errors
    /// That it was made of something else.
    pub fn is_of(&self, sha256: &str, (input, folder): (&Path, &Path)) -> Result<(), ExperimentError> {
        if self.sha256 == sha256 {
            return Ok(());
        }
        let (input, folder) = (input.display(), folder.display());
        Err(ExperimentError::Unfit(format!(
            "{input}: it is not what {folder} was made of: SHA-256 {sha256}, then {}",
            self.sha256
        )))
    }

    /// A folder that is not there yet, of the name of this one and beside it, so that both are on one disk.
    ///
    /// # Errors
    /// A folder that is not there.
    pub fn free_beside(folder: &Path) -> io::Result<PathBuf> {
        let folder = folder.canonicalize()?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let free = (1u64..).map(|n| folder.with_file_name(format!("{name}.again-{n}")));
        Ok(free.into_iter().find(|free| !free.exists()).expect("there is a number that is free"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_knows_what_it_was_made_of() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("run.report.json");
        assert!(MadeFolder::read(folder.path()).unwrap_err().to_string().contains("run.report.json: cannot read"));
        fs::write(&report, r#"{"tool": "wfkit 0", "inputs": [{"sha256": "ab"}]}"#).unwrap();
        let made = MadeFolder::read(folder.path()).unwrap();
        assert_eq!(made.tool, "wfkit 0");
        let (input, place) = (Path::new("in.pcap"), folder.path());
        assert!(made.is_of("ab", (input, place)).is_ok());
        let told = made.is_of("cd", (input, place)).unwrap_err().to_string();
        assert!(told.contains("in.pcap: it is not what") && told.contains("cd") && told.contains("ab"), "{told}");
    }
}
