//! Files that are replaced as a whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

/// Bytes on their way into a file.
pub type Writer = BufWriter<File>;

/// Writes a file so that whoever looks finds the old content or the new, and the old one stays where anything fails: `write` fills a file
/// of its own in the same folder, which takes the name when it is whole.
///
/// A link is followed, and what it points to replaced. The new file has the permissions of the old one, else those that the process gives
/// to any. What is there but is no regular file, such as a pipe or `/dev/stdout`, is written to directly, since it has nothing to lose.
/// Where the system knows files without a name, as Linux does on most file systems, not even a killed process leaves anything behind;
/// else it leaves a file whose name begins with `.` and ends with `.part`.
///
/// # Errors
/// What `write` fails with, and what the system refuses, as `on_error` makes of it.
pub fn replace_file<T, E>(
    path: &Path,
    on_error: impl Fn(io::Error) -> E,
    write: impl FnOnce(&mut Writer) -> Result<T, E>,
) -> Result<T, E> {
    let target = Target::of(path).map_err(&on_error)?;
    let (file, part) = target.open(path).map_err(&on_error)?;
    let mut writer = BufWriter::new(file);
    let done = write(&mut writer)?;
    let file = writer.into_inner().map_err(|error| on_error(error.into_error()))?;
    if let Some(part) = part {
        part.take_name(file).map_err(on_error)?;
    }
    Ok(done)
}

/// Whether both are there, and one file.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    one.is_file() && one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// As [`replace_file`], with all of the content at hand.
///
/// # Errors
/// What the system refuses.
pub fn replace_with(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    replace_file(path, |error| error, |file| file.write_all(content.as_ref()))
}

/// SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// What the system refuses.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    use sha2::{Digest as _, Sha256};

    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// A file to write and read in `folder` that nobody else sees, and that is gone with the process.
///
/// # Errors
/// What the system refuses.
#[cfg(feature = "csv")]
pub(crate) fn scratch(folder: &Path) -> io::Result<File> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if let Some(file) = unnamed(folder) {
        return Ok(file);
    }
    let make = |name: &Path| OpenOptions::new().read(true).write(true).create_new(true).open(name);
    let (name, file) = with_free_name(&folder.join("x"), make)?;
    // Where the system does not part a name from an open file, it stays behind.
    let _ = fs::remove_file(name);
    Ok(file)
}

/// What a path names.
enum Target {
    /// A regular file, or none yet.
    File(PathBuf),
    /// Anything else that can be written to.
    Stream,
}

impl Target {
    /// Follows links, also one that points to nothing yet.
    fn of(path: &Path) -> io::Result<Self> {
        let mut target = path.to_owned();
        // The system gives up after as many.
        for _ in 0..40 {
            // The system's own names stand for what is open already, also where that is a file.
            if ["/dev", "/proc"].iter().any(|folder| target.starts_with(folder)) {
                return Ok(Self::Stream);
            }
            let link = match target.symlink_metadata() {
                Ok(found) if found.is_symlink() => fs::read_link(&target)?,
                Ok(_) => return Self::of_what_is_there(target),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::File(target)),
                Err(error) => return Err(error),
            };
            target = target.parent().unwrap_or(Path::new("")).join(link);
        }
        Err(io::Error::other("too many links"))
    }

    fn of_what_is_there(target: PathBuf) -> io::Result<Self> {
        let metadata = target.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        if !metadata.is_file() {
            return Ok(Self::Stream);
        }
        // A file that must not be written to must not be replaced either.
        OpenOptions::new().write(true).open(&target)?;
        Ok(Self::File(target))
    }

    /// What to write to, and how it comes to its name.
    fn open(self, path: &Path) -> io::Result<(File, Option<Part>)> {
        match self {
            Self::Stream => Ok((OpenOptions::new().write(true).truncate(true).open(path)?, None)),
            Self::File(target) => {
                let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                if let Some(file) = unnamed(folder) {
                    return Ok((file, Some(Part { target, named: None })));
                }
                let (named, file) =
                    with_free_name(&target, |name| OpenOptions::new().write(true).create_new(true).open(name))?;
                Ok((file, Some(Part { target, named: Some(Named(named)) })))
            }
        }
    }
}

/// A file that is not whole yet.
struct Part {
    target: PathBuf,
    /// Its own name, where it needs one.
    named: Option<Named>,
}

impl Part {
    fn take_name(self, file: File) -> io::Result<()> {
        if let Ok(old) = self.target.metadata() {
            file.set_permissions(old.permissions())?;
        }
        let named = match self.named {
            Some(named) => named,
            None => Named(with_free_name(&self.target, |name| give_name(&file, name))?.0),
        };
        fs::rename(&named.0, &self.target)
    }
}

/// The name of a file that is gone unless it was given another one.
struct Named(PathBuf);

impl Drop for Named {
    fn drop(&mut self) {
        // After renaming there is nothing of this name.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes something under a name that nothing has yet, beside `target`.
fn with_free_name<T>(target: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = target.with_file_name(format!(".wfkit-{}-{count}.part", std::process::id()));
        match make(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|made| (name, made)),
        }
    }
}

/// A file in `folder` that has no name yet and is gone with the process; none where there are no such files.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    let mode = Mode::from_raw_mode(0o666);
    open(folder, OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC, mode).ok().map(File::from)
}

