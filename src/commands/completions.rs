//! `wfkit completions` and `wfkit man`: what shells and readers of manuals ask for, made of the command line itself.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::context::{Context, make_folder};

pub(crate) fn of(shell: Shell, context: &Context<'_>) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "wfkit", &mut script);
    let script = String::from_utf8(script).context("a script of completions is text")?;
    context.printer.verbatim(script.trim_end())
}

pub(crate) fn manual(folder: &Path, context: &Context<'_>) -> Result<()> {
    make_folder(folder)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(|| format!("{}: cannot write", folder.display()))?;
    let folder = folder.display();
    context.printer.line(&format!("a page of every command is in {folder}/; man {folder}/wfkit.1 shows the first"))
}
