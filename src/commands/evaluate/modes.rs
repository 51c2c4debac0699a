//! Other worlds than a closed one that is trained on everything: open, one page, few traces, early, later.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use wfkit_classify::{Attack, Samples, evaluate};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{LabelledTrace, Trace, TraceSet};
use wfkit_metrics::{Detection, OpenWorld, ScoreOptions, Scores, StageReport};

use super::{Task, drift};
use crate::cli::Evaluate;
use crate::context::Context;
use crate::input::Labelled;
use crate::measure::Measured;
use crate::printer::score;

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
        report.privacy.extras.set("open_world", open_world(measured, class, &mode.base_rate)?);
    }
    if mode.one_vs_rest {
        report.privacy.extras.set("one_vs_rest", one_vs_rest(measured));
    }
    if !mode.few_shot.is_empty() {
        report.privacy.extras.set("few_shot", few_shot(&mode.few_shot, task, attack, context)?);
    }
    if let Some(percents) = &mode.early {
        report.privacy.extras.set("early", early(&percents.0, task, attack, context)?);
    }
    if mode.drift {
        report.privacy.extras.set("drift", drift::measure(task, attack, options.allow_duplicates, context)?);
    }
    Ok(())
}

fn open_world(measured: &Measured, class: &str, base_rates: &[f64]) -> Result<OpenWorld> {
    let probabilities = &measured.evaluation.probabilities;
    let column = probabilities.classes().index_of(class);
    let column = column.with_context(|| format!("--open-world {class}: there is no such class"))?;
    let open = OpenWorld::compute(probabilities, &measured.evaluation.truth, column, base_rates);
    open.with_context(|| format!("--open-world {class}"))
}

/// Each class against all others by its own probability; averages and the hardest to hide come first.
fn one_vs_rest(measured: &Measured) -> Value {
    let probabilities = &measured.evaluation.probabilities;
    let truth = &measured.evaluation.truth;
    let of_class = |(class, name): (usize, &String)| {
        let scores = probabilities.values().column(class).to_vec();
        let positive: Vec<bool> = truth.iter().map(|&true_class| true_class == class).collect();
        let detection = Detection::of(&scores, &positive).ok()?;
        Some((name.clone(), detection))
    };
    let pages: Vec<(String, Detection)> =
        probabilities.classes().names().iter().enumerate().filter_map(of_class).collect();
    let mean = |of: &dyn Fn(&Detection) -> f64| {
        (!pages.is_empty()).then(|| pages.iter().map(|(_, page)| of(page)).sum::<f64>() / pages.len() as f64)
    };
    let page = |(name, page): &(String, Detection)| {
        json!({
            "class": name,
            "roc_auc": page.roc_auc(),
            "average_precision": page.average_precision(page.base_rate()),
            "tpr_at_fpr_1e2": page.true_positive_rate_at(1e-2),
            "tpr_at_fpr_1e3": page.true_positive_rate_at(1e-3),
        })
    };
    json!({
        "n": truth.len(),
        "pages": pages.len(),
        "mean_roc_auc": mean(&Detection::roc_auc),
        "mean_average_precision": mean(&|page| page.average_precision(page.base_rate())),
        "mean_tpr_at_fpr_1e2": mean(&|page| page.true_positive_rate_at(1e-2)),
        "mean_tpr_at_fpr_1e3": mean(&|page| page.true_positive_rate_at(1e-3)),
        "by_class": pages.iter().map(page).collect::<Vec<_>>(),
        "reason": "null where no class has traces on both sides",
    })
}

/// The scores that stand in a row of a curve or a cell of a matrix.
pub(super) fn row(scores: &Scores) -> Value {
    json!({
        "n": scores.traces,
        "accuracy": scores.accuracy,
        "accuracy_95": scores.intervals_95.as_ref().map(|intervals| intervals.accuracy),
        "roc_auc_macro_ovr": scores.roc_auc_macro_ovr,
        "log_loss": scores.log_loss,
        "reason": scores.reason.as_deref().unwrap_or("not computed where null"),
    })
}

/// Scores over splits; intervals are those of the traces, widened for folds.
fn over_splits(attack: &Attack, samples: Samples<'_>, splits: &[Split], context: &Context<'_>) -> Result<Scores> {
    let judged = evaluate(attack, samples, splits, context.seed, &|_| {})?;
    let options = ScoreOptions { bootstrap: 200, seed: context.seed };
    let scores = Scores::compute(&judged.probabilities, &judged.truth, &options)?;
    Ok(scores.cross_validated(splits.len()))
}

