//! What reports say of files: their digests, and where the report of a file stands.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wfkit_metrics::Input;

use crate::files::{files_below, sha256_of};

/// A file or folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot read", path.display())]
pub struct DigestError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub error: io::Error,
}

/// Path and SHA-256 of each input.
///
/// A folder is one input: its digest is over the sorted lines `SHA-256, two spaces, relative path` of the files in it, which is what
/// `sha256sum` prints for them. Of a stream no digest is known.
///
/// # Errors
/// What cannot be read.
pub fn digests(paths: &[PathBuf]) -> Result<Vec<Input>, DigestError> {
    let digest = |path: &PathBuf| {
        let sha256 = if path.is_dir() {
            folder_digest(path)
        } else if path.is_file() {
            sha256_of(path)
        } else {
            // The standard input or a pipe: what came through it is gone.
            return Ok(Input { path: path.display().to_string(), sha256: "not known of a stream".to_owned() });
        };
        let sha256 = sha256.map_err(|error| DigestError { path: path.clone(), error })?;
        Ok(Input { path: path.display().to_string(), sha256 })
    };
    paths.iter().map(digest).collect()
}

/// An input that is a text, which is called so.
pub fn digest_of_text(called: String, text: &str) -> Input {
    Input { path: called, sha256: hex(&Sha256::digest(text)) }
}

fn folder_digest(folder: &Path) -> io::Result<String> {
    fs::read_dir(folder)?;
    let files = files_below(folder);
    let mut hasher = Sha256::new();
    for file in files {
        let name = file.strip_prefix(folder).expect("it was found in the folder");
        // One file that cannot be read does not keep the others from being known.
        let digest = sha256_of(&file).unwrap_or_else(|_| "unreadable".to_owned());
        hasher.update(format!("{digest}  {}\n", name.display()));
    }
    Ok(hex(&hasher.finalize()))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the report of `output` stands.
pub fn report_path(output: &Path) -> PathBuf {
    output.with_file_name(format!("{}.report.json", stem(output)))
}

/// The name of an output without its ending, where that is one of ours.
fn stem(output: &Path) -> String {
    let name = output.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let endings = [".csv.zip", ".parquet", ".csv", ".wfm", ".npz"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_stands_beside_its_output() {
        assert_eq!(report_path(Path::new("a/traces.parquet")), Path::new("a/traces.report.json"));
        assert_eq!(report_path(Path::new("traces.v1.csv.zip")), Path::new("traces.v1.report.json"));
        assert_eq!(report_path(Path::new("model")), Path::new("model.report.json"));
    }

    #[test]
    fn the_digest_of_a_folder_is_that_of_its_list() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        std::fs::write(folder.path().join("b/x"), "").unwrap();
        std::fs::write(folder.path().join("a"), "abc").unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let list = format!("{abc}  a\n{empty}  b/x\n");
        assert_eq!(folder_digest(folder.path()).unwrap(), hex(&Sha256::digest(list)));
    }
}
