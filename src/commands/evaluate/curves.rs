//! Curves over how much is learned from, and how much of a trace is seen.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use wfkit_classify::{Attack, Samples, evaluate};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{LabelledTrace, Overlap, Trace, TraceSet};
use wfkit_metrics::seed::mix;
use wfkit_metrics::{DrawnScore, Interval, ScoreOptions, Scores};

use super::Task;
use super::modes::{joined, one_collection, row};
use crate::context::Context;
use crate::input::Labelled;
use crate::printer::score;
use crate::split::some_loads;

/// Draws of the few loads that are learned from.
const DRAWS: u64 = 5;

/// Resamples behind the interval of one draw.
const RESAMPLES: usize = 200;

/// So many loads of each class of every training part, drawn anew five times; test parts stay whole.
pub(super) fn few_shot(counts: &[u16], task: &Task, attack: &Attack, context: &Context<'_>) -> Result<Vec<Value>> {
    let (input, splits) = one_collection(task, "--few-shot")?;
    let samples = input.samples();
    let groups = samples.origins();
    let of_count = |&count: &u16| {
        let mut scores = Vec::new();
        let mut overlap = Overlap::default();
        let mut trained_on = usize::MAX;
        for draw in 0..DRAWS {
            let seed = mix(mix(context.seed, u64::from(count)), draw);
            let thinned: Vec<Split> = splits
                .iter()
                .zip(0..)
                .map(|(split, fold)| {
                    let train = some_loads(&split.train, samples, &groups, count.into(), mix(seed, fold));
                    Split { train, ..split.clone() }
                })
                .collect();
            trained_on = thinned.iter().map(|split| split.train.len()).min().unwrap_or(0).min(trained_on);
            let (found, of_draw) = over_splits(attack, samples, &thinned, context)?;
            overlap = of_draw;
            scores.push(found);
        }
        let shots =
            json!({ "traces_a_class": count, "trained_on": trained_on, "learned_from": overlap.learned_from() });
        Ok(joined(shots, over_draws(&scores)))
    };
    let rows = counts.iter().map(of_count).collect::<Result<Vec<_>>>()?;
    print(&rows, "traces_a_class", "loads a class to learn from", context)?;
    Ok(rows)
}

/// Traces cut at a share of the median duration of all; the attack is trained on cut traces too.
pub(super) fn early(percents: &[u16], task: &Task, attack: &Attack, context: &Context<'_>) -> Result<Vec<Value>> {
    let (Labelled::Traces(traces), splits) = one_collection(task, "--early")? else {
        bail!("--early needs traces, not features")
    };
    let mut durations: Vec<u64> = traces.set.traces().iter().map(|labelled| labelled.trace.duration_ns()).collect();
    durations.sort_unstable();
    let median_ns = durations[durations.len() / 2];
    let of_percent = |&percent: &u16| {
        let until_ns = (median_ns as f64 * f64::from(percent) / 100.0) as u64;
        let set = beginnings(&traces.set, until_ns);
        // Beginnings are alike by chance; whether traces were learned from, whole traces tell, as they did before.
        let (scores, _) = over_splits(attack, Samples::Traces(&set), splits, context)?;
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

/// Scores over splits, with intervals of the tested loads, widened for folds; and what was tested although it was learned from.
fn over_splits(
    attack: &Attack,
    samples: Samples<'_>,
    splits: &[Split],
    context: &Context<'_>,
) -> Result<(Scores, Overlap)> {
    let judged = evaluate(attack, samples, splits, context.seed, &|_| {})?;
    let groups = Some(judged.origins.of_row());
    let options = ScoreOptions { bootstrap: RESAMPLES, seed: context.seed, groups, ..ScoreOptions::default() };
    let scores = Scores::compute(&judged.probabilities, &judged.truth, &options)?;
    Ok((scores.cross_validated(splits.len()), judged.overlap()))
}

/// Means over draws, with intervals of both the draws and the tested loads.
fn over_draws(scores: &[Scores]) -> Value {
    type Of = fn(&Scores) -> (Option<f64>, Option<Interval>);
    let numbers: [(&str, f64, Of); 3] = [
        ("accuracy", 1.0, |scores| (scores.accuracy, scores.intervals_95.as_ref().map(|all| all.accuracy))),
        ("roc_auc_macro_ovr", 1.0, |scores| {
            (scores.roc_auc_macro_ovr, scores.intervals_95.as_ref().and_then(|all| all.roc_auc_macro_ovr))
        }),
        ("log_loss", f64::MAX, |scores| (scores.log_loss, scores.intervals_95.as_ref().and_then(|all| all.log_loss))),
    ];
    let first = scores.first();
    let mut told = json!({
        "draws": scores.len(),
        "n": first.map(|scores| scores.traces),
        "origins": first.map(|scores| scores.origins),
        "reason": first.and_then(|scores| scores.reason.as_deref()).unwrap_or("not computed where null"),
    });
    for (name, most, of) in numbers {
        let drawn: Option<Vec<(f64, Option<Interval>)>> =
            scores.iter().map(of).map(|(score, interval)| Some((score?, interval))).collect();
        let drawn = drawn.and_then(|drawn| DrawnScore::of(&drawn, Interval { low: 0.0, high: most }));
        told[name] = json!(drawn.map(|drawn| drawn.mean));
        told[format!("{name}_95")] = json!(drawn.and_then(|drawn| drawn.interval_95));
        told[format!("{name}_deviation")] = json!(drawn.and_then(|drawn| drawn.deviation));
    }
    told
}

/// The curve as a table, since a report shows only five entries of a list.
fn print(rows: &[Value], key: &str, heading: &str, context: &Context<'_>) -> Result<()> {
    let text = |row: &Value| {
        let number = |name: &str| {
            let ends = &row[format!("{name}_95")];
            match (ends["low"].as_f64(), ends["high"].as_f64()) {
                (Some(low), Some(high)) => format!("{} [{low:.3}, {high:.3}]", score(row[name].as_f64())),
                _ => score(row[name].as_f64()),
            }
        };
        [row[key].to_string(), number("accuracy"), number("roc_auc_macro_ovr"), number("log_loss")]
    };
    context.printer.table([heading, "accuracy", "ROC-AUC", "log loss"], &rows.iter().map(text).collect::<Vec<_>>())
}
