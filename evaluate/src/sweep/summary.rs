//! Draws of defences as one row a defence: means, spreads, and which are on the front.

use serde::Serialize;
use wfkit_datasets::View;
use wfkit_defend::Finding;
use wfkit_metrics::{Interval, pareto_front_beyond_intervals};

use super::point::{Draw, FoundInDraw};

/// A defence, over its draws.
#[derive(Debug, Clone, Serialize)]
pub struct SweepRow {
    /// In pictures; 0 is no defence.
    pub number: usize,
    /// The specification of the defence, or `none`.
    pub defence: String,
    /// Draws behind it.
    pub draws: usize,
    /// Bandwidth overhead both ways.
    pub bandwidth: MeanOfDraws,
    /// Bandwidth overhead of outgoing traffic.
    pub bandwidth_out: Option<MeanOfDraws>,
    /// Bandwidth overhead of incoming traffic.
    pub bandwidth_in: Option<MeanOfDraws>,
    /// Without what is sent after the last normal packet.
    pub bandwidth_without_tail: MeanOfDraws,
    /// Latency overhead.
    pub latency: MeanOfDraws,
    /// Of the first draw.
    pub latency_bracket: Option<[f64; 2]>,
    /// Mean delay of a normal packet in seconds.
    pub mean_delay_s: MeanOfDraws,
    /// The competition's utility score.
    pub utility: Option<MeanOfDraws>,
    /// What each attack finds.
    pub attacks: Vec<SweptAttack>,
    /// The attack that finds most, by ROC-AUC.
    pub strongest: SweptAttack,
    /// What is found in one kind of information alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<SweptAttack>,
    /// What speaks against the defence on these traces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// What an attack finds, over draws.
#[derive(Debug, Clone, Serialize)]
pub struct SweptAttack {
    /// The attack.
    pub attack: String,
    /// What the attack is shown of the traces; everything where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// Traces tested.
    pub tested: u64,
    /// What guessing the commonest class finds.
    pub chance_accuracy: f64,
    /// Accuracy.
    pub accuracy: ScoreOfDraws,
    /// Macro one-vs-rest area under the ROC curve.
    pub roc_auc: ScoreOfDraws,
    /// Log loss.
    pub log_loss: ScoreOfDraws,
    /// Tested traces that look exactly as a training trace, in the first draw.
    pub twins: usize,
    /// No other defence is better in bandwidth, latency or ROC-AUC without being worse in another of them, by the 95 % intervals of ROC-AUC.
    pub on_front: bool,
}

/// A number over draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeanOfDraws {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the draws; none of a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
}

/// A score over draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreOfDraws {
    /// Mean and spread.
    #[serde(flatten)]
    pub over_draws: MeanOfDraws,
    /// Of the tested traces: the ends of the draws' intervals, averaged; none where a draw has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_95: Option<Interval>,
}

impl ScoreOfDraws {
    /// The mean.
    pub fn mean(&self) -> f64 {
        self.over_draws.mean
    }
}

impl MeanOfDraws {
    fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        (!values.is_empty()).then_some(Self { mean, deviation })
    }
}

/// One row for each defence that has draws, numbered by its place; the fronts of every attack marked.
pub(super) fn rows(measured: &[(usize, String, Vec<Draw>)], attacks: usize) -> Vec<SweepRow> {
    let of = |(number, defence, draws): &(usize, String, Vec<Draw>)| row(*number, defence, draws, attacks);
    let mut rows: Vec<SweepRow> = measured.iter().filter_map(of).collect();
    for attack in 0..attacks {
        mark(&mut rows, |row| &mut row.attacks[attack]);
    }
    mark(&mut rows, |row| &mut row.strongest);
    rows
}

/// Marks the front of what an attack finds, off which is only what another surely beats. Below 0.5 an area is chance: nothing is won there.
fn mark(rows: &mut [SweepRow], scored: impl Fn(&mut SweepRow) -> &mut SweptAttack) {
    let exactly = |value: f64| Interval { low: value, high: value };
    let point = |row: &mut SweepRow| {
        let area = &scored(row).roc_auc;
        let area = area.interval_95.unwrap_or_else(|| exactly(area.mean()));
        let area = Interval { low: area.low.max(0.5), high: area.high.max(0.5) };
        [exactly(row.bandwidth.mean), exactly(row.latency.mean), area]
    };
    let points: Vec<[Interval; 3]> = rows.iter_mut().map(point).collect();
    for (row, on_front) in rows.iter_mut().zip(pareto_front_beyond_intervals(&points)) {
        scored(row).on_front = on_front;
    }
}

