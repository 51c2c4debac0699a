//! `wfkit dataset split`: a set in two parts, or in folds that others train by.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result, anyhow};
use wfkit_datasets::{Findings, Together, digests};
use wfkit_evaluate::split::Pages;
use wfkit_evaluate::{FoldsError, PartedBy, SetFolds, TwoParts};

use super::conclude;
use crate::cli::{self, FoldGroups, SplitBy};
use crate::context::{Context, make_folder};
use crate::input::read_traces;

pub(super) fn run(paths: &[PathBuf], how: &cli::HowToSplit, out: &Path, context: &Context<'_>) -> Result<()> {
    match how.folds {
        Some(folds) => in_folds(paths, usize::from(folds), how, out, context),
        None => in_two(paths, how, out, context),
    }
}

fn in_two(paths: &[PathBuf], how: &cli::HowToSplit, out: &Path, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let by = match (how.split_by, &how.split_time) {
        (Some(SplitBy::Session), _) => PartedBy::Session,
        (None, Some(moment)) => PartedBy::Moment(moment.ns),
        (None, None) => PartedBy::Class,
    };
    let pages = Pages::shared(how.shared_pages);
    let parts = TwoParts::of(&traces.set, by, how.test_percent, pages, context.setting());
    let parts = match &how.split_time {
        Some(moment) => parts.with_context(|| format!("--split-time {}", moment.text))?,
        None => parts?,
    };
    parts.warning().iter().for_each(|warning| context.printer.warn(warning));
    make_folder(out)?;
    let written = [(&parts.train, out.join("train.parquet")), (&parts.test, out.join("test.parquet"))];
    written.iter().try_for_each(|(part, path)| context.write_traces(path, part))?;
    let mut findings = traces.findings(context.setting())?;
    parts.describe(&mut findings);
    let report = context.report("dataset split", digests(paths)?, findings);
    for (part, path) in written {
        let mut of_part = report.clone();
        of_part.counts.extend(Findings::counts_of(part));
        context.describe(&path, &of_part)?;
    }
    context.finish_and_print(report, Some(&out.join("split")))
}

/// Folds in which every trace is tested once, as one table.
fn in_folds(paths: &[PathBuf], folds: usize, how: &cli::HowToSplit, out: &Path, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let groups = match how.split_by {
        Some(SplitBy::Session) => FoldGroups::Session,
        None => how.groups.unwrap_or(FoldGroups::Origin),
    };
    let are_kept = groups != FoldGroups::Nothing;
    let together =
        Together { origins: are_kept, pages: are_kept && !how.shared_pages, sessions: groups == FoldGroups::Session };
    let folds = SetFolds::of(&traces.set, folds, together, context.setting()).map_err(|error| match error {
        FoldsError::Untested(_) => anyhow!("{error}; --shared-pages lets folds share pages"),
        FoldsError::Split(_) => Error::from(error),
    })?;
    folds.write(out, &traces.set)?;
    let mut findings = traces.findings(context.setting())?;
    folds.describe(&mut findings);
    conclude("dataset split", paths, findings, Some(out), context)
}
