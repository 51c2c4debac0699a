//! `wfkit dataset show`: traces drawn in the terminal.

use std::path::PathBuf;

use crate::context::Context;
use crate::input::read_traces;
use anyhow::Result;
use wfkit_datasets::{ClassList, check_classes};
use wfkit_report::text;

pub(super) fn run(
    paths: &[PathBuf],
    classes: Option<&ClassList>,
    (each, most): (usize, usize),
    context: &Context<'_>,
) -> Result<()> {
    let set = read_traces(paths, context)?.set;
    let names = classes.map(|ClassList(names)| names.as_slice());
    check_classes(&set.classes(), names.unwrap_or_default())?;
    context.printer.text(&text::drawn(&set, names, (each, most)))
}
