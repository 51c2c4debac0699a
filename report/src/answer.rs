//! The answer first: what a stage found, in a line and a few more. Everything else is in its report.

use serde::Deserialize;
use serde_json::Value;
use wfkit_metrics::{Interval, Scores, StageReport};

use crate::page::defence_of;
use crate::page::run::{Attempt, cost, privacy, scores};
use crate::picture::{bytes, percent};
use crate::words::{NARROW, abbreviated, wrapped};

/// What a stage found, for people who want to know that and no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// In one sentence.
    pub headline: String,
    /// What it rests on: a name and what is said of it.
    pub lines: Vec<(String, String)>,
}

/// Width of the names.
const NAME: usize = 12;

impl Answer {
    /// Lines of at most 80 characters, each with its name before it, and the rest of a long one below it.
    pub fn text(&self) -> Vec<String> {
        let lines = |text: &str, room: usize| {
            let words: Vec<String> = text.split(' ').map(|word| abbreviated(word, room)).collect();
            wrapped(&words.join(" "), room)
        };
        let mut text = lines(&self.headline, NARROW);
        for (name, told) in &self.lines {
            for (at, line) in lines(told, NARROW - NAME).into_iter().enumerate() {
                let name = if at == 0 { name.as_str() } else { "" };
                text.push(format!("{:<NAME$}{line}", abbreviated(name, NAME - 1)));
            }
        }
        text
    }
}

#[derive(Deserialize)]
struct Leakage {
    bayes_error: Option<BayesError>,
}

#[derive(Deserialize)]
struct BayesError {
    estimate: f64,
    by: String,
    interval_95: Option<Interval>,
}

fn with_interval(value: f64, interval: Option<Interval>, digits: usize) -> String {
    interval.map_or_else(
        || format!("{value:.digits$}"),
        |Interval { low, high }| format!("{value:.digits$} [{low:.digits$}, {high:.digits$}]"),
    )
}

/// Of `wfkit evaluate`: how right the attack is, beside guessing and totals alone.
pub fn evaluated(report: &StageReport) -> Answer {
    let attack = &report.privacy.attack;
    let Some(scores) = scores(report) else { return unmeasured(report) };
    let Scores { intervals_95, .. } = &scores;
    let interval = |of: &dyn Fn(&wfkit_metrics::Intervals) -> Option<Interval>| intervals_95.as_ref().and_then(of);
    let accuracy = scores.accuracy.unwrap_or(0.0);
    let chance = scores.chance_accuracy.unwrap_or(0.0);
    let within = interval(&|all| Some(all.accuracy));
    let sure = within.map_or_else(String::new, |ends| format!(" [{}, {}]", percent(ends.low), percent(ends.high)));
    let headline = format!(
        "{attack} names the class of {} of the traces{sure}, where guessing is right in {}.",
        percent(accuracy),
        percent(chance)
    );
    let trivial: Option<Attempt> = privacy(report, "trivial");
    let beside = |value: Option<f64>, digits: usize| match (&trivial, value) {
        (Some(trivial), Some(value)) => format!("; {} alone {value:.digits$}", trivial.attack),
        _ => String::new(),
    };
    let mut lines = vec![(
        "accuracy".to_owned(),
        with_interval(accuracy, within, 3)
            + &format!("; guessing {chance:.3}")
            + &beside(trivial.as_ref().and_then(|one| one.accuracy), 3),
    )];
    if let Some(area) = scores.roc_auc_macro_ovr {
        let told = with_interval(area, interval(&|all| all.roc_auc_macro_ovr), 4);
        lines.push(("ROC-AUC".to_owned(), told + &beside(trivial.as_ref().and_then(|one| one.roc_auc_macro_ovr), 4)));
    }
    if let Some(loss) = scores.log_loss {
        let told = with_interval(loss, interval(&|all| all.log_loss), 3);
        lines.push(("log loss".to_owned(), told + &beside(trivial.as_ref().and_then(|one| one.log_loss), 3)));
    }
    if let Some(worst) = &scores.worst_class {
        let found = with_interval(worst.recall, interval(&|all| all.worst_class_recall), 3);
        lines.push(("worst class".to_owned(), format!("{}: {found} of {} traces", worst.class, worst.traces)));
    }
    let leakage: Option<Leakage> = privacy(report, "leakage");
    if let Some(error) = leakage.and_then(|leakage| leakage.bayes_error) {
        let estimate = with_interval(error.estimate, error.interval_95, 3);
        lines.push((
            "best error".to_owned(),
            format!("{estimate}, estimated from what was tried, by {}; others may do better", error.by),
        ));
    }
    lines.push((
        "tested".to_owned(),
        format!("{} traces of {} classes, {}", scores.traces, scores.classes, split(report)),
    ));
    cautions(report, &mut lines);
    Answer { headline, lines }
}

