//! `wfkit dataset list`, `describe` and `import`: the field's public sets.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wfkit_datasets::formats::FieldFormat;
use wfkit_datasets::{PUBLIC_SETS, PublicSet, TraceFormat, write_traces};
use wfkit_evaluate::trivial_privacy;

use super::dataset::{FOLDS, describe};
use crate::context::Context;
use crate::input::{keep_apart, read_traces_as};
use crate::printer::Entry;

pub(super) fn all(context: &Context<'_>) -> Result<()> {
    if context.printer.is_json() {
        return context.printer.document(&PUBLIC_SETS);
    }
    let entry = |set: &PublicSet| Entry {
        name: set.name.to_owned(),
        said: vec![("what", set.what.to_owned()), ("size", size(set)), ("shows", set.shows.to_owned())],
    };
    context.printer.entries(&PUBLIC_SETS.iter().map(entry).collect::<Vec<_>>())?;
    context.printer.line("\nwfkit dataset describe NAME: its makers, licence and place, and how it is read.")
}

fn size(set: &PublicSet) -> String {
    match set.closed {
        Some((classes, traces)) => format!("{classes} classes, {traces} traces"),
        None => "see its page".to_owned(),
    }
}

pub(super) fn one(set: &PublicSet, context: &Context<'_>) -> Result<()> {
    if context.printer.is_json() {
        return context.printer.document(set);
    }
    let line = |text: &str| context.printer.line(text);
    line(&format!("{}: {}", set.name, set.what))?;
    for (name, value) in [
        ("Closed world", size(set).as_str()),
        ("A trace shows", set.shows),
        ("Source", set.source),
        ("Licence", set.licence),
        ("Where", set.place),
        ("SHA-256", set.digest.unwrap_or("not known: no copy was at hand")),
        ("Read as", set.format.unwrap_or("what its content says")),
        ("Note", set.note),
    ] {
        if !value.is_empty() {
            line(&format!("{name}: {value}"))?;
        }
    }
    match is_captures(set) {
        true => line("Next: wfkit capture import PATH --out traces.parquet"),
        false => line(&format!("Next: wfkit dataset import {} PATH --out {}.parquet", set.name, set.name)),
    }
}

fn is_captures(set: &PublicSet) -> bool {
    set.shows.starts_with("captures")
}

pub(super) fn import(set: &PublicSet, paths: &[PathBuf], out: &Path, context: &Context<'_>) -> Result<()> {
    TraceFormat::of_extension(out)?;
    if is_captures(set) {
        bail!("{}: it is captures: wfkit capture import PATH --out {}", set.name, out.display());
    }
    keep_apart(paths, set.format.is_some(), out)?;
    let format = set.format.and_then(|name| FieldFormat::ALL.into_iter().find(|format| format.name() == name));
    let traces = read_traces_as(paths, format, context)?;
    for difference in set.differences(&traces.set) {
        context.warn_of_input(&difference);
    }
    write_traces(out, &traces.set)?;
    let privacy = trivial_privacy(&traces.set, FOLDS, context.setting())?;
    let mut report = describe("dataset import", paths, &traces, privacy, context)?;
    report.utility.extras.set("public_set", set);
    context.finish_and_print(report, Some(out))
}
