//! `wfkit evaluate`: an attack on traces that it was not trained on.

mod matrix;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use wfkit_classify::AttackError;
use wfkit_datasets::{digests, write_probabilities};
use wfkit_evaluate::split::Pages;
use wfkit_evaluate::{Attacks, Benchmark, Collections, Contenders, Evaluated, EvaluationOptions, SplitRule, attack};
use wfkit_report::answer;
use wfkit_report::picture::reliability;
use wfkit_report::text::{self, sheet};

use crate::cli;
use crate::context::{Context, write_picture, write_sheet};
use crate::input::{check_classes, check_observed, check_unmonitored, explained, list, read_labelled};

/// Folds where none are asked for.
const FOLDS: usize = 5;

pub(crate) fn run(mut options: cli::Evaluate, context: &Context<'_>) -> Result<()> {
    if let Some(benchmark) = options.benchmark.clone() {
        fix(&benchmark, &mut options, context.seed)?;
    }
    let options = &options;
    let every = options.attack.attack == Some(Attacks::All);
    ensure!(!every || options.against.is_empty(), "--attack all compares with every attack, so --against adds nothing");
    ensure!(
        !every || options.matrix.is_empty(),
        "--matrix shows one attack: name it, wfkit evaluate TRACES --attack all tells which is best"
    );
    if !options.matrix.is_empty() {
        return matrix::run(options, context);
    }
    let on = read(options, context)?;
    if let Some(class) = &options.mode.open_world {
        check_unmonitored(class, &on.tested().samples().classes())?;
    }
    let contenders = match every {
        true => Contenders::Every { changed: options.attack.options(), calibrate: options.attack.calibrate },
        false => Contenders::One {
            attack: options.attack.attack_on(on.tested())?,
            against: options.against.iter().map(|name| attack(name)).collect::<Result<_, AttackError>>()?,
        },
    };
    let mut evaluated =
        Evaluated::of(&on, contenders, &beside_scores(options), context.setting()).map_err(explained("--drift"))?;
    let measured = &evaluated.measured;
    if let Some(out) = &options.out {
        write_probabilities(out, &on.keys(measured), &measured.evaluation.probabilities)?;
    }
    context.printer.text(&text::beyond_scores(&evaluated))?;
    if options.shuffle_labels {
        let extras = &mut evaluated.findings.privacy.extras;
        extras.set("labels", "shuffled: whatever is above chance is a leak");
    }
    let files = [&options.input, &options.train, &options.test].into_iter().flatten().chain(&options.split_file);
    let files: Vec<PathBuf> = files.cloned().collect();
    let report = context.report("evaluate", digests(&files)?, evaluated.findings.clone());
    if let Some(path) = &options.sheet {
        write_sheet(path, |form| sheet(form, &report, &evaluated.attacks(), on.name()))?;
    }
    if let Some(path) = &options.picture {
        let title = format!("{}, {}", evaluated.measured.attack, on.name());
        write_picture(path, &reliability(&title, &evaluated.measured.reliability()).svg())?;
    }
    // Other worlds than a closed one have numbers of their own, which the answer does not tell.
    let full = options.full || options.mode.open_world.is_some() || options.mode.one_vs_rest;
    context.finish_and_answer(report, options.out.as_deref(), answer::evaluated, full)?;
    context.printer.text(&text::comparisons(&evaluated.comparisons))
}

/// The options that a benchmark stands for.
///
/// # Errors
/// If its traces are not bundled and none are given, or the seed is another than that of the folds.
fn fix(benchmark: &Benchmark, options: &mut cli::Evaluate, seed: u64) -> Result<()> {
    let split = benchmark.split();
    ensure!(seed == split.seed, "{benchmark}: its folds are drawn by the seed {}: leave --seed out", split.seed);
    if options.input.is_empty() {
        match benchmark.bundled() {
            Some(folder) => options.input = vec![folder],
            None => bail!(
                "{benchmark}: give its traces, which are captures ({}): wfkit capture import CAPTURES --out traces.parquet makes them",
                benchmark.place()
            ),
        }
    }
    options.folds = Some(split.folds);
    options.split_by = split.is_by_session().then_some(cli::SplitBy::Session);
    options.shared_pages = split.shared_pages;
    Ok(())
}

/// What is trained on and tested.
fn read(options: &cli::Evaluate, context: &Context<'_>) -> Result<Collections> {
    if !options.train.is_empty() {
        ensure!(!options.shuffle_labels, "--shuffle-labels works on one collection, not on --train and --test");
        let (train, test) = (read_labelled(&options.train, context)?, read_labelled(&options.test, context)?);
        let observed = [&train, &test].map(|part| part.samples().observed());
        check_observed(observed[0].as_ref(), observed[1].as_ref(), options.any_layer, context)?;
        check_classes(&train.samples().classes(), &test.samples().classes(), context);
        return Ok(Collections::Two { train, test });
    }
    let mut input = read_labelled(&options.input, context)?;
    if options.shuffle_labels {
        input.shuffle_labels(context.seed);
    }
    input.doubt().iter().for_each(|doubt| context.warn_of_input(doubt));
    let (folds, of) = (options.folds.map_or(FOLDS, usize::from), list(&options.input));
    let rule = match (&options.split_by, &options.split_time, &options.split_file) {
        (Some(cli::SplitBy::Session), ..) => SplitRule::Sessions(folds),
        (None, Some(moment), _) => SplitRule::Moment { ns: moment.ns, text: &moment.text },
        (None, None, Some(path)) => SplitRule::File { path, of: &of },
        (None, None, None) => SplitRule::Folds(folds),
    };
    let splits = rule.split(input.samples(), Pages::shared(options.shared_pages), context.setting());
    let splits = match &options.split_time {
        Some(moment) => splits.with_context(|| format!("--split-time {}", moment.text))?,
        None => splits?,
    };
    Ok(Collections::One { input, splits })
}

fn beside_scores(options: &cli::Evaluate) -> EvaluationOptions<'_> {
    let mode = &options.mode;
    EvaluationOptions {
        duplicates: options.allow_duplicates,
        benchmark: options.benchmark.as_ref(),
        open_world: mode.open_world.as_deref(),
        base_rates: &mode.base_rate,
        background: &mode.background,
        one_vs_rest: mode.one_vs_rest,
        few_shot: &mode.few_shot,
        early: mode.early.as_ref().map_or(&[], |percents| &percents.0),
        drift: mode.drift,
    }
}
