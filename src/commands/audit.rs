//! `wfkit dataset audit`: what could be learned without the traffic's content.

use std::path::PathBuf;

use anyhow::Result;
use wfkit_evaluate::{attack, audit};
use wfkit_metrics::PrivacyReport;

use super::dataset::describe_as;
use crate::context::Context;
use crate::input::read_traces;
use wfkit_report::text;

pub(super) fn run(paths: &[PathBuf], name: &str, folds: usize, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let audit = audit(&traces.set, &attack(name)?, folds, context.setting())?;
    let privacy = match &audit.attack {
        Ok(measured) => measured.privacy(),
        Err(reason) => PrivacyReport::unmeasured(name, reason),
    };
    for warning in audit.warnings() {
        context.warn_of_input(&warning);
    }
    let told = audit.report();
    let sentence = told.verdict.clone();
    let mut report = describe_as("dataset audit", paths, &traces, privacy, context)?;
    report.privacy.extras.set("audit", told);
    context.finish(&mut report, None)?;
    context.printer.shown(&report, || text::audited(&audit, &sentence, traces.set.len(), folds))
}
