//! Traces defended for a sweep.

use std::num::NonZeroU32;
use std::slice;

use wfkit_datasets::TraceSet;
use wfkit_datasets::splits::Split;
use wfkit_defend::{
    DefendOptions, DefendedSet, DefenseSpec, OverheadOptions, Overheads, Severity, TimeBracket, defend_with, lint,
};

use super::cost::DrawCost;
use super::pair::Pair;
use super::plan::{SweepPlan, content};
use crate::ExperimentError;

/// Traces that the delay models are compared on: what waits for inferred dependencies is slow to simulate.
const COMPARED: usize = 200;

/// What an observer sees of the defended traces: all splits of one set, or, where the defence learns, a set for each split, defended by
/// what was learned from its training part.
pub(super) struct Defended {
    pub(super) parts: Vec<Part>,
}

/// Defended traces as they are seen, and the splits that attacks are judged on.
pub(super) struct Part {
    pub(super) observed: TraceSet,
    pub(super) splits: Vec<Split>,
}

impl Defended {
    /// Draw number `draw` of the defence; draw n has the n-th seed from `seed`.
    pub(super) fn of(
        plan: &SweepPlan,
        spec: Option<&DefenseSpec>,
        draw: u16,
        seed: u64,
    ) -> Result<Self, ExperimentError> {
        let Some(spec) = spec else { return Ok(Self::undefended(plan)) };
        let seed = seed.wrapping_add(draw.into());
        let parts = fitted(plan, spec)
            .into_iter()
            .map(|(spec, splits)| Ok(Part::of(&several_draws(plan, &spec, seed)?, splits)));
        Ok(Self { parts: parts.collect::<Result<_, ExperimentError>>()? })
    }

    /// The same, and what it costs: where the defence learns, what the tested traces cost.
    pub(super) fn with_cost(
        plan: &SweepPlan,
        spec: Option<&DefenseSpec>,
        draw: u16,
        sweep_seed: u64,
    ) -> Result<(Self, DrawCost), ExperimentError> {
        let set = &plan.set;
        let Some(spec) = spec else {
            return Ok((Self::undefended(plan), DrawCost::none(&set.volumes(), content(set))));
        };
        let fitted = fitted(plan, spec);
        let first = &fitted[0].0;
        let findings = if draw == 0 { lint(first, set, sweep_seed, plan.limit) } else { Vec::new() };
        if let Some(error) = findings.iter().find(|finding| finding.severity == Severity::Error) {
            return Err(ExperimentError::Unfit(error.message.clone()));
        }
        let seed = sweep_seed.wrapping_add(draw.into());
        let sets = fitted.iter().map(|(spec, _)| several_draws(plan, spec, seed)).collect::<Result<Vec<_>, _>>()?;
        let parts: Vec<Part> =
            sets.iter().zip(&fitted).map(|(defended, (_, splits))| Part::of(defended, splits)).collect();

        let (mut pairs, mut volumes) = (Vec::<Pair<'_>>::new(), Vec::new());
        for (defended, (_, splits)) in sets.iter().zip(&fitted) {
            let copies = defended.manifest().replicas as usize;
            let sent = defended.volumes();
            for (place, (original, after)) in defended.traces().enumerate() {
                // What `wfkit defend` makes: the first draw of each load.
                let is_first = place % copies == 0;
                let is_tested = || splits.iter().any(|split| split.test.contains(&(place / copies)));
                if is_first && (!spec.needs_training() || is_tested()) {
                    pairs.push((&original.trace, after));
                    volumes.push(sent[place]);
                }
            }
        }
        let contents: Vec<String> = parts.iter().map(|part| content(&part.observed)).collect();
        let mut cost = DrawCost::of(&pairs, &volumes, contents.join(" "));
        cost.findings = findings;
        if draw == 0 {
            let overheads = Overheads::of(&pairs, &OverheadOptions { bootstrap: 0, seed: 0 });
            cost.latency_bracket = TimeBracket::around(&overheads, &sets[0], COMPARED)?.latency;
            cost.left_to_chance = sets.iter().any(DefendedSet::is_left_to_chance);
        }
        Ok((Self { parts }, cost))
    }

    fn undefended(plan: &SweepPlan) -> Self {
        Self { parts: vec![Part { observed: plan.set.clone(), splits: plan.splits.clone() }] }
    }
}

/// The loads defended as often as the attack is to learn from each; once where nothing is left to chance.
fn several_draws<'a>(plan: &'a SweepPlan, spec: &DefenseSpec, seed: u64) -> Result<DefendedSet<'a>, ExperimentError> {
    let draws = |replicas| -> Result<DefendedSet<'a>, ExperimentError> {
        Ok(defend_with(&plan.set, spec, &DefendOptions { seed, replicas, limit: plan.limit, verify: false })?)
    };
    let one = draws(NonZeroU32::MIN)?;
    if plan.replicas > NonZeroU32::MIN && one.is_left_to_chance() { draws(plan.replicas) } else { Ok(one) }
}

impl Part {
    fn of(defended: &DefendedSet<'_>, splits: &[Split]) -> Self {
        let observed = defended.observe();
        let copies = defended.copies();
        Self { observed, splits: splits.iter().map(|split| copies.split(split)).collect() }
    }
}

/// The specification for all splits; where it learns, one for each, fitted on the training part.
fn fitted<'a>(plan: &'a SweepPlan, spec: &DefenseSpec) -> Vec<(DefenseSpec, &'a [Split])> {
    if !spec.needs_training() {
        return vec![(spec.clone(), &plan.splits)];
    }
    let fit = |split: &'a Split| (spec.clone().fit(plan.set.select(&split.train)), slice::from_ref(split));
    plan.splits.iter().map(fit).collect()
}
