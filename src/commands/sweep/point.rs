//! One defence measured: what it costs, and what attacks that are trained again on defended traces still find.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use wfkit_classify::{Samples, evaluate};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{TraceSet, View};
use wfkit_defend::{
    DefendOptions, DefenseSpec, Finding, OverheadOptions, Overheads, Severity, TimeBracket, defend_with, lint,
};
use wfkit_metrics::{Interval, ScoreOptions, Scores, Utility};

use super::kept::Kept;
use super::plan::Plan;
use crate::commands::defend::splits_of_copies;
use crate::measure::{BOOTSTRAP, TRIVIAL, attack};

/// Traces that the delay models are compared on: what waits for inferred dependencies is slow to simulate.
const COMPARED: usize = 60;

/// What a draw of a defence costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cost {
    /// Bandwidth overhead, sum over sum; both ways, and each.
    pub(super) bandwidth: f64,
    pub(super) bandwidth_out: Option<f64>,
    pub(super) bandwidth_in: Option<f64>,
    /// The same without what is sent after the last normal packet.
    pub(super) bandwidth_without_tail: f64,
    /// Latency overhead, sum over sum, under the delay model that was chosen.
    pub(super) latency: f64,
    /// Mean delay of a normal packet in seconds.
    pub(super) mean_delay_s: f64,
    /// Lowest and highest latency overhead of all delay models.
    pub(super) latency_bracket: Option<[f64; 2]>,
    /// The competition's utility score of the defended traces.
    pub(super) utility: Option<f64>,
    /// Digest of the defended traces.
    pub(super) content: String,
    /// What speaks against the defence on these traces.
    pub(super) findings: Vec<Finding>,
}

/// What an attack finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) attack: String,
    /// What the attack is shown of the traces; everything where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) view: Option<View>,
    pub(super) tested: u64,
    pub(super) chance_accuracy: f64,
    pub(super) accuracy: f64,
    pub(super) accuracy_95: Interval,
    pub(super) roc_auc: f64,
    pub(super) roc_auc_95: Interval,
    pub(super) log_loss: f64,
    pub(super) log_loss_95: Interval,
    /// Tested traces that look exactly as a training trace.
    pub(super) twins: usize,
}

/// A draw of a defence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draw {
    pub(super) cost: Cost,
    pub(super) found: Vec<Found>,
}

/// An attack, and what it is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    pub(super) attack: String,
    pub(super) view: Option<View>,
}

impl Plan {
    /// What every draw of a defence is looked at with.
    pub(super) fn looks(&self) -> Vec<Look> {
        let whole = |attack: &String| Look { attack: attack.clone(), view: None };
        let mut looks: Vec<Look> = self.attacks.iter().map(whole).collect();
        if let Some(attack) = &self.views {
            let more = [whole(&TRIVIAL.to_owned()), whole(attack)];
            looks.extend(more);
            looks.extend(View::ALL.map(|view| Look { attack: attack.clone(), view: Some(view) }));
        }
        let mut once: Vec<Look> = Vec::new();
        for look in looks {
            if !once.contains(&look) {
                once.push(look);
            }
        }
        once
    }

    /// All draws of one defence, or of no defence. A defence without chance is measured once. `step` hears of each look.
    pub(super) fn measure(
        &self,
        spec: Option<&DefenseSpec>,
        seed: u64,
        kept: &Kept,
        step: &dyn Fn(),
    ) -> Result<Vec<Draw>> {
        let mut draws: Vec<Draw> = Vec::new();
        for draw in 0..if spec.is_some() { self.draws } else { 1 } {
            let one = DrawOf { plan: self, spec, draw, seed, kept, observed: None };
            let Some(found) = one.measure(draws.first().map(|first| first.cost.content.as_str()), step)? else {
                return Ok(draws);
            };
            draws.push(found);
        }
        Ok(draws)
    }
}

/// One draw while it is measured.
struct DrawOf<'a> {
    plan: &'a Plan,
    spec: Option<&'a DefenseSpec>,
    draw: u16,
    /// Of the sweep.
    seed: u64,
    kept: &'a Kept,
    /// The defended traces, once they are needed, and how they are split.
    observed: Option<(TraceSet, Vec<Split>)>,
}

