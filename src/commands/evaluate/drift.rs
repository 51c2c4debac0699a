//! How an attack ages: trained on the first sessions, tested on each later one.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use wfkit_classify::{Attack, Selected};
use wfkit_metrics::Scores;

use super::Task;
use super::matrix::{all_classes, few_sessions};
use super::modes::{joined, one_collection, row};
use super::transfer::{Judge, Judged, Outcome, Source, known, short_accuracy, sources};
use crate::context::Context;
use crate::input::Labelled;
use crate::printer::score;
use crate::words::hanging;

/// Trains on the first session, on the first two and so on, in the order of their first traces, and tests every later one; where a session was learned from
/// in part, the reason stands in the place of its scores. (With `duplicates`, such traces are scored too.)
pub(super) fn measure(task: &Task, attack: &Attack, duplicates: bool, context: &Context<'_>) -> Result<Value> {
    let (input, _) = one_collection(task, "--drift")?;
    let (parts, without_session) = by_session(input);
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    ensure!(parts.len() > 1, few_sessions("--drift", &names));
    let (sessions, order) = in_order(sources(parts));
    let classes = all_classes(&sessions);
    let judge = Judge { attack, all: &classes, duplicates, seed: context.seed };
    let steps = sessions.len() * (sessions.len() - 1) / 2;
    let bar = context.printer.progress("drift", (steps + sessions.len() - 1) as u64);
    let mut pairs = Vec::new();
    for trained in 1..sessions.len() {
        let learned: Vec<&str> = sessions[..trained].iter().map(|session| session.name.as_str()).collect();
        let training = rows_of(input, &learned);
        let fitted = judge.fit(training.as_samples());
        bar.inc(1);
        let known = known(&sessions[..trained]);
        for (tested, later) in sessions.iter().enumerate().skip(trained) {
            let outcome = match &fitted {
                Ok(fitted) => judge.elsewhere(fitted, &known, later)?,
                Err(reason) => Outcome::none(reason.clone()),
            };
            bar.inc(1);
            pairs.push(Pair { trained, tested, trained_on: training.as_samples().len(), outcome });
        }
    }
    bar.finish_and_clear();
    let curve = curve(&pairs, &sessions, context)?;
    let told = told(&curve);
    let lines = hanging(&told).into_iter().chain(hanging(&format!("drift: sessions in order of {order}")));
    lines.into_iter().try_for_each(|line| context.printer.line(&line))?;
    print(&curve, context)?;
    let listed = sessions.iter().map(|session| json!({ "session": session.name, "traces": session.len(), "start_ns": session.starts_ns().map(|(first, _)| first) }));
    Ok(json!({
        "told": told,
        "order": order,
        "sessions": listed.collect::<Vec<_>>(),
        "traces_without_session": without_session,
        "curve": curve,
        "pairs": pairs.iter().map(|pair| pair.told(&sessions, context)).collect::<Result<Vec<Value>>>()?,
        "seconds_later_is": "from the first trace of the last session trained on to the first trace of the tested one",
        "caution": "what is further away was learned from fewer sessions: compare pairs of the same train_sessions for time alone",
        "reason": "start_ns and seconds_later are null where a trace does not say when it started",
    }))
}

/// The traces of each session, in the order of their names; and how many traces have none.
pub(super) fn by_session(input: &Labelled) -> (Vec<(String, Selected)>, usize) {
    let all = input.sessions();
    let mut names: Vec<&str> = all.iter().copied().flatten().collect();
    names.sort_unstable();
    names.dedup();
    let parts = names.iter().map(|&name| (name.to_owned(), rows_of(input, &[name])));
    (parts.collect(), all.iter().filter(|session| session.is_none()).count())
}

fn rows_of(input: &Labelled, sessions: &[&str]) -> Selected {
    let of = input.sessions();
    let rows: Vec<usize> = (0..of.len()).filter(|&row| of[row].is_some_and(|name| sessions.contains(&name))).collect();
    input.samples().select(&rows)
}

/// By the first trace, where every trace says when it started; else as they are, by name. And which of both it is.
pub(super) fn in_order(mut sessions: Vec<Source>) -> (Vec<Source>, String) {
    if sessions.iter().any(|session| session.starts_ns().is_none()) {
        return (sessions, "their names: not every trace says when it started".to_owned());
    }
    sessions.sort_by_cached_key(|session| (session.starts_ns(), session.name.clone()));
    let overlaps = |two: &&[Source]| two[0].starts_ns().zip(two[1].starts_ns()).is_some_and(|(a, b)| a.1 > b.0);
    let order = match sessions.windows(2).filter(overlaps).count() {
        0 => "their first traces".to_owned(),
        overlapping => {
            let all = sessions.len();
            format!(
                "their first traces; {overlapping} of {all} go on after the next has begun, so that order says little of time"
            )
        }
    };
    (sessions, order)
}

