//! Curves as tables, since a report shows only five entries of a list.

use wfkit_evaluate::{BackgroundSize, Curves, Drift, DriftPoint, Early, Evaluated, FewShot, PairedComparison};
use wfkit_metrics::Interval;

use super::{Text, ranking};
use crate::words::{hanging, score};

/// What an evaluation found beyond the scores of one attack: its curves, then all attacks side by side, as far as they were asked for.
pub fn beyond_scores(evaluated: &Evaluated) -> Text {
    let Curves { background, few_shot, early, drift } = &evaluated.curves;
    let mut text = Text::new();
    if !background.is_empty() {
        text.text(self::background(background));
    }
    if !few_shot.is_empty() {
        text.text(self::few_shot(few_shot));
    }
    if !early.is_empty() {
        text.text(self::early(early));
    }
    drift.iter().for_each(|drift| {
        text.text(self::drift(drift));
    });
    evaluated.ranking.iter().for_each(|attacks| {
        text.text(ranking(attacks));
    });
    text
}

/// What so many traces of each class to learn from are worth.
fn few_shot(curve: &[FewShot]) -> Text {
    let row = |point: &FewShot| {
        [
            point.traces_a_class.to_string(),
            with_interval(point.accuracy, point.accuracy_95),
            with_interval(point.roc_auc_macro_ovr, point.roc_auc_macro_ovr_95),
            with_interval(point.log_loss, point.log_loss_95),
        ]
    };
    scores("loads a class to learn from", curve.iter().map(row))
}

/// What the beginnings of traces give away.
fn early(curve: &[Early]) -> Text {
    let row = |point: &Early| {
        let scores = &point.scores;
        [
            point.percent_of_median_duration.to_string(),
            with_interval(scores.accuracy, scores.accuracy_95),
            with_interval(scores.roc_auc_macro_ovr, scores.roc_auc_macro_ovr_95),
            with_interval(scores.log_loss, scores.log_loss_95),
        ]
    };
    scores("percent of the median duration", curve.iter().map(row))
}

fn scores(heading: &str, rows: impl Iterator<Item = [String; 4]>) -> Text {
    let mut text = Text::new();
    text.table([heading, "accuracy", "ROC-AUC", "log loss"], rows);
    text
}

fn with_interval(value: Option<f64>, interval: Option<Interval>) -> String {
    let value = score(value);
    interval.map_or_else(|| value.clone(), |Interval { low, high }| format!("{value} [{low:.3}, {high:.3}]"))
}

/// What so many pages of the background to learn from are worth.
fn background(curve: &[BackgroundSize]) -> Text {
    let row = |size: &BackgroundSize| {
        let numbers = [size.roc_auc, size.true_positive_rate, size.false_positive_rate, size.r_precision_wang_20];
        let [auc, tpr, fpr, precision] = numbers.map(|number| score(Some(number)));
        [size.pages_trained_on.to_string(), auc, tpr, fpr, precision]
    };
    let headings = ["pages of the background", "ROC-AUC", "TPR", "FPR", "20-precision"];
    let mut text = Text::new();
    text.table(headings, curve.iter().map(row));
    text
}

/// What a model is worth when it is older.
fn drift(drift: &Drift) -> Text {
    let order = hanging(&format!("drift: sessions in order of {}", drift.order));
    let mut text = Text::new();
    text.lines(hanging(&drift.told).into_iter().chain(order));
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
    text.table(headings, drift.curve.iter().map(row));
    text
}

/// The paired tests, one a row; nothing where there are none.
pub fn comparisons(all: &[PairedComparison]) -> Text {
    let row = |one: &PairedComparison| {
        let scores = &one.second_scores;
        [one.second.clone(), score(scores.accuracy), score(scores.roc_auc_macro_ovr), one.told.clone()]
    };
    let mut text = Text::new();
    if let Some(one) = all.first() {
        text.table(["against", "accuracy", "ROC-AUC", &format!("{} is", one.first)], all.iter().map(row));
    }
    text
}
