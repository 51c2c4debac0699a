//! `wfkit dataset merge`: what shards of one command wrote, joined to the file that one run writes.

use std::path::{Path, PathBuf};

use anyhow::Result;
use wfkit_datasets::digests;
use wfkit_evaluate::Shards;

use crate::commands::sweep;
use crate::context::{Context, FOLDS};

pub(crate) fn run(paths: &[PathBuf], out: &Path, context: &Context<'_>) -> Result<()> {
    let shards = Shards::of(paths, sweep::SHARE)?;
    if shards.report().stage == "sweep" {
        return sweep::join(&shards, out, context);
    }
    let findings = shards.merge(out, FOLDS, context.setting())?;
    context.finish_and_print(context.report("dataset merge", digests(paths)?, findings), Some(out))
}
