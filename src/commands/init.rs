//! `wfkit init`: a pipeline file to begin with.

use anyhow::Result;
use wfkit_terminal::path_from;

use crate::cli;
use crate::context::Context;
use crate::pipeline_file::{commented, pipeline_file};

pub(crate) fn run(options: &cli::Init, context: &Context<'_>) -> Result<()> {
    let out = &options.out;
    let input = options.input.as_deref().map(|input| {
        // Relative to the folder of the file, as all paths in it are.
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or_else(|| input.to_owned(), |folder| path_from(folder, input))
    });
    pipeline_file().create(out, &commented(input.as_deref()))?;
    context.printer.line(&format!("{0} is written: change what you like, then wfkit run {0}", out.display()))
}
