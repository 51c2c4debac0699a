//! One defence measured: what it costs, and what attacks that are trained again on defended traces still find.

use ndarray::{Axis, concatenate};
use serde::{Deserialize, Serialize};
use wfkit_classify::{Samples, evaluate};
use wfkit_datasets::View;
use wfkit_defend::DefenseSpec;
use wfkit_metrics::{Interval, Probabilities, ScoreOptions, Scores};

use super::cost::DrawCost;
use super::defended::Defended;
use super::plan::SweepPlan;
use super::{Memory, keep, recall};
use crate::{BOOTSTRAP, ExperimentError, TRIVIAL, attack};

/// What an attack finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundInDraw {
    /// The attack.
    pub attack: String,
    /// What the attack is shown of the traces; everything where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// Traces tested.
    pub tested: u64,
    /// What guessing the commonest class finds.
    pub chance_accuracy: f64,
    /// Accuracy.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub accuracy_95: Interval,
    /// Macro one-vs-rest area under the ROC curve.
    pub roc_auc: f64,
    /// Its 95 % interval.
    pub roc_auc_95: Option<Interval>,
    /// Log loss.
    pub log_loss: f64,
    /// Its 95 % interval.
    pub log_loss_95: Option<Interval>,
    /// Tested traces that look exactly as a training trace.
    pub twins: usize,
}

/// A draw of a defence.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// What it costs.
    pub cost: DrawCost,
    /// What each look finds.
    pub found: Vec<FoundInDraw>,
}

/// An attack, and what it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The attack.
    pub attack: String,
    /// What the attack is shown of the traces; everything where it is none.
    pub view: Option<View>,
}

impl SweepPlan {
    /// What every draw of a defence is looked at with.
    pub(crate) fn looks(&self) -> Vec<Look> {
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

    /// All draws of one defence, or of no defence; a defence that leaves nothing to chance has one. `step` hears of each look.
    pub(super) fn measure(
        &self,
        spec: Option<&DefenseSpec>,
        (seed, identity): (u64, &str),
        kept: &dyn Memory,
        step: &dyn Fn(),
    ) -> Result<Vec<Draw>, ExperimentError> {
        let mut draws =
            vec![DrawOf { plan: self, spec, number: 0, seed, identity, kept, defended: None }.measure(step)?];
        let more = if draws[0].cost.left_to_chance { self.draws } else { 1 };
        for number in 1..more {
            draws.push(DrawOf { plan: self, spec, number, seed, identity, kept, defended: None }.measure(step)?);
        }
        Ok(draws)
    }
}

/// One draw while it is measured.
struct DrawOf<'a> {
    plan: &'a SweepPlan,
    spec: Option<&'a DefenseSpec>,
    number: u16,
    /// Of the sweep.
    seed: u64,
    /// What all measurements of the sweep depend on.
    identity: &'a str,
    kept: &'a dyn Memory,
    /// Made once it is needed.
    defended: Option<Defended>,
}

impl DrawOf<'_> {
    fn measure(mut self, step: &dyn Fn()) -> Result<Draw, ExperimentError> {
        let of = format!("cost of {}", self.name());
        let cost = match recall(self.kept, &of) {
            Some(cost) => cost,
            None => {
                let (defended, cost) = Defended::with_cost(self.plan, self.spec, self.number, self.seed)?;
                self.defended = Some(defended);
                keep(self.kept, &of, &cost)?;
                cost
            }
        };
        let mut all = Vec::new();
        for look in self.plan.looks() {
            let view = look.view.map_or_else(|| "all".to_owned(), |view| view.to_string());
            let of = format!("{} shown {view} of {}", look.attack, self.name());
            let found = match recall(self.kept, &of) {
                Some(found) => found,
                None => {
                    let found = self.look(&look)?;
                    keep(self.kept, &of, &found)?;
                    found
                }
            };
            all.push(found);
            step();
        }
        Ok(Draw { cost, found: all })
    }

    /// Everything that its measurements depend on, but for the attack.
    fn name(&self) -> String {
        let spec = self.spec.map_or_else(|| "none".to_owned(), ToString::to_string);
        format!("{spec}, draw {}, {}", self.number, self.identity)
    }

    /// Trains an attack on what is seen of the defended traces, and tests it.
    fn look(&mut self, look: &Look) -> Result<FoundInDraw, ExperimentError> {
        let (plan, spec, number, seed) = (self.plan, self.spec, self.number, self.seed);
        let defended = match self.defended.take() {
            Some(defended) => defended,
            None => Defended::of(plan, spec, number, seed)?,
        };
        let attack = attack(&look.attack)?;
        let (mut said, mut truth, mut folds, mut twins) = (Vec::new(), Vec::new(), 0, 0);
        for part in &defended.parts {
            let seen = look.view.map(|view| view.of(&part.observed));
            let samples = Samples::Traces(seen.as_ref().unwrap_or(&part.observed));
            let evaluation = evaluate(&attack, samples, &part.splits, seed, &|_| {})?;
            folds += evaluation.folds.len();
            twins += evaluation.overlap().learned_from();
            truth.extend(evaluation.truth);
            said.push(evaluation.probabilities);
        }
        self.defended = Some(defended);
        let values: Vec<_> = said.iter().map(Probabilities::values).collect();
        let values = concatenate(Axis(0), &values).expect("parts have the classes of the same set");
        let probabilities =
            Probabilities::new(said[0].classes().clone(), values).expect("rows of distributions are distributions");
        let options = ScoreOptions { bootstrap: BOOTSTRAP, seed, ..ScoreOptions::default() };
        let scores = Scores::compute(&probabilities, &truth, &options)?.cross_validated(folds);
        let reason = scores.reason.as_deref().unwrap_or("there is no score");
        let missing = || ExperimentError::Unfit(reason.to_owned());
        let intervals = scores.intervals_95.as_ref().ok_or_else(missing)?;
        Ok(FoundInDraw {
            attack: look.attack.clone(),
            view: look.view,
            tested: scores.traces,
            chance_accuracy: scores.chance_accuracy.ok_or_else(missing)?,
            accuracy: scores.accuracy.ok_or_else(missing)?,
            accuracy_95: intervals.accuracy,
            roc_auc: scores.roc_auc_macro_ovr.ok_or_else(missing)?,
            roc_auc_95: intervals.roc_auc_macro_ovr,
            log_loss: scores.log_loss.ok_or_else(missing)?,
            log_loss_95: intervals.log_loss,
            twins,
        })
    }
}
