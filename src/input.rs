//! What commands are given: traces, or features that were taken from them before.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wfkit_datasets::files::is_same_file;
use wfkit_datasets::formats::{ColumnMap, FieldFormat, ReadError, ReadTraces, read_all_traces_by};
use wfkit_datasets::{FileKind, Observed, ObservedComparison, TraceFormat, read_all_traces_as, unknown_classes};
use wfkit_evaluate::{Features, Labelled, Traces};
use wfkit_features::FeatureMatrix;
use wfkit_metrics::ClassMap;

use crate::context::Context;

/// Reads trace files, or folders of them, into one set that is not empty, and says what is odd about it.
pub(crate) fn read_traces(paths: &[PathBuf], context: &Context<'_>) -> Result<Traces> {
    read_traces_as(paths, None, context)
}

/// The same, of a format of another tool that is named.
pub(crate) fn read_traces_as(paths: &[PathBuf], named: Option<FieldFormat>, context: &Context<'_>) -> Result<Traces> {
    let reading = context.working("reading");
    let read = read_all_traces_as(paths, named, context);
    drop(reading);
    take(read.map_err(|error| explain(error, named.is_some(), paths))?, paths, context)
}

/// The same, of tables whose columns hold what is said.
pub(crate) fn read_traces_by(paths: &[PathBuf], map: &ColumnMap, context: &Context<'_>) -> Result<Traces> {
    let reading = context.working("reading");
    let read = read_all_traces_by(paths, map, context);
    drop(reading);
    take(read?, paths, context)
}

fn take(read: ReadTraces, paths: &[PathBuf], context: &Context<'_>) -> Result<Traces> {
    if read.set.is_empty() {
        bail!("{}: {}", list(paths), read.why_empty());
    }
    if !matches!(read.format, TraceFormat::Parquet | TraceFormat::PacketCsv) || !read.dropped.is_empty() {
        context.say_more(paths);
    }
    read.warnings.iter().for_each(|warning| context.warn_of_input(warning));
    Ok(Traces { set: read.set, dropped: read.dropped })
}

/// Refuses to write over what is read where it is of another tool, whose files say more than traces do.
pub(crate) fn keep_apart(inputs: &[PathBuf], is_named: bool, out: &Path) -> Result<()> {
    let is_of_another_tool = |path: &PathBuf| {
        is_named || !matches!(TraceFormat::of_content(path), Ok(TraceFormat::Parquet | TraceFormat::PacketCsv))
    };
    let is_out = |path: &&PathBuf| is_same_file(path, out);
    match inputs.iter().find(is_out).filter(|path| is_of_another_tool(path)) {
        Some(path) => bail!("{}: it is what is read, and would be lost; name another file for --out", path.display()),
        None => Ok(()),
    }
}

/// A capture where traces are wanted is the most likely mistake of all: say what to do.
/// Where a format is named, every file is read as that, whatever it is.
fn explain(error: ReadError, is_named: bool, paths: &[PathBuf]) -> anyhow::Error {
    if !is_named && !matches!(error, ReadError::Unrecognised { .. }) {
        return error.into();
    }
    match paths.iter().find(|path| wfkit_capture::has_captures(path)) {
        Some(path) => anyhow::Error::new(error).context(format!(
            "captures are imported first: wfkit capture import {} --out traces.parquet",
            path.display()
        )),
        None => error.into(),
    }
}

/// Reads trace files, or one feature file, told by what is in it.
pub(crate) fn read_labelled(paths: &[PathBuf], context: &Context<'_>) -> Result<Labelled> {
    if let [path] = paths
        && path.is_file()
        && FileKind::of(path)? == Some(FileKind::Features)
    {
        let file = FeatureMatrix::read(path)?;
        let fitted_on_all_rows = file.fitted_on_all_rows().iter().map(ToString::to_string).collect();
        return Ok(Labelled::Features(Features { matrix: file.matrix, fitted_on_all_rows }));
    }
    Ok(Labelled::Traces(read_traces(paths, context)?))
}

/// Refuses to attack what was observed otherwise than what was learned from, unless `allowed`; where one of them does not say, warns.
pub(crate) fn check_observed(
    learned: Option<&Observed>,
    attacked: Option<&Observed>,
    allowed: bool,
    context: &Context<'_>,
) -> Result<()> {
    let (Some(learned), Some(attacked)) = (learned, attacked) else {
        context.warn_of_input("it is not known whether what is attacked was observed as what was learned from");
        return Ok(());
    };
    match learned.compare(attacked) {
        ObservedComparison::Alike => {}
        ObservedComparison::Unknown(what) => context.warn_of_input(&format!(
            "it is not known whether what is attacked has the {what} of what was learned from: learned from {learned}, attacked {attacked}"
        )),
        ObservedComparison::Differs(what) if allowed => {
            let message = format!("another {what}: learned from {learned}, attacked {attacked}");
            context.warn_of_input(&message);
        }
        ObservedComparison::Differs(what) => {
            bail!("another {what}: learned from {learned}, attacked {attacked}; --any-layer attacks it all the same")
        }
    }
    Ok(())
}

/// Warns of classes that are attacked and were not learned; says it loudly where none of them was.
pub(crate) fn check_classes(learned: &ClassMap, attacked: &ClassMap, context: &Context<'_>) {
    if let Some(message) = unknown_classes(learned, attacked) {
        context.warn_of_input(&message);
    }
}

pub(crate) fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