fn row(number: usize, defence: &str, draws: &[Draw], attacks: usize) -> Option<SweepRow> {
    let first = draws.first()?;
    let mean = |of: &dyn Fn(&Draw) -> Option<f64>| MeanOfDraws::of(draws.iter().filter_map(of));
    let scored: Vec<SweptAttack> = (0..first.found.len()).map(|place| score(draws, place)).collect();
    let strongest = scored[..attacks].iter().max_by(|a, b| a.roc_auc.mean().total_cmp(&b.roc_auc.mean()))?.clone();
    Some(SweepRow {
        number,
        defence: defence.to_owned(),
        draws: draws.len(),
        bandwidth: mean(&|draw| Some(draw.cost.bandwidth))?,
        bandwidth_out: mean(&|draw| draw.cost.bandwidth_out),
        bandwidth_in: mean(&|draw| draw.cost.bandwidth_in),
        bandwidth_without_tail: mean(&|draw| Some(draw.cost.bandwidth_without_tail))?,
        latency: mean(&|draw| Some(draw.cost.latency))?,
        latency_bracket: first.cost.latency_bracket,
        mean_delay_s: mean(&|draw| Some(draw.cost.mean_delay_s))?,
        utility: mean(&|draw| draw.cost.utility),
        strongest,
        views: scored[attacks..].to_vec(),
        attacks: scored[..attacks].to_vec(),
        findings: first.cost.findings.clone(),
    })
}

/// The look at place `place` of every draw.
fn score(draws: &[Draw], place: usize) -> SweptAttack {
    let all: Vec<&FoundInDraw> = draws.iter().map(|draw| &draw.found[place]).collect();
    let over = |value: fn(&FoundInDraw) -> f64, interval: fn(&FoundInDraw) -> Option<Interval>| {
        let over_draws = MeanOfDraws::of(all.iter().map(|found| value(found))).expect("there is a draw");
        let intervals: Option<Vec<Interval>> = all.iter().map(|found| interval(found)).collect();
        let interval_95 = intervals.map(|intervals| {
            let mean = |end: fn(&Interval) -> f64| intervals.iter().map(end).sum::<f64>() / intervals.len() as f64;
            Interval { low: mean(|interval| interval.low), high: mean(|interval| interval.high) }
        });
        ScoreOfDraws { over_draws, interval_95 }
    };
    SweptAttack {
        attack: all[0].attack.clone(),
        view: all[0].view,
        tested: all[0].tested,
        chance_accuracy: all[0].chance_accuracy,
        accuracy: over(|found| found.accuracy, |found| Some(found.accuracy_95)),
        roc_auc: over(|found| found.roc_auc, |found| found.roc_auc_95),
        log_loss: over(|found| found.log_loss, |found| found.log_loss_95),
        twins: all[0].twins,
        on_front: false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::cost::DrawCost;
    use super::*;

    /// A draw that costs and finds so much.
    pub(crate) fn draw(bandwidth: f64, latency: f64, areas: &[f64]) -> Draw {
        let found = |&roc_auc: &f64| FoundInDraw {
            attack: "kfp-175".to_owned(),
            view: None,
            tested: 10,
            chance_accuracy: 0.1,
            accuracy: roc_auc / 2.0,
            accuracy_95: Interval { low: 0.0, high: 1.0 },
            roc_auc,
            roc_auc_95: Some(Interval { low: roc_auc - 0.1, high: roc_auc + 0.1 }),
            log_loss: 1.0,
            log_loss_95: Some(Interval { low: 0.5, high: 2.0 }),
            twins: 0,
        };
        let cost = DrawCost {
            bandwidth,
            bandwidth_out: Some(bandwidth),
            bandwidth_in: None,
            bandwidth_without_tail: bandwidth,
            latency,
            mean_delay_s: 0.0,
            latency_bracket: Some([latency, 2.0 * latency]),
            utility: Some(6.0),
            left_to_chance: true,
            content: String::new(),
            findings: vec![],
        };
        Draw { cost, found: areas.iter().map(found).collect() }
    }

    #[test]
    fn draws_have_a_mean_a_spread_and_a_front() {
        let measured = [
            (0, "none".to_owned(), vec![draw(0.0, 0.0, &[0.9, 0.95])]),
            (1, "a".to_owned(), vec![draw(1.0, 0.0, &[0.6, 0.9]), draw(2.0, 0.0, &[0.8, 0.9])]),
            (2, "b".to_owned(), vec![draw(1.0, 0.0, &[0.8, 0.9])]),
            (3, "failed".to_owned(), vec![]),
            (4, "c".to_owned(), vec![draw(3.0, 1.0, &[0.45, 0.5])]),
            (5, "d".to_owned(), vec![draw(4.0, 1.0, &[0.40, 0.5])]),
        ];
        let rows = rows(&measured, 1);
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [0, 1, 2, 4, 5]);
        let a = &rows[1];
        assert_eq!(a.bandwidth, MeanOfDraws { mean: 1.5, deviation: Some(0.5f64.sqrt()) });
        assert!((a.attacks[0].roc_auc.mean() - 0.7).abs() < 1e-12);
        assert!((a.attacks[0].roc_auc.interval_95.unwrap().low - 0.6).abs() < 1e-12);
        assert_eq!((a.bandwidth_in, a.views.len()), (None, 1));
        let front: Vec<bool> = rows.iter().map(|row| row.attacks[0].on_front).collect();
        // d costs more than c, but may be found less: the intervals of both hold chance.
        assert_eq!(front, [true, true, true, true, true]);
        let surely_more = (6, "e".to_owned(), vec![draw(4.0, 1.0, &[0.95, 0.5])]);
        let rows = super::rows(&[&measured[..], &[surely_more]].concat(), 1);
        assert!(!rows[5].attacks[0].on_front && rows[4].attacks[0].on_front);
    }
}
