//! `wfkit features tensor`: traces as arrays.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use wfkit_features::{Channel, write_tensor};
use wfkit_metrics::Utility;

use crate::context::{Context, FOLDS, count_set};
use crate::input::read_traces;
use wfkit_datasets::digests;
use wfkit_evaluate::trivial_privacy;

pub(super) fn run(
    inputs: &[PathBuf],
    channel: Channel,
    length: usize,
    out: &Path,
    context: &Context<'_>,
) -> Result<()> {
    let is_npz = out.extension().is_some_and(|extension| extension == "npz");
    ensure!(is_npz, "{}: arrays are written as .npz", out.display());
    let traces = read_traces(inputs, context)?;
    write_tensor(out, &traces.set, channel, length)?;

    let privacy = trivial_privacy(&traces.set, FOLDS, context.setting())?;
    let mut report = context.stage("tensor", digests(inputs)?, Utility::of(&traces.set.volumes()), privacy);
    count_set(&mut report.counts, &traces.set);
    report.dropped = traces.dropped;
    report.utility.extras.set("shape", [&[traces.set.len()][..], &channel.shape(length)].concat());
    context.finish_and_print(report, Some(out))
}
