//! The run in words: what leaks, by what, what a defence would cost.

use wfkit_metrics::{Scores, StageReport};

use super::Material;
use super::html::paragraph;
use super::run::{Attempt, Cost, cost, defence_of, ends, main_of, privacy, scores};
use crate::canvas::escaped;
use crate::picture::{Importances, percent};

/// Title and findings.
pub(super) fn head(material: &Material<'_>) -> String {
    let mut html = format!("<h1>{}</h1>\n", escaped(&material.title));
    let list: String = sentences(material).iter().map(|text| paragraph(text)).collect();
    html += &format!("<div class=\"short\">\n{list}</div>\n");
    html
}

/// See [`Material::sentences`].
pub(super) fn sentences(material: &Material<'_>) -> Vec<String> {
    let reports = || material.stages.iter().map(|stage| &stage.report);
    let mut told = Vec::new();
    match main_of(reports()) {
        Some(report) => {
            let scores = scores(report).expect("it has them");
            told.push(what_leaks(report, &scores));
            told.extend(by_what(report, &scores, reports()));
            told.extend(can_it_be_trusted(report));
        }
        None if material.stages.is_empty() => told.push("No stage report was found.".to_owned()),
        None => told.push("No stage has measured an attack: what is given away is not known.".to_owned()),
    }
    told.extend(what_hiding_costs(reports()));
    told.extend(material.left_out.iter().cloned());
    told
}

fn what_leaks(report: &StageReport, scores: &Scores) -> String {
    let (accuracy, chance) = (scores.accuracy.unwrap_or(0.0), scores.chance_accuracy.unwrap_or(0.0));
    let interval = scores.intervals_95.as_ref().map_or_else(String::new, |all| {
        format!(" (95 % interval {} to {})", percent(all.accuracy.low), percent(all.accuracy.high))
    });
    let area = scores.roc_auc_macro_ovr.map_or_else(String::new, |area| format!("; ROC-AUC {area:.3}"));
    let beyond = match &scores.intervals_95 {
        Some(all) if all.accuracy.low <= chance => "Nothing is shown to leak",
        _ if accuracy <= chance => "Nothing is shown to leak",
        _ if accuracy >= 0.5 => "The traffic gives its classes away",
        _ => "The traffic gives something away",
    };
    format!(
        "{beyond}: the attack {} names the class of {} of the traces{interval}, where guessing is right in {}{area}. {} traces of {} classes.",
        report.privacy.attack,
        percent(accuracy),
        percent(chance),
        scores.traces,
        scores.classes
    )
}

/// How much of it totals alone have, and what features tell.
fn by_what<'a>(report: &StageReport, scores: &Scores, all: impl Iterator<Item = &'a StageReport>) -> Vec<String> {
    let mut told = Vec::new();
    let (accuracy, chance) = (scores.accuracy.unwrap_or(0.0), scores.chance_accuracy.unwrap_or(0.0));
    let trivial: Option<Attempt> = privacy(report, "trivial");
    if let Some((trivial, found)) = trivial.and_then(|trivial| Some((trivial.attack.clone(), trivial.accuracy?)))
        && accuracy > chance
        && scores.intervals_95.as_ref().is_none_or(|all| all.accuracy.low > chance)
    {
        let part = ((found - chance) / (accuracy - chance)).clamp(0.0, 1.0);
        let most = match part {
            part if part >= 0.8 => "Most of it is volume",
            part if part >= 0.4 => "Much of it is volume",
            _ => "Little of it is volume",
        };
        told.push(format!(
            "{most}: {trivial}, which sees packets, bytes and duration alone, is right in {}, that is {} of what lies above guessing.",
            percent(found),
            percent(part)
        ));
    }
    let explained: Option<Importances> = all.filter_map(|report| privacy(report, "explanation")).next();
    if let Some((first, rest)) = explained.as_ref().and_then(|of| of.groups.split_first()) {
        let others: Vec<String> = rest.iter().map(|bar| format!("{} {:.2}", bar.name, bar.importance)).collect();
        told.push(format!(
            "By kind of feature, {} tells most: without it the true class loses {:.2} of its probability ({}).",
            first.name,
            first.importance,
            others.join(", ")
        ));
    }
    told
}

/// What would make the scores too high.
fn can_it_be_trusted(report: &StageReport) -> Vec<String> {
    let mut told = Vec::new();
    let learned = report.counts.get("tested traces that were learned from").copied().unwrap_or(0);
    if learned > 0 {
        told.push(format!("Caution: {learned} tested traces were learned from, so the scores are too high."));
    }
    if let Some(by) = report.privacy.extras.get("by_session") {
        let attacks: Vec<Attempt> = serde_json::from_value(by["attacks"].clone()).unwrap_or_default();
        let own = attacks.iter().find(|one| one.attack == report.privacy.attack);
        if let Some(accuracy) = own.and_then(|own| own.accuracy) {
            told.push(format!("With whole sessions kept apart, the same attack is right in {}.", percent(accuracy)));
        }
    }
    told.extend(report.problems.iter().take(3).map(|problem| format!("Caution: {problem}.")));
    told
}

/// The one that hides most, and the cheapest that hides half of what can be hidden.
fn what_hiding_costs<'a>(all: impl Iterator<Item = &'a StageReport>) -> Vec<String> {
    struct Tried {
        name: String,
        attack: String,
        before: f64,
        after: f64,
        interval: Option<(f64, f64)>,
        chance: f64,
        cost: Cost,
    }
    let tried: Vec<Tried> = all
        .filter_map(|report| {
            let (scores, cost, before) =
                (scores(report)?, cost(report)?, privacy::<Attempt>(report, "undefended")?.accuracy?);
            Some(Tried {
                name: defence_of(report)?,
                attack: report.privacy.attack.clone(),
                before,
                after: scores.accuracy?,
                interval: ends(scores.intervals_95.map(|all| all.accuracy)),
                chance: scores.chance_accuracy.unwrap_or(0.0),
                cost,
            })
        })
        .collect();
    let price = |one: &Tried| format!("{:.1} times the bytes and {}", 1.0 + one.cost.bandwidth, one.cost.time());
    let tell = |one: &Tried, begin: &str| {
        let interval =
            one.interval.map_or_else(String::new, |(low, high)| format!(" [{}, {}]", percent(low), percent(high)));
        format!(
            "{begin} {}: {} falls from {} to {}{interval}, for {}.",
            one.name,
            one.attack,
            percent(one.before),
            percent(one.after),
            price(one)
        )
    };
    let Some(best) = tried.iter().min_by(|a, b| a.after.total_cmp(&b.after)) else { return Vec::new() };
    if best.after >= best.before {
        return vec![format!("None of the {} defences tried takes anything from the attack.", tried.len())];
    }
    let mut told = vec![tell(best, "Of the defences tried, most is hidden by")];
    let half = |one: &&Tried| one.after <= (one.before + one.chance) / 2.0;
    let cheapest = tried.iter().filter(half).min_by(|a, b| a.cost.bandwidth.total_cmp(&b.cost.bandwidth));
    match cheapest {
        Some(one) if one.name != best.name => {
            told.push(tell(one, "The cheapest that hides half of what can be hidden is"))
        }
        Some(_) => {}
        None => told.push("None of them hides half of what can be hidden.".to_owned()),
    }
    told
}
