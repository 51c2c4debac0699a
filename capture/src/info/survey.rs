//! What is in many capture files.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{CaptureInfo, capture_info};
use crate::files::listing::captures_in;

/// What capture files hold, each by itself and all together.
#[derive(Debug, Clone, Serialize)]
pub struct CaptureSurvey {
    /// In the order given, those of a folder by name.
    pub files: Vec<SurveyedFile>,
    /// All of them together.
    pub totals: CaptureTotals,
}

/// What one file holds, or why it cannot be read.
#[derive(Debug, Clone, Serialize)]
pub struct SurveyedFile {
    /// Its path.
    pub file: String,
    /// What is in it.
    #[serde(flatten)]
    pub info: Option<CaptureInfo>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What all files hold together.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct CaptureTotals {
    /// Files.
    pub files: u64,
    /// Files that cannot be read.
    pub unreadable: u64,
    /// Files that give no trace.
    pub without_trace: u64,
    /// Packets.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Packets with fewer bytes in the file.
    pub cut_packets: u64,
    /// TCP flows.
    pub flows: u64,
    /// TLS connections.
    pub tls_connections: u64,
    /// Of these, such whose handshake was seen.
    pub tls_handshakes: u64,
}

/// There is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// A folder that cannot be read.
    #[error("{}: cannot read", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A folder without captures.
    #[error("{}: there is no capture in this folder", .0.display())]
    NoCapture(PathBuf),
}

impl CaptureSurvey {
    /// Looks at files and what is in folders; one bad file does not keep the others from being looked at. `on_file` hears how many are
    /// done, and of how many.
    ///
    /// # Errors
    /// A folder that cannot be read, or has no capture.
    pub fn of(paths: &[PathBuf], on_file: impl Fn(usize, usize)) -> Result<Self, SurveyError> {
        let found = files_of(paths)?;
        let all = found.len();
        on_file(0, all);
        let look = |(at, (path, problem)): (usize, (PathBuf, Option<String>))| {
            let file = match problem {
                Some(_) => SurveyedFile { file: path.display().to_string(), info: None, error: problem },
                None => look(&path),
            };
            on_file(at + 1, all);
            file
        };
        let files: Vec<SurveyedFile> = found.into_iter().enumerate().map(look).collect();
        let totals = totals(&files);
        Ok(Self { files, totals })
    }
}

/// The files that were given, and those in folders that were given; where one cannot be read it is said already.
fn files_of(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Option<String>)>, SurveyError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push((path.clone(), None));
            continue;
        }
        let found = captures_in(path).map_err(|error| SurveyError::Unreadable { path: path.clone(), error })?;
        if found.captures.is_empty() && found.unreadable.is_empty() {
            return Err(SurveyError::NoCapture(path.clone()));
        }
        files.extend(found.captures.into_iter().map(|path| (path, None)));
        files.extend(found.unreadable.into_iter().map(|(path, problem)| (path, Some(problem))));
    }
    Ok(files)
}

fn look(path: &Path) -> SurveyedFile {
    let (info, error) = match capture_info(path) {
        Ok(info) => (Some(info), None),
        Err(error) => (None, Some(error.to_string())),
    };
    SurveyedFile { file: path.display().to_string(), info, error }
}

fn totals(files: &[SurveyedFile]) -> CaptureTotals {
    let mut totals = CaptureTotals { files: files.len() as u64, ..CaptureTotals::default() };
    for file in files {
        let Some(info) = &file.info else {
            totals.unreadable += 1;
            continue;
        };
        totals.without_trace += u64::from(info.trace_packets == 0);
        totals.packets += info.packets;
        totals.bytes += info.bytes;
        totals.cut_packets += info.cut_packets;
        totals.flows += info.flows;
        totals.tls_connections += info.tls_connections;
        totals.tls_handshakes += info.tls_handshakes;
    }
    totals
}
