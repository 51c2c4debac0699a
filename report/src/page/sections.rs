//! The parts of the page.

use serde::Deserialize;
use serde_json::Value;
use wfkit_datasets::{LabelledTrace, Trace, TraceSet};
use wfkit_metrics::{Interval, StageReport};

use super::html::{cell, details, paragraph, picture, texts, with_interval};
use super::run::{Attempt, Cost, cost, defence_of, ends, main_of, privacy, scores};
use super::{Material, Predicted};
use crate::canvas::escaped;
use crate::picture::{
    CurvePoint, DefendedPoint, Importances, Matrix, Picture, Series, ShownTrace, class_areas, confusion, costs,
    cumulative, curve, importances, matrix, reliability, roc, sizes, waterfall,
};

/// A part with a heading.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    pub(super) html: String,
}

/// Features that are shown.
const FEATURES: usize = 20;
/// Points of example traces that stand in one picture.
const EXAMPLES: usize = 6;

pub(super) fn all(material: &Material<'_>) -> Vec<Section> {
    let parts = [
        ("stages", "Stages", stages(material)),
        ("found", "What an attack finds", what_was_found(material)),
        ("traffic", "The traffic", traffic(material)),
        ("hiding", "What hiding costs", hiding(material)),
        ("competition", "As a team of the competition", competition(material)),
        ("again", "How to repeat it", again(material)),
    ];
    parts
        .into_iter()
        .filter(|(.., html)| !html.is_empty())
        .map(|(id, heading, html)| Section { id, heading, html })
        .collect()
}

