//! How an attack fares on other sessions than the one it was trained on.

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use wfkit_classify::{Attack, Evaluation, Samples, evaluate_on};
use wfkit_datasets::TraceSet;
use wfkit_metrics::{ScoreOptions, Scores};

use super::Task;
use super::modes::{joined, one_collection, row};
use crate::context::Context;
use crate::input::Labelled;

/// Every session is trained on alone, and every other tested; where a session cannot be learned from, or was learned from in part, the reason
/// stands instead. (With `duplicates`, such traces are scored too.)
pub(super) fn measure(task: &Task, attack: &Attack, duplicates: bool, context: &Context<'_>) -> Result<Vec<Value>> {
    let (input, _) = one_collection(task, "--drift")?;
    let Labelled::Traces(traces) = input else { bail!("--drift needs traces, not features") };
    let mut sessions: Vec<&str> = input.sessions().into_iter().flatten().collect();
    sessions.sort_unstable();
    sessions.dedup();
    ensure!(sessions.len() > 1, "--drift needs two sessions at least, found {}", sessions.len());
    let of = |session: &str| {
        let rows: Vec<usize> = (0..traces.set.len())
            .filter(|&row| traces.set.traces()[row].key.session.as_deref() == Some(session))
            .collect();
        traces.set.select(&rows)
    };
    let sets: Vec<TraceSet> = sessions.iter().map(|session| of(session)).collect();
    let mut cells = Vec::new();
    for (trained, train) in sessions.iter().zip(&sets) {
        for (tested, test) in sessions.iter().zip(&sets).filter(|(tested, _)| tested != &trained) {
            let which = json!({ "train_session": trained, "test_session": tested, "trained_on": train.len() });
            let scored = match evaluate_on(attack, Samples::Traces(train), Samples::Traces(test), context.seed, &|_| {})
            {
                Ok(judged) if !duplicates && learned_from(&judged) > 0 => {
                    let reason = format!("{} tested traces were learned from", learned_from(&judged));
                    json!({ "n": test.len(), "accuracy": null, "reason": reason })
                }
                Ok(judged) => {
                    let groups = Some(judged.origins.of_row());
                    let options =
                        ScoreOptions { bootstrap: 200, seed: context.seed, groups, ..ScoreOptions::default() };
                    row(&Scores::compute(&judged.probabilities, &judged.truth, &options)?)
                }
                // A session of one class teaches nothing; the others still do.
                Err(error) => json!({ "n": test.len(), "accuracy": null, "reason": error.to_string() }),
            };
            cells.push(joined(which, scored));
        }
    }
    context.printer.line(&told(&cells))?;
    Ok(cells)
}

fn learned_from(judged: &Evaluation) -> usize {
    judged.overlap().learned_from()
}

/// All pairs in a line.
fn told(cells: &[Value]) -> String {
    let of = |cell: &Value| Some((cell["accuracy"].as_f64()?, cell["n"].as_f64()?));
    let scored: Vec<(f64, f64)> = cells.iter().filter_map(of).collect();
    let traces: f64 = scored.iter().map(|(_, n)| n).sum();
    if traces == 0.0 {
        return "drift: no session can be learned from".to_owned();
    }
    let mean = scored.iter().map(|(accuracy, n)| accuracy * n).sum::<f64>() / traces;
    let pairs = scored.len();
    format!(
        "drift: over {pairs} pairs of sessions, trained on one and tested on the other, accuracy is {mean:.4} a trace"
    )
}

/// Accuracies as a Markdown table: a row for each session trained on, a column for each tested.
pub(super) fn matrix(cells: &[Value]) -> String {
    let name = |cell: &Value, key: &str| cell[key].as_str().unwrap_or_default().replace('|', "\\|");
    let mut sessions: Vec<String> = cells.iter().map(|cell| name(cell, "train_session")).collect();
    sessions.dedup();
    let accuracy = |trained: &String, tested: &String| {
        let of = |cell: &&Value| &name(cell, "train_session") == trained && &name(cell, "test_session") == tested;
        let accuracy = cells.iter().find(of).and_then(|cell| cell["accuracy"].as_f64());
        accuracy.map_or("-".to_owned(), |accuracy| format!("{accuracy:.2}"))
    };
    let mut lines = vec![
        format!("\n## drift\n\n{}.\n", told(cells).trim_start_matches("drift: ")),
        format!("| trained on \\ tested on | {} |", sessions.join(" | ")),
        format!("|---|{}", "---|".repeat(sessions.len())),
    ];
    for trained in &sessions {
        let row: Vec<String> = sessions.iter().map(|tested| accuracy(trained, tested)).collect();
        lines.push(format!("| {trained} | {} |", row.join(" | ")));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_rows_and_columns() {
        let cell = |trained: &str, tested: &str, accuracy: Option<f64>| json!({ "train_session": trained, "test_session": tested, "n": 4, "accuracy": accuracy });
        let cells = [cell("a", "b", Some(0.25)), cell("b", "a", None)];
        assert_eq!(
            matrix(&cells),
            "\n## drift\n\nover 1 pairs of sessions, trained on one and tested on the other, accuracy is 0.2500 a trace.\n\n\
             | trained on \\ tested on | a | b |\n|---|---|---|\n| a | - | 0.25 |\n| b | - | - |\n"
        );
    }
}