impl DrawOf<'_> {
    /// None where it is the first draw again: the defence leaves nothing to chance.
    fn measure(mut self, first: Option<&str>, step: &dyn Fn()) -> Result<Option<Draw>> {
        let of = format!("cost of {}", self.name());
        let cost = match self.kept.get::<Cost>(&of) {
            Some(cost) => cost,
            None => {
                let cost = self.defend()?;
                self.kept.put(&of, &cost)?;
                cost
            }
        };
        if first == Some(cost.content.as_str()) {
            return Ok(None);
        }
        let mut all = Vec::new();
        for look in self.plan.looks() {
            let view = look.view.map_or_else(|| "all".to_owned(), |view| view.to_string());
            let of = format!("{} shown {view} of {}", look.attack, self.name());
            let found = match self.kept.get::<Found>(&of) {
                Some(found) => found,
                None => {
                    let found = self.look(&look)?;
                    self.kept.put(&of, &found)?;
                    found
                }
            };
            all.push(found);
            step();
        }
        Ok(Some(Draw { cost, found: all }))
    }

    /// Everything that its measurements depend on, but for the attack.
    fn name(&self) -> String {
        let spec = self.spec.map_or_else(|| "none".to_owned(), ToString::to_string);
        format!("{spec}, draw {}, {}", self.draw, self.plan.identity(self.seed))
    }

    /// Defends the traces, and says what it costs.
    fn defend(&mut self) -> Result<Cost> {
        let (set, seed) = (&self.plan.set, self.seed);
        let Some(spec) = self.spec else {
            self.observed = Some((set.clone(), self.plan.splits.clone()));
            return Ok(Cost::of_nothing(set));
        };
        let findings = if self.draw == 0 { lint(spec, set, seed) } else { Vec::new() };
        if let Some(error) = findings.iter().find(|finding| finding.severity == Severity::Error) {
            anyhow::bail!("{}", error.message);
        }
        // Draw n is what `wfkit defend` makes with the n-th seed from this one.
        let seed = seed.wrapping_add(self.draw.into());
        let options = DefendOptions { seed, replicas: self.plan.replicas, verify: false };
        let defended = defend_with(set, spec, &options)?;
        let observed = defended.observe();
        let overheads = defended.overheads(&OverheadOptions { bootstrap: 0, seed });
        let bracket = match self.draw {
            0 => TimeBracket::of_some(set, spec, seed, COMPARED)?.latency,
            _ => None,
        };
        let cost = Cost::of(&overheads, bracket, &observed, findings);
        let splits = splits_of_copies(&defended, &observed, &self.plan.splits);
        self.observed = Some((observed, splits));
        Ok(cost)
    }

    /// Trains an attack on what is seen of the defended traces.
    fn look(&mut self, look: &Look) -> Result<Found> {
        if self.observed.is_none() {
            self.defend()?;
        }
        let (observed, splits) = self.observed.as_ref().expect("it was made");
        let seen = look.view.map(|view| view.of(observed));
        let attack = attack(&look.attack)?;
        let samples = Samples::Traces(seen.as_ref().unwrap_or(observed));
        let evaluation = evaluate(&attack, samples, splits, self.seed, &|_| {})?;
        let options = ScoreOptions { bootstrap: BOOTSTRAP, seed: self.seed };
        let scores = Scores::compute(&evaluation.probabilities, &evaluation.truth, &options)?;
        let scores = scores.cross_validated(evaluation.folds.len());
        let twins = evaluation.folds.iter().filter_map(|fold| fold.leaks).map(|leaks| leaks.by_content).sum();
        let missing = || anyhow::anyhow!("{}", scores.reason.as_deref().unwrap_or("there is no score"));
        let intervals = scores.intervals_95.as_ref().ok_or_else(missing)?;
        Ok(Found {
            attack: look.attack.clone(),
            view: look.view,
            tested: scores.traces,
            chance_accuracy: scores.chance_accuracy.ok_or_else(missing)?,
            accuracy: scores.accuracy.ok_or_else(missing)?,
            accuracy_95: intervals.accuracy,
            roc_auc: scores.roc_auc_macro_ovr.ok_or_else(missing)?,
            roc_auc_95: intervals.roc_auc_macro_ovr.ok_or_else(missing)?,
            log_loss: scores.log_loss.ok_or_else(missing)?,
            log_loss_95: intervals.log_loss,
            twins,
        })
    }
}

impl Cost {
    fn of_nothing(set: &TraceSet) -> Self {
        Self {
            bandwidth: 0.0,
            bandwidth_out: Some(0.0),
            bandwidth_in: Some(0.0),
            bandwidth_without_tail: 0.0,
            latency: 0.0,
            mean_delay_s: 0.0,
            latency_bracket: Some([0.0; 2]),
            utility: Utility::of(&set.volumes()).score,
            content: super::plan::content(set),
            findings: Vec::new(),
        }
    }

    fn of(overheads: &Overheads, bracket: Option<[f64; 2]>, observed: &TraceSet, findings: Vec<Finding>) -> Self {
        // Of sums over traces of one packet at least: only time, and one direction, can be missing.
        let value = |estimate: Option<wfkit_defend::Estimate>| estimate.map(|estimate| estimate.value);
        Self {
            bandwidth: value(overheads.bandwidth.both.total).unwrap_or(0.0),
            bandwidth_out: value(overheads.bandwidth.outgoing.total),
            bandwidth_in: value(overheads.bandwidth.incoming.total),
            bandwidth_without_tail: value(overheads.bandwidth_without_tail.both.total).unwrap_or(0.0),
            latency: value(overheads.latency.total).unwrap_or(0.0),
            mean_delay_s: value(overheads.delay.mean_s).unwrap_or(0.0),
            latency_bracket: bracket,
            utility: Utility::of(&observed.volumes()).score,
            content: super::plan::content(observed),
            findings,
        }
    }
}
