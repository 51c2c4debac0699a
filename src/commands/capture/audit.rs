//! `wfkit capture audit`: the TLS side of a capture.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use wfkit_capture::{CaptureAudit, audit};
use wfkit_report::text::tls;

use crate::context::Context;

#[derive(Serialize)]
struct OfFile<'a> {
    file: &'a str,
    #[serde(flatten)]
    audit: &'a CaptureAudit,
}

pub(super) fn run(path: &Path, context: &Context<'_>) -> Result<()> {
    let file = path.display().to_string();
    let audit = audit(path).with_context(|| file.clone())?;
    for problem in &audit.problems {
        context.printer.warn(&format!("{file}: {problem}"));
    }
    context.shown("capture audit", &OfFile { file: &file, audit: &audit }, || tls(&audit))
}
