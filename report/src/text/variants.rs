//! What it changes to run a defence as published code has it, as text.

use std::fmt::Write as _;

use wfkit_evaluate::{Change, FoundChange, VariantDifference};
use wfkit_metrics::Interval;

use super::Text;

const NOTE: &str = "As in the paper -> as in published code (difference, in brackets its 95 % interval over draws, draw by draw, for these traces; none \
                    where nothing is left to chance)";

/// A pair a row; nothing of nothing.
pub(super) fn text(differences: &[VariantDifference]) -> Text {
    let mut text = Text::new();
    if differences.is_empty() {
        return text;
    }
    let row = |difference: &VariantDifference| {
        let lines =
            |line: &dyn Fn(&FoundChange) -> String| difference.found.iter().map(line).collect::<Vec<_>>().join("\n");
        [
            format!("{}\n{}", difference.paper, difference.code),
            shares(&difference.bandwidth).replace(" (", "\n("),
            shares(&difference.latency).replace(" (", "\n("),
            lines(&|found| found.attack.clone()),
            lines(&|found| scores(&found.accuracy)),
            lines(&|found| scores(&found.roc_auc)),
        ]
    };
    text.line(format!("\n{NOTE}:"));
    text.table(["paper, code", "bandwidth", "latency", "attack", "accuracy", "ROC-AUC"], differences.iter().map(row));
    text
}

/// The same to paste; nothing of nothing.
pub(super) fn markdown(differences: &[VariantDifference]) -> String {
    let Some(first) = differences.first() else { return String::new() };
    let attacks: Vec<&str> = first.found.iter().map(|found| found.attack.as_str()).collect();
    let titles: Vec<String> = attacks.iter().map(|attack| format!("{attack} accuracy | {attack} ROC-AUC")).collect();
    let mut text = format!(
        "\n{NOTE}:\n\n| paper | code | what code changes | draws | bandwidth | latency | {} |\n",
        titles.join(" | ")
    );
    text += &format!("|---|---|---|---:|---:|---:|{}\n", "---:|---:|".repeat(attacks.len()));
    for VariantDifference { paper, code, what, draws, bandwidth, latency, found } in differences {
        let found: Vec<String> =
            found.iter().map(|found| format!("{} | {}", scores(&found.accuracy), scores(&found.roc_auc))).collect();
        let (bandwidth, latency) = (shares(bandwidth), shares(latency));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| `{paper}` | `{code}` | {what} | {draws} | {bandwidth} | {latency} | {} |",
            found.join(" | ")
        );
    }
    text
}

fn shares(change: &Change) -> String {
    shown(change, 100.0, 1, " %")
}

fn scores(change: &Change) -> String {
    shown(change, 1.0, 4, "")
}

fn shown(change: &Change, scale: f64, digits: usize, unit: &str) -> String {
    let Change { paper, code, difference, interval_95 } = *change;
    let ends =
        interval_95.map(|Interval { low, high }| format!(" [{:+.digits$}, {:+.digits$}]", low * scale, high * scale));
    let ends = ends.unwrap_or_default();
    format!(
        "{:.digits$}{unit} -> {:.digits$}{unit} ({:+.digits$}{ends})",
        paper * scale,
        code * scale,
        difference * scale
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_with_their_signs() {
        let change =
            Change { paper: 1.5, code: 1.0, difference: -0.5, interval_95: Some(Interval { low: -0.5, high: -0.5 }) };
        let difference = VariantDifference {
            paper: "a".to_owned(),
            code: "b".to_owned(),
            what: "less",
            draws: 2,
            bandwidth: change,
            latency: Change { interval_95: None, ..change },
            found: Vec::new(),
        };
        let text = markdown(&[difference]);
        assert!(text.contains("| 150.0 % -> 100.0 % (-50.0 [-50.0, -50.0]) |"), "{text}");
        assert_eq!(markdown(&[]), "");
    }
}
