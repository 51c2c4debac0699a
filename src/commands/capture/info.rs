//! `wfkit capture info`: what is in capture files.

use std::path::PathBuf;

use anyhow::{Result, bail};
use wfkit_capture::{CaptureSurvey, SurveyedFile};
use wfkit_report::text::captures;
use wfkit_terminal::captures::with_bar;

use crate::context::Context;

pub(super) fn run(paths: &[PathBuf], context: &Context<'_>) -> Result<()> {
    let survey = with_bar(context, |on_file| CaptureSurvey::of(paths, on_file))?;
    for SurveyedFile { file, error, .. } in &survey.files {
        error.iter().for_each(|error| context.printer.warn(&format!("{file}: {error}")));
    }
    context.shown("capture info", &survey, || captures(&survey))?;
    match (survey.totals.unreadable, survey.totals.files) {
        (0, _) => Ok(()),
        (unreadable, all) => bail!("{unreadable} of {all} capture files cannot be read"),
    }
}
