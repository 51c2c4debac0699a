//! What commands are given: traces, or features that were taken from them before. What is odd about it is said, and in their reports.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::{Error, Result, anyhow, bail, ensure};
use clap::Args;
use wfkit_capture::has_captures;
use wfkit_datasets::files::is_same_file;
use wfkit_datasets::formats::{ColumnMap, FieldFormat, ReadError, ReadTraces, read_all_traces_by};
use wfkit_datasets::{FileKind, Observed, ObservedDoubt, TraceFormat, read_all_traces_as, unknown_classes};
use wfkit_evaluate::{ExperimentError, Features, Labelled, Traces};
use wfkit_features::FeatureMatrix;
use wfkit_metrics::{ClassMap, did_you_mean_one_of};
use wfkit_report::text::failure;

use crate::Context;

/// The traces that a command works on.
#[derive(Debug, Clone, Args)]
pub struct TraceFiles {
    /// Trace files or folders of them; formats are found by content.
    #[arg(required = true, value_name = "TRACES")]
    traces: Vec<PathBuf>,
}

impl Deref for TraceFiles {
    type Target = Vec<PathBuf>;

    fn deref(&self) -> &Vec<PathBuf> {
        &self.traces
    }
}

/// Reads trace files, or folders of them, into one set that is not empty, and says what is odd about it.
///
/// # Errors
/// What cannot be read, with what to do where it is captures; no trace.
pub fn read_traces(paths: &[PathBuf], context: &Context<'_>) -> Result<Traces> {
    read_traces_as(paths, None, context)
}

/// The same, of a format of another tool that is named.
///
/// # Errors
/// As [`read_traces`].
pub fn read_traces_as(paths: &[PathBuf], named: Option<FieldFormat>, context: &Context<'_>) -> Result<Traces> {
    let read = while_reading(context, || read_all_traces_as(paths, named, &context.watcher));
    take(read.map_err(|error| explain(error, named.is_some(), paths))?, paths, context)
}

/// The same, of tables whose columns hold what is said.
///
/// # Errors
/// As [`read_traces`].
pub fn read_traces_by(paths: &[PathBuf], map: &ColumnMap, context: &Context<'_>) -> Result<Traces> {
    take(while_reading(context, || read_all_traces_by(paths, map, &context.watcher))?, paths, context)
}

fn while_reading<T>(context: &Context<'_>, read: impl FnOnce() -> T) -> T {
    let _reading = context.watcher.working("reading");
    read()
}

fn take(read: ReadTraces, paths: &[PathBuf], context: &Context<'_>) -> Result<Traces> {
    if read.set.is_empty() {
        bail!("{}: {}", list(paths), read.why_empty());
    }
    if !read.format.is_own() || !read.dropped.is_empty() {
        context.say_more(paths);
    }
    read.warnings.iter().for_each(|warning| context.warn_of_input(warning));
    Ok(Traces { set: read.set, dropped: read.dropped })
}

/// Refuses to write over what is read where it is of another tool, whose files say more than traces do.
///
/// # Errors
/// That it would be written over.
pub fn keep_apart(inputs: &[PathBuf], is_named: bool, out: &Path) -> Result<()> {
    let says_more = |path: &PathBuf| is_named || !TraceFormat::of_content(path).is_ok_and(TraceFormat::is_own);
    match inputs.iter().find(|path| is_same_file(path, out)).filter(|path| says_more(path)) {
        Some(path) => bail!("{}: it is what is read, and would be lost; name another file for --out", path.display()),
        None => Ok(()),
    }
}

/// A capture where traces are wanted is the most likely mistake of all: say what to do.
/// Where a format is named, every file is read as that, whatever it is.
fn explain(error: ReadError, is_named: bool, paths: &[PathBuf]) -> Error {
    let may_be_captures = is_named || matches!(error, ReadError::Unrecognised { .. });
    match paths.iter().find(|path| may_be_captures && has_captures(path)) {
        Some(path) => {
            let path = path.display();
            let what_to_do = format!("captures are imported first: wfkit capture import {path} --out traces.parquet");
            Error::new(error).context(what_to_do)
        }
        None => error.into(),
    }
}

/// Reads trace files, or one feature file, told by what is in it.
///
/// # Errors
/// As [`read_traces`]; a damaged feature file.
pub fn read_labelled(paths: &[PathBuf], context: &Context<'_>) -> Result<Labelled> {
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
///
/// # Errors
/// That they were.
pub fn check_observed(
    learned: Option<&Observed>,
    attacked: Option<&Observed>,
    allowed: bool,
    context: &Context<'_>,
) -> Result<()> {
    match ObservedDoubt::of(learned, attacked) {
        Some(ObservedDoubt::Differs(told)) if !allowed => bail!("{told}; --any-layer attacks it all the same"),
        doubt => doubt.iter().for_each(|doubt| context.warn_of_input(&doubt.to_string())),
    }
    Ok(())
}

/// Warns of classes that are attacked and were not learned; says it loudly where none of them was.
pub fn check_classes(learned: &ClassMap, attacked: &ClassMap, context: &Context<'_>) {
    unknown_classes(learned, attacked).iter().for_each(|message| context.warn_of_input(message));
}

/// Refuses a class to stand for everything unmonitored that is none of these.
///
/// # Errors
/// That it is none, and which may be meant.
pub fn check_unmonitored(class: &str, classes: &ClassMap) -> Result<()> {
    let meant = || did_you_mean_one_of(class, classes.names().iter().map(String::as_str));
    ensure!(classes.index_of(class).is_some(), "--open-world {class}: there is no such class{}", meant());
    Ok(())
}

/// Why there is no result of what was asked for, and by which options there would be one.
pub fn explained(asked: &str) -> impl Fn(ExperimentError) -> Error {
    move |error| match failure(&error, asked) {
        Some(told) => anyhow!(told),
        None => error.into(),
    }
}

/// Their names between commas.
pub fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
