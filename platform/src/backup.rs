//! A copy of everything while the server runs: a folder that `serve --data` takes as it is.

use std::io;
use std::path::Path;

use crate::{Failure, Files, Store};

/// The database of a data folder.
pub const DATABASE: &str = "platform.sqlite";
/// Its files.
pub const FILES: &str = "files";

/// Writes the copy to the folder `to`, which must not exist. The database is copied first, as of one instant: every file that it
/// knows is there already, and is never changed.
///
/// # Errors
/// A folder that exists, and what the system refuses.
pub async fn backup(store: &Store, files: &Files, to: &Path) -> Result<(), Failure> {
    if to.exists() {
        return Err(Failure::Conflict(format!("{} exists. Name a folder that does not.", to.display())));
    }
    std::fs::create_dir_all(to)?;
    store.copy_to(&to.join(DATABASE)).await?;
    let (from, to) = (files.root().to_owned(), to.join(FILES));
    let copied = tokio::task::spawn_blocking(move || copy_folder(&from, &to));
    copied.await.map_err(|error| Failure::Broken(error.to_string()))?.map_err(Failure::from)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        let copied = if path.is_dir() { copy_folder(&path, &copy) } else { std::fs::copy(&path, &copy).map(|_| ()) };
        match copied {
            // An upload that arrived or was given up meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}
