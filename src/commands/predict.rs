//! `wfkit predict`: class probabilities of traces by a trained attack.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[cfg(feature = "deep")]
use anyhow::anyhow;
use anyhow::{Context as _, Result, bail, ensure};
use ndarray::Array2;
use wfkit_classify::{FittedAttack, Samples};
use wfkit_competition::{Prediction, capture_ids, read_captures, write_attack};
use wfkit_datasets::formats::ReadLimits;
use wfkit_datasets::{FileKind, Groups, Observed, TraceKey, TraceParts, write_probabilities};
use wfkit_metrics::{ClassMap, PrivacyReport, Probabilities, ScoreOptions, Scores, Utility};

use crate::cli;
use crate::context::{Context, count};
use crate::input::{check_classes, check_observed, read_labelled};
use crate::large::share_of;
use wfkit_datasets::digests;
use wfkit_evaluate::BOOTSTRAP;

pub(crate) fn run(options: &cli::Predict, context: &Context<'_>) -> Result<()> {
    let fitted = attack(options)?;
    let predicted = match options.team_id {
        Some(team_id) => attack_file(&fitted, options, team_id, context)?,
        None => probabilities(&fitted, options, context)?,
    };
    let mut inputs = vec![options.model.clone()];
    inputs.extend(options.input.iter().cloned());
    let mut report = context.stage("predict", digests(&inputs)?, predicted.utility, predicted.privacy);
    report.dropped = predicted.dropped;
    count(&mut report.counts, "traces", predicted.traces);
    count(&mut report.counts, "classes", fitted.classes().len());
    report.utility.extras.set("predict_seconds", predicted.seconds);
    if let Some(shard) = options.shard {
        report.utility.extras.set("shard", shard.to_string());
    }
    report.privacy.extras.set("model", fitted.model().describe());
    context.finish_and_print(report, Some(&options.out))
}

/// The model, with the numbers that the options give its net; or the net of an ONNX file.
fn attack(options: &cli::Predict) -> Result<FittedAttack> {
    let path = &options.model;
    let is_onnx = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
    if is_onnx {
        ensure!(options.weights.is_none(), "{}: --weights is for models of wfkit train", path.display());
        return onnx(path, options);
    }
    for (given, option) in
        [(options.channel.is_some(), "--channel"), (options.onnx_classes.is_some(), "--onnx-classes")]
    {
        ensure!(!given, "{}: {option} is for nets of .onnx files", path.display());
    }
    let fitted = load(path)?;
    match &options.weights {
        Some(weights) => Ok(fitted.with_weights(&read(weights)?).with_context(|| weights.display().to_string())?),
        None => Ok(fitted),
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{}: cannot read it", path.display()))
}

#[cfg(feature = "deep")]
fn onnx(path: &Path, options: &cli::Predict) -> Result<FittedAttack> {
    let names = |path: &PathBuf| -> Result<Vec<String>> {
        let text = String::from_utf8(read(path)?);
        let text = text.map_err(|_| anyhow!("{}: names of classes are UTF-8, one a line", path.display()))?;
        Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
    };
    let given = wfkit_classify::OnnxOptions {
        channel: options.channel,
        classes: options.onnx_classes.as_ref().map(names).transpose()?,
    };
    FittedAttack::from_onnx(&read(path)?, &given).with_context(|| path.display().to_string())
}

#[cfg(not(feature = "deep"))]
fn onnx(path: &Path, _: &cli::Predict) -> Result<FittedAttack> {
    bail!(
        "{}: this wfkit was built without neural nets: build it by `cargo install --path . --features deep`",
        path.display()
    )
}

/// Reads a model; another kind of file is named.
pub(super) fn load(path: &Path) -> Result<FittedAttack> {
    FittedAttack::load(path).or_else(|error| match FileKind::of(path) {
        Ok(Some(kind)) if kind != FileKind::Model => {
            bail!("{}: found {kind}; expected a model, as wfkit train writes them", path.display())
        }
        _ => Err(error.into()),
    })
}

struct Predicted {
    traces: usize,
    dropped: BTreeMap<String, u64>,
    utility: Utility,
    privacy: PrivacyReport,
    seconds: f64,
}

fn probabilities(fitted: &FittedAttack, options: &cli::Predict, context: &Context<'_>) -> Result<Predicted> {
    if let Some((parts, rows)) = share_of(&options.input, (options.at_once, options.shard), context)? {
        return probabilities_of_parts(fitted, options, parts, rows, context);
    }
    let input = read_labelled(&options.input, context)?;
    let samples = input.samples();
    check_observed(fitted.about().observed.as_ref(), samples.observed().as_ref(), options.any_layer, context)?;
    check_classes(fitted.classes(), &samples.classes(), context);
    let (probabilities, seconds) = timed(fitted, samples)?;
    let keys: Vec<_> = (0..samples.len()).map(|row| samples.key(row).clone()).collect();
    write_probabilities(&options.out, &keys, &probabilities)?;
    let learned = fitted.already_learned(samples).map_or(0, |overlap| overlap.learned_from());
    let answered = Answered { keys: &keys, origins: &samples.origins(), learned, probabilities: &probabilities };
    let privacy = against_truth(fitted, answered, options, context)?;
    Ok(Predicted {
        traces: samples.len(),
        dropped: input.dropped(),
        utility: input.utility(0..samples.len()),
        privacy,
        seconds,
    })
}

/// The same of traces that are read in parts, at these rows.
fn probabilities_of_parts(
    fitted: &FittedAttack,
    options: &cli::Predict,
    mut parts: TraceParts<'_>,
    rows: Range<usize>,
    context: &Context<'_>,
) -> Result<Predicted> {
    let observed = Observed::from(parts.provenance());
    check_observed(fitted.about().observed.as_ref(), Some(&observed), options.any_layer, context)?;
    let labels = parts.labels()?.drain(rows.clone()).collect::<Vec<_>>();
    check_classes(fitted.classes(), &ClassMap::from_labels(labels.iter().map(|label| &label.key.class)), context);
    parts.only(rows);
    let (mut values, mut volumes) = (Vec::new(), Vec::with_capacity(labels.len()));
    let (mut learned, mut seconds) = (0, 0.0);
    let bar = context.printer.progress("predicting", parts.len() as u64);
    for part in parts.by_ref() {
        let part = part?;
        let samples = Samples::Traces(&part);
        let (probabilities, took) = timed(fitted, samples)?;
        values.extend(probabilities.values().iter());
        seconds += took;
        learned += fitted.already_learned(samples).map_or(0, |overlap| overlap.learned_from());
        volumes.extend(part.volumes());
        bar.inc(1);
    }
    bar.finish_and_clear();
    let shape = (labels.len(), fitted.classes().len());
    let values = Array2::from_shape_vec(shape, values).context("as many probabilities as traces and classes")?;
    let probabilities = Probabilities::new(fitted.classes().clone(), values)?;
    let keys: Vec<_> = labels.iter().map(|label| label.key.clone()).collect();
    write_probabilities(&options.out, &keys, &probabilities)?;
    let origins = Groups::by_origin_of_labels(&labels);
    let answered = Answered { keys: &keys, origins: &origins, learned, probabilities: &probabilities };
    Ok(Predicted {
        traces: keys.len(),
        dropped: [("unknown column".to_owned(), parts.unknown_columns())].into_iter().filter(|of| of.1 > 0).collect(),
        utility: Utility::of(&volumes),
        privacy: against_truth(fitted, answered, options, context)?,
        seconds,
    })
}

/// What was said of traces.
struct Answered<'a> {
    keys: &'a [TraceKey],
    origins: &'a Groups,
    /// Traces that the attack has learned from.
    learned: usize,
    probabilities: &'a Probabilities,
}