/// Of `wfkit defend`: what the defence costs, and what the attack still finds when it is trained again.
pub fn defended(report: &StageReport) -> Answer {
    let attack = &report.privacy.attack;
    let name = defence_of(report).unwrap_or_else(|| "the defence".to_owned());
    let before: Option<Attempt> = privacy(report, "undefended");
    let trivial: Option<Attempt> = privacy(report, "trivial");
    let found = scores(report);
    let mut lines = Vec::new();
    if let Some(cost) = cost(report) {
        let interval: Option<(f64, f64)> = report
            .utility
            .extras
            .get("overheads")
            .and_then(|all| serde_json::from_value(all["bandwidth"]["both"]["total"]["interval"].clone()).ok());
        let times = match interval {
            Some((low, high)) => format!("{:.2} times [{:.2}, {:.2}]", 1.0 + cost.bandwidth, 1.0 + low, 1.0 + high),
            None => format!("{:.2} times", 1.0 + cost.bandwidth),
        };
        let median =
            |utility: &Value| Some(utility["median_in_bytes"].as_f64()? + utility["median_out_bytes"].as_f64()?);
        let own = report.utility.utility.median_in_bytes.zip(report.utility.utility.median_out_bytes);
        let was = report.utility.extras.get("undefended").and_then(median);
        let medians = match (was, own) {
            (Some(was), Some((i, o))) => format!("; median trace {} to {}", bytes(was), bytes(i + o)),
            _ => String::new(),
        };
        lines.push(("bytes".to_owned(), times + &medians));
        let delays: Option<(f64, f64)> = report
            .utility
            .extras
            .get("time_overhead")
            .and_then(|all| serde_json::from_value(all["mean_delay_s"].clone()).ok());
        let waits = delays.map_or_else(String::new, |(low, high)| match high {
            high if high < 5e-4 => "; no packet waits".to_owned(),
            _ => format!("; packets wait {:.0} to {:.0} ms on average", low * 1e3, high * 1e3),
        });
        lines.push(("time".to_owned(), cost.time() + &waits));
    }
    let arrow = |from: Option<f64>, to: Option<f64>, digits: usize| match (from, to) {
        (Some(from), Some(to)) => format!("{from:.digits$} to {to:.digits$}"),
        (None, Some(to)) => format!("{to:.digits$} after"),
        _ => "not measured".to_owned(),
    };
    if let Some(scores) = &found {
        let within = scores.intervals_95.as_ref().map(|all| all.accuracy);
        let sure = within.map_or_else(String::new, |ends| format!(" [{:.3}, {:.3}]", ends.low, ends.high));
        let accuracy = arrow(before.as_ref().and_then(|one| one.accuracy), scores.accuracy, 3);
        let area = arrow(before.as_ref().and_then(|one| one.roc_auc_macro_ovr), scores.roc_auc_macro_ovr, 4);
        lines.push((attack.clone(), format!("accuracy {accuracy}{sure}, ROC-AUC {area}")));
    }
    if let Some(Attempt { attack: control, accuracy: Some(accuracy), roc_auc_macro_ovr, .. }) = &trivial
        && control != attack
    {
        let area = roc_auc_macro_ovr.map_or_else(String::new, |area| format!(", ROC-AUC {area:.4}"));
        lines.push((
            control.clone(),
            format!("accuracy {accuracy:.3}{area} after, from packets, bytes and duration alone"),
        ));
    }
    let was = report.utility.extras.get("undefended").and_then(|utility| utility["score"].as_f64());
    lines.push(("utility".to_owned(), arrow(was, report.utility.utility.score, 3)));
    lines.push(("measured".to_owned(), split(report)));
    cautions(report, &mut lines);
    let headline = match (&found, before.and_then(|one| one.accuracy)) {
        (Some(scores), Some(before)) => {
            let after = scores.accuracy.unwrap_or(0.0);
            let chance = scores.chance_accuracy.unwrap_or(0.0);
            let moves = if after < before { "falls" } else { "goes" };
            format!(
                "{name}: {attack} {moves} from {} to {} of the traces, where guessing is right in {}.",
                percent(before),
                percent(after),
                percent(chance)
            )
        }
        (Some(scores), None) => {
            format!("{name}: {attack} names the class of {} of the traces.", percent(scores.accuracy.unwrap_or(0.0)))
        }
        (None, _) => format!("{name}: {}", unmeasured(report).headline),
    };
    Answer { headline, lines }
}

fn unmeasured(report: &StageReport) -> Answer {
    let reason = report.privacy.reason.as_deref().unwrap_or("no reason is given");
    Answer { headline: format!("what {} finds is not measured: {reason}", report.privacy.attack), lines: Vec::new() }
}

fn split(report: &StageReport) -> String {
    report.privacy.extras.get("split").and_then(Value::as_str).unwrap_or("no split is told").to_owned()
}

/// What should not be missed.
fn cautions(report: &StageReport, lines: &mut Vec<(String, String)>) {
    let shortcut = report.privacy.extras.get("shortcuts").and_then(|shortcuts| shortcuts["warning"].as_str());
    let dropped: u64 = report.dropped.values().sum();
    let left_out = (dropped > 0).then(|| {
        let reasons: Vec<String> = report.dropped.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        format!("left out: {}", reasons.join(", "))
    });
    let all = report.problems.iter().map(String::as_str).chain(shortcut).map(str::to_owned).chain(left_out);
    let mut told: Vec<String> = Vec::new();
    for caution in all {
        // A shortcut is among the problems, with what to do.
        if !told.iter().any(|one| one.contains(&caution)) {
            told.push(caution);
        }
    }
    lines.extend(told.into_iter().map(|caution| ("caution".to_owned(), caution)));
}
