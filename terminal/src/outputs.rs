//! Files that programs write.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use wfkit_datasets::files::replace_with;
use wfkit_report::PictureForm;
use wfkit_report::text::SheetForm;

/// Writes a small file of our own, as a whole or not at all.
///
/// # Errors
/// What the system refuses.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    replace_with(path, content).with_context(|| format!("{}: cannot write", path.display()))
}

/// Writes a picture that is drawn as SVG: as it is, or as pixels where the name ends in .png.
///
/// # Errors
/// As [`drawn_as`], and what the system refuses.
pub fn write_picture(path: &Path, svg: &str) -> Result<()> {
    let form = drawn_as(path)?;
    write(path, form.bytes(svg).map_err(|reason| anyhow!("{}: {reason}", path.display()))?)
}

/// What a picture of this name is written as; asked before the work begins, so that a wrong name costs nothing.
///
/// # Errors
/// Another ending.
pub fn drawn_as(path: &Path) -> Result<PictureForm> {
    Ok(PictureForm::of(path)?)
}

/// The name of a picture, on a command line.
///
/// # Errors
/// As [`drawn_as`].
pub fn picture_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    drawn_as(&path).map(|_| path).map_err(|error| error.to_string())
}

/// The name of a score sheet, on a command line.
///
/// # Errors
/// Another ending.
pub fn sheet_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match SheetForm::of(&path) {
        Some(_) => Ok(path),
        None => Err("a score sheet is written as .json or .md".to_owned()),
    }
}

/// Makes the folder and those above it.
///
/// # Errors
/// What the system refuses.
pub fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot make this folder", folder.display()))
}

/// Writes a score sheet in the form that the name asks for.
///
/// # Errors
/// Another ending; the command line refuses it before the work begins.
pub fn write_sheet(path: &Path, sheet: impl FnOnce(SheetForm) -> String) -> Result<()> {
    let form = SheetForm::of(path);
    let form = form.with_context(|| format!("{}: a score sheet is .json or .md", path.display()))?;
    write(path, sheet(form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_tell_no_form_are_refused_before_the_work() {
        assert_eq!(picture_path("a.SVG").is_ok(), PictureForm::of(Path::new("a.SVG")).is_ok());
        assert_eq!(picture_path("a.svg"), Ok(PathBuf::from("a.svg")));
        assert!(picture_path("a.gif").unwrap_err().contains("a.gif"));
        assert_eq!(sheet_path("a.md"), Ok(PathBuf::from("a.md")));
        assert!(sheet_path("a.txt").unwrap_err().contains(".json or .md"));
    }
}
