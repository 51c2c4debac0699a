//! `wfkit schema`: what the reports of stages look like, as JSON Schema.

use anyhow::{Result, bail};
use wfkit_metrics::did_you_mean_one_of;

use crate::context::Context;

/// The schemas by stage. `tests/schemas/write` writes them from the reports that the tests make, and every test holds its reports against them.
const SCHEMAS: [(&str, &str); 0] = [];

pub(crate) fn run(stage: Option<&str>, context: &Context<'_>) -> Result<()> {
    let Some(stage) = stage else {
        return SCHEMAS.iter().try_for_each(|(stage, _)| context.printer.line(stage));
    };
    match SCHEMAS.iter().find(|(known, _)| *known == stage || known.replace(' ', "-") == stage) {
        Some((_, schema)) => context.printer.line(schema.trim_end()),
        None => {
            let names = SCHEMAS.iter().map(|(stage, _)| *stage);
            bail!("{stage}: no stage has this name{}; wfkit schema lists them", did_you_mean_one_of(stage, names))
        }
    }
}
