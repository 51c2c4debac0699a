//! `wfkit capture import` with few traces held at a time, of all captures or a share.

use std::ops::Range;

use anyhow::Result;
use wfkit_capture::ImportParts;
use wfkit_datasets::{digest_of_text, digests};
use wfkit_evaluate::PartsSeen;
use wfkit_terminal::captures::{tell_names, warn_of, what_came, with_bar};

use crate::cli;
use crate::context::Context;
use crate::input::list;

pub(super) fn import(options: &cli::CaptureImport, context: &Context<'_>) -> Result<()> {
    let (paths, out) = (&options.paths, &options.out);
    let rows = options.shard.map(|shard| move |captures| shard.rows(captures));
    let share = rows.as_ref().map(|rows| rows as &dyn Fn(usize) -> Range<usize>);
    let opened = with_bar(context, |on_file| ImportParts::open(paths, &(&options.import).into(), share, on_file));
    let mut parts = what_came(opened, paths, context)?;
    let (stats, provenance) = (parts.stats().clone(), parts.provenance().clone());
    warn_of(&stats, context);
    tell_names(&stats, context);
    let mut kept = PartsSeen::of(&parts.labels(), context.setting());
    let bar = context.printer.progress("importing", parts.len() as u64);
    kept.write(out, &provenance, parts.by_ref(), |part| bar.inc(part.len() as u64))?;
    bar.finish_and_clear();
    // Who imports a share need not read all captures to say which they are.
    let inputs = match options.shard {
        None => digests(paths)?,
        Some(_) => {
            let all = format!("{}: bytes, labels and names of all captures", list(paths));
            vec![digest_of_text(all, parts.listing())]
        }
    };
    let privacy = kept.trivial(&provenance, context.setting())?;
    let mut findings = stats.findings(&kept.volumes, &kept.lengths, privacy);
    kept.count(&mut findings);
    if let Some(shard) = options.shard {
        let captures = digests(parts.captures())?;
        findings.utility.extras.set("shard", shard.to_string()).set("captures", captures);
    }
    context.finish_and_print(context.report("capture", inputs, findings), Some(out))
}
