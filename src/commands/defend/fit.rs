//! What a defence learns from: training traces, which no tested trace may be among.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, ensure};
use wfkit_datasets::{TraceSet, digests};
use wfkit_defend::DefenseSpec;
use wfkit_metrics::Input;

use crate::context::Context;
use crate::input::{list, read_traces};

/// The word for learning from the traces to defend.
const SELF: &str = "self";

/// The specification with what it learns from, and which files that was.
pub(super) fn fitted(
    spec: &DefenseSpec,
    fit_on: Option<&Path>,
    paths: &[PathBuf],
    set: &TraceSet,
    context: &Context<'_>,
) -> Result<(DefenseSpec, Vec<Input>)> {
    let spec = spec.clone();
    ensure!(
        fit_on.is_some() || !spec.needs_training(),
        "{spec} learns from training traces and their classes, which the tested traces must not be among. Split first: wfkit dataset \
         split {} --test-percent 50 --out parts; then defend parts/test.parquet with --fit-on parts/train.parquet",
        list(paths)
    );
    let Some(path) = fit_on else { return Ok((spec, Vec::new())) };
    if !spec.needs_training() {
        context.printer.warn("--fit-on changes nothing: no layer learns from training traces");
        return Ok((spec, Vec::new()));
    }
    if path == Path::new(SELF) {
        context.printer.warn(
            "--fit-on self: the defence has learned from the traces that it is tested on, as no deployed one could",
        );
        return Ok((spec.fit(set.clone()), digests(paths)?));
    }
    let files = [path.to_owned()];
    let training = read_traces(&files, context)?.set;
    let spec = spec.fit_apart(training, set);
    let spec = spec.map_err(|shared| anyhow!("{}: {shared}; --fit-on self allows that", path.display()))?;
    Ok((spec, digests(&files)?))
}
