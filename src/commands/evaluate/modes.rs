//! Other worlds than a closed one that is trained on everything: open, one page, few traces, early, later.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use wfkit_classify::{Attack, Evaluation};
use wfkit_datasets::splits::Split;
use wfkit_metrics::{Detection, Interval, OpenWorld, Probabilities, RPrecision, Scores, StageReport};

use super::{Task, background, curves, drift};
use crate::cli::Evaluate;
use crate::context::Context;
use crate::input::Labelled;
use crate::measure::Measured;

/// Adds what the options ask for to the report.
pub(super) fn add(
    report: &mut StageReport,
    options: &Evaluate,
    task: &Task,
    attack: &Attack,
    measured: &Measured,
    context: &Context<'_>,
) -> Result<()> {
    let mode = &options.mode;
    if let Some(class) = &mode.open_world {
        let found = open_world(measured, class, &mode.base_rate, context.seed)?;
        let found = joined(found, background::describe(task, measured, class));
        report.privacy.extras.set("open_world", found);
        background::warn(task, measured, class, context);
    }
    if let (Some(class), false) = (&mode.open_world, mode.background.is_empty()) {
        let curve = background::curve(&mode.background, class, task, attack, context)?;
        report.privacy.extras.set("background", curve);
    }
    if mode.one_vs_rest {
        report.privacy.extras.set("one_vs_rest", one_vs_rest(measured, context.seed));
    }
    if !mode.few_shot.is_empty() {
        report.privacy.extras.set("few_shot", curves::few_shot(&mode.few_shot, task, attack, context)?);
    }
    if let Some(percents) = &mode.early {
        report.privacy.extras.set("early", curves::early(&percents.0, task, attack, context)?);
    }
    if mode.drift {
        report.privacy.extras.set("drift", drift::measure(task, attack, options.allow_duplicates, context)?);
    }
    Ok(())
}

/// The scores of an open world whose unmonitored class is `class`.
pub(in crate::commands) fn open_world(
    measured: &Measured,
    class: &str,
    base_rates: &[f64],
    seed: u64,
) -> Result<Value> {
    let Evaluation { probabilities, truth, .. } = &measured.evaluation;
    let column = probabilities.classes().index_of(class);
    let column = column.with_context(|| format!("--open-world {class}: there is no such class"))?;
    let open = OpenWorld::compute(probabilities, truth, column, base_rates);
    let open = open.with_context(|| format!("--open-world {class}"))?;
    let intervals = measured.resampling(seed).intervals(probabilities, truth, |probabilities, truth| {
        let open = OpenWorld::compute(probabilities, truth, column, base_rates).ok();
        numbers(open.as_ref()).into_iter().map(|(_, number)| number).collect()
    });
    let names = numbers(Some(&open)).into_iter().map(|(name, _)| name);
    Ok(joined(serde_json::to_value(&open)?, json!({ "intervals_95": by_name(names.zip(intervals)) })))
}

/// The numbers of an open world that get intervals, by name.
fn numbers(open: Option<&OpenWorld>) -> Vec<(String, Option<f64>)> {
    type Number = (&'static str, fn(&OpenWorld) -> f64);
    const PLAIN: [Number; 10] = [
        ("roc_auc", |open| open.roc_auc),
        ("average_precision", |open| open.average_precision),
        ("tpr_at_fpr_1e2", |open| open.tpr_at_fpr_1e2),
        ("tpr_at_fpr_1e3", |open| open.tpr_at_fpr_1e3),
        ("precision_at_recall_50", |open| open.precision_at_recall_50),
        ("precision_at_recall_80", |open| open.precision_at_recall_80),
        ("recall_at_precision_97", |open| open.recall_at_precision_97),
        ("true_positive_rate", |open| open.true_positive_rate),
        ("wrong_positive_rate", |open| open.wrong_positive_rate),
        ("false_positive_rate", |open| open.false_positive_rate),
    ];
    let plain = PLAIN.into_iter().map(|(name, of)| (name.to_owned(), open.map(of)));
    let ratios = |name: &'static str, of: fn(&OpenWorld) -> &Vec<RPrecision>| {
        let each = open.map(|open| of(open).as_slice()).unwrap_or_default();
        each.iter().map(move |at| (format!("{name}_{}", at.r), Some(at.precision)))
    };
    plain
        .chain(ratios("r_precision_wang", |open| &open.r_precision_wang))
        .chain(ratios("r_precision_counts", |open| &open.r_precision_counts))
        .collect()
}

