//! `wfkit defend lint`: parameters that cannot work on these traces.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::json;
use wfkit_defend::{DefenseSpec, Limit, Severity, lint};

use crate::context::Context;
use crate::input::read_traces;
use wfkit_report::text;

pub(super) fn run(spec: &DefenseSpec, paths: &[PathBuf], limit: Limit, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let findings = lint(spec, &traces.set, context.seed, limit);
    let document = json!({ "defence": spec.to_string(), "findings": findings });
    context.printer.shown(&document, || text::findings(&spec.to_string(), &findings, traces.set.len()))?;
    match findings.iter().find(|finding| finding.severity == Severity::Error) {
        Some(error) => bail!("it cannot run: {}", error.message),
        None => Ok(()),
    }
}
