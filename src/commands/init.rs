//! `wfkit init`: a pipeline file to begin with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use anyhow::{Context as _, Result, bail};

use crate::cli;
use crate::context::Context;
use crate::pipeline_file::commented;

pub(crate) fn run(options: &cli::Init, context: &Context<'_>) -> Result<()> {
    let out = &options.out;
    if !wfkit_terminal::is_options_file(out) {
        bail!("{}: a pipeline file ends in .toml", out.display());
    }
    let file = OpenOptions::new().write(true).create_new(true).open(out);
    let mut file = match file {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{}: it is there already, and stays as it is; name another with --out", out.display());
        }
        file => file.with_context(|| format!("{}: cannot write", out.display()))?,
    };
    let input = options.input.as_deref().map(|input| {
        // Relative to the folder of the file, as all paths in it are.
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        let both = folder.and_then(|folder| Some((input.canonicalize().ok()?, folder.canonicalize().ok()?)));
        both.and_then(|(input, folder)| pathdiff::diff_paths(input, folder)).unwrap_or_else(|| input.to_owned())
    });
    file.write_all(commented(input.as_deref()).as_bytes())
        .with_context(|| format!("{}: cannot write", out.display()))?;
    context.printer.line(&format!("{0} is written: change what you like, then wfkit run {0}", out.display()))
}
