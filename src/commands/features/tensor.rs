//! `wfkit features tensor`: traces as arrays.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use wfkit_datasets::{Findings, digests};
use wfkit_evaluate::trivial_privacy;
use wfkit_features::{Channel, write_tensor};
use wfkit_metrics::Utility;

use crate::context::{Context, FOLDS};
use crate::input::read_traces;

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
    let mut findings = Findings::new(Utility::of(&traces.set.volumes()), privacy);
    findings.count_set(&traces.set).dropped = traces.dropped;
    findings.utility.extras.set("shape", [&[traces.set.len()][..], &channel.shape(length)].concat());
    context.finish_and_print(context.report("tensor", digests(inputs)?, findings), Some(out))
}