/// Intervals that are there, by name; why others are not.
fn by_name(intervals: impl Iterator<Item = (String, Option<Interval>)>) -> Value {
    let (there, missing): (Vec<_>, Vec<_>) = intervals.partition(|(_, interval)| interval.is_some());
    let mut told: serde_json::Map<String, Value> =
        there.into_iter().map(|(name, interval)| (name, json!(interval))).collect();
    if !missing.is_empty() {
        told.insert("reason".to_owned(), json!("absent where a class has one trace or all resamples give the same"));
    }
    Value::Object(told)
}

/// Each class against all others by its own probability; averages and the hardest to hide come first.
fn one_vs_rest(measured: &Measured, seed: u64) -> Value {
    let Evaluation { probabilities, truth, .. } = &measured.evaluation;
    let pages = pages(probabilities, truth);
    let intervals = measured.resampling(seed).intervals(probabilities, truth, |probabilities, truth| {
        let pages = self::pages(probabilities, truth);
        MEANS.map(|(_, of)| mean(&pages, of)).to_vec()
    });
    let names = MEANS.map(|(name, _)| name.to_owned());
    let means = MEANS.into_iter().map(|(name, of)| (name.to_owned(), json!(mean(&pages, of)))).collect();
    let page = |(name, page): &(String, Detection)| {
        let numbers = PAGE.into_iter().map(|(name, of)| (name.to_owned(), json!(of(page)))).collect();
        joined(json!({ "class": name }), Value::Object(numbers))
    };
    let told = json!({
        "n": truth.len(),
        "pages": pages.len(),
        "intervals_95": by_name(names.into_iter().zip(intervals)),
        "by_class": pages.iter().map(page).collect::<Vec<_>>(),
        "reason": "null where no class has traces on both sides",
    });
    joined(told, Value::Object(means))
}

type OfPage = (&'static str, fn(&Detection) -> f64);

const PAGE: [OfPage; 4] = [
    ("roc_auc", Detection::roc_auc),
    ("average_precision", |page| page.average_precision(page.base_rate())),
    ("tpr_at_fpr_1e2", |page| page.true_positive_rate_at(1e-2)),
    ("tpr_at_fpr_1e3", |page| page.true_positive_rate_at(1e-3)),
];

const MEANS: [OfPage; 4] = [
    ("mean_roc_auc", PAGE[0].1),
    ("mean_average_precision", PAGE[1].1),
    ("mean_tpr_at_fpr_1e2", PAGE[2].1),
    ("mean_tpr_at_fpr_1e3", PAGE[3].1),
];

/// Every class against all others, by name.
fn pages(probabilities: &Probabilities, truth: &[usize]) -> Vec<(String, Detection)> {
    let of_class = |(class, name): (usize, &String)| {
        let scores = probabilities.values().column(class).to_vec();
        let positive: Vec<bool> = truth.iter().map(|&true_class| true_class == class).collect();
        let detection = Detection::of(&scores, &positive).ok()?;
        Some((name.clone(), detection))
    };
    probabilities.classes().names().iter().enumerate().filter_map(of_class).collect()
}

fn mean(pages: &[(String, Detection)], of: fn(&Detection) -> f64) -> Option<f64> {
    (!pages.is_empty()).then(|| pages.iter().map(|(_, page)| of(page)).sum::<f64>() / pages.len() as f64)
}

/// The scores that stand in a row of a curve or a cell of a matrix.
pub(super) fn row(scores: &Scores) -> Value {
    let intervals = scores.intervals_95.as_ref();
    let without = intervals.and_then(|intervals| intervals.reason.as_deref());
    json!({
        "n": scores.traces,
        "accuracy": scores.accuracy,
        "accuracy_95": intervals.map(|intervals| intervals.accuracy),
        "roc_auc_macro_ovr": scores.roc_auc_macro_ovr,
        "roc_auc_macro_ovr_95": intervals.and_then(|intervals| intervals.roc_auc_macro_ovr),
        "log_loss": scores.log_loss,
        "log_loss_95": intervals.and_then(|intervals| intervals.log_loss),
        "reason": scores.reason.as_deref().or(without).unwrap_or("not computed where null"),
    })
}

pub(super) fn one_collection<'a>(task: &'a Task, option: &str) -> Result<(&'a Labelled, &'a [Split])> {
    match task {
        Task::Splits { input, splits, .. } => Ok((input, splits)),
        Task::TrainAndTest { .. } => bail!("{option} works on one collection, not on --train and --test"),
    }
}

pub(super) fn joined(mut first: Value, second: Value) -> Value {
    if let (Value::Object(first), Value::Object(second)) = (&mut first, second) {
        first.extend(second);
    }
    first
}
