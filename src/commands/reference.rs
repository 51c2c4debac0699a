//! `wfkit reference`: what the program knows of itself, as pages of Markdown.

use std::path::Path;

use anyhow::Result;
use clap::CommandFactory as _;
use serde_json::json;
use wfkit_capture::{ImportOptions, import};
use wfkit_report::reference;
use wfkit_terminal::command_page;

use crate::cli::Cli;
use crate::context::{Context, write};

pub(crate) fn run(out: &Path, context: &Context<'_>) -> Result<()> {
    std::fs::create_dir_all(out)?;
    let sample = import(&[wfkit_datasets::sample().to_owned()], &ImportOptions::default(), &|_, _| {})?.set;
    let pages = [
        ("commands.md", command_page(Cli::command())),
        ("features.md", reference::features(&sample)),
        ("attacks.md", reference::attacks()),
        ("defences.md", reference::defences()),
        ("invariants.md", reference::invariants()),
    ];
    let names: Vec<_> = pages.iter().map(|(name, _)| out.join(name)).collect();
    for (name, text) in pages {
        write(&out.join(name), text)?;
    }
    if context.printer.is_json() {
        return context.printer.document(&json!({ "pages": names }));
    }
    context.printer.line(&format!("{} pages are in {}", names.len(), out.display()))
}
