//! `wfkit dataset import`: one of the field's public sets.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use wfkit_datasets::formats::FieldFormat;
use wfkit_datasets::{Findings, PublicSet, TraceFormat};

use super::write;
use crate::context::Context;
use crate::input::{keep_apart, read_traces_as};

pub(super) fn import(set: &PublicSet, paths: &[PathBuf], out: &Path, context: &Context<'_>) -> Result<()> {
    TraceFormat::of_extension(out)?;
    let is_traces = !set.is_captures();
    ensure!(is_traces, "{}: it is captures: wfkit capture import PATH --out {}", set.name, out.display());
    keep_apart(paths, set.format.is_some(), out)?;
    let format = set.format.and_then(|name| FieldFormat::ALL.into_iter().find(|format| format.name() == name));
    let traces = read_traces_as(paths, format, context)?;
    set.differences(&traces.set).iter().for_each(|difference| context.warn_of_input(difference));
    let add = |findings: &mut Findings| {
        findings.utility.extras.set("public_set", set);
    };
    write("dataset import", (paths, out), &traces, add, context)
}
