//! What to say of a file that was asked for and is not there.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use wfkit_metrics::did_you_mean_one_of;

/// Where the path among `words` was looked for that `error` says is not there, and what in that folder has a name like it; none where the error
/// is another, or of a path that nobody asked for.
pub fn hint(error: &anyhow::Error, words: &[OsString]) -> Option<String> {
    let is_absence = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::NotFound)
    };
    if !error.chain().any(is_absence) {
        return None;
    }
    let told = format!("{error:#}");
    let paths = words.iter().skip(1).map(|word| match word.to_str().and_then(|word| word.split_once('=')) {
        Some((option, value)) if option.starts_with("--") => PathBuf::from(value),
        _ => PathBuf::from(word),
    });
    paths.filter(|path| told.contains(&path.display().to_string())).find_map(|path| looked(&path))
}

/// None if there is something at `path`.
fn looked(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    if path.symlink_metadata().is_ok() {
        return None;
    }
    let folder = std::path::absolute(path).ok()?.parent()?.to_owned();
    let Ok(entries) = folder.read_dir() else { return Some(format!("there is no folder {}", folder.display())) };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Some(format!("looked in {}{}", folder.display(), did_you_mean_one_of(&name, names.iter().map(String::as_str))))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn whoever_misspells_a_file_is_told_which_ones_are_there() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("traces.parquet"), "").unwrap();
        let of = |path: &Path, error: anyhow::Error| {
            hint(&error.context(path.display().to_string()), &["wfkit".into(), "features".into(), path.into()])
        };
        let absent = || anyhow::Error::from(fs::read("/no/such/file").unwrap_err());
        let (here, path) = (folder.path().display(), folder.path().join("trace.parquet"));
        assert_eq!(of(&path, absent()).unwrap(), format!("looked in {here} (did you mean `traces.parquet`?)"));
        assert_eq!(of(&folder.path().join("x.csv"), absent()).unwrap(), format!("looked in {here}"));
        let far = folder.path().join("none").join("x.csv");
        assert_eq!(of(&far, absent()).unwrap(), format!("there is no folder {here}/none"));
        assert_eq!(of(&folder.path().join("traces.parquet"), absent()), None, "it is there: something in it is not");
        assert_eq!(of(&path, anyhow::anyhow!("another")), None);
    }
}
