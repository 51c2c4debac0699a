//! A copy of everything while the server runs: as a folder that `serve --data` takes as it is, or as one archive that is read back into
//! a new folder and either kind of database.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

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
    let to = to.join(FILES);
    std::fs::create_dir_all(&to)?;
    for name in files.list().await? {
        let copy = to.join(&name);
        if let Some(folder) = copy.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::create(&copy)?;
        if !files.read(&name, |chunk| file.write_all(chunk)).await? {
            // Gone by now: it was of no submission.
            std::fs::remove_file(&copy)?;
        }
    }
    Ok(())
}

fn exists(path: &Path) -> Failure {
    Failure::Conflict(format!("{} exists. Name one that does not.", path.display()))
}

async fn on_thread<T: Send + 'static>(task: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Failure> {
    let result = tokio::task::spawn_blocking(task).await;
    result.map_err(|error| Failure::Broken(error.to_string()))?.map_err(Failure::from)
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
    let unfinished = to.with_extension("unfinished");
    let written = write_archive(&tables, files, &unfinished).await;
    if written.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    written?;
    Ok(std::fs::rename(&unfinished, to)?)
}

async fn write_archive(tables: &[Table], files: &Files, to: &Path) -> io::Result<()> {
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
    for name in files.list().await? {
        archive.start_file(format!("{FILES}/{name}"), if name.ends_with(".zip") { as_it_is } else { packed })?;
        if !files.read(&name, |chunk| archive.write_all(chunk)).await? {
            // Gone by now: it was of no submission.
            archive.abort_file()?;
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
    check_uploads(&tables, files).map_err(Failure::Conflict)?;
    files.keep_all().await?;
    store.fill(&tables).await.map_err(|error| match error {
        sqlx::Error::Protocol(why) => Failure::Conflict(why),
        other => other.into(),
    })
}

/// Whether every submission has its upload; if not, which has none.
fn check_uploads(tables: &[Table], files: &Files) -> Result<(), String> {
    let Some(table) = tables.iter().find(|table| table.name == "submission") else { return Ok(()) };
    let column = |name: &str| table.columns.iter().position(|column| column == name);
    let (Some(id), Some(file_name)) = (column("id"), column("file_name")) else { return Ok(()) };
    for row in &table.rows {
        if let (Some(id), Some(file_name)) = (row[id].as_str(), row[file_name].as_str())
            && !files.upload(id, file_name).exists()
        {
            return Err(format!("no upload of submission {id} in it: the archive is not whole"));
        }
    }
    Ok(())
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
