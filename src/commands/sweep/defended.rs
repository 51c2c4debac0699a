//! Traces defended for a sweep.

use std::slice;

use anyhow::{Result, bail};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Trace, TraceSet};
use wfkit_defend::{
    DefendOptions, DefendedSet, DefendedTrace, DefenseSpec, OverheadOptions, Overheads, Pipeline, Profile, Severity,
    TimeBracket, defend_with, lint,
};

use super::cost::Cost;
use super::plan::{Plan, content};
use crate::commands::defend::splits_of_copies;

/// Traces that the delay models are compared on: what waits for inferred dependencies is slow to simulate.
const COMPARED: usize = 200;

/// Traces that are defended twice to see whether a defence leaves anything to chance.
const TRIED: usize = 20;

/// A trace before and after.
pub(super) type Pair<'a> = (&'a Trace, &'a DefendedTrace);

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
    pub(super) fn of(plan: &Plan, spec: Option<&DefenseSpec>, draw: u16, seed: u64) -> Result<Self> {
        let Some(spec) = spec else { return Ok(Self::undefended(plan)) };
        let seed = seed.wrapping_add(draw.into());
        let parts = fitted(plan, spec).into_iter().map(|(spec, splits)| {
            let defended =
                defend_with(&plan.set, &spec, &DefendOptions { seed, replicas: plan.replicas, verify: false })?;
            Ok(Part::of(&defended, splits))
        });
        Ok(Self { parts: parts.collect::<Result<_>>()? })
    }

    /// The same, and what it costs: where the defence learns, what the tested traces cost.
    pub(super) fn with_cost(
        plan: &Plan,
        spec: Option<&DefenseSpec>,
        draw: u16,
        sweep_seed: u64,
    ) -> Result<(Self, Cost)> {
        let set = &plan.set;
        let Some(spec) = spec else {
            return Ok((Self::undefended(plan), Cost::none(&set.volumes(), content(set))));
        };
        let fitted = fitted(plan, spec);
        let first = &fitted[0].0;
        let findings = if draw == 0 { lint(first, set, sweep_seed) } else { Vec::new() };
        if let Some(error) = findings.iter().find(|finding| finding.severity == Severity::Error) {
            bail!("{}", error.message);
        }
        let seed = sweep_seed.wrapping_add(draw.into());
        let options = DefendOptions { seed, replicas: plan.replicas, verify: false };
        let sets = fitted.iter().map(|(spec, _)| Ok(defend_with(set, spec, &options)?)).collect::<Result<Vec<_>>>()?;
        let parts: Vec<Part> =
            sets.iter().zip(&fitted).map(|(defended, (_, splits))| Part::of(defended, splits)).collect();

        let (mut pairs, mut volumes) = (Vec::<Pair<'_>>::new(), Vec::new());
        for (defended, (_, splits)) in sets.iter().zip(&fitted) {
            let copies = plan.replicas.get() as usize;
            let sent = defended.volumes();
            for (place, (original, after)) in defended.traces().enumerate() {
                let counts =
                    !spec.needs_training() || splits.iter().any(|split| split.test.contains(&(place / copies)));
                if counts {
                    pairs.push((&original.trace, after));
                    volumes.push(sent[place]);
                }
            }
        }
        let contents: Vec<String> = parts.iter().map(|part| content(&part.observed)).collect();
        let mut cost = Cost::of(&pairs, &volumes, contents.join(" "));
        cost.findings = findings;
        if draw == 0 {
            let bracket = TimeBracket::of_some(set, first, seed, COMPARED)?.latency;
            cost.latency_bracket = bracket.map(|ends| scaled(ends, cost.latency, &compared(&sets[0], plan)));
            cost.left_to_chance = leaves_to_chance(set, first, seed)?;
        }
        Ok((Self { parts }, cost))
    }

    fn undefended(plan: &Plan) -> Self {
        Self { parts: vec![Part { observed: plan.set.clone(), splits: plan.splits.clone() }] }
    }
}

impl Part {
    fn of(defended: &DefendedSet<'_>, splits: &[Split]) -> Self {
        let observed = defended.observe();
        let splits = splits_of_copies(defended, &observed, splits);
        Self { observed, splits }
    }
}

/// The specification for all splits; where it learns, one for each, fitted on the training part.
fn fitted<'a>(plan: &'a Plan, spec: &DefenseSpec) -> Vec<(DefenseSpec, &'a [Split])> {
    if !spec.needs_training() {
        return vec![(spec.clone(), &plan.splits)];
    }
    let fit = |split: &'a Split| (spec.clone().fit(plan.set.select(&split.train)), slice::from_ref(split));
    plan.splits.iter().map(fit).collect()
}

/// The traces that the delay models are compared on, as they were defended.
fn compared<'a>(defended: &'a DefendedSet<'_>, plan: &Plan) -> Vec<Pair<'a>> {
    let step = plan.set.len().div_ceil(COMPARED).max(1) * plan.replicas.get() as usize;
    defended.traces().step_by(step).map(|(original, after)| (&original.trace, after)).collect()
}

/// The overheads of the models on some traces as if on all: added time in the proportion in which it was added to these by the model that
/// was chosen. A few loads with long pauses have most of the time of a set, and no more delay than others.
fn scaled(ends: [f64; 2], latency: f64, compared: &[Pair<'_>]) -> [f64; 2] {
    let here = Overheads::of(compared, &OverheadOptions { bootstrap: 0, seed: 0 }).latency.total;
    match here.map(|here| here.value) {
        Some(here) if here > 0.0 => ends.map(|end| latency * end / here),
        _ => ends,
    }
}

/// Whether another seed defends traces otherwise, tried on some at equal steps through the set.
fn leaves_to_chance(set: &TraceSet, spec: &DefenseSpec, seed: u64) -> Result<bool> {
    let (profile, layers) = (Profile::of(set), set.provenance().defenses.len());
    let one = Pipeline::new(spec, &profile, layers, seed)?;
    let other = Pipeline::new(spec, &profile, layers, seed.wrapping_add(1))?;
    for labelled in set.traces().iter().step_by(set.len().div_ceil(TRIED).max(1)) {
        if one.defend(&labelled.key, &labelled.trace, 0)? != other.defend(&labelled.key, &labelled.trace, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}
