//! `wfkit dataset audit`: what could be learned without the traffic's content.

use std::path::PathBuf;

use anyhow::Result;
use wfkit_datasets::digests;
use wfkit_evaluate::{attack, audit};
use wfkit_report::text;

use crate::context::Context;
use crate::input::read_traces;

pub(super) fn run(paths: &[PathBuf], name: &str, folds: usize, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let audit = audit(&traces.set, &attack(name)?, folds, context.setting())?;
    audit.warnings().iter().for_each(|warning| context.warn_of_input(warning));
    let told = audit.report();
    let mut findings = traces.findings_beside(audit.privacy(name));
    findings.privacy.extras.set("audit", &told);
    let mut report = context.report("dataset audit", digests(paths)?, findings);
    context.finish(&mut report, None)?;
    context.printer.shown(&report, || text::audited(&audit, &told.verdict, traces.set.len(), folds))
}
