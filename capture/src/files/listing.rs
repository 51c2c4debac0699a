//! Which files an import reads.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use wfkit_datasets::files_below;

use crate::files::records::looks_like_capture;
use crate::files::text::looks_like_text;

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

/// How many packets captures have at most, by their bytes: the head of a packet takes 16. Of a stream, which is read once, it is not known, and told as 0.
pub fn most_packets(paths: &[PathBuf]) -> u64 {
    let bytes = |file: &Path| file.metadata().map_or(0, |metadata| metadata.len());
    let all = paths.iter().map(|path| match path.is_dir() {
        true => files_below(path).iter().map(|file| bytes(file)).sum(),
        false => bytes(path),
    });
    let is_stream = paths.iter().any(|path| !path.is_dir() && !path.is_file());
    if is_stream { 0 } else { all.sum::<u64>() / 16 }
}

/// The capture files in a list of files and folders.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// In path order, each file once.
    pub(crate) files: Vec<InputFile>,
    /// Number of files in folders that are no captures.
    pub(crate) others: u64,
    /// What is in folders and cannot be read, or only promises to be a capture; and why.
    pub(crate) unreadable: Vec<(String, String)>,
}

impl Listing {
    /// Takes every file in `paths`, `-` for the standard input, and of every folder in `paths`, at any depth, the files that are captures by
    /// content or by name. Links to folders inside of a folder are not followed. An error comes with the path it is
    /// about; what cannot be read below a folder that was given is told apart.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Self, (PathBuf, io::Error)> {
        let mut listing = Self::default();
        for path in paths {
            let at = |error| (path.clone(), error);
            if path == Path::new("-") {
                listing.add_file(path, Path::new(""));
            } else if fs::metadata(path).map_err(at)?.is_dir() {
                fs::read_dir(path).map_err(at)?;
                listing.add_folder(path, path);
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

    fn add_folder(&mut self, folder: &Path, root: &Path) {
        let mut paths = Vec::new();
        match fs::read_dir(folder) {
            Err(error) => self.cannot_be_read(folder, root, &error.to_string()),
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => paths.push(entry.path()),
                        Err(error) => self.cannot_be_read(folder, root, &error.to_string()),
                    }
                }
            }
        }
        // What is told of them is told in one order.
        paths.sort_unstable();
        for path in paths {
            let is_folder = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
            if is_folder {
                self.add_folder(&path, root);
            } else if path.is_dir() {
                self.others += 1; // a link to a folder
            } else if !path.is_file() {
                // A link to nowhere, a pipe, a device: reading it may never end.
                match is_named_capture(&path) {
                    true => self.cannot_be_read(&path, root, "no file, nor a link to one"),
                    false => self.others += 1,
                }
            } else if is_named_capture(&path) || looks_like_capture(&path) || looks_like_text(&path) {
                self.add_file(&path, root);
            } else {
                self.others += 1;
            }
        }
    }

    fn cannot_be_read(&mut self, path: &Path, root: &Path, problem: &str) {
        self.unreadable.push((relative_name(path, root), problem.to_owned()));
    }

    fn add_file(&mut self, path: &Path, folder: &Path) {
        self.files.push(InputFile {
            path: path.to_owned(),
            canonical: PathBuf::new(),
            folder: folder.to_owned(),
            name: relative_name(path, folder),
        });
    }
}

/// The path as reached from the folder, with `/` between the parts.
fn relative_name(path: &Path, folder: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Whether `path` is a capture, or a folder with captures in it, by content or by name.
pub fn has_captures(path: &Path) -> bool {
    match path.is_dir() {
        true => Listing::of(&[path.to_owned()]).is_ok_and(|listing| !listing.files.is_empty()),
        // Looking at the standard input would use it up.
        false => path == Path::new("-") || is_named_capture(path) || looks_like_capture(path) || looks_like_text(path),
    }
}

/// What an import finds in a folder, at any depth, in path order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCaptures {
    /// The captures.
    pub captures: Vec<PathBuf>,
    /// What cannot be read, or only promises to be a capture; and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// The captures that an import finds in `folder`.
///
/// # Errors
/// If the folder cannot be read.
pub fn captures_in(folder: &Path) -> io::Result<FoundCaptures> {
    let listing = Listing::of(&[folder.to_owned()]).map_err(|(_, error)| error)?;
    let unreadable = listing.unreadable.into_iter().map(|(name, problem)| (folder.join(name), problem));
    Ok(FoundCaptures {
        captures: listing.files.into_iter().map(|file| file.path).collect(),
        unreadable: unreadable.collect(),
    })
}

/// Whether the name promises a capture, be it a compressed one.
fn is_named_capture(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    name.contains(".pcap") || name.ends_with(".cap")
}
