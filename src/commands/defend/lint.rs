//! `wfkit defend lint`: parameters that cannot work on these traces.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::json;
use wfkit_defend::{DefenseSpec, Limit, Severity, lint};

use crate::context::Context;
use crate::input::read_traces;

pub(super) fn run(spec: &DefenseSpec, paths: &[PathBuf], limit: Limit, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let findings = lint(spec, &traces.set, context.seed, limit);
    if context.printer.is_json() {
        context.printer.document(&json!({ "defence": spec.to_string(), "findings": findings }))?;
    } else if findings.is_empty() {
        context.printer.line(&format!("{spec}: nothing to say against it on {} traces", traces.set.len()))?;
    } else {
        let row = |finding: &wfkit_defend::Finding| {
            [finding.severity.to_string(), finding.layer.clone(), finding.message.clone()]
        };
        let rows: Vec<_> = findings.iter().map(row).collect();
        context.printer.table(["", "layer", "what"], &rows)?;
    }
    match findings.iter().find(|finding| finding.severity == Severity::Error) {
        Some(error) => bail!("it cannot run: {}", error.message),
        None => Ok(()),
    }
}
