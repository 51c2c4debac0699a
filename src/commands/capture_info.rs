//! `wfkit capture info`: what is in capture files.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Serialize;
use wfkit_capture::{CaptureSurvey, SurveyedFile};
use wfkit_report::text::captures;

use super::capture::with_bar;
use crate::context::Context;

#[derive(Serialize)]
struct Document<'a> {
    stage: &'static str,
    tool: &'static str,
    #[serde(flatten)]
    survey: &'a CaptureSurvey,
}

pub(super) fn run(paths: &[PathBuf], context: &Context<'_>) -> Result<()> {
    let survey = with_bar(context, |on_file| CaptureSurvey::of(paths, on_file))?;
    for SurveyedFile { file, error, .. } in &survey.files {
        if let Some(error) = error {
            context.printer.warn(&format!("{file}: {error}"));
        }
    }
    let document = Document { stage: "capture info", tool: crate::TOOL, survey: &survey };
    context.printer.shown(&document, || captures(&survey))?;
    match (survey.totals.unreadable, survey.totals.files) {
        (0, _) => Ok(()),
        (unreadable, all) => bail!("{unreadable} of {all} capture files cannot be read"),
    }
}
