//! `wfkit dataset import`: one of the field's public sets.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wfkit_datasets::formats::FieldFormat;
use wfkit_datasets::{PublicSet, TraceFormat};

use super::dataset::describe;
use crate::context::Context;
use crate::input::{keep_apart, read_traces_as};

pub(super) fn import(set: &PublicSet, paths: &[PathBuf], out: &Path, context: &Context<'_>) -> Result<()> {
    TraceFormat::of_extension(out)?;
    if set.is_captures() {
        bail!("{}: it is captures: wfkit capture import PATH --out {}", set.name, out.display());
    }
    keep_apart(paths, set.format.is_some(), out)?;
    let format = set.format.and_then(|name| FieldFormat::ALL.into_iter().find(|format| format.name() == name));
    let traces = read_traces_as(paths, format, context)?;
    for difference in set.differences(&traces.set) {
        context.warn_of_input(&difference);
    }
    context.write_traces(out, &traces.set)?;
    let mut report = describe("dataset import", paths, &traces, context)?;
    report.utility.extras.set("public_set", set);
    context.finish_and_print(report, Some(out))
}
