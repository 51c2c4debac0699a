//! `wfkit dataset show`: traces drawn in the terminal.

use std::path::PathBuf;

use anyhow::Result;
use wfkit_datasets::ClassList;
use wfkit_report::text;

use super::select::check_known;
use crate::context::Context;
use crate::input::read_traces;

pub(super) fn run(
    paths: &[PathBuf],
    classes: Option<&ClassList>,
    (each, most): (usize, usize),
    context: &Context<'_>,
) -> Result<()> {
    let set = read_traces(paths, context)?.set;
    if let Some(ClassList(names)) = classes {
        check_known(&set.classes(), names)?;
    }
    let names = classes.map(|ClassList(names)| names.as_slice());
    context.printer.text(&text::drawn(&set, names, (each, most)))
}