/// The scores, where the class of every trace is one that the attack knows.
fn against_truth(
    fitted: &FittedAttack,
    Answered { keys, origins, learned, probabilities }: Answered<'_>,
    options: &cli::Predict,
    context: &Context<'_>,
) -> Result<PrivacyReport> {
    let name = &fitted.about().attack;
    let truth: Option<Vec<usize>> = keys.iter().map(|key| fitted.classes().index_of(&key.class)).collect();
    if learned > 0 && !options.allow_duplicates {
        let reason = format!(
            "{learned} of the traces were learned from, so a score would be worth nothing; --allow-duplicates gives it"
        );
        context.printer.warn(&reason);
        return Ok(PrivacyReport::unmeasured(name, &reason));
    }
    Ok(match truth {
        Some(truth) => {
            let groups = Some(origins.of_row());
            let score = ScoreOptions { bootstrap: BOOTSTRAP, seed: context.seed, groups, ..ScoreOptions::default() };
            PrivacyReport::of(name, &Scores::compute(probabilities, &truth, &score)?)
        }
        None => PrivacyReport::unmeasured(name, "the input has classes that the attack was not trained on"),
    })
}

fn attack_file(
    fitted: &FittedAttack,
    options: &cli::Predict,
    team_id: u32,
    context: &Context<'_>,
) -> Result<Predicted> {
    let [file]: &[PathBuf; 1] =
        options.input.as_slice().try_into().ok().context("--competition takes one test file")?;
    let set = read_captures(file, &ReadLimits::OWN)?;
    if set.is_empty() {
        bail!("{}: no trace in it", file.display());
    }
    let samples = Samples::Traces(&set);
    check_observed(fitted.about().observed.as_ref(), samples.observed().as_ref(), options.any_layer, context)?;
    let (probabilities, seconds) = timed(fitted, samples)?;
    let ids = capture_ids(&set);
    let prediction = Prediction { team_id: team_id.into(), capture_ids: &ids, probabilities: &probabilities };
    write_attack(&[prediction], options.classes as usize, &options.out)?;
    let privacy = PrivacyReport::unmeasured(&fitted.about().attack, "the test file does not tell the classes");
    Ok(Predicted {
        traces: set.len(),
        dropped: BTreeMap::new(),
        utility: Utility::of(&set.volumes()),
        privacy,
        seconds,
    })
}

fn timed(fitted: &FittedAttack, samples: Samples<'_>) -> Result<(Probabilities, f64)> {
    let started = Instant::now();
    let probabilities = fitted.predict(samples)?;
    Ok((probabilities, started.elapsed().as_secs_f64()))
}