fn stages(material: &Material<'_>) -> String {
    let rows: Vec<Vec<String>> = material
        .stages
        .iter()
        .filter(|stage| stage.report.stage != "competition score")
        .map(|stage| {
            let report = &stage.report;
            let utility = &report.utility.utility;
            let kilobytes =
                utility.median_in_bytes.zip(utility.median_out_bytes).map(|(i, o)| format!("{:.1}", (i + o) / 1e3));
            let trivial: Option<Attempt> = privacy(report, "trivial");
            let interval = scores(report).and_then(|scores| ends(scores.intervals_95.map(|all| all.accuracy)));
            vec![
                defence_of(report).unwrap_or_else(|| report.stage.clone()),
                cell(report.counts.get("traces").map_or(crate::Cell::Missing, |&n| n.into())),
                kilobytes.unwrap_or_default(),
                utility.median_seconds.map(|s| format!("{s:.2}")).unwrap_or_default(),
                report.privacy.attack.clone(),
                with_interval(report.privacy.accuracy, interval),
                report.privacy.roc_auc_macro_ovr.map_or_else(|| "none".to_owned(), |area| format!("{area:.4}")),
                trivial
                    .and_then(|trivial| trivial.accuracy)
                    .map(|accuracy| format!("{accuracy:.3}"))
                    .unwrap_or_default(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let columns = ["stage", "traces", "median kB", "median s", "attack", "accuracy [95 %]", "ROC-AUC", "totals alone"];
    let mut html = texts("Every stage: what its traffic costs, and what it gives away", &columns, &rows);
    for stage in &material.stages {
        if let Some(reason) = &stage.report.privacy.reason {
            html += &paragraph(&format!("{}: no score of {}: {reason}", stage.file, stage.report.privacy.attack));
        }
    }
    html
}

fn what_was_found(material: &Material<'_>) -> String {
    let reports = || material.stages.iter().map(|stage| &stage.report);
    let mut html = String::new();
    let main = main_of(reports());
    if let Some(attacks) = main.and_then(|report| privacy::<Vec<Attempt>>(report, "attacks")) {
        html += &attacks_table(&attacks);
    }
    let mut pictures: Vec<Picture> = Vec::new();
    for predicted in &material.predictions {
        pictures.extend(of_predictions(predicted));
    }
    if let Some(scores) = main.and_then(scores) {
        let attack = main.map_or("", |report| report.privacy.attack.as_str());
        pictures.extend(class_areas(&format!("ROC-AUC of each class, {attack}"), &scores.per_class));
    }
    for report in reports() {
        pictures.extend(of_report(report));
    }
    html + &pictures.iter().map(picture).collect::<String>()
}

fn attacks_table(attacks: &[Attempt]) -> String {
    let rows: Vec<Vec<String>> = attacks
        .iter()
        .map(|one| {
            vec![
                one.attack.clone(),
                with_interval(one.accuracy, ends(one.accuracy_95)),
                with_interval(one.roc_auc_macro_ovr, ends(one.roc_auc_macro_ovr_95)),
                one.log_loss.map(|loss| format!("{loss:.3}")).unwrap_or_default(),
                one.against_trivial.clone().unwrap_or_default(),
            ]
        })
        .collect();
    texts(
        "Attacks on the undefended traces",
        &["attack", "accuracy [95 %]", "ROC-AUC [95 %]", "log loss", "against the trivial attack"],
        &rows,
    )
}

/// Pictures of what an attack said; none where there are too few classes for them.
fn of_predictions(predicted: &Predicted) -> Vec<Picture> {
    let Predicted { name, probabilities, truth } = predicted;
    let bins = wfkit_metrics::reliability(probabilities, truth).unwrap_or_default();
    [
        confusion(&format!("What is taken for what, {name}"), probabilities, truth).ok(),
        roc(&format!("Visits found against false alarms, {name}"), probabilities, truth).ok(),
        (!bins.is_empty()).then(|| reliability(&format!("Right against sure, {name}"), &bins)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A point of a curve, as the reports have it.
#[derive(Deserialize)]
struct Point {
    #[serde(alias = "traces_a_class", alias = "percent_of_median_duration", alias = "sessions_later")]
    x: f64,
    accuracy: Option<f64>,
    #[serde(default)]
    accuracy_95: Option<Interval>,
}

#[derive(Deserialize)]
struct DriftPart {
    curve: Vec<Point>,
}

#[derive(Deserialize)]
struct LeakagePart {
    nearest_neighbours: Vec<Neighbours>,
}

#[derive(Deserialize)]
struct Neighbours {
    features_of: String,
    by_training_size: Vec<OfSize>,
}

#[derive(Deserialize)]
struct OfSize {
    train: f64,
    k_nearest_error: f64,
}

/// Pictures of what a stage report has beside its scores; one a kind that is there.
fn of_report(report: &StageReport) -> Vec<Picture> {
    let mut pictures: Vec<Picture> = importances_of(report).into_iter().chain(matrix_of(report)).collect();
    pictures.extend(curves(report));
    pictures
}

/// What gives classes away, from the report of `wfkit features explain`; none of other stages.
pub fn importances_of(report: &StageReport) -> Option<Picture> {
    let of: Importances = privacy(report, "explanation")?;
    Some(importances("What gives the classes away", &of, FEATURES))
}

/// Trained here, tested there, from the report of `wfkit evaluate --matrix`; none of other stages.
pub fn matrix_of(report: &StageReport) -> Option<Picture> {
    let of: Matrix = privacy(report, "matrix")?;
    matrix(&format!("{}: trained on the row, tested on the column", report.privacy.attack), &of).ok()
}

/// Curves of a stage report: few loads to learn from, beginnings of traces, later sessions, and error by how much was learned from.
pub fn curves(report: &StageReport) -> Vec<Picture> {
    let attack = &report.privacy.attack;
    let chance = scores(report).and_then(|scores| scores.chance_accuracy);
    let series = |points: Vec<Point>| {
        let point = |one: Point| Some(CurvePoint { x: one.x, value: one.accuracy?, interval: ends(one.accuracy_95) });
        vec![Series { name: attack.clone(), points: points.into_iter().filter_map(point).collect() }]
    };
    let mut pictures = Vec::new();
    if let Some(points) = privacy::<Vec<Point>>(report, "few_shot") {
        pictures.extend(curve(
            "Learned from few loads",
            "loads of each class to learn from",
            "accuracy",
            &series(points),
            chance,
        ));
    }
    if let Some(points) = privacy::<Vec<Point>>(report, "early") {
        pictures.extend(curve(
            "From the beginnings of traces",
            "percent of the median duration seen",
            "accuracy",
            &series(points),
            chance,
        ));
    }
    if let Some(DriftPart { curve: points }) = privacy(report, "drift") {
        pictures.extend(curve("Learned before, tested later", "sessions later", "accuracy", &series(points), chance));
    }
    if let Some(LeakagePart { nearest_neighbours }) = privacy(report, "leakage") {
        let of = |one: Neighbours| Series {
            name: one.features_of,
            points: one
                .by_training_size
                .iter()
                .map(|at| CurvePoint { x: at.train, value: at.k_nearest_error, interval: None })
                .collect(),
        };
        let series: Vec<Series> = nearest_neighbours.into_iter().map(of).filter(|one| !one.points.is_empty()).collect();
        if !series.is_empty() {
            let guess = chance.map(|chance| 1.0 - chance);
            pictures.extend(curve(
                "What nearest neighbours get wrong, by how much they know",
                "traces to learn from",
                "error",
                &series,
                guess,
            ));
        }
    }
    pictures
}

fn traffic(material: &Material<'_>) -> String {
    let Some(set) = material.traces.filter(|set| !set.is_empty()) else { return String::new() };
    let mut pictures = Vec::new();
    let first = &set.traces()[0];
    let named = |labelled: &LabelledTrace| format!("trace ({})", labelled.key);
    let name = named(first);
    if material.defended.is_empty() {
        let shown = ShownTrace { name: &name, trace: &first.trace, padding: None };
        pictures.push(waterfall(&format!("When what was sent, {name}"), &[shown]));
    }
    for defended in &material.defended {
        let Some(after) = same_trace(defended.set, first) else { continue };
        let padding = defended.padding_of_first.as_deref().filter(|padding| padding.len() == after.len());
        let shown = [
            ShownTrace { name: "as it was", trace: &first.trace, padding: None },
            ShownTrace { name: &defended.spec, trace: after, padding },
        ];
        pictures.push(waterfall(&format!("When what was sent, {name}, and with {}", defended.spec), &shown));
    }
    let examples = one_of_each_class(set);
    let names: Vec<String> = examples.iter().map(|one| format!("class {}", one.key.class)).collect();
    let lines: Vec<(&str, &Trace)> =
        names.iter().map(String::as_str).zip(examples.iter().map(|one| &one.trace)).collect();
    let all = set.classes().len();
    let title = match all > lines.len() {
        true => format!("Bytes over time, one trace of each of {} of {all} classes", lines.len()),
        false => "Bytes over time, one trace of each class".to_owned(),
    };
    pictures.push(cumulative(&title, &lines));
    let mut collections = vec![("undefended", set.traces().iter().map(|one| &one.trace).collect())];
    for defended in material.defended.iter().filter(|defended| !defended.set.is_empty()) {
        collections.push((defended.spec.as_str(), defended.set.traces().iter().map(|one| &one.trace).collect()));
    }
    pictures.push(sizes("How large packets are", &collections));
    pictures.iter().map(picture).collect()
}

/// The trace under a defence that is the same load.
fn same_trace<'a>(set: &'a TraceSet, of: &LabelledTrace) -> Option<&'a Trace> {
    set.traces().iter().find(|one| (&one.key.class, one.key.rep) == (&of.key.class, of.key.rep)).map(|one| &one.trace)
}

fn one_of_each_class(set: &TraceSet) -> Vec<&LabelledTrace> {
    let mut examples: Vec<&LabelledTrace> = Vec::new();
    for one in set.traces() {
        if examples.len() < EXAMPLES && examples.iter().all(|other| other.key.class != one.key.class) {
            examples.push(one);
        }
    }
    examples
}

/// A stage that defended traces and attacked them again.
struct Hidden {
    name: String,
    attack: String,
    cost: Cost,
    chance: f64,
    accuracy: f64,
    accuracy_95: Option<(f64, f64)>,
    roc_auc: Option<f64>,
    before: Option<Attempt>,
    trivial: Option<Attempt>,
}

impl Hidden {
    fn of(report: &StageReport) -> Option<Self> {
        let (name, cost, scores) = (defence_of(report)?, cost(report)?, scores(report)?);
        Some(Self {
            name,
            attack: report.privacy.attack.clone(),
            cost,
            chance: scores.chance_accuracy.unwrap_or(0.0),
            accuracy: scores.accuracy?,
            accuracy_95: ends(scores.intervals_95.map(|all| all.accuracy)),
            roc_auc: scores.roc_auc_macro_ovr,
            before: privacy(report, "undefended"),
            trivial: privacy(report, "trivial"),
        })
    }
}

/// Cost against protection, from the reports of `wfkit defend`, with no defence where one of them says what was found before; none where nothing
/// was defended and attacked again.
pub fn costs_of<'a>(reports: impl Iterator<Item = &'a StageReport>) -> Option<Picture> {
    let hidden: Vec<Hidden> = reports.filter_map(Hidden::of).collect();
    let first = hidden.first()?;
    let undefended = hidden.iter().find_map(|one| one.before.as_ref()).and_then(|before| {
        Some(DefendedPoint {
            name: "no defence".to_owned(),
            bandwidth: 0.0,
            latency: 0.0,
            accuracy: before.accuracy?,
            accuracy_95: ends(before.accuracy_95),
            roc_auc: before.roc_auc_macro_ovr,
        })
    });
    let point = |one: &Hidden| DefendedPoint {
        name: one.name.clone(),
        bandwidth: one.cost.bandwidth,
        latency: one.cost.latency.1,
        accuracy: one.accuracy,
        accuracy_95: one.accuracy_95,
        roc_auc: one.roc_auc,
    };
    let points: Vec<DefendedPoint> = undefended.into_iter().chain(hidden.iter().map(point)).collect();
    Some(costs("Cost against protection", &first.attack, &points, first.chance))
}

fn hiding(material: &Material<'_>) -> String {
    let reports = || material.stages.iter().map(|stage| &stage.report);
    let Some(drawn) = costs_of(reports()) else { return String::new() };
    let row = |one: Hidden| {
        let accuracy =
            |of: &Option<Attempt>| of.as_ref().and_then(|of| of.accuracy).map(|accuracy| format!("{accuracy:.3}"));
        vec![
            one.name.clone(),
            format!("{:+.0} %", one.cost.bandwidth * 100.0),
            format!("{:+.1} to {:+.1} %", one.cost.latency.0 * 100.0, one.cost.latency.1 * 100.0),
            accuracy(&one.before).unwrap_or_default(),
            with_interval(Some(one.accuracy), one.accuracy_95),
            accuracy(&one.trivial).unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = reports().filter_map(Hidden::of).map(row).collect();
    let columns = ["defence", "bytes", "time", "accuracy before", "accuracy after [95 %]", "totals after"];
    let caption =
        "What each defence costs, and what the attack still finds when it is trained again on defended traces";
    texts(caption, &columns, &rows) + &picture(&drawn)
}

fn competition(material: &Material<'_>) -> String {
    let rows: Vec<Vec<String>> = material
        .stages
        .iter()
        .map(|stage| &stage.report)
        .filter(|report| report.stage == "competition score")
        .map(|report| {
            let extra = |name: &str| report.privacy.extras.get(name).and_then(Value::as_f64);
            let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
            vec![
                defence_of(report).unwrap_or_else(|| "as uploaded".to_owned()),
                number(report.utility.utility.score),
                number(report.privacy.accuracy),
                number(report.privacy.roc_auc_macro_ovr),
                number(extra("attack_score")),
                number(extra("total")),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let columns = ["defence", "utility", "accuracy", "ROC-AUC", "attack score", "total"];
    texts("Rounds of the competition: the set as a team's defence, the attack against it", &columns, &rows)
}

fn again(material: &Material<'_>) -> String {
    let mut html = String::new();
    if let Some(command) = command(material) {
        html += &paragraph(
            "wfkit rerun, with the name of this folder, makes everything again and compares every byte. With every option and default written out, the run was:",
        );
        html += &format!("<pre><code>{}</code></pre>\n", escaped(&command));
    }
    let mut inputs: Vec<(&str, &str)> = Vec::new();
    for input in material.stages.iter().flat_map(|stage| &stage.report.inputs) {
        if !inputs.contains(&(input.path.as_str(), input.sha256.as_str())) {
            inputs.push((&input.path, &input.sha256));
        }
    }
    if !inputs.is_empty() {
        let list: String = inputs
            .iter()
            .map(|(path, sha)| {
                format!("<li><code>{}</code> SHA-256 <code>{}</code></li>\n", escaped(path), escaped(sha))
            })
            .collect();
        html += &format!("<h3>What was read</h3>\n<ul>\n{list}</ul>\n");
    }
    if !material.stages.is_empty() {
        html += "<h3>Everything that the stages report</h3>\n";
    }
    for stage in &material.stages {
        let report = &stage.report;
        let rows: Vec<Vec<String>> =
            report.rows().into_iter().map(|row| vec![row.section, row.name, row.value]).collect();
        let name = match defence_of(report) {
            Some(defence) => format!("{} ({defence})", report.stage),
            None => report.stage.clone(),
        };
        let summary = format!("{name}: {}, seed {}, {}", report.tool, report.seed, stage.file);
        html += &details(&summary, &texts(&format!("{name}, from {}", stage.file), &["part", "name", "value"], &rows));
    }
    html
}

/// What `wfkit run` was called with, as far as the reports say.
fn command(material: &Material<'_>) -> Option<String> {
    let reports = || material.stages.iter().map(|stage| &stage.report);
    let classify = reports().find(|report| report.stage == "classify")?;
    let input = &classify.inputs.first()?.path;
    if !classify.options.is_empty() {
        let options = classify.options.iter().map(|(name, value)| option(name, value));
        let words = [format!("wfkit run {}", quoted(input)), format!("--seed {}", classify.seed)];
        return Some(words.into_iter().chain(options).collect::<Vec<_>>().join(" "));
    }
    // A report of before options were told.
    let folds = classify.privacy.extras.get("folds").and_then(Value::as_array).map(Vec::len);
    let mut words = vec![
        format!("wfkit run {}", quoted(input)),
        format!("--seed {}", classify.seed),
        format!("--attack {}", classify.privacy.attack),
    ];
    words.extend(folds.map(|folds| format!("--folds {folds}")));
    let defences = reports().filter(|report| report.stage == "defend").filter_map(defence_of);
    words.extend(defences.map(|defence| format!("--defence {}", quoted(&defence))));
    Some(words.join(" "))
}

/// An option as it is written on a command line: a list as an option for each.
fn option(name: &str, value: &Value) -> String {
    let one = |value: &Value| match value {
        Value::String(text) => format!("--{name} {}", quoted(text)),
        other => format!("--{name} {other}"),
    };
    match value {
        Value::Bool(true) => format!("--{name}"),
        Value::Array(values) => values.iter().map(one).collect::<Vec<_>>().join(" "),
        value => one(value),
    }
}

/// For a shell.
fn quoted(word: &str) -> String {
    match word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:,=+".contains(&byte)) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
