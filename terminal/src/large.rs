//! Sets that are worked through in parts, since they need not fit memory: options `--at-once` and `--shard`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::Args;
use wfkit_datasets::formats::{NotInOrder, TracesInParts};
use wfkit_datasets::{Shard, TraceParts};

use crate::Context;

/// Packets of a set that is read as a whole, unless the user wants otherwise: 600 MB of them.
pub const AT_ONCE: u64 = 50_000_000;

/// How much of a set is worked on at once.
#[derive(Debug, Clone, Copy, Args)]
pub struct InParts {
    /// A Parquet file of more packets than this is worked through in parts, some row groups at a time, so that it need not fit memory; a packet takes
    /// 12 bytes. What is written is the same; where the report attacks traces, it looks at some, and says at which.
    #[arg(long, value_name = "PACKETS", default_value_t = AT_ONCE)]
    pub at_once: u64,
    /// Do one share of the work, as for job arrays: 3/16 is the third of sixteen. `wfkit dataset merge` joins what all of them wrote to the bytes of one
    /// run. TRACES is one .parquet file.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
}

/// The parts of one file of Parquet that has more packets than `at_once`, or of which one share is wanted, and which rows are worked on; none of what is
/// to be read as a whole.
///
/// # Errors
/// A share of what is not one file of Parquet, or that is empty.
pub fn share_of<'a>(
    paths: &'a [PathBuf],
    InParts { at_once, shard }: InParts,
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
pub fn as_a_whole(packets: u64, shard: Option<Shard>) -> String {
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
fn parts_of<'a>(paths: &'a [PathBuf], at_once: u64, context: &Context<'_>) -> Option<TraceParts<'a>> {
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

/// The parts of one file of Parquet, or of packets as CSV, that has more packets than `at_once`, in the order of a set; packets that are not held wait
/// beside the file that is written meanwhile. None of what is to be read as a whole.
///
/// # Errors
/// What cannot be read.
pub fn in_order<'a>(
    paths: &'a [PathBuf],
    at_once: u64,
    out: &Path,
    context: &Context<'_>,
) -> Result<Option<TracesInParts<'a>>> {
    if let Some(parts) = parts_of(paths, at_once, context) {
        let in_order = TracesInParts::of_parquet(parts)?;
        if let Err(NotInOrder) = in_order {
            context.printer.note("its rows are not in the order of class, session and rep, so it is read as a whole");
        }
        return Ok(in_order.ok());
    }
    let [path] = paths else { return Ok(None) };
    let reading = context.watcher.working("reading");
    let parts = TracesInParts::of_csv(path, at_once, out.parent().unwrap_or(Path::new("")))?;
    drop(reading);
    if let Some(parts) = &parts {
        let (packets, parts) = (parts.packets(), parts.len());
        context.printer.note(&format!("{packets} packets are worked through in {parts} parts"));
    }
    Ok(parts)
}
