//! `wfkit report`: one page of everything that a folder holds.

use anyhow::{Result, ensure};
use std::fs;
use wfkit_report::page::{FolderTables, Stages, page, read_stages};
use wfkit_report::text::Text;
use wfkit_report::words::{NARROW, wrapped};

use crate::cli;
use crate::context::{Context, write};

pub(crate) fn run(options: &cli::Report, context: &Context<'_>) -> Result<()> {
    let folder = &options.folder;
    ensure!(
        folder.is_dir(),
        "{}: no folder; give the one that a wfkit run, or another command, wrote to",
        folder.display()
    );
    let Stages { stages, left_out, .. } = read_stages(folder)?;
    ensure!(
        !stages.is_empty(),
        "{}: there is no stage report in it; wfkit run --out DIR writes them, and other commands beside their --out",
        folder.display()
    );
    let mut found = FolderTables::read(folder, &stages)?;
    found.warnings.iter().for_each(|warning| context.printer.warn(warning));
    let name = fs::canonicalize(folder).ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let title = format!("Website fingerprinting report: {}", name.unwrap_or_else(|| folder.display().to_string()));
    let material = found.material(title, stages, left_out);
    let out = options.out.clone().unwrap_or_else(|| folder.join("report.html"));
    let html = page(&material);
    let size = html.len();
    write(&out, html)?;
    let document = serde_json::json!({ "page": out, "bytes": size, "stages": material.stages.len(), "left_out": material.left_out });
    context.printer.shown(&document, || {
        let mut text = Text::new();
        material.sentences().iter().for_each(|sentence| {
            text.lines(wrapped(sentence, NARROW));
        });
        text.line(format!("{}: {:.0} kB; open it in any browser", out.display(), size as f64 / 1e3));
        text
    })
}
