//! `wfkit report`: one page of everything that a folder holds.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use wfkit_report::page::FolderPage;
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
    let page = FolderPage::of(folder)?.with_context(|| {
        format!(
            "{}: there is no stage report in it; wfkit run --out DIR writes them, and other commands beside their --out",
            folder.display()
        )
    })?;
    page.warnings.iter().for_each(|warning| context.printer.warn(warning));
    let out = options.out.clone().unwrap_or_else(|| folder.join("report.html"));
    let size = page.html.len();
    write(&out, &page.html)?;
    let document = json!({ "page": out, "bytes": size, "stages": page.stages, "left_out": page.left_out });
    context.printer.shown(&document, || {
        let mut text = Text::new();
        text.lines(page.sentences.iter().flat_map(|sentence| wrapped(sentence, NARROW)));
        text.line(format!("{}: {:.0} kB; open it in any browser", out.display(), size as f64 / 1e3));
        text
    })
}
