//! `wfkit score`: class probabilities of anybody's attack, scored like our own.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use wfkit_classify::Samples;
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Aligned, splits_of_folds};
use wfkit_evaluate::{
    ExperimentError, KnownTraces, LeakageEstimate, LeakageReport, LowerBound, Measured, TRIVIAL, attack, common_rows,
    compare, measure, names_of_files, open_world, said_of, splits_testing,
};
use wfkit_metrics::did_you_mean_one_of;

use crate::cli;
use crate::context::{Context, count, write_picture, write_sheet};
use crate::input::{list, read_labelled};
use wfkit_datasets::digests;
use wfkit_evaluate::Labelled;
use wfkit_report::picture::reliability;
use wfkit_report::text::{compared as compared_text, sheet};

/// What the calibration is said to be.
const CALIBRATION: &str = "none here: probabilities are those of the file";

pub(crate) fn run(options: &cli::Score, context: &Context<'_>) -> Result<()> {
    let files: Vec<&PathBuf> = options.probabilities.iter().chain(&options.against).collect();
    let known = read(&options.truth, context)?;
    let samples = known.samples();
    if let Some(class) = &options.open_world {
        let classes = samples.classes();
        let meant = did_you_mean_one_of(class, classes.names().iter().map(String::as_str));
        ensure!(classes.index_of(class).is_some(), "--open-world {class}: there is no such class{meant}");
    }
    let folds = options.split_file.as_deref().map(|path| known.folds(path)).transpose()?;
    let given: Vec<Aligned> =
        files.iter().map(|path| beside(&known, path, options.partial, context)).collect::<Result<_>>()?;
    let rows = common_rows(&given);
    ensure!(!rows.is_empty(), "no trace of {} has a row in every file", known.truth.name);
    let splits: Option<Vec<Split>> = folds.as_ref().map(|(fold_of, _)| splits_of_folds(fold_of));
    let measured: Vec<Measured> = names_of_files(&files)
        .into_iter()
        .zip(&given)
        .map(|(name, given)| {
            let evaluation = wfkit_evaluate::given(name, said_of(given, &rows), &rows, samples, splits.as_deref());
            Measured::of(evaluation, samples, context.seed)
        })
        .collect::<Result<_, ExperimentError>>()?;
    let (first, others) = measured.split_first().expect("clap demands a file");

    let split = match &folds {
        Some((_, name)) => name.clone(),
        None => "not told: intervals and tests take all traces as tested by one model; --split-file tells the folds"
            .to_owned(),
    };
    let inputs: Vec<PathBuf> = files.into_iter().chain(&options.truth).chain(&options.split_file).cloned().collect();
    let mut report = context.stage("score", digests(&inputs)?, known.utility(&rows), first.privacy());
    report.dropped = known.input.dropped();
    count(&mut report.counts, "scored traces", rows.len());
    count(&mut report.counts, "scored loads", first.evaluation.origins.len());
    count(&mut report.counts, "classes", first.evaluation.probabilities.classes().len());
    count(&mut report.counts, "rows rescaled to sum to 1", given[0].rescaled);
    if rows.len() < samples.len() {
        report.dropped.insert("no row in every file".to_owned(), (samples.len() - rows.len()) as u64);
    }
    let extras = &mut report.privacy.extras;
    extras.set("split", split.as_str()).set("calibration", CALIBRATION).set("reliability", first.reliability());
    let trivial = match (&splits, &known.input) {
        (Some(splits), Labelled::Traces(_)) => Some(trivial(samples, &rows, splits, context)?),
        _ => None,
    };
    if folds.is_some() {
        let overlap = first.overlap();
        extras.set("overlap", &overlap).set("folds", &first.evaluation.folds);
        if overlap.learned_from() > 0 {
            let told = super::evaluate::learned_from(&overlap);
            context.printer.warn(&format!("where models learned by these folds, {told}: the scores are too high"));
        }
    }
    if let Some(trivial) = &trivial {
        extras.set("trivial", trivial.summary());
    }
    if let Some(class) = &options.open_world {
        extras.set("open_world", open_world(first, class, &options.base_rate, context.seed)?);
    }
    let beside: Vec<&Measured> = trivial.iter().chain(others).collect();
    let mut leakage = first.leakage(&beside);
    if let LeakageReport::Estimated(LeakageEstimate { asymptotic_lower_bound, .. }) = &mut leakage
        && matches!(asymptotic_lower_bound, LowerBound::Missing { .. })
    {
        let reason = "not computed: probabilities have no features to be near in".to_owned();
        *asymptotic_lower_bound = LowerBound::Missing { reason };
    }
    extras.set("leakage", leakage);
    let compared = compare(first, others);
    if !others.is_empty() {
        extras.set("against", &compared);
        context.printer.text(&compared_text(&measured, &compared))?;
    }
    if let Some(path) = &options.sheet {
        let attacks: Vec<&Measured> = measured.iter().chain(&trivial).collect();
        write_sheet(path, |form| sheet(form, &report, &attacks, &split))?;
    }
    if let Some(path) = &options.picture {
        write_picture(path, &reliability(&first.attack, &first.reliability()).svg())?;
    }
    context.finish_and_print(report, None)
}

/// What the truth says, in whatever file.
fn read(paths: &[PathBuf], context: &Context<'_>) -> Result<KnownTraces> {
    match KnownTraces::of_table(paths)? {
        Some(table) => Ok(table),
        None => Ok(KnownTraces::of(read_labelled(paths, context)?, paths, list(paths))),
    }
}

/// Probabilities of a file beside these traces; says what is odd about them.
fn beside(known: &KnownTraces, path: &Path, partial: bool, context: &Context<'_>) -> Result<Aligned> {
    let aligned = known.beside(path, partial)?;
    aligned.notes.iter().for_each(|note| context.warn_of_input(&format!("{}: {note}", path.display())));
    Ok(aligned)
}

/// The trivial attack on the same folds and traces.
fn trivial(samples: Samples<'_>, rows: &[usize], splits: &[Split], context: &Context<'_>) -> Result<Measured> {
    measure(&attack(TRIVIAL)?, samples, &splits_testing(splits, rows), context.setting()).context("the trivial attack")
}
