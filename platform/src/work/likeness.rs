//! Traces that were seen before: the same packets under another label, in an earlier round, or in the upload of another team.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use wfkit_datasets::TraceSet;

/// Beside the upload of a defence: the hashes of its traces, one after another.
const FILE: &str = "traces.sha256";
const BYTES: usize = 32;

/// Where they are of a defence.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Hashes of the traces of a set.
pub(super) fn of(set: &TraceSet) -> HashSet<[u8; BYTES]> {
    set.traces().iter().map(|labelled| labelled.trace.content_hash()).collect()
}

/// Keeps them for those who come later.
pub(super) fn keep(folder: &Path, hashes: &HashSet<[u8; BYTES]>, unique: &str) -> io::Result<()> {
    let mut sorted: Vec<&[u8; BYTES]> = hashes.iter().collect();
    sorted.sort_unstable();
    let bytes: Vec<u8> = sorted.into_iter().flatten().copied().collect();
    let unfinished = folder.join(format!("{FILE}.{unique}"));
    std::fs::write(&unfinished, bytes)?;
    std::fs::rename(unfinished, file(folder))
}

/// How many of them another defence has too; none where it has none kept.
pub(super) fn shared(folder: &Path, hashes: &HashSet<[u8; BYTES]>) -> usize {
    let Ok(bytes) = std::fs::read(file(folder)) else { return 0 };
    bytes
        .chunks_exact(BYTES)
        .filter(|&hash| <[u8; BYTES]>::try_from(hash).is_ok_and(|hash| hashes.contains(&hash)))
        .count()
}
