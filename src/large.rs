//! Sets that are worked through in parts, since they need not fit memory.

use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use wfkit_datasets::{Shard, TraceParts};

use crate::context::Context;

/// Packets of a set that is read as a whole, unless the user wants otherwise: 600 MB of them.
pub(crate) const AT_ONCE: u64 = 50_000_000;

/// As [`parts_of`], and whatever the size where one share is wanted; also which rows are worked on.
pub(crate) fn share_of<'a>(
    paths: &'a [PathBuf],
    (at_once, shard): (u64, Option<Shard>),
    context: &Context<'_>,
) -> Result<Option<(TraceParts<'a>, Range<usize>)>> {
    let Some(shard) = shard else {
        return Ok(parts_of(paths, at_once, context).map(|parts| {
            let rows = 0..parts.traces();
            (parts, rows)
        }));
    };
    let [path] = paths else { bail!("--shard takes one file: join them first by wfkit dataset convert") };
    let Some(parts) = TraceParts::open(path)? else {
        bail!(
            "{}: --shard takes .parquet: wfkit dataset convert {} --out traces.parquet",
            path.display(),
            path.display()
        )
    };
    let rows = shard.rows(parts.traces());
    ensure!(!rows.is_empty(), "shard {shard} has none of the {} traces: make fewer shards", parts.traces());
    Ok(Some((parts, rows)))
}

/// What else there is for who cannot have this done in parts.
pub(crate) fn as_a_whole(packets: u64, shard: Option<Shard>) -> String {
    match shard {
        // A share is always worked through in parts.
        Some(_) => "or do all of it in one run, without --shard".to_owned(),
        None => {
            format!(
                "or take them as a whole with --at-once {packets} and {} GB of memory",
                packets * 12 / 1_000_000_000 + 1
            )
        }
    }
}

/// The parts of one file of Parquet that has more packets than `at_once`; none of what is to be read as a whole.
pub(crate) fn parts_of<'a>(paths: &'a [PathBuf], at_once: u64, context: &Context<'_>) -> Option<TraceParts<'a>> {
    let [path] = paths else { return None };
    // What is wrong with a file is told where it is read as a whole.
    let parts = TraceParts::open(path).ok()??;
    if parts.packets() <= at_once {
        return None;
    }
    let (packets, traces) = (parts.packets(), parts.traces());
    context.printer.note(&format!("{packets} packets of {traces} traces are read in {} parts", parts.len()));
    Some(parts)
}
