//! Every attack that takes these samples, on the same splits, side by side.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use wfkit_classify::{Attack, attacks};

use super::{Task, against, refuse_leaks};
use crate::cli;
use crate::commands::train::options as attack_options;
use crate::context::Context;
use crate::input::Labelled;
use crate::measure::Measured;
use crate::words::hanging;

/// What stands for all attacks in place of a name.
pub(crate) const ALL: &str = "all";

/// How the reference was chosen, for the report.
const CHOSEN: &str = "the reference has the least log loss of all on these very splits: it was chosen after the look, so its lead is a \
                      little too good; p-values are corrected for the number of attacks, not for that choice";

/// Every attack was measured that could be; the best by log loss comes first.
pub(super) struct Ranking {
    pub(super) attacks: Vec<(Attack, Measured)>,
    failed: Vec<(String, String)>,
}

impl Ranking {
    /// Attacks that do not take an option, as trees those without trees, run as they are published, and that is told.
    pub(super) fn measure(
        task: &Task,
        options: &cli::Evaluate,
        unmonitored: Option<&str>,
        context: &Context<'_>,
    ) -> Result<Self> {
        let takes_traces = matches!(task.tested(), Labelled::Traces(_));
        let (changed, mut unchanged, mut failed, mut ranked) =
            (attack_options(&options.attack), Vec::new(), Vec::new(), Vec::new());
        for info in attacks() {
            let published = Attack::by_name(info.name, &Default::default())?;
            if published.takes_traces() != takes_traces {
                continue;
            }
            let attack = Attack::by_name(info.name, &changed).unwrap_or_else(|_| {
                unchanged.push(info.name);
                published
            });
            let attack = unmonitored.into_iter().fold(attack, Attack::unmonitored);
            let attack = options.attack.calibrate.into_iter().fold(attack, Attack::calibrated);
            match task.measure(&attack, context) {
                Ok(measured) => {
                    // The splits are the same for all, so the first one tells.
                    if ranked.is_empty() {
                        refuse_leaks(&measured, task.scores_duplicates(options))?;
                    }
                    ranked.push((attack, measured));
                }
                Err(error) => failed.push((info.name.to_owned(), format!("{error:#}"))),
            }
        }
        if !unchanged.is_empty() {
            let message = "not all options apply to them, so they run as published";
            context.printer.warn(&format!("{}: {message}", unchanged.join(", ")));
        }
        for (name, reason) in &failed {
            context.printer.warn(&format!("{name} is not in the table: {reason}"));
        }
        ensure!(!ranked.is_empty(), "no attack could be measured: {}", failed.first().map_or("", |(_, reason)| reason));
        let loss = |measured: &Measured| measured.scores.log_loss.unwrap_or(f64::INFINITY);
        ranked.sort_by(|(_, a), (_, b)| loss(a).total_cmp(&loss(b)).then_with(|| a.attack.cmp(&b.attack)));
        Ok(Self { attacks: ranked, failed })
    }

    /// The best attack and its measurement, the others, and what failed.
    pub(super) fn split(self) -> (Attack, Measured, Vec<Measured>, Vec<(String, String)>) {
        let mut attacks = self.attacks.into_iter();
        let (attack, best) = attacks.next().expect("a ranking has an attack");
        (attack, best, attacks.map(|(_, measured)| measured).collect(), self.failed)
    }
}

/// The table of the report; `best` is the first of the ranking, `others` the rest of it.
pub(super) fn part(best: &Measured, others: &[Measured], failed: &[(String, String)]) -> Value {
    let compared = against::compare(best, others);
    let line = |(at, measured): (usize, &Measured)| {
        let tested = measured.evaluation.rows.len().max(1) as f64;
        let mut row = row(measured, at.checked_sub(1).map(|other| &compared[other]));
        let cost = measured.cost();
        row["train_cpu_seconds"] = cost["train_cpu_seconds"].clone();
        row["predict_cpu_ms_a_trace"] =
            json!(cost["predict_cpu_seconds"].as_f64().map(|seconds| seconds * 1e3 / tested));
        row["reason"] = json!("p-values are against the reference, which has none; that of log loss needs two folds");
        row
    };
    let all: Vec<&Measured> = std::iter::once(best).chain(others).collect();
    json!({
        "reference": best.attack,
        "chosen": CHOSEN,
        "test": "corrected resampled t-test over folds, McNemar's over one split; Holm over all attacks",
        "table": all.into_iter().enumerate().map(line).collect::<Vec<_>>(),
        "compared": compared,
        "failed": failed.iter().map(|(attack, reason)| json!({ "attack": attack, "reason": reason })).collect::<Vec<_>>(),
    })
}