/// Trained on the first sessions, tested on a later one.
struct Pair {
    /// How many.
    trained: usize,
    tested: usize,
    trained_on: usize,
    outcome: Outcome,
}

impl Pair {
    /// How many sessions after the last one that was trained on.
    fn later(&self) -> usize {
        self.tested + 1 - self.trained
    }

    fn seconds_later(&self, sessions: &[Source]) -> Option<f64> {
        let ((last, _), (tested, _)) = (sessions[self.trained - 1].starts_ns()?, sessions[self.tested].starts_ns()?);
        Some((tested as f64 - last as f64) / 1e9)
    }

    fn told(&self, sessions: &[Source], context: &Context<'_>) -> Result<Value> {
        let tested = &sessions[self.tested];
        let which = json!({
            "train_sessions": self.trained,
            "last_train_session": sessions[self.trained - 1].name,
            "test_session": tested.name,
            "sessions_later": self.later(),
            "seconds_later": self.seconds_later(sessions),
            "trained_on": self.trained_on,
        });
        self.outcome.told(which, tested.len(), context.seed)
    }
}

/// All pairs that are as many sessions apart, together.
fn curve(pairs: &[Pair], sessions: &[Source], context: &Context<'_>) -> Result<Vec<Value>> {
    let at = |later: usize| -> Result<Option<Value>> {
        let there: Vec<&Pair> =
            pairs.iter().filter(|pair| pair.later() == later && pair.outcome.judged.is_ok()).collect();
        let judged = there.iter().filter_map(|pair| pair.outcome.judged.as_ref().ok());
        let Some(judged) = Judged::pooled(judged) else { return Ok(None) };
        let scores: Scores = judged.scores(context.seed)?;
        let mut seconds: Vec<f64> = there.iter().filter_map(|pair| pair.seconds_later(sessions)).collect();
        seconds.sort_by(f64::total_cmp);
        let trained_on: usize = there.iter().map(|pair| pair.trained_on).sum();
        let which = json!({
            "sessions_later": later,
            "pairs": there.len(),
            "seconds_later_median": (seconds.len() == there.len()).then(|| seconds[seconds.len() / 2]),
            "trained_on_mean": trained_on / there.len(),
        });
        Ok(Some(joined(which, row(&scores))))
    };
    (1..sessions.len()).filter_map(|later| at(later).transpose()).collect()
}

fn told(curve: &[Value]) -> String {
    let point = |row: &Value| {
        let later = row["sessions_later"].as_u64()?;
        let unit = if later == 1 { "session" } else { "sessions" };
        let after = span(row["seconds_later_median"].as_f64()).map_or(String::new(), |span| format!(" ({span})"));
        Some(format!("{later} {unit} later{after} {}", short_accuracy(row)?))
    };
    match curve {
        [] => "drift: no session could be tested after learning from those before it".to_owned(),
        [only] => format!("drift: accuracy {}", point(only).unwrap_or_default()),
        [first, .., last] => {
            format!("drift: accuracy {}, {}", point(first).unwrap_or_default(), point(last).unwrap_or_default())
        }
    }
}

/// A time in its largest sensible unit.
fn span(seconds: Option<f64>) -> Option<String> {
    let seconds = seconds?;
    Some(match seconds.abs() {
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} days", seconds / 86_400.0),
    })
}

fn print(curve: &[Value], context: &Context<'_>) -> Result<()> {
    let text = |row: &Value| {
        let after = span(row["seconds_later_median"].as_f64()).unwrap_or_else(|| "-".to_owned());
        [
            row["sessions_later"].to_string(),
            after,
            row["trained_on_mean"].to_string(),
            short_accuracy(row).unwrap_or_else(|| "-".to_owned()),
            score(row["roc_auc_macro_ovr"].as_f64()),
            score(row["log_loss"].as_f64()),
        ]
    };
    let headings = ["later", "after", "trained on", "accuracy", "ROC-AUC", "log loss"];
    context.printer.table(headings, &curve.iter().map(text).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_curve_are_told() {
        let row = |later: u64, accuracy: f64, seconds: Option<f64>| json!({ "sessions_later": later, "accuracy": accuracy, "seconds_later_median": seconds });
        assert_eq!(told(&[row(1, 0.5, Some(7300.0))]), "drift: accuracy 1 session later (2 h) .50");
        let curve = [row(1, 0.5, None), row(2, 0.4, None), row(3, 0.25, None)];
        assert_eq!(told(&curve), "drift: accuracy 1 session later .50, 3 sessions later .25");
        assert_eq!([30.0, 600.0, 864_000.0].map(|s| span(Some(s)).unwrap()), ["30 s", "10 min", "10 days"]);
    }
}
