//! `wfkit capture audit`: the TLS side of a capture.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use wfkit_capture::{CaptureAudit, audit};
use wfkit_report::text::tls;

use crate::context::Context;

#[derive(Serialize)]
struct Document<'a> {
    stage: &'static str,
    tool: &'static str,
    file: String,
    #[serde(flatten)]
    audit: &'a CaptureAudit,
}

pub(super) fn run(path: &Path, context: &Context<'_>) -> Result<()> {
    let audit = audit(path).with_context(|| path.display().to_string())?;
    for problem in &audit.problems {
        context.printer.warn(&format!("{}: {problem}", path.display()));
    }
    let file = path.display().to_string();
    let document = Document { stage: "capture audit", tool: crate::TOOL, file, audit: &audit };
    context.printer.shown(&document, || tls(&audit))
}
