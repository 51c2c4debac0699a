//! `wfkit score`: class probabilities of anybody's attack, scored like our own.

use std::path::PathBuf;

use anyhow::Result;
use wfkit_datasets::digests;
use wfkit_evaluate::{KnownTraces, Measured, ScoreOfFiles};
use wfkit_report::picture::reliability;
use wfkit_report::text::{compared, sheet};

use crate::cli;
use crate::context::{Context, write_picture, write_sheet};
use crate::input::{check_unmonitored, list, read_labelled};

pub(crate) fn run(options: &cli::Score, context: &Context<'_>) -> Result<()> {
    let files: Vec<&PathBuf> = options.probabilities.iter().chain(&options.against).collect();
    let truth = &options.truth;
    let known = match KnownTraces::of_table(truth)? {
        Some(table) => table,
        None => KnownTraces::of(read_labelled(truth, context)?, truth, list(truth)),
    };
    if let Some(class) = &options.open_world {
        check_unmonitored(class, &known.samples().classes())?;
    }
    let how = ScoreOfFiles {
        folds: options.split_file.as_deref(),
        partial: options.partial,
        open_world: options.open_world.as_deref(),
        base_rates: &options.base_rate,
    };
    let scored = known.score(&files, &how, context.setting())?;
    if !scored.compared.is_empty() {
        context.printer.text(&compared(&scored.measured, &scored.compared))?;
    }
    let inputs: Vec<PathBuf> = files.into_iter().chain(truth).chain(&options.split_file).cloned().collect();
    let report = context.report("score", digests(&inputs)?, scored.findings);
    if let Some(path) = &options.sheet {
        let attacks: Vec<&Measured> = scored.measured.iter().chain(&scored.trivial).collect();
        write_sheet(path, |form| sheet(form, &report, &attacks, &scored.split))?;
    }
    if let Some(path) = &options.picture {
        let first = &scored.measured[0];
        write_picture(path, &reliability(&first.attack, &first.reliability()).svg())?;
    }
    context.finish_and_print(report, None)
}
