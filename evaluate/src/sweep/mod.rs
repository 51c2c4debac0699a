//! Many defences against many attacks: what they cost and what is still found, and which of them nothing beats.

mod cost;
mod defended;
mod pair;
mod plan;
mod point;
mod stored_points;
mod summary;
mod variants;

use std::cell::Cell;
use std::error::Error;
use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wfkit_datasets::Findings;
use wfkit_defend::DefenseSpec;
use wfkit_metrics::{Observer, PrivacyReport, Utility};

pub use cost::DrawCost;
pub use plan::{
    SWEEPS_EXPLAINED, SweepPlan, SweptDefenses, VariantPair, first_of_each, read_plan, sweep_splits, swept_attacks,
    tested_on, variant_pairs,
};
pub use point::{Draw, FoundInDraw, Look};
pub use stored_points::{KeptPoints, LACKING};
pub use summary::{MeanOfDraws, ScoreOfDraws, SweepRow, SweptAttack};
pub use variants::{Change, FoundChange, VariantDifference};

use crate::{ExperimentError, Setting};

/// What was measured before, so that a sweep goes on where it was interrupted: each measurement under everything that it depends on.
pub trait Memory {
    /// What was found of `of`; nothing where it was not kept.
    fn recall(&self, of: &str) -> Option<Value>;

    /// Keeps it.
    ///
    /// # Errors
    /// Whatever keeps it refuses.
    fn keep(&self, of: &str, found: Value) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// Nothing is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn recall(&self, _of: &str) -> Option<Value> {
        None
    }

    fn keep(&self, _of: &str, _found: Value) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

fn recall<T: DeserializeOwned>(memory: &dyn Memory, of: &str) -> Option<T> {
    serde_json::from_value(memory.recall(of)?).ok()
}

fn keep<T: Serialize>(memory: &dyn Memory, of: &str, found: &T) -> Result<(), ExperimentError> {
    let found = serde_json::to_value(found).expect("numbers and texts are JSON");
    memory.keep(of, found).map_err(ExperimentError::Memory)
}

/// Number, defence and draws of each defence that could be measured, no defence first.
type Points = Vec<(usize, String, Vec<Draw>)>;

impl Sweep {
    /// Refuses what was not measured because shares of others were to have it.
    ///
    /// # Errors
    /// That some of it is lacking.
    pub fn whole(self) -> Result<Self, ExperimentError> {
        match self.problems.iter().find(|problem| problem.contains(LACKING)) {
            Some(problem) => Err(ExperimentError::Unfit(problem.clone())),
            None => Ok(self),
        }
    }

    /// All of it for a report, with the cost of the undefended traces and what the strongest attack finds in them.
    pub fn findings(&self, plan: &SweepPlan, observer: &dyn Observer) -> Findings {
        let strongest = &self.rows[0].strongest;
        let privacy = PrivacyReport {
            roc_auc_macro_ovr: Some(strongest.roc_auc.mean()),
            accuracy: Some(strongest.accuracy.mean()),
            ..PrivacyReport::unmeasured(&strongest.attack, "null where a direction or a utility score does not exist")
        };
        let mut findings = Findings::new(Utility::of(&plan.set.volumes()), privacy);
        findings
            .count_set(&plan.set)
            .count("defences", plan.defences.len())
            .count("tested traces that were learned from", strongest.twins);
        if strongest.twins > 0 {
            let message =
                format!("{} undefended tested traces were learned from: the scores are too high", strongest.twins);
            observer.warn(&message);
            findings.problems.push(message);
        }
        findings.problems.extend_from_slice(&self.problems);
        let extras = &mut findings.privacy.extras;
        extras.set("split", plan.trained_and_tested()).set("defences", &self.rows);
        if !self.differences.is_empty() {
            extras.set("paper_and_code", &self.differences);
        }
        findings
    }
}

/// What a sweep found.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// One a defence that could be measured, no defence first.
    pub rows: Vec<SweepRow>,
    /// Of every pair of paper and code of which both could be.
    pub differences: Vec<VariantDifference>,
    /// Why others could not be.
    pub problems: Vec<String>,
}

impl SweepPlan {
    /// Measures everything that `memory` does not know. A defence that fails is a problem, the others go on.
    ///
    /// # Errors
    /// Undefended traces that cannot be attacked, since then there is nothing to compare with.
    pub fn run(&self, memory: &dyn Memory, setting: Setting<'_>) -> Result<Sweep, ExperimentError> {
        let (measured, problems) = self.measured(0..self.measurements(), memory, setting)?;
        let rows = summary::rows(&measured, self.attacks.len());
        Ok(Sweep { rows, differences: variants::differences(&self.pairs, &measured), problems })
    }

    /// How many there are to measure: no defence, and the defences.
    pub fn measurements(&self) -> usize {
        1 + self.defences.len()
    }

    /// Measures these of them alone, 0 being no defence, for `memory` to know them; what is to be told of that, and why some could not be measured.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_share(
        &self,
        share: Range<usize>,
        memory: &dyn Memory,
        setting: Setting<'_>,
    ) -> Result<Findings, ExperimentError> {
        let defences = share.len() - usize::from(share.start == 0);
        let (_, problems) = self.measured(share, memory, setting)?;
        let privacy = PrivacyReport::unmeasured("none", "a share of a sweep: wfkit dataset merge joins all of them");
        let mut findings = Findings::new(Utility::of(&self.set.volumes()), privacy);
        findings.count_set(&self.set).count("defences", defences);
        findings.problems = problems;
        Ok(findings)
    }

    fn measured(
        &self,
        share: Range<usize>,
        memory: &dyn Memory,
        setting: Setting<'_>,
    ) -> Result<(Points, Vec<String>), ExperimentError> {
        let looks = self.looks().len() as u64;
        let identity = self.identity(setting.seed);
        let observer = setting.observer;
        let steps_before = |number: usize| match number {
            0 => 0,
            number => looks * (1 + (number as u64 - 1) * u64::from(self.draws)),
        };
        observer.begin("sweep", steps_before(share.end) - steps_before(share.start));
        let (mut problems, mut measured) = (Vec::new(), Vec::new());
        let done = Cell::new(0);
        let step = || {
            observer.step();
            done.set(done.get() + 1);
        };
        let all = std::iter::once(None).chain(self.defences.iter().map(Some)).enumerate();
        for (number, spec) in all.take(share.end).skip(share.start) {
            setting.go_on()?;
            let name = spec.map_or_else(|| "none".to_owned(), DefenseSpec::to_string);
            observer.about(&name);
            match self.measure(spec, (setting.seed, &identity), memory, &step) {
                Ok(draws) => measured.push((number, name, draws)),
                Err(error) if spec.is_none() => return Err(error),
                Err(error) => {
                    let problem = format!("{name}: {}", error.in_words());
                    observer.warn(&problem);
                    problems.push(problem);
                }
            }
            // What leaves nothing to chance has one draw.
            (done.get()..steps_before(number + 1) - steps_before(share.start)).for_each(|_| step());
        }
        observer.end();
        Ok((measured, problems))
    }
}
