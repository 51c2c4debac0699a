//! `wfkit predict`: class probabilities of traces by a trained attack.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use wfkit_classify::{FittedAttack, Samples};
use wfkit_competition::read_captures;
use wfkit_datasets::formats::ReadLimits;
use wfkit_datasets::{Findings, Observed, digests, write_probabilities};
use wfkit_evaluate::{Predicted, predict, predict_captures, predict_parts, read_model};
use wfkit_metrics::ClassMap;

use crate::cli;
use crate::context::Context;
use crate::input::{check_classes, check_observed, read_labelled};
use crate::large::share_of;

pub(crate) fn run(options: &cli::Predict, context: &Context<'_>) -> Result<()> {
    let fitted = attack(options)?;
    let mut findings = match options.team_id {
        Some(team_id) => attack_file(&fitted, options, team_id, context)?,
        None => probabilities(&fitted, options, context)?,
    };
    if let Some(shard) = options.in_parts.shard {
        findings.utility.extras.set("shard", shard.to_string());
    }
    findings.privacy.extras.set("model", fitted.model().describe());
    let inputs: Vec<PathBuf> = std::iter::once(&options.model).chain(&options.input).cloned().collect();
    context.finish_and_print(context.report("predict", digests(&inputs)?, findings), Some(&options.out))
}

/// The model, with the numbers that the options give its net; or the net of an ONNX file.
fn attack(options: &cli::Predict) -> Result<FittedAttack> {
    let path = &options.model;
    let is_onnx = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
    if is_onnx {
        ensure!(options.weights.is_none(), "{}: --weights is for models of wfkit train", path.display());
        return Ok(FittedAttack::load_onnx(path, options.channel, options.onnx_classes.as_deref())?);
    }
    for (given, option) in
        [(options.channel.is_some(), "--channel"), (options.onnx_classes.is_some(), "--onnx-classes")]
    {
        ensure!(!given, "{}: {option} is for nets of .onnx files", path.display());
    }
    let fitted = read_model(path)?;
    match &options.weights {
        Some(weights) => Ok(fitted.with_weights_of(weights)?),
        None => Ok(fitted),
    }
}

fn probabilities(fitted: &FittedAttack, options: &cli::Predict, context: &Context<'_>) -> Result<Findings> {
    let check = |observed: Option<&Observed>, classes: &ClassMap| {
        check_observed(fitted.about().observed.as_ref(), observed, options.any_layer, context)?;
        check_classes(fitted.classes(), classes, context);
        anyhow::Ok(())
    };
    let in_parts = share_of(&options.input, options.in_parts, context)?;
    let Predicted { keys, probabilities, findings } = match in_parts {
        Some((mut parts, rows)) => {
            let labels = parts.labels()?.drain(rows.clone()).collect::<Vec<_>>();
            let classes = ClassMap::from_labels(labels.iter().map(|label| &label.key.class));
            check(Some(&Observed::from(parts.provenance())), &classes)?;
            parts.only(rows);
            predict_parts(fitted, &labels, &mut parts, options.allow_duplicates, context.setting())?
        }
        None => {
            let input = read_labelled(&options.input, context)?;
            let samples = input.samples();
            check(samples.observed().as_ref(), &samples.classes())?;
            predict(fitted, &input, options.allow_duplicates, context.setting())?
        }
    };
    write_probabilities(&options.out, &keys, &probabilities)?;
    Ok(findings)
}

fn attack_file(fitted: &FittedAttack, options: &cli::Predict, team_id: u32, context: &Context<'_>) -> Result<Findings> {
    let [file]: &[PathBuf; 1] =
        options.input.as_slice().try_into().ok().context("--competition takes one test file")?;
    let set = read_captures(file, &ReadLimits::OWN)?;
    if set.is_empty() {
        bail!("{}: no trace in it", file.display());
    }
    let observed = Samples::Traces(&set).observed();
    check_observed(fitted.about().observed.as_ref(), observed.as_ref(), options.any_layer, context)?;
    let team = (team_id.into(), options.classes as usize);
    Ok(predict_captures(fitted, &set, team, &options.out, context.setting())?)
}
