//! `wfkit train`: an attack learns, and is written to a model file.

use std::time::Instant;

use anyhow::{Context as _, Result};
use wfkit_classify::{Attack, AttackOptions, FittedAttack, Samples};
use wfkit_datasets::files::replace_with;
use wfkit_evaluate::BOOTSTRAP;
use wfkit_metrics::{PrivacyReport, ScoreOptions, Scores};

use crate::cli;
use crate::context::{Context, count};
use crate::input::read_labelled;
use wfkit_datasets::digests;
use wfkit_evaluate::Labelled;

pub(crate) fn run(options: &cli::Train, context: &Context<'_>) -> Result<()> {
    let input = read_labelled(&options.input, context)?;
    let attack = named(&options.attack, &input)?;
    let started = Instant::now();
    let mut fitted = fit(&attack, &input, context)?;
    let seconds = started.elapsed().as_secs_f64();
    fitted.remember(input.samples());
    let weights = options.weights.as_ref().map(|path| Ok::<_, anyhow::Error>((path, fitted.weights()?))).transpose()?;
    fitted.save(&options.out)?;
    if let Some((path, weights)) = weights {
        replace_with(path, weights).with_context(|| format!("{}: cannot write the weights", path.display()))?;
    }

    let privacy = out_of_bag(&fitted, input.samples(), context)?;
    let mut report = context.stage("train", digests(&options.input)?, input.utility(0..input.samples().len()), privacy);
    report.dropped = input.dropped();
    count(&mut report.counts, "traces", input.samples().len());
    count(&mut report.counts, "classes", fitted.classes().len());
    count(&mut report.counts, "features", fitted.about().features.len());
    let model_bytes = std::fs::metadata(&options.out)?.len();
    report.utility.extras.set("train_seconds", seconds).set("model_bytes", model_bytes);
    if let Some(calibrator) = fitted.calibrator() {
        report.privacy.extras.set("calibration", calibrator.to_string());
    }
    report.privacy.extras.set("model", fitted.model().describe());
    context.finish_and_print(report, Some(&options.out))
}

/// Learns, and shows how far it is.
fn fit(attack: &Attack, input: &Labelled, context: &Context<'_>) -> Result<FittedAttack> {
    let _working = context.watcher.working("training");
    Ok(attack.fit_watched(input.samples(), context.seed, &context.watcher)?)
}

/// The attack that the options name; without a name, the one that suits the input.
pub(crate) fn named(options: &cli::AttackArgs, input: &Labelled) -> Result<Attack> {
    let name = options.attack.as_ref().and_then(cli::Attacks::name).unwrap_or(input.default_attack());
    let attack = Attack::by_name(name, &self::options(options))?;
    Ok(match options.calibrate {
        Some(calibration) => attack.calibrated(calibration),
        None => attack,
    })
}

/// What the options change about an attack.
pub(crate) fn options(options: &cli::AttackArgs) -> AttackOptions {
    AttackOptions {
        trees: options.trees.map(usize::from),
        backend: options.backend,
        balanced: options.class_weight == cli::ClassWeight::Balanced,
        max_depth: options.max_depth,
        min_samples_leaf: options.min_samples_leaf.map(|traces| traces as usize),
        max_leaf_nodes: options.max_leaf_nodes,
        splits: options.splits,
        epochs: options.epochs.map(usize::from),
    }
}

/// The out-of-bag estimate: training traces judged only by what did not learn from them.
fn out_of_bag(fitted: &FittedAttack, samples: Samples<'_>, context: &Context<'_>) -> Result<PrivacyReport> {
    let name = &fitted.about().attack;
    let Some((rows, probabilities)) = fitted.out_of_bag(samples) else {
        return Ok(PrivacyReport::unmeasured(
            name,
            "only random forests of wfkit's own and alignments are judged while they train",
        ));
    };
    let labels = samples.labels(fitted.classes());
    let truth: Vec<usize> = rows.iter().map(|&row| labels[row].expect("it was trained on these classes")).collect();
    let origins = samples.origins().select(&rows);
    let groups = Some(origins.of_row());
    let options = ScoreOptions { bootstrap: BOOTSTRAP, seed: context.seed, groups, ..ScoreOptions::default() };
    let scores = Scores::compute(&probabilities, &truth, &options)?;
    let mut privacy = PrivacyReport::of(name, &scores);
    privacy.extras.set("measured", "out of bag: each trace by what did not learn from it");
    Ok(privacy)
}
