//! What a run of the whole pipeline found.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wfkit_evaluate::TRIVIAL;
use wfkit_metrics::{StageReport, Utility};

use super::Text;
use crate::words::{percent, score as shown};

/// A stage of a run that is done.
#[derive(Debug, Clone)]
pub struct RunStage {
    /// Of which defence, where that distinguishes stages of one name.
    pub defence: Option<String>,
    /// What it reports.
    pub report: StageReport,
}

/// The stages in the order in which people read them: the traces, their features, the attacks, the defences, then all rounds of the competition.
pub fn in_order_of_a_run(mut stages: Vec<RunStage>) -> Vec<RunStage> {
    stages.sort_by_key(|stage| match stage.report.stage.as_str() {
        "features" => 1,
        "classify" => 2,
        "defend" => 3,
        "competition score" => 4,
        _ => 0,
    });
    stages
}

/// The report of a run, with those of its stages in it.
pub fn run_document(report: &StageReport, stages: &[RunStage]) -> Value {
    let mut document = json!(report);
    document["stages"] = json!(stages.iter().map(|stage| &stage.report).collect::<Vec<_>>());
    document
}

/// What the stages found: what traffic costs and gives away, every attack on undefended traces, and rounds of the competition.
pub fn run(run: &[RunStage]) -> Text {
    let mut text = Text::new();
    stages(run, &mut text);
    if let Some(classify) = run.iter().find(|stage| stage.report.stage == "classify") {
        attacks(&classify.report, &mut text);
    }
    competition(run, &mut text);
    text
}

fn stages(stages: &[RunStage], text: &mut Text) {
    text.line("\nEvery stage: what the traffic costs, and what it gives away (the attack beside the trivial one)");
    let rows: Vec<[String; 8]> = stages
        .iter()
        .filter(|stage| stage.report.stage != "competition score")
        .map(|stage| {
            let StageReport { utility, privacy, .. } = &stage.report;
            let trivial = privacy.extras.get("trivial");
            let of_trivial = |name: &str| match trivial {
                Some(trivial) => shown(trivial[name].as_f64()),
                None if privacy.attack == TRIVIAL => "the same".to_owned(),
                None => "-".to_owned(),
            };
            let Utility { median_in_bytes, median_out_bytes, median_seconds, score, .. } = utility.utility;
            let median = |value: Option<f64>| value.unwrap_or(0.0); // A run has traces.
            let kilobytes = (median(median_in_bytes) + median(median_out_bytes)) / 1e3;
            [
                stage.defence.as_ref().unwrap_or(&stage.report.stage).clone(),
                format!("{kilobytes:.1} kB, {:.2} s", median(median_seconds)),
                score.map_or("-".to_owned(), |score| format!("{score:.3}")),
                privacy.attack.clone(),
                shown(privacy.accuracy),
                shown(privacy.roc_auc_macro_ovr),
                of_trivial("accuracy"),
                of_trivial("roc_auc_macro_ovr"),
            ]
        })
        .collect();
    let header = ["stage", "median trace", "utility", "attack", "accuracy", "ROC-AUC", "trivial acc.", "trivial AUC"];
    text.table(header, rows);
    let reasons: BTreeSet<String> = stages
        .iter()
        .filter_map(|stage| {
            Some(format!("no score of {}: {}", stage.report.privacy.attack, stage.report.privacy.reason.as_ref()?))
        })
        .collect();
    text.lines(reasons);
}

fn attacks(classify: &StageReport, text: &mut Text) {
    let Some(attacks) = classify.privacy.extras.get("attacks").and_then(Value::as_array) else { return };
    text.line("\nAttacks on the undefended traces, 95 % intervals in brackets");
    let chance = attacks.first().and_then(|one| one["chance_accuracy"].as_f64());
    let mut rows: Vec<[String; 5]> = vec![["chance".into(), shown(chance), "0.5000".into(), "-".into(), String::new()]];
    rows.extend(attacks.iter().map(attack_row));
    let sessions = classify.privacy.extras.get("by_session").and_then(|by| by["attacks"].as_array());
    rows.extend(sessions.into_iter().flatten().map(|one| {
        let [name, accuracy, auc, loss, _] = attack_row(one);
        [format!("{name}, by session"), accuracy, auc, loss, String::new()]
    }));
    text.table(["attack", "accuracy", "ROC-AUC", "log loss", "against the trivial attack"], rows);
}

fn competition(stages: &[RunStage], text: &mut Text) {
    text.line("\nAs a team of the competition");
    let rows: Vec<[String; 7]> = stages
        .iter()
        .filter(|stage| stage.report.stage == "competition score")
        .map(|stage| {
            let StageReport { utility, privacy, .. } = &stage.report;
            let extra = |name: &str| privacy.extras.get(name).and_then(Value::as_f64);
            let bandwidth =
                stages.iter().find(|other| other.report.stage == "defend" && other.defence == stage.defence);
            let bandwidth = bandwidth.and_then(|defended| {
                let overheads = defended.report.utility.extras.get("overheads")?;
                overheads["bandwidth"]["both"]["total"]["value"].as_f64()
            });
            let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
            [
                stage.defence.clone().unwrap_or_default(),
                bandwidth.map_or("-".to_owned(), percent),
                number(utility.utility.score),
                shown(privacy.accuracy),
                shown(privacy.roc_auc_macro_ovr),
                number(extra("attack_score")),
                number(extra("total")),
            ]
        })
        .collect();
    text.table(["defence", "extra bytes", "utility", "accuracy", "ROC-AUC", "attack score", "total"], rows);
    text.line(
        "total = utility x attack score, for a team that sends so and attacks traces sent so. What a\n\
         defence hides lowers the totals of those who attack it, not its own: competition score --help",
    );
}

fn attack_row(one: &Value) -> [String; 5] {
    let with_interval = |name: &str| {
        let interval = &one[format!("{name}_95")];
        match (interval["low"].as_f64(), interval["high"].as_f64()) {
            (Some(low), Some(high)) => format!("{} [{low:.3}, {high:.3}]", shown(one[name].as_f64())),
            _ => shown(one[name].as_f64()),
        }
    };
    let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    [
        text("attack"),
        with_interval("accuracy"),
        with_interval("roc_auc_macro_ovr"),
        shown(one["log_loss"].as_f64()),
        text("against_trivial"),
    ]
}
