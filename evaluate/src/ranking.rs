//! Every attack that takes these samples, on the same splits, side by side.

use serde::Serialize;
use wfkit_classify::{Attack, AttackOptions, Calibration, Samples, attacks};
use wfkit_metrics::Interval;

use crate::{AttackSummary, ExperimentError, Measured, PairedComparison, Setting, Task, compare};

/// How the reference was chosen, for the report.
const CHOSEN: &str = "the reference has the least log loss of all on these very splits: it was chosen after the look, so its lead is a \
                      little too good; p-values are corrected for the number of attacks, not for that choice";

/// Every attack was measured that could be; the best by log loss comes first.
pub struct Ranking {
    /// Attacks and what was measured.
    pub attacks: Vec<(Attack, Measured)>,
    /// Attacks that failed, and why.
    pub failed: Vec<(String, String)>,
}

/// What is changed about every attack that takes it.
#[derive(Debug, Clone, Default)]
pub struct RankingOptions<'a> {
    /// Options of learners. Attacks that do not take them, as trees those without trees, run as they are published.
    pub changed: AttackOptions,
    /// The class that stands for everything unmonitored.
    pub unmonitored: Option<&'a str>,
    /// How probabilities are calibrated, where not as the attack does by itself.
    pub calibrate: Option<Calibration>,
}

impl Ranking {
    /// Measures all of them, on the same splits; with `duplicates`, also where these test traces that were learned from.
    ///
    /// # Errors
    /// Traces that were learned from; why the first attack failed, where all did.
    pub fn measure(
        task: Task<'_>,
        options: &RankingOptions<'_>,
        duplicates: bool,
        setting: Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let takes_traces = matches!(task.tested(), Samples::Traces(_));
        let (mut unchanged, mut failed, mut first_error, mut ranked) = (Vec::new(), Vec::new(), None, Vec::new());
        for info in attacks() {
            let published = Attack::by_name(info.name, &AttackOptions::default()).map_err(ExperimentError::from)?;
            if published.takes_traces() != takes_traces {
                continue;
            }
            let attack = Attack::by_name(info.name, &options.changed).unwrap_or_else(|_| {
                unchanged.push(info.name);
                published
            });
            let attack = options.unmonitored.into_iter().fold(attack, Attack::unmonitored);
            let attack = options.calibrate.into_iter().fold(attack, Attack::calibrated);
            match task.measure(&attack, setting) {
                Ok(measured) => {
                    if ranked.is_empty() {
                        measured.refuse_leaks(duplicates)?;
                    }
                    ranked.push((attack, measured));
                }
                Err(ExperimentError::Cancelled) => return Err(ExperimentError::Cancelled),
                Err(error) => {
                    failed.push((info.name.to_owned(), error.to_string()));
                    first_error.get_or_insert(error);
                }
            }
        }
        if !unchanged.is_empty() {
            let message = "not all options apply to them, so they run as published";
            setting.observer.warn(&format!("{}: {message}", unchanged.join(", ")));
        }
        for (name, reason) in &failed {
            setting.observer.warn(&format!("{name} is not in the table: {reason}"));
        }
        if let (true, Some(error)) = (ranked.is_empty(), first_error) {
            return Err(ExperimentError::NoAttack(Box::new(error)));
        }
        let loss = |measured: &Measured| measured.scores.log_loss.unwrap_or(f64::INFINITY);
        ranked.sort_by(|(_, a), (_, b)| loss(a).total_cmp(&loss(b)).then_with(|| a.attack.cmp(&b.attack)));
        Ok(Self { attacks: ranked, failed })
    }

    /// The best attack and its measurement, the others, and what failed.
    ///
    /// # Panics
    /// If it was emptied.
    pub fn split(self) -> (Attack, Measured, Vec<Measured>, Vec<(String, String)>) {
        let mut attacks = self.attacks.into_iter();
        let (attack, best) = attacks.next().expect("a ranking has an attack");
        (attack, best, attacks.map(|(_, measured)| measured).collect(), self.failed)
    }
}

/// An attack among others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedAttack {
    /// Its scores.
    #[serde(flatten)]
    pub summary: AttackSummary,
    /// 95 % interval of log loss.
    pub log_loss_95: Option<Interval>,
    /// Of the test against the reference, corrected; none of the reference itself, and where there are not two folds.
    pub p_log_loss: Option<f64>,
    /// Of the test against the reference, corrected; none of the reference itself.
    pub p_accuracy: Option<f64>,
    /// Training on all splits, seconds on all cores; none where it was trained elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_cpu_seconds: Option<f64>,
    /// Predicting a trace, milliseconds on all cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predict_cpu_ms_a_trace: Option<f64>,
}

impl RankedAttack {
    /// The scores of an attack, and its test against the reference.
    pub fn of(measured: &Measured, test: Option<&PairedComparison>) -> Self {
        Self {
            summary: measured.summary(),
            log_loss_95: measured.scores.intervals_95.as_ref().and_then(|all| all.log_loss),
            p_log_loss: test.and_then(|test| test.log_loss_corrected_t_test.p_holm()),
            p_accuracy: test.map(|test| test.accuracy.p_holm),
            train_cpu_seconds: None,
            predict_cpu_ms_a_trace: None,
        }
    }
}

/// A ranking in a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankingReport {
    /// The attack that others are tested against.
    pub reference: String,
    /// How it was chosen.
    pub chosen: &'static str,
    /// Which tests.
    pub test: &'static str,
    /// All attacks, the best first.
    pub table: Vec<RankedAttack>,
    /// Every test.
    pub compared: Vec<PairedComparison>,
    /// What could not be measured.
    pub failed: Vec<FailedAttack>,
}

/// An attack that could not be measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedAttack {
    /// Its name.
    pub attack: String,
    /// Why not.
    pub reason: String,
}

impl RankingReport {
    /// `best` is the first of a ranking, `others` the rest of it.
    pub fn of(best: &Measured, others: &[Measured], failed: &[(String, String)]) -> Self {
        let compared = compare(best, others);
        let line = |(at, measured): (usize, &Measured)| {
            let tested = measured.evaluation.rows.len().max(1) as f64;
            let effort = measured.effort();
            let mut row = RankedAttack::of(measured, at.checked_sub(1).map(|other| &compared[other]));
            row.summary.reason =
                "p-values are against the reference, which has none; that of log loss needs two folds".to_owned();
            row.train_cpu_seconds = Some(effort.train_cpu_seconds);
            row.predict_cpu_ms_a_trace = Some(effort.predict_cpu_seconds * 1e3 / tested);
            row
        };
        let table = std::iter::once(best).chain(others).enumerate().map(line).collect();
        let failed = failed.iter().cloned().map(|(attack, reason)| FailedAttack { attack, reason });
        Self {
            reference: best.attack.clone(),
            chosen: CHOSEN,
            test: "corrected resampled t-test over folds, McNemar's over one split; Holm over all attacks",
            table,
            compared,
            failed: failed.collect(),
        }
    }
}
