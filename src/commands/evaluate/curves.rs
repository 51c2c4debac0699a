//! Curves as tables, since a report shows only five entries of a list.

use anyhow::Result;
use wfkit_evaluate::{BackgroundSize, Drift, DriftPoint, Early, FewShot};
use wfkit_metrics::Interval;

use crate::context::Context;
use crate::printer::score;
use wfkit_report::words::hanging;

pub(super) fn few_shot(curve: &[FewShot], context: &Context<'_>) -> Result<()> {
    let row = |point: &FewShot| {
        [
            point.traces_a_class.to_string(),
            with_interval(point.accuracy, point.accuracy_95),
            with_interval(point.roc_auc_macro_ovr, point.roc_auc_macro_ovr_95),
            with_interval(point.log_loss, point.log_loss_95),
        ]
    };
    scores("loads a class to learn from", curve.iter().map(row).collect(), context)
}

pub(super) fn early(curve: &[Early], context: &Context<'_>) -> Result<()> {
    let row = |point: &Early| {
        let scores = &point.scores;
        [
            point.percent_of_median_duration.to_string(),
            with_interval(scores.accuracy, scores.accuracy_95),
            with_interval(scores.roc_auc_macro_ovr, scores.roc_auc_macro_ovr_95),
            with_interval(scores.log_loss, scores.log_loss_95),
        ]
    };
    scores("percent of the median duration", curve.iter().map(row).collect(), context)
}

fn scores(heading: &str, rows: Vec<[String; 4]>, context: &Context<'_>) -> Result<()> {
    context.printer.table([heading, "accuracy", "ROC-AUC", "log loss"], &rows)
}

fn with_interval(value: Option<f64>, interval: Option<Interval>) -> String {
    let value = score(value);
    interval.map_or_else(|| value.clone(), |Interval { low, high }| format!("{value} [{low:.3}, {high:.3}]"))
}

pub(super) fn background(curve: &[BackgroundSize], context: &Context<'_>) -> Result<()> {
    let row = |size: &BackgroundSize| {
        let numbers = [size.roc_auc, size.true_positive_rate, size.false_positive_rate, size.r_precision_wang_20];
        let [auc, tpr, fpr, precision] = numbers.map(|number| score(Some(number)));
        [size.pages_trained_on.to_string(), auc, tpr, fpr, precision]
    };
    let headings = ["pages of the background", "ROC-AUC", "TPR", "FPR", "20-precision"];
    context.printer.table(headings, &curve.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn drift(drift: &Drift, context: &Context<'_>) -> Result<()> {
    let order = hanging(&format!("drift: sessions in order of {}", drift.order));
    hanging(&drift.told).into_iter().chain(order).try_for_each(|line| context.printer.line(&line))?;
    let row = |point: &DriftPoint| {
        let dash = || "-".to_owned();
        [
            point.sessions_later.to_string(),
            point.after().unwrap_or_else(dash),
            point.trained_on_mean.to_string(),
            point.scores.short_accuracy().unwrap_or_else(dash),
            score(point.scores.roc_auc_macro_ovr),
            score(point.scores.log_loss),
        ]
    };
    let headings = ["later", "after", "trained on", "accuracy", "ROC-AUC", "log loss"];
    context.printer.table(headings, &drift.curve.iter().map(row).collect::<Vec<_>>())
}
