//! Trained on each session or file, tested on every other; and within each, by folds.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use wfkit_datasets::{Observed, digests};
use wfkit_evaluate::split::Pages;
use wfkit_evaluate::{Labelled, TransferOptions, TransferParts};
use wfkit_report::text::{matrix, matrix_heat, sheet_of_parts};

use super::FOLDS;
use crate::cli;
use crate::context::{Context, write_picture, write_sheet};
use crate::input::{check_observed, explained, read_labelled};

/// What stands for the sessions of the input in place of files.
const SESSION: &str = "session";

/// What asks for these.
const OPTION: &str = "--matrix session";

pub(super) fn run(options: &cli::Evaluate, context: &Context<'_>) -> Result<()> {
    let (first, rest) = options.matrix.split_first().context("--matrix was given")?;
    let by_session = first.as_os_str() == SESSION;
    let own = if by_session { rest } else { &options.matrix };
    let paths: Vec<PathBuf> = options.input.iter().chain(own).cloned().collect();
    let parts = match by_session {
        true => sessions(&paths, context)?,
        false => files(&paths, options, context)?,
    };
    let attack = options.attack.attack_on(&parts.inputs()[0])?;
    let how = TransferOptions {
        folds: options.folds.map_or(FOLDS, usize::from),
        pages: Pages::shared(options.shared_pages),
        duplicates: options.allow_duplicates,
    };
    let transfer = parts.measure(&attack, how, context.setting()).map_err(explained(OPTION))?;
    context.printer.text(&matrix(&transfer))?;
    let report = context.report("evaluate", digests(&paths)?, transfer.findings.clone());
    if let Some(path) = &options.sheet {
        write_sheet(path, |form| sheet_of_parts(form, &report))?;
    }
    if let Some(path) = &options.picture {
        write_picture(path, &matrix_heat(&transfer))?;
    }
    context.finish_and_print(report, None)
}

fn sessions(paths: &[PathBuf], context: &Context<'_>) -> Result<TransferParts> {
    ensure!(!paths.is_empty(), "--matrix session needs traces: wfkit evaluate TRACES --matrix session");
    TransferParts::by_session(read_labelled(paths, context)?).map_err(explained(OPTION))
}

fn files(paths: &[PathBuf], options: &cli::Evaluate, context: &Context<'_>) -> Result<TransferParts> {
    ensure!(
        options.input.is_empty(),
        "--matrix takes the files to compare itself: wfkit evaluate --matrix A.parquet B.parquet; the sessions of one file are compared \
         with wfkit evaluate TRACES --matrix session"
    );
    ensure!(
        paths.len() > 1,
        "--matrix {0}: one file is compared with nothing; add another file, or compare its sessions: wfkit evaluate {0} --matrix session",
        paths[0].display()
    );
    let inputs = paths.iter().map(|path| read_labelled(std::slice::from_ref(path), context));
    let inputs = inputs.collect::<Result<Vec<Labelled>>>()?;
    let is_traces = |input: &Labelled| matches!(input, Labelled::Traces(_));
    ensure!(
        inputs.iter().all(|input| is_traces(input) == is_traces(&inputs[0])),
        "--matrix compares traces with traces, or features with features"
    );
    let first = inputs[0].samples().observed();
    for (path, input) in paths.iter().zip(&inputs).skip(1) {
        // Where it was observed from may differ: that is what may be compared.
        let other = first.as_ref().zip(input.samples().observed());
        let other = other.map(|(first, other)| Observed { vantage: first.vantage.clone(), ..other });
        check_observed(first.as_ref(), other.as_ref(), options.any_layer, context)
            .with_context(|| format!("{} and {}", paths[0].display(), path.display()))?;
    }
    Ok(TransferParts::of_files(paths, inputs))
}
