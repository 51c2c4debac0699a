//! The background of an open world: how many pages it has, what was trained on, and what a larger one would change.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use wfkit_classify::{Attack, Samples, evaluate};
use wfkit_datasets::splits::Split;
use wfkit_metrics::seed::mix;
use wfkit_metrics::{OpenWorld, Transferred, mean_interval_95};

use super::Task;
use super::modes::one_collection;
use crate::context::Context;
use crate::measure::Measured;
use crate::printer::score;

/// False positive rates that thresholds are chosen for.
const RATES: [f64; 2] = [1e-2, 1e-3];

/// Backgrounds that are drawn for each size.
const DRAWS: u64 = 3;

/// Pages tested and trained on, and thresholds that were chosen on the other folds.
pub(super) fn describe(task: &Task, measured: &Measured, class: &str) -> Value {
    let samples = task.tested().samples();
    let rows = &measured.evaluation.rows;
    let tested: Vec<usize> = rows.iter().copied().filter(|&row| samples.key(row).class == class).collect();
    let pages: BTreeSet<&str> = tested.iter().filter_map(|&row| samples.page(row)).collect();
    let overlap = measured.overlap();
    let unknown = tested.iter().filter(|&&row| samples.page(row).is_none()).count();
    json!({
        "pages": {
            "tested": pages.len(),
            "traces_tested": tested.len(),
            "traces_of_pages_trained_on": overlap.pages_trained_on,
            "traces_without_page": unknown,
        },
        "thresholds_from_other_folds": thresholds(samples, measured, class, pages.len() + unknown),
    })
}

/// A background without pages cannot be kept apart: that is said aloud.
pub(super) fn warn(task: &Task, measured: &Measured, class: &str, context: &Context<'_>) {
    let samples = task.tested().samples();
    let mut of_class = (0..samples.len()).filter(|&row| samples.key(row).class == class);
    if of_class.any(|row| samples.page(row).is_none()) {
        context.printer.warn(&format!(
            "traces of {class} do not say which page they show, so that a page may be trained on and tested: false alarms are then understated; \
             wfkit dataset relabel makes sets that do"
        ));
    }
    let overlap = measured.overlap();
    if overlap.pages_trained_on > 0 {
        let (trained, tested) = (overlap.pages_trained_on, overlap.pages_tested);
        context.printer.warn(&format!("{trained} of {tested} traces of {class} show a page that was trained on"));
    }
}

fn thresholds(samples: Samples<'_>, measured: &Measured, class: &str, pages: usize) -> Value {
    let evaluation = &measured.evaluation;
    let Some(column) = evaluation.probabilities.classes().index_of(class) else { return Value::Null };
    let scores: Vec<f64> = evaluation.probabilities.values().column(column).iter().map(|p| 1.0 - p).collect();
    let positive: Vec<bool> = evaluation.truth.iter().map(|&truth| truth != column).collect();
    let mut fold = vec![0; scores.len()];
    for (number, places) in evaluation.tested_in.iter().enumerate() {
        places.iter().for_each(|&place| fold[place] = number);
    }
    let origins = samples.origins();
    let loads = |watched: bool| {
        let rows = evaluation.rows.iter().zip(&positive).filter(|&(_, &positive)| positive == watched);
        rows.map(|(&row, _)| origins.of_row()[row]).collect::<BTreeSet<_>>().len()
    };
    // Visits of one page are no independent tries.
    let independent = (loads(true), loads(false).min(pages));
    let found: Option<Vec<Transferred>> =
        RATES.iter().map(|&rate| Transferred::of(&scores, &positive, &fold, rate, independent)).collect();
    match found {
        Some(found) => json!(found),
        None => json!({ "reason": "one split only: a threshold is chosen on other folds" }),
    }
}

/// The same test parts after training on fewer pages of the background: means over several draws, with Student's interval.
pub(super) fn curve(
    sizes: &[u32],
    class: &str,
    task: &Task,
    attack: &Attack,
    context: &Context<'_>,
) -> Result<Vec<Value>> {
    let (input, splits) = one_collection(task, "--background")?;
    let samples = input.samples();
    let of_size = |&size: &u32| {
        let mut drawn: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let mut trained_on = 0;
        for draw in 0..DRAWS {
            let seed = mix(mix(context.seed, u64::from(size)), draw);
            let thinned: Vec<Split> = splits.iter().map(|split| thin(split, samples, class, size, seed)).collect();
            trained_on = thinned.iter().map(|split| pages_of(samples, class, &split.train).len()).max().unwrap_or(0);
            let judged = evaluate(attack, samples, &thinned, context.seed, &|_| {})?;
            let column = judged.probabilities.classes().index_of(class).context("the class is there")?;
            let open = OpenWorld::compute(&judged.probabilities, &judged.truth, column, &[])?;
            let numbers = [
                ("roc_auc", open.roc_auc),
                ("true_positive_rate", open.true_positive_rate),
                ("false_positive_rate", open.false_positive_rate),
                ("r_precision_wang_20", open.r_precision_wang[0].precision),
            ];
            for (name, number) in numbers {
                drawn.entry(name).or_default().push(number);
            }
        }
        let mut row = json!({ "pages_asked_for": size, "pages_trained_on": trained_on, "draws": DRAWS });
        for (name, numbers) in drawn {
            row[name] = json!(numbers.iter().sum::<f64>() / numbers.len() as f64);
            row[format!("{name}_95")] = json!(mean_interval_95(&numbers));
        }
        Ok(row)
    };
    let rows = sizes.iter().map(of_size).collect::<Result<Vec<Value>>>()?;
    let text = |row: &Value| {
        let number = |name: &str| score(row[name].as_f64());
        let names = ["roc_auc", "true_positive_rate", "false_positive_rate", "r_precision_wang_20"];
        let [auc, tpr, fpr, precision] = names.map(number);
        [row["pages_trained_on"].to_string(), auc, tpr, fpr, precision]
    };
    let headings = ["pages of the background", "ROC-AUC", "TPR", "FPR", "20-precision"];
    context.printer.table(headings, &rows.iter().map(text).collect::<Vec<_>>())?;
    Ok(rows)
}

/// What the rows of a class show; a row that does not say is a page of its own.
fn pages_of(samples: Samples<'_>, class: &str, rows: &[usize]) -> BTreeSet<String> {
    rows.iter().filter(|&&row| samples.key(row).class == class).map(|&row| page(samples, row)).collect()
}

fn page(samples: Samples<'_>, row: usize) -> String {
    samples.page(row).map_or_else(|| format!("row {row}"), str::to_owned)
}

/// The split with so many pages of the background to train on at most: those of the least hash of page and seed.
fn thin(split: &Split, samples: Samples<'_>, class: &str, pages: u32, seed: u64) -> Split {
    let mut order: Vec<(u64, String)> = pages_of(samples, class, &split.train)
        .into_iter()
        .zip(0..)
        .map(|(page, number)| (mix(seed, number), page))
        .collect();
    order.sort_unstable();
    let kept: BTreeSet<String> = order.into_iter().take(pages as usize).map(|(_, page)| page).collect();
    let stays = |row: &usize| samples.key(*row).class != class || kept.contains(&page(samples, *row));
    Split { train: split.train.iter().copied().filter(stays).collect(), ..split.clone() }
}
