//! `wfkit evaluate`: an attack on traces that it was not trained on.

mod matrix;
mod modes;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use wfkit_classify::{Attack, Calibration, Samples, shuffle_feature_labels, shuffle_labels};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{FoldFile, Overlap, splits_of_folds, write_probabilities};
use wfkit_metrics::{StageReport, did_you_mean_one_of};

use super::train::{named, options as attack_options};
use crate::cli;
use crate::context::{Context, count, write_picture, write_sheet};
use crate::input::{check_classes, check_observed, list, read_labelled};
use wfkit_datasets::digests;
use wfkit_evaluate::Labelled;
use wfkit_evaluate::split::{Pages, by_moment, by_session, of_file, stratified};
use wfkit_evaluate::{
    Benchmark, Measured, Ranking, RankingOptions, RankingReport, TRIVIAL, Task, attack, compare, shortcuts_beside,
};
use wfkit_report::answer;
use wfkit_report::picture::reliability;
use wfkit_report::text::{self, ranking, sheet};

/// Folds where none are asked for.
const FOLDS: usize = 5;

pub(crate) fn run(mut options: cli::Evaluate, context: &Context<'_>) -> Result<()> {
    if let Some(benchmark) = options.benchmark.clone() {
        fix(&benchmark, &mut options, context.seed)?;
    }
    let options = &options;
    let every = options.attack.attack == Some(cli::Attacks::All);
    ensure!(!every || options.against.is_empty(), "--attack all compares with every attack, so --against adds nothing");
    ensure!(
        !every || options.matrix.is_empty(),
        "--matrix shows one attack: name it, wfkit evaluate TRACES --attack all tells which is best"
    );
    if !options.matrix.is_empty() {
        return matrix::run(options, context);
    }
    let read = Read::of(options, context)?;
    let task = read.task();
    if let Some(class) = &options.mode.open_world {
        let classes = task.tested().classes();
        let meant = did_you_mean_one_of(class, classes.names().iter().map(String::as_str));
        ensure!(classes.index_of(class).is_some(), "--open-world {class}: there is no such class{meant}");
    }
    let benchmark = match (&options.benchmark, task) {
        (None, _) => None,
        (Some(benchmark), Task::Splits { samples: Samples::Traces(set), splits }) => {
            Some(benchmark.check(set, splits)?)
        }
        (Some(_), _) => bail!("a benchmark is of traces, not of features"),
    };
    let unmonitored = options.mode.open_world.as_deref();
    let (chosen, measured, ranked, failed) = if every {
        let changed = attack_options(&options.attack);
        let ranked = RankingOptions { changed, unmonitored, calibrate: options.attack.calibrate };
        let check = |measured: &Measured| refuse_leaks(measured, read.scores_duplicates(options));
        Ranking::measure::<anyhow::Error>(read.task(), &ranked, context.setting(), check)?.split()
    } else {
        let chosen = unmonitored.into_iter().fold(named(&options.attack, read.tested())?, Attack::unmonitored);
        let measured = task.measure(&chosen, context.setting())?;
        refuse_leaks(&measured, read.scores_duplicates(options))?;
        (chosen, measured, Vec::new(), Vec::new())
    };
    // Features do not hold what the trivial attack needs.
    let trivial = match task.tested() {
        Samples::Traces(_) if !every && measured.attack != TRIVIAL => {
            Some(task.measure(&attack(TRIVIAL)?, context.setting())?)
        }
        _ => None,
    };
    if let Some(out) = &options.out {
        let samples = task.tested();
        let keys: Vec<_> = measured.evaluation.rows.iter().map(|&row| samples.key(row).clone()).collect();
        write_probabilities(out, &keys, &measured.evaluation.probabilities)?;
    }
    let shortcuts = match task {
        Task::Splits { samples, splits } => Some(shortcuts_beside(&measured, samples, splits, context.setting())),
        Task::TrainAndTest { .. } => None,
    };
    if let Some(warning) = shortcuts.as_ref().and_then(|shortcuts| shortcuts.warning.as_ref()) {
        context.warn_of_input(&format!("{warning}; wfkit dataset audit says more"));
    }
    let files = [&options.input, &options.train, &options.test].into_iter().flatten().chain(&options.split_file);
    let files: Vec<PathBuf> = files.cloned().collect();
    let utility = read.tested().utility(measured.evaluation.rows.iter().copied());
    let mut report = context.stage("evaluate", digests(&files)?, utility, measured.privacy());
    report.dropped = read.tested().dropped();
    describe(&mut report, &measured, trivial.as_ref(), &read.name(), context);
    if let fitted @ [_, ..] = read.tested().fitted_on_all_rows() {
        report.privacy.extras.set("fitted_on_all_rows", fitted);
    }
    if let Some(benchmark) = benchmark {
        report.privacy.extras.set("benchmark", benchmark);
    }
    report.privacy.extras.set("calibration", calibration(chosen.calibration()));
    report.privacy.extras.set("reliability", measured.reliability());
    if let Some(shortcuts) = shortcuts {
        report.privacy.extras.set("shortcuts", shortcuts);
    }
    modes::add(&mut report, options, task, &chosen, &measured, context)?;
    let others = options.against.iter().map(|name| Ok(task.measure(&attack(name)?, context.setting())?));
    let others = if every { ranked } else { others.collect::<Result<Vec<Measured>>>()? };
    // The trivial attack counts once, also where it was asked for.
    let unlisted = || trivial.iter().filter(|_| others.iter().all(|other| other.attack != TRIVIAL));
    let beside: Vec<&Measured> = unlisted().chain(&others).collect();
    report.privacy.extras.set("leakage", measured.leakage(&beside));
    let mut comparisons = Vec::new();
    if every {
        let part = RankingReport::of(&measured, &others, &failed);
        context.printer.text(&ranking(&part))?;
        report.privacy.extras.set("attacks", part);
    } else if !others.is_empty() {
        comparisons = compare(&measured, &others);
        report.privacy.extras.set("against", &comparisons);
    }
    if let Some(path) = &options.sheet {
        let attacks: Vec<&Measured> = std::iter::once(&measured).chain(&others).chain(unlisted()).collect();
        write_sheet(path, |form| sheet(form, &report, &attacks, &read.name()))?;
    }
    if let Some(path) = &options.picture {
        let title = format!("{}, {}", measured.attack, read.name());
        write_picture(path, &reliability(&title, &measured.reliability()).svg())?;
    }
    if options.shuffle_labels {
        report.privacy.extras.set("labels", "shuffled: whatever is above chance is a leak");
    }
    // Other worlds than a closed one have numbers of their own, which the answer does not tell.
    let full = options.full || unmonitored.is_some() || options.mode.one_vs_rest;
    context.finish_and_answer(report, options.out.as_deref(), answer::evaluated, full)?;
    if comparisons.is_empty() { Ok(()) } else { context.printer.text(&text::comparisons(&comparisons)) }
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

/// What the probabilities are, for a report.
fn calibration(of: Calibration) -> String {
    match of {
        Calibration::None => {
            "none: probabilities are the classifier's own, and may claim more than it knows".to_owned()
        }
        of => of.name().to_owned(),
    }
}

/// Scores of traces that were learned from are worth nothing, so are not given unless asked for.
fn refuse_leaks(measured: &Measured, allowed: bool) -> Result<()> {
    let overlap = measured.overlap();
    ensure!(
        overlap.learned_from() == 0 || allowed,
        "{}, so the scores would be too high; remove them (wfkit dataset validate names them), or score anyway with --allow-duplicates",
        learned_from(&overlap)
    );
    Ok(())
}

/// How many tested traces were learned from, and how that is known.
pub(crate) fn learned_from(overlap: &Overlap) -> String {
    let reasons = [
        (overlap.same_origin, "are copies of a load that was trained on"),
        (overlap.same_packets, "have the packets of a training trace"),
        (overlap.near_twins, "have the sizes of a training trace in the same order at nearly the same times"),
    ];
    let there = reasons.into_iter().filter(|&(traces, _)| traces > 0);
    let told: Vec<String> = there.map(|(traces, what)| format!("{traces} {what}")).collect();
    format!("of {} tested traces {}", overlap.tested, told.join(", "))
}

/// What is said of a measured attack beyond its scores.
pub(crate) fn describe(
    report: &mut StageReport,
    measured: &Measured,
    trivial: Option<&Measured>,
    split: &str,
    context: &Context<'_>,
) {
    count(&mut report.counts, "tested traces", measured.evaluation.rows.len());
    count(&mut report.counts, "classes", measured.evaluation.probabilities.classes().len());
    let overlap = measured.overlap();
    count(&mut report.counts, "tested loads", measured.evaluation.origins.len());
    count(&mut report.counts, "tested traces that were learned from", overlap.learned_from());
    if overlap.learned_from() > 0 {
        context.printer.warn(&format!("{}: the scores are too high", learned_from(&overlap)));
    }
    if overlap.not_comparable > 0 {
        let message = "rows keep neither origin nor packets, so whether they were learned from cannot be said";
        context.printer.warn(&format!("{} {message}", overlap.not_comparable));
    }
    report.privacy.extras.set("overlap", &overlap);
    report
        .privacy
        .extras
        .set("overlap_compared", "origins, packets, sizes in order with the times of eight packets, sessions, pages");
    report.utility.extras.set("cost", measured.effort());
    report.privacy.extras.set("split", split);
    if let Some(trivial) = trivial {
        report.privacy.extras.set("trivial", trivial.summary());
    }
    report.privacy.extras.set("folds", &measured.evaluation.folds);
}

/// What was read to train on and to test.
enum Read {
    /// One collection, split; whether its folds are meant to part copies of one load.
    Splits { input: Labelled, splits: Vec<Split>, name: String, parts_copies: bool },
    /// Two collections.
    TrainAndTest { train: Labelled, test: Labelled },
}

impl Read {
    fn of(options: &cli::Evaluate, context: &Context<'_>) -> Result<Self> {
        if !options.train.is_empty() {
            ensure!(!options.shuffle_labels, "--shuffle-labels works on one collection, not on --train and --test");
            let (train, test) = (read_labelled(&options.train, context)?, read_labelled(&options.test, context)?);
            let observed = [&train, &test].map(|part| part.samples().observed());
            check_observed(observed[0].as_ref(), observed[1].as_ref(), options.any_layer, context)?;
            check_classes(&train.samples().classes(), &test.samples().classes(), context);
            return Ok(Self::TrainAndTest { train, test });
        }
        let mut input = read_labelled(&options.input, context)?;
        if options.shuffle_labels {
            match &mut input {
                Labelled::Traces(traces) => traces.set = shuffle_labels(&traces.set, context.seed),
                Labelled::Features(features) => {
                    features.matrix = shuffle_feature_labels(&features.matrix, context.seed);
                }
            }
        }
        if let fitted @ [_, ..] = input.fitted_on_all_rows() {
            context.warn_of_input(&format!(
                "fitted on all rows: the columns of {} were made knowing the tested rows too, so the scores may be too high; evaluate the traces \
                 themselves, which fits them on the training part of each split",
                fitted.join(", ")
            ));
        }
        let folds = options.folds.map_or(FOLDS, usize::from);
        let pages = Pages::shared(options.shared_pages);
        let mut parts_copies = false;
        let (splits, name) = if options.split_by.is_some() {
            let splits = by_session(input.samples(), folds, pages)?;
            let name = format!("{} groups of sessions", splits.len());
            (splits, name)
        } else if let Some(cli::Moment { text, ns }) = &options.split_time {
            let split = by_moment(input.samples(), *ns, pages).with_context(|| format!("--split-time {text}"))?;
            (vec![split], format!("trained before {text}, tested from then on"))
        } else if let Some(path) = &options.split_file {
            let folds = FoldFile::read(path)?;
            let splits = splits_of_folds(&of_file(input.samples(), &folds, &list(&options.input))?);
            parts_copies = !folds.together().origins;
            let name =
                format!("{} folds of {}, which keep together: {}", splits.len(), path.display(), folds.together());
            (splits, name)
        } else {
            (stratified(input.samples(), folds, pages, context.setting())?, format!("{folds} stratified folds"))
        };
        Ok(Self::Splits { input, splits, name, parts_copies })
    }

    /// Whether traces are scored that were learned from: asked for on the command line, or by the file of the folds.
    fn scores_duplicates(&self, options: &cli::Evaluate) -> bool {
        options.allow_duplicates || matches!(self, Self::Splits { parts_copies: true, .. })
    }

    fn task(&self) -> Task<'_> {
        match self {
            Self::Splits { input, splits, .. } => Task::Splits { samples: input.samples(), splits },
            Self::TrainAndTest { train, test } => Task::TrainAndTest { train: train.samples(), test: test.samples() },
        }
    }

    fn tested(&self) -> &Labelled {
        match self {
            Self::Splits { input, .. } => input,
            Self::TrainAndTest { test, .. } => test,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Splits { name, .. } => name.clone(),
            Self::TrainAndTest { .. } => "trained and tested on other files".to_owned(),
        }
    }
}
