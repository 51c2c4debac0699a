//! Why a file could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{LimitExceeded, Problems};
use crate::{TraceKey, TraceSetError};

/// What is read as traces, in words.
pub(super) const READABLE: &str = "traces as Parquet (class, rep, time_ns, size), .csv or .csv.zip (cell_id,rep,direction_size,timestamp: bytes, + out, \
     - in, and seconds from 0), in the format of another tool (datasets/README.md has them), or a folder of one of them";

/// Why a file could not be read.
///
/// Rows of CSV files are lines of the file (the header is line 1); rows of Parquet files count from 0, as pandas and polars do.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is none that can be read here.
    #[error("{}: found {found}; expected {expected}", path.display())]
    Unrecognised {
        /// The file or folder.
        path: PathBuf,
        /// What it looks like.
        found: String,
        /// What is readable.
        expected: &'static str,
    },
    /// The content starts as it should, but its container is broken.
    #[error("{}: {message}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The file is larger than allowed.
    #[error("{}: {limit}", path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// Which limit.
        limit: LimitExceeded,
    },
    /// Columns are missing, doubled, unknown or of the wrong type.
    #[error("{}: {message}", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the names.
        message: String,
    },
    /// One value is wrong.
    #[error("{}: row {row}, column {column}: {value}: {reason}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
        /// Why it is wrong.
        reason: String,
    },
    /// Values are wrong; all kinds are listed.
    #[error("{}: {problems}", path.display())]
    Problems {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problems: Problems,
    },
    /// Rows do not fit those of another file.
    #[error("{}: {message}", path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// Which rows, and what to do.
        message: String,
    },
    /// The traces are sound, but together they are no set.
    #[error("{}: {source}", path.display())]
    Set {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: TraceSetError,
    },
}

impl ReadError {
    /// What the system said of a file.
    pub fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// A file with broken content.
    pub fn damaged(path: &Path, message: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), message: message.to_string() }
    }

    pub(crate) fn columns(path: &Path, message: impl Into<String>) -> Self {
        Self::Columns { path: path.to_owned(), message: message.into() }
    }

    /// A file beyond a limit.
    pub fn limit(path: &Path, limit: LimitExceeded) -> Self {
        Self::Limit { path: path.to_owned(), limit }
    }

    /// An error met while a container is unpacked: a limit of ours, a broken container, or the system's.
    pub(crate) fn unpacking(path: &Path, source: io::Error) -> Self {
        if let Some(&limit) = source.get_ref().and_then(|inner| inner.downcast_ref::<LimitExceeded>()) {
            return Self::limit(path, limit);
        }
        match source.kind() {
            io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::Unsupported
            | io::ErrorKind::Other => Self::damaged(path, format!("damaged: {source}")),
            _ => Self::io(path, source),
        }
    }
}

/// Why a file could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The extension names no format that can be written here.
    #[error("{}: no format is written as {extension}; expected {expected}", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
        /// What was found after the name.
        extension: String,
        /// What is writable.
        expected: &'static str,
    },
    /// The format cannot hold one of the traces.
    #[error("{}: ({key}): {reason}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// The trace.
        key: Box<TraceKey>,
        /// Why.
        reason: String,
    },
    /// The table cannot be written.
    #[error("{}: {message}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

impl WriteError {
    /// What the system said of a file.
    pub fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// A table that cannot be written.
    pub fn table(path: &Path, message: impl ToString) -> Self {
        Self::Table { path: path.to_owned(), message: message.to_string() }
    }
}
