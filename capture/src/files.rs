//! Which files an import reads.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::records::looks_like_capture;
use crate::text::looks_like_text;

/// A file to import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InputFile {
    /// As reached from the path that was given.
    pub(crate) path: PathBuf,
    /// Without links and relative parts, to compare files by.
    pub(crate) canonical: PathBuf,
    /// The folder that was given, or that of the file that was given.
    pub(crate) folder: PathBuf,
    /// Relative to `folder`, with `/` between the parts.
    pub(crate) name: String,
}

/// The capture files in a list of files and folders.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// In path order, each file once.
    pub(crate) files: Vec<InputFile>,
    /// Number of files in folders that are no captures.
    pub(crate) others: u64,
}

impl Listing {
    /// Takes every file in `paths`, `-` for the standard input, and of every folder in `paths`, at any depth, the files that are captures by
    /// content or by name. Links to folders inside of a folder are not followed. An error comes with the path it is
    /// about.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Self, (PathBuf, io::Error)> {
        let mut listing = Self::default();
        for path in paths {
            let at = |error| (path.clone(), error);
            if path == Path::new("-") {
                listing.add_file(path, Path::new(""));
            } else if fs::metadata(path).map_err(at)?.is_dir() {
                listing.add_folder(path, path)?;
            } else {
                let folder = path.parent().unwrap_or(Path::new(""));
                listing.add_file(path, folder);
            }
        }
        // Each asks the system about every folder on the way.
        listing.files.par_iter_mut().for_each(|file| {
            // A pipe has no other path than the one it was given by.
            file.canonical = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
        });
        listing.files.sort_unstable();
        let mut seen = BTreeSet::new();
        listing.files.retain(|file| seen.insert(file.canonical.clone()));
        Ok(listing)
    }

    fn add_folder(&mut self, folder: &Path, root: &Path) -> Result<(), (PathBuf, io::Error)> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| (path, error)
        };
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let entry = entry.map_err(at(folder))?;
            let path = entry.path();
            if entry.file_type().map_err(at(&path))?.is_dir() {
                self.add_folder(&path, root)?;
            } else if !path.is_file() {
                // A link to a folder or to nowhere, a pipe, a device: reading it may never end.
                self.others += 1;
            } else if is_named_capture(&path) || looks_like_capture(&path) || looks_like_text(&path) {
                self.add_file(&path, root);
            } else {
                self.others += 1;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path, folder: &Path) {
        let relative = path.strip_prefix(folder).unwrap_or(path);
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        self.files.push(InputFile {
            path: path.to_owned(),
            canonical: PathBuf::new(),
            folder: folder.to_owned(),
            name: parts.join("/"),
        });
    }
}

/// Whether `path` is a capture, or a folder with captures in it, by content or by name.
pub fn has_captures(path: &Path) -> bool {
    match path.is_dir() {
        true => Listing::of(&[path.to_owned()]).is_ok_and(|listing| !listing.files.is_empty()),
        // Looking at the standard input would use it up.
        false => path == Path::new("-") || is_named_capture(path) || looks_like_capture(path) || looks_like_text(path),
    }
}

/// Whether the name promises a capture, be it a compressed one.
fn is_named_capture(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    name.contains(".pcap") || name.ends_with(".cap")
}
