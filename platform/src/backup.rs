//! A copy of everything while the server runs: as a folder that `serve --data` takes as it is, or as one archive that is read back into
//! a new folder and either kind of database.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::store::whole::{TABLES, Table};
use crate::{Failure, Files, Store};

/// The database of a data folder.
pub const DATABASE: &str = "platform.sqlite";
/// Its files.
pub const FILES: &str = "files";
/// What is first in an archive.
const ABOUT: &str = "competition.json";

/// What an archive says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    format: u32,
    made_by: String,
}

/// Writes the copy to the folder `to`, which must not exist; its database is one of SQLite, whatever this one is. The database is copied
/// first, as of one instant: every file that it knows is there already, and is never changed.
///
/// # Errors
/// A folder that exists, and what the system refuses.
pub async fn backup(store: &Store, files: &Files, to: &Path) -> Result<(), Failure> {
    if to.exists() {
        return Err(exists(to));
    }
    std::fs::create_dir_all(to)?;
    let tables = store.tables().await?;
    let copy = Store::open(&to.join(DATABASE)).await?;
    copy.fill(&tables).await?;
    copy.close().await;
    let (from, to) = (files.root().to_owned(), to.join(FILES));
    on_thread(move || copy_folder(&from, &to)).await
}

fn exists(path: &Path) -> Failure {
    Failure::Conflict(format!("{} exists. Name one that does not.", path.display()))
}

async fn on_thread<T: Send + 'static>(task: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Failure> {
    let result = tokio::task::spawn_blocking(task).await;
    result.map_err(|error| Failure::Broken(error.to_string()))?.map_err(Failure::from)
}

/// Paths and whether they are folders; what is gone by now was an upload that arrived or was given up meanwhile.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_folder = path.is_dir();
        all.push((path, is_folder));
    }
    all.sort();
    Ok(all)
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for (path, is_folder) in unless_gone(entries(from))?.unwrap_or_default() {
        let copy = to.join(path.file_name().unwrap_or_default());
        if is_folder {
            copy_folder(&path, &copy)?;
        } else {
            unless_gone(std::fs::copy(&path, &copy))?;
        }
    }
    Ok(())
}

/// Writes everything to the archive `to`, which must not exist; it has its name only when it is whole.
///
/// # Errors
/// A file that exists, and what the system refuses.
pub async fn export(store: &Store, files: &Files, to: &Path) -> Result<(), Failure> {
    if to.exists() {
        return Err(exists(to));
    }
    let tables = store.tables().await?;
    let (root, to) = (files.root().to_owned(), to.to_owned());
    on_thread(move || {
        let unfinished = to.with_extension("unfinished");
        let written = write_archive(&tables, &root, &unfinished);
        if written.is_err() {
            let _ = std::fs::remove_file(&unfinished);
        }
        written?;
        std::fs::rename(&unfinished, &to)
    })
    .await
}

fn write_archive(tables: &[Table], root: &Path, to: &Path) -> io::Result<()> {
    let mut archive = ZipWriter::new(File::create(to)?);
    let packed = SimpleFileOptions::default().large_file(true);
    // Uploads and what is made of them are packed already.
    let as_it_is = packed.compression_method(CompressionMethod::Stored);
    let about = About { format: 1, made_by: concat!("wfkit-platform ", env!("CARGO_PKG_VERSION")).to_owned() };
    archive.start_file(ABOUT, packed)?;
    archive.write_all(&serde_json::to_vec_pretty(&about)?)?;
    for table in tables {
        archive.start_file(format!("tables/{}.json", table.name), packed)?;
        serde_json::to_writer(&mut archive, table)?;
    }
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for (path, is_folder) in unless_gone(entries(&folder))?.unwrap_or_default() {
            // What arrives at this moment is of no submission yet.
            if path == root.join("incoming") {
                continue;
            }
            if is_folder {
                folders.push(path);
                continue;
            }
            let Some(mut file) = unless_gone(File::open(&path))? else { continue };
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            archive.start_file(format!("{FILES}/{name}"), if name.ends_with(".zip") { as_it_is } else { packed })?;
            io::copy(&mut file, &mut archive)?;
        }
    }
    archive.finish()?.sync_all()
}

/// Fills an empty store and a folder of files from an archive.
///
/// # Errors
/// A file that is no archive of ours or of a later version, a store that is not empty, and what the system refuses.
pub async fn import(store: &Store, files: &Files, from: &Path) -> Result<(), Failure> {
    let archive = from.to_owned();
    let tables = on_thread(move || read_tables(&archive)).await?;
    // Files first: what the database knows is there.
    let (archive, root) = (from.to_owned(), files.root().to_owned());
    on_thread(move || unpack(&archive, &root)).await?;
    store.fill(&tables).await.map_err(|error| match error {
        sqlx::Error::Protocol(why) => Failure::Conflict(why),
        other => other.into(),
    })
}

fn wrong(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

fn read_tables(path: &Path) -> io::Result<Vec<Table>> {
    let mut archive = ZipArchive::new(File::open(path)?)?;
    let about =
        archive.by_name(ABOUT).map_err(|_| wrong(format!("no {ABOUT} in it: not an archive of a competition")))?;
    let about: About = serde_json::from_reader(about)?;
    if about.format != 1 {
        return Err(wrong(format!(
            "format {}, written by {}; this version reads format 1",
            about.format, about.made_by
        )));
    }
    let mut tables = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        if !entry.name()?.starts_with("tables/") {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text)?;
        let table: Table = serde_json::from_str(&text)?;
        tables.push(table);
    }
    if let Some(missing) = TABLES.into_iter().take(18).find(|name| !tables.iter().any(|table| table.name == *name)) {
        return Err(wrong(format!("no table {missing} in it: the archive is not whole")));
    }
    Ok(tables)
}

fn unpack(path: &Path, root: &Path) -> io::Result<()> {
    let mut archive = ZipArchive::new(File::open(path)?)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        // Names that lead elsewhere are none.
        let Some(name) = entry.enclosed_name() else {
            return Err(wrong(format!("entry {}: a name that leads elsewhere", index + 1)));
        };
        let Ok(name) = name.strip_prefix(FILES) else { continue };
        let place = root.join(name);
        if entry.is_dir() {
            std::fs::create_dir_all(&place)?;
            continue;
        }
        if place.exists() {
            return Err(wrong(format!("{} exists; import into a new data folder", place.display())));
        }
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::create(&place)?;
        io::copy(&mut entry, &mut file)?;
        file.sync_all()?;
    }
    Ok(())
}
