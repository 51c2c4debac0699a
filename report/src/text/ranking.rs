//! Scores of several attacks side by side.

use wfkit_evaluate::{Measured, PairedComparison, RankedAttack, RankingReport, short};
use wfkit_metrics::Interval;

use super::Text;
use crate::words::{NARROW, hanging};

/// Columns of the name of an attack.
const NAME: usize = 15;

/// Every attack beside the others in 80 columns, and which of them p-values are against.
pub fn ranking(part: &RankingReport) -> Text {
    let mut text = Text::new();
    text.lines(lines(part));
    text
}

fn lines(part: &RankingReport) -> Vec<String> {
    let test = Test::of(&part.table);
    let [head, units] = head(NAME, test);
    let mut lines =
        vec![format!("{head} {:>8} {:>7}", "train", "predict"), format!("{units} {:>8} {:>7}", "CPU s", "CPU ms")];
    for row in &part.table {
        lines.push(format!(
            "{} {:>8} {:>7}",
            scores(row, NAME, test),
            row.train_cpu_seconds.map_or("-".to_owned(), |seconds| format!("{seconds:.2}")),
            row.predict_cpu_ms_a_trace.map_or("-".to_owned(), |ms| format!("{ms:.3}")),
        ));
    }
    lines.extend(hanging(&format!(
        "p: against {}, corrected for the number of attacks (Holm). It has the least log loss on these splits, chosen after the look: its lead \
         is a little too good. Train: all folds together; predict: a trace.",
        part.reference
    )));
    lines
}

/// The scores of attacks in 80 columns, each but the first with how it compares with the first.
pub fn compared(measured: &[Measured], compared: &[PairedComparison]) -> Text {
    let widest = measured.iter().map(|one| one.attack.chars().count()).max().unwrap_or(0);
    let width = widest.clamp(6, NARROW - 48);
    let row = |(at, one): (usize, &Measured)| RankedAttack::of(one, at.checked_sub(1).map(|other| &compared[other]));
    let rows: Vec<RankedAttack> = measured.iter().enumerate().map(row).collect();
    let test = Test::of(&rows);
    let mut lines: Vec<String> = head(width, test).to_vec();
    for mut row in rows {
        let name = &mut row.summary.attack;
        if name.chars().count() > width {
            let cut = name.chars().count() - (width - 2);
            *name = format!("..{}", name.chars().skip(cut).collect::<String>());
        }
        lines.push(scores(&row, width, test));
    }
    let told = match test {
        Test::LogLoss => "corrected resampled t-test over the folds",
        Test::Accuracy => "McNemar's test, each load once",
    };
    let first = &measured[0].attack;
    lines.extend(hanging(&format!("p: against {first}, {told}, corrected for the number of files (Holm).")));
    let mut text = Text::new();
    text.lines(lines);
    text
}

/// Which test p-values are shown of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    /// Of log loss, where there are folds.
    LogLoss,
    /// Of accuracy, where there is one split.
    Accuracy,
}

impl Test {
    fn of(rows: &[RankedAttack]) -> Self {
        if rows.iter().any(|row| row.p_log_loss.is_some()) { Self::LogLoss } else { Self::Accuracy }
    }
}

/// What stands above [`scores`].
fn head(name: usize, test: Test) -> [String; 2] {
    let of = if test == Test::LogLoss { "loss" } else { "acc." };
    [["attack", "accuracy [95 %]", "AUC", "log loss [95 %]", "p"], ["", "", "", "", of]]
        .map(|[attack, accuracy, area, loss, p]| format!("{attack:<name$} {accuracy:<16} {area:>5} {loss:<17} {p:>6}"))
}

/// The scores of an attack in 48 columns and those of its name.
fn scores(row: &RankedAttack, name: usize, test: Test) -> String {
    let interval = |value: Option<f64>, ends: Option<Interval>, write: fn(f64) -> String| match (value, ends) {
        (Some(value), Some(ends)) => format!("{} [{}, {}]", write(value), write(ends.low), write(ends.high)),
        (Some(value), None) => write(value),
        _ => "-".to_owned(),
    };
    let summary = &row.summary;
    let p = if test == Test::LogLoss { row.p_log_loss } else { row.p_accuracy };
    format!(
        "{:<name$} {:<16} {:>5} {:<17} {:>6}",
        summary.attack,
        interval(summary.accuracy, summary.accuracy_95, short),
        summary.roc_auc_macro_ovr.map_or("-".to_owned(), |area| format!("{area:.3}")),
        interval(summary.log_loss, row.log_loss_95, three_digits),
        p.map_or("-".to_owned(), |p| if p < 0.001 { "<.001".to_owned() } else { format!("{p:.3}") }),
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
    use wfkit_evaluate::AttackSummary;

    use super::*;

    #[test]
    fn the_table_fits_eighty_columns() {
        let interval = |low: f64, high: f64| Some(Interval { low, high });
        let row = |attack: &str, accuracy: f64| RankedAttack {
            summary: AttackSummary {
                attack: attack.to_owned(),
                accuracy: Some(accuracy),
                accuracy_95: None,
                roc_auc_macro_ovr: None,
                roc_auc_macro_ovr_95: None,
                log_loss: None,
                chance_accuracy: None,
                traces: 1,
                origins: 1,
                reason: String::new(),
            },
            log_loss_95: None,
            p_log_loss: None,
            p_accuracy: None,
            train_cpu_seconds: None,
            predict_cpu_ms_a_trace: None,
        };
        let mut wide = row("wang-knn-forest", 1.0);
        wide.summary.accuracy_95 = interval(0.951, 1.0);
        wide.summary.roc_auc_macro_ovr = Some(1.0);
        wide.summary.log_loss = Some(12.345);
        wide.log_loss_95 = interval(11.0, 13.0);
        wide.p_log_loss = Some(1e-9);
        wide.train_cpu_seconds = Some(12_345.678);
        wide.predict_cpu_ms_a_trace = Some(123.456);
        let lines = lines(&RankingReport {
            reference: "best".to_owned(),
            chosen: "",
            test: "",
            table: vec![wide, row("best", 0.5)],
            compared: Vec::new(),
            failed: Vec::new(),
        });
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        assert!(
            lines[2].starts_with("wang-knn-forest 1.00 [.95, 1.00] 1.000 12.3 [11.0, 13.0]  <.001 12345.68 123.456"),
            "{lines:#?}"
        );
    }
}