#[cfg(target_os = "linux")]
fn give_name(file: &File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd as _;
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, unnamed.as_str(), CWD, name, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn give_name(_: &File, _: &Path) -> io::Result<()> {
    unreachable!("every file has its name from the beginning")
}

/// The regular files, and links to such, in `folder` and in folders below it, in path order; what cannot be read is passed over.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    walk(folder, &|_| true).0
}

/// The same.
///
/// # Errors
/// The first folder that cannot be read.
pub fn all_files_below(folder: &Path) -> Result<Vec<PathBuf>, UnreadableFolder> {
    visible_files_below(folder, &|_| true)
}

/// The same, of those files and folders whose name is wanted.
///
/// # Errors
/// The first folder that cannot be read.
pub fn visible_files_below(folder: &Path, wanted: &dyn Fn(&OsStr) -> bool) -> Result<Vec<PathBuf>, UnreadableFolder> {
    match walk(folder, wanted) {
        (files, None) => Ok(files),
        (_, Some(first)) => Err(first),
    }
}

/// A folder that cannot be read to its end.
#[derive(Debug, Error)]
#[error("{}: cannot read this folder: {error}", path.display())]
pub struct UnreadableFolder {
    /// The folder.
    pub path: PathBuf,
    /// Why not.
    pub error: io::Error,
}

impl From<UnreadableFolder> for io::Error {
    fn from(refused: UnreadableFolder) -> Self {
        refused.error
    }
}

/// Files, and the first folder that could not be read. Links to folders are not followed, so that there is an end; a pipe or a device is no file, since
/// reading it may never end.
fn walk(folder: &Path, wanted: &dyn Fn(&OsStr) -> bool) -> (Vec<PathBuf>, Option<UnreadableFolder>) {
    let (mut files, mut first) = (Vec::new(), None);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut refuse = |error| {
            first.get_or_insert(UnreadableFolder { path: folder.clone(), error });
        };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                refuse(error);
                continue;
            }
        };
        for entry in entries {
            let Ok(entry) = entry.map_err(&mut refuse) else { continue };
            if !wanted(&entry.file_name()) {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else if entry.path().is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    (files, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn what_fails_in_the_middle_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        for old in [None, Some("old")] {
            if let Some(old) = old {
                fs::write(&path, old).unwrap();
            }
            let failed = replace_file(
                &path,
                |error| error.to_string(),
                |file| {
                    file.write_all(&vec![b'x'; 1 << 20]).unwrap();
                    Err::<(), String>("a value is wrong".to_owned())
                },
            );
            assert_eq!(failed.unwrap_err(), "a value is wrong");
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), old);
        }
        assert_eq!(names(folder.path()), ["a.csv"]);
        replace_with(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["a.csv"]);
    }

    #[test]
    fn a_part_with_a_name_is_gone_too() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let make = |name: &Path| OpenOptions::new().write(true).create_new(true).open(name);
        let (name, file) = with_free_name(&target, make).unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(Part { target: target.clone(), named: Some(Named(name)) });
        assert!(names(folder.path()).is_empty());
        let (name, again) = with_free_name(&target, make).unwrap();
        Part { target, named: Some(Named(name)) }.take_name(again).unwrap();
        assert_eq!(names(folder.path()), ["a"]);
        drop(file);
    }

    #[test]
    fn a_folder_or_none_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(replace_with(folder.path(), "x").unwrap_err().to_string().contains("folder"));
        let missing = replace_with(&folder.path().join("none/a"), "x").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_the_old_file_or_of_any_new_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| folder.path().join(name).metadata().unwrap().permissions().mode() & 0o7777;
        fs::write(folder.path().join("plain"), "").unwrap();
        replace_with(&folder.path().join("new"), "x").unwrap();
        assert_eq!(mode("new"), mode("plain"));
        fs::set_permissions(folder.path().join("plain"), fs::Permissions::from_mode(0o640)).unwrap();
        replace_with(&folder.path().join("plain"), "x").unwrap();
        assert_eq!(mode("plain"), 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_streams_are_written_to() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("data")).unwrap();
        fs::write(at("data/real"), "old").unwrap();
        symlink("data/real", at("link")).unwrap();
        symlink("link", at("second")).unwrap();
        symlink("data/none", at("dangling")).unwrap();
        symlink("round", at("round")).unwrap();
        replace_with(&at("second"), "new").unwrap();
        assert_eq!(fs::read_to_string(at("data/real")).unwrap(), "new");
        replace_with(&at("dangling"), "made").unwrap();
        assert_eq!(fs::read_to_string(at("data/none")).unwrap(), "made");
        assert!(at("link").is_symlink() && at("second").is_symlink() && at("dangling").is_symlink());
        assert!(replace_with(&at("round"), "x").is_err());
        replace_with(Path::new("/dev/null"), "x").unwrap();
        assert!(fs::metadata("/dev/null").is_ok_and(|found| !found.is_file()));
        symlink("/dev/null", at("null")).unwrap();
        replace_with(&at("null"), "x").unwrap();
        assert_eq!(names(folder.path()), ["dangling", "data", "link", "null", "round", "second"]);
    }
}
