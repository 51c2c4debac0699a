//! The picture of a sweep: its rows as points, panels by attack.

use wfkit_evaluate::published::Published;
use wfkit_evaluate::{ScoreOfDraws, SweepPlan, SweepRow, SweptAttack};

use super::{Elsewhere, Entry, Panels, Point, frontier};
use crate::words::percent;

/// The strongest attack on each defence, where there are several, then each attack.
pub fn sweep(rows: &[SweepRow], plan: &SweepPlan, published: &[(Published, bool)]) -> String {
    let mut panels = Vec::new();
    if plan.attacks.len() > 1 {
        panels.push(Panels {
            attack: "strongest attack".to_owned(),
            points: rows.iter().map(|row| point(row, &row.strongest)).collect(),
            published: strongest(published),
        });
    }
    for (place, attack) in plan.attacks.iter().enumerate() {
        panels.push(Panels {
            attack: attack.clone(),
            points: rows.iter().map(|row| point(row, &row.attacks[place])).collect(),
            published: published
                .iter()
                .filter(|(one, _)| one.here == Some(attack.as_str()))
                .map(|(one, same)| elsewhere(one, *same))
                .collect(),
        });
    }
    let entry = |row: &SweepRow| Entry {
        number: row.number,
        text: format!(
            "{}: bandwidth {}, latency {}, {}: accuracy {:.3}, ROC-AUC {:.4}",
            row.defence,
            percent(row.bandwidth.mean),
            percent(row.latency.mean),
            row.strongest.attack,
            row.strongest.accuracy.mean(),
            row.strongest.roc_auc.mean()
        ),
    };
    let legend: Vec<Entry> = rows.iter().map(entry).collect();
    let title = format!("{} traces of {} classes, {}", plan.set.len(), plan.set.classes().len(), plan.split);
    let chance = rows.first().and_then(|row| row.attacks.first()).map_or(0.0, |scored| scored.chance_accuracy);
    frontier(&title, &panels, &legend, chance)
}

fn point(row: &SweepRow, scored: &SweptAttack) -> Point {
    Point {
        number: row.number,
        bandwidth: row.bandwidth.mean,
        latency: row.latency.mean,
        roc_auc: scored.roc_auc.mean(),
        roc_auc_95: ends(&scored.roc_auc),
        accuracy: scored.accuracy.mean(),
        accuracy_95: ends(&scored.accuracy),
        on_front: scored.on_front,
    }
}

fn elsewhere(one: &Published, same: bool) -> Elsewhere {
    Elsewhere {
        name: one.defence.to_owned(),
        source: format!("{}; {}, {}, {}", one.source, one.data_set, one.setting, one.attack),
        bandwidth: one.bandwidth,
        accuracy: one.accuracy,
        same,
    }
}

/// The strongest published attack on each defence of each paper, in the order of the table.
fn strongest(published: &[(Published, bool)]) -> Vec<Elsewhere> {
    let mut best: Vec<&(Published, bool)> = Vec::new();
    for one in published {
        let is_of = |other: &Published| {
            (other.source, other.data_set, other.setting, other.defence)
                == (one.0.source, one.0.data_set, one.0.setting, one.0.defence)
        };
        match best.iter_mut().find(|(other, _)| is_of(other)) {
            Some(place) if place.0.accuracy < one.0.accuracy => *place = one,
            Some(_) => {}
            None => best.push(one),
        }
    }
    best.into_iter().map(|(one, same)| elsewhere(one, *same)).collect()
}

/// Both ends of its interval; itself twice where it has none.
fn ends(score: &ScoreOfDraws) -> [f64; 2] {
    score.interval_95.map_or([score.mean(); 2], |interval| [interval.low, interval.high])
}
