//! `wfkit plot`: pictures that explain.

mod alignment;

use std::path::Path;

use anyhow::{Result, ensure};

use crate::cli;
use crate::context::Context;

pub(crate) fn run(command: &cli::Plot, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Plot::Alignment(options) => alignment::run(options, context),
    }
}

/// A wrong name is told before the work begins.
fn check_is_svg(out: &Path) -> Result<()> {
    let is_svg = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
    ensure!(is_svg, "{}: pictures are written as .svg", out.display());
    Ok(())
}