pub(super) fn one_collection<'a>(task: &'a Task, option: &str) -> Result<(&'a Labelled, &'a [Split])> {
    match task {
        Task::Splits { input, splits, .. } => Ok((input, splits)),
        Task::TrainAndTest { .. } => bail!("{option} works on one collection, not on --train and --test"),
    }
}

/// The first traces of each class of every training part; test parts stay whole.
fn few_shot(counts: &[u16], task: &Task, attack: &Attack, context: &Context<'_>) -> Result<Vec<Value>> {
    let (input, splits) = one_collection(task, "--few-shot")?;
    let samples = input.samples();
    let of_count = |&count: &u16| {
        let thinned = splits.iter().map(|split| {
            let mut taken = std::collections::BTreeMap::new();
            let mut few = |row: &usize| {
                let taken: &mut u16 = taken.entry(&samples.key(*row).class).or_default();
                *taken = taken.saturating_add(1);
                *taken <= count
            };
            Split { train: split.train.iter().copied().filter(|row| few(row)).collect(), ..split.clone() }
        });
        let thinned: Vec<Split> = thinned.collect();
        let scores = over_splits(attack, samples, &thinned, context)?;
        let shots =
            json!({ "traces_a_class": count, "trained_on": thinned.iter().map(|split| split.train.len()).min() });
        Ok(joined(shots, row(&scores)))
    };
    let rows = counts.iter().map(of_count).collect::<Result<Vec<_>>>()?;
    print(&rows, "traces_a_class", "training traces a class", context)?;
    Ok(rows)
}

/// Traces cut at a share of the median duration of all; the attack is trained on cut traces too.
fn early(percents: &[u16], task: &Task, attack: &Attack, context: &Context<'_>) -> Result<Vec<Value>> {
    let (Labelled::Traces(traces), splits) = one_collection(task, "--early")? else {
        bail!("--early needs traces, not features")
    };
    let mut durations: Vec<u64> = traces.set.traces().iter().map(|labelled| labelled.trace.duration_ns()).collect();
    durations.sort_unstable();
    let median_ns = durations[durations.len() / 2];
    let of_percent = |&percent: &u16| {
        let until_ns = (median_ns as f64 * f64::from(percent) / 100.0) as u64;
        let set = beginnings(&traces.set, until_ns);
        let scores = over_splits(attack, Samples::Traces(&set), splits, context)?;
        let cut = json!({ "percent_of_median_duration": percent, "seconds": until_ns as f64 / 1e9 });
        Ok(joined(cut, row(&scores)))
    };
    let rows = percents.iter().map(of_percent).collect::<Result<Vec<_>>>()?;
    print(&rows, "percent_of_median_duration", "percent of the median duration", context)?;
    Ok(rows)
}

/// The packets until a moment; the first one is at 0, so none loses all.
fn beginnings(set: &TraceSet, until_ns: u64) -> TraceSet {
    let cut = |labelled: &LabelledTrace| {
        let trace = &labelled.trace;
        let packets = trace.time_ns().partition_point(|&time| time <= until_ns);
        let (time_ns, size) = (trace.time_ns()[..packets].to_vec(), trace.size()[..packets].to_vec());
        LabelledTrace { trace: Trace::new(time_ns, size).expect("a beginning of a trace is one"), ..labelled.clone() }
    };
    let traces = set.traces().iter().map(cut).collect();
    TraceSet::new(traces, set.provenance().clone()).expect("the keys are those of a set")
}

pub(super) fn joined(mut first: Value, second: Value) -> Value {
    if let (Value::Object(first), Value::Object(second)) = (&mut first, second) {
        first.extend(second);
    }
    first
}

/// The curve as a table, since a report shows only five entries of a list.
fn print(rows: &[Value], key: &str, heading: &str, context: &Context<'_>) -> Result<()> {
    let text = |row: &Value| {
        let number = |name: &str| score(row[name].as_f64());
        [row[key].to_string(), number("accuracy"), number("roc_auc_macro_ovr"), number("log_loss")]
    };
    context.printer.table([heading, "accuracy", "ROC-AUC", "log loss"], &rows.iter().map(text).collect::<Vec<_>>())
}
