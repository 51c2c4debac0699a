//! `wfkit rerun`: what made a folder, again, and whether every byte is the same.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wfkit_datasets::{ComparedFolders, croissant_path, digests};
use wfkit_evaluate::MadeFolder;
use wfkit_terminal::Printer;

use crate::TOOL;
use crate::asked::Asked;
use crate::cli::{self, Command};
use crate::commands::run::TRACES;
use crate::context::Context;
use crate::pipeline_file::{PIPELINE, pipeline_file};

/// Differing files that are named.
const NAMED: usize = 10;

pub(crate) fn run(options: &cli::Rerun, context: &Context<'_>) -> Result<()> {
    let made = &options.folder;
    let file = made.join(PIPELINE);
    if !file.is_file() {
        bail!(
            "{}: not found; wfkit run writes it into its folder, and a folder without one cannot be made again",
            file.display()
        );
    }
    let again = match &options.out {
        Some(out) if out.exists() => bail!("{}: it is there already, and stays as it is", out.display()),
        Some(out) => out.clone(),
        None => MadeFolder::free_beside(made).with_context(|| made.display().to_string())?,
    };
    let words =
        ["wfkit".into(), "run".into(), file.clone().into_os_string(), "--out".into(), again.clone().into_os_string()];
    let asked = Asked::of(&pipeline_file().unfolded(words.to_vec())?).context(file.display().to_string())?;
    let Command::Run(pipeline) = &asked.cli.command else {
        bail!("{}: it is no pipeline of wfkit run", file.display())
    };
    check_origin(made, pipeline, context)?;
    let printer = Printer::of_nobody(context.printer);
    let describes = croissant_path(&made.join(TRACES)).is_file();
    let as_then =
        Context::new(asked.cli.global.seed, asked.options.clone(), context.program, &printer).describing(describes);
    super::run::run(pipeline, &as_then)?;

    let compared = ComparedFolders::of(made, &again, PIPELINE)?;
    compared.differing.iter().take(NAMED).for_each(|name| context.printer.warn(&format!("{name} differs")));
    let (made, all) = (made.display(), compared.files);
    if !compared.differing.is_empty() {
        bail!(
            "{} of {all} files of {made} differ from those made again, which are in {}",
            compared.differing.len(),
            again.display()
        );
    }
    if options.out.is_none() {
        fs::remove_dir_all(&again).with_context(|| format!("{}: cannot remove", again.display()))?;
    }
    if !compared.others.is_empty() {
        let others = compared.others.len();
        context.printer.note(&format!("{others} other files in {made} are not of wfkit run, and were not compared"));
    }
    context.printer.line(&format!(
        "{made}: all {all} files made again, the same bytes; of the reports all but the times they took and where their input was found"
    ))
}

/// That the input is the one of then; warns where the program is another.
fn check_origin(made: &Path, pipeline: &cli::Run, context: &Context<'_>) -> Result<()> {
    let then = MadeFolder::read(made)?;
    if then.tool != TOOL {
        context.printer.warn(&format!("{} was made by {}, this is {TOOL}", made.display(), then.tool));
    }
    let input = pipeline.input.clone().unwrap_or_else(|| wfkit_datasets::sample().to_owned());
    Ok(then.is_of(&digests(std::slice::from_ref(&input))?[0].sha256, (&input, made))?)
}