/// The scores of an attack, and the p-values of its test against the reference; the reference itself has none.
pub(in crate::commands) fn row(measured: &Measured, test: Option<&Value>) -> Value {
    let p = |of: &str| test.map_or(Value::Null, |test| test[of]["p_holm"].clone());
    let mut row = measured.summary();
    let intervals = measured.scores.intervals_95.as_ref();
    row["log_loss_95"] = json!(intervals.and_then(|all| all.log_loss));
    row["p_log_loss"] = p("log_loss_corrected_t_test");
    row["p_accuracy"] = p("accuracy");
    row
}

/// The table in 80 columns.
pub(super) fn lines(part: &Value) -> Vec<String> {
    let empty = Vec::new();
    let rows = part["table"].as_array().unwrap_or(&empty);
    let by_loss = rows.iter().any(|row| row["p_log_loss"].is_number());
    let (p_of, of) = if by_loss { ("p_log_loss", "loss") } else { ("p_accuracy", "acc.") };
    let [head, units] = head(NAME, of);
    let mut lines =
        vec![format!("{head} {:>8} {:>7}", "train", "predict"), format!("{units} {:>8} {:>7}", "CPU s", "CPU ms")];
    for row in rows {
        let number = |name: &str| row[name].as_f64();
        lines.push(format!(
            "{} {:>8} {:>7}",
            scores(row, NAME, p_of),
            number("train_cpu_seconds").map_or("-".to_owned(), |seconds| format!("{seconds:.2}")),
            number("predict_cpu_ms_a_trace").map_or("-".to_owned(), |ms| format!("{ms:.3}")),
        ));
    }
    let reference = part["reference"].as_str().unwrap_or_default();
    lines.extend(hanging(&format!(
        "p: against {reference}, corrected for the number of attacks (Holm). It has the least log loss on these splits, chosen after the look: its lead \
         is a little too good. Train: all folds together; predict: a trace."
    )));
    lines
}

/// Columns of the name of an attack.
const NAME: usize = 15;

/// What stands above [`scores`]; `of` is what p-values are of.
pub(in crate::commands) fn head(name: usize, of: &str) -> [String; 2] {
    [["attack", "accuracy [95 %]", "AUC", "log loss [95 %]", "p"], ["", "", "", "", of]]
        .map(|[attack, accuracy, area, loss, p]| format!("{attack:<name$} {accuracy:<16} {area:>5} {loss:<17} {p:>6}"))
}

/// The scores of an attack in 48 columns and those of its name; `p_of` is the field of its p-value.
pub(in crate::commands) fn scores(row: &Value, name: usize, p_of: &str) -> String {
    let number = |name: &str| row[name].as_f64();
    let interval = |name: &str, write: fn(f64) -> String| match (
        number(name),
        row[format!("{name}_95")]["low"].as_f64(),
        row[format!("{name}_95")]["high"].as_f64(),
    ) {
        (Some(value), Some(low), Some(high)) => format!("{} [{}, {}]", write(value), write(low), write(high)),
        (Some(value), ..) => write(value),
        _ => "-".to_owned(),
    };
    format!(
        "{:<name$} {:<16} {:>5} {:<17} {:>6}",
        row["attack"].as_str().unwrap_or_default(),
        interval("accuracy", super::transfer::short),
        number("roc_auc_macro_ovr").map_or("-".to_owned(), |area| format!("{area:.3}")),
        interval("log_loss", three_digits),
        number(p_of).map_or("-".to_owned(), |p| if p < 0.001 { "<.001".to_owned() } else { format!("{p:.3}") }),
    )
}

/// Two decimals below ten, fewer above, so that intervals keep their width.
fn three_digits(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_eighty_columns() {
        let interval = |low: f64, high: f64| json!({ "low": low, "high": high });
        let row = json!({ "attack": "wang-knn-forest", "accuracy": 1.0, "accuracy_95": interval(0.951, 1.0), "roc_auc_macro_ovr": 1.0,
            "log_loss": 12.345, "log_loss_95": interval(11.0, 13.0), "p_log_loss": 1e-9, "train_cpu_seconds": 12345.678, "predict_cpu_ms_a_trace": 123.456 });
        let lines = lines(&json!({ "reference": "best", "table": [row, { "attack": "best", "accuracy": 0.5 }] }));
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        assert!(
            lines[2].starts_with("wang-knn-forest 1.00 [.95, 1.00] 1.000 12.3 [11.0, 13.0]  <.001 12345.68 123.456"),
            "{lines:#?}"
        );
    }
}
