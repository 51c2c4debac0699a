//! `wfkit schema`: what the reports of stages look like, as JSON Schema.

use anyhow::{Result, bail};
use wfkit_metrics::did_you_mean_one_of;
use wfkit_report::{schema_of, schemas};

use crate::context::Context;

pub(crate) fn run(stage: Option<&str>, context: &Context<'_>) -> Result<()> {
    let Some(stage) = stage else {
        return schemas().iter().try_for_each(|(stage, _)| context.printer.verbatim(stage));
    };
    let Some(schema) = schema_of(stage) else {
        let meant = did_you_mean_one_of(stage, schemas().iter().map(|(stage, _)| *stage));
        bail!("{stage}: no stage has this name{meant}; wfkit schema lists them")
    };
    context.printer.verbatim(schema.trim_end())
}
