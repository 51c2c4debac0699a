//! `wfkit reference`: what the program knows of itself, as pages of Markdown.

mod commands;
mod experiments;
mod features;
mod markdown;

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::context::{Context, write};

pub(crate) fn run(out: &Path, context: &Context<'_>) -> Result<()> {
    std::fs::create_dir_all(out)?;
    let pages = [
        ("commands.md", commands::page()),
        ("features.md", features::page()?),
        ("attacks.md", experiments::attacks()),
        ("defences.md", experiments::defences()),
        ("invariants.md", experiments::invariants()),
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
