//! The plan of a sweep, out of its options.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use wfkit_datasets::files::sha256_of;
use wfkit_defend::DefenseSpec;
use wfkit_evaluate::{SweepPlan, TRIVIAL, VariantPair, first_of_each, planned, sweep_splits, tested_on, variant_pairs};

use crate::cli;
use crate::context::Context;
use crate::input::read_traces;

/// The plan, and how many traces reading left out, by reason.
pub(super) fn read(options: &cli::Sweep, context: &Context<'_>) -> Result<(SweepPlan, BTreeMap<String, u64>)> {
    let (defences, pairs) = defences(options)?; // A wrong one is told before the traces are read.
    let read = read_traces(&options.traces, context)?;
    let set = match options.first {
        Some(most) => first_of_each(&read.set, most),
        None => read.set,
    };
    let (splits, split) = match options.test_session.as_slice() {
        [] => sweep_splits(&set, options.split_by.is_some(), options.folds.map(usize::from), context.setting())?,
        sessions => tested_on(&set, sessions)?,
    };
    let plan = SweepPlan {
        program: version_of(context.program.file)?,
        splits,
        split,
        defences,
        pairs,
        attacks: options.attacks.iter().fold(vec![TRIVIAL.to_owned()], |mut once, attack| {
            if !once.iter().any(|known| **known == **attack) {
                once.push(attack.to_string());
            }
            once
        }),
        views: options.views.as_ref().map(ToString::to_string),
        draws: options.draws,
        replicas: options.replicas,
        limit: options.limit,
        set,
    };
    Ok((plan, read.dropped))
}

/// The defences of the command line, of the plan file and of both ways in paper and code, each once, with the options of the simulation in them.
fn defences(options: &cli::Sweep) -> Result<(Vec<DefenseSpec>, Vec<VariantPair>)> {
    let mut wanted = options.defences.clone();
    if let Some(path) = &options.plan {
        for (line, pattern) in lines_of(path)? {
            let place = format!("{}: line {line}", path.display());
            wanted.push(pattern.parse().map_err(anyhow::Error::msg).context(place)?);
        }
    }
    let simulated = |mut spec: DefenseSpec| {
        if let Some(model) = options.delay {
            spec = spec.with_delays(model);
        }
        if let Some(rule) = options.stop {
            spec = spec.with_stop(rule);
        }
        spec
    };
    let mut all: Vec<DefenseSpec> = Vec::new();
    let mut add = |spec: DefenseSpec| {
        if !all.contains(&spec) {
            all.push(spec);
        }
    };
    for cli::Defenses(defences) in wanted {
        defences.into_iter().map(simulated).for_each(&mut add);
    }
    let pairs = variant_pairs(&options.variants, simulated)?;
    for pair in &pairs {
        add(pair.paper.clone());
        add(pair.code.clone());
    }
    ensure!(!all.is_empty(), "there is no defence to measure");
    Ok((all, pairs))
}

/// The defences of the plan file, as they stand there; none without one.
pub(super) fn lines(options: &cli::Sweep) -> Result<Vec<String>> {
    let lines = options.plan.as_deref().map(lines_of).transpose()?.unwrap_or_default();
    Ok(lines.into_iter().map(|(_, pattern)| pattern).collect())
}

/// Lines of a plan file that name defences, with their numbers from 1 on.
fn lines_of(path: &Path) -> Result<Vec<(usize, String)>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
    Ok(planned(&text))
}

/// Version and digest of the program.
fn version_of(program: &Path) -> Result<String> {
    let digest = sha256_of(program).with_context(|| format!("{}: cannot read", program.display()))?;
    Ok(format!("wfkit {} {digest}", env!("CARGO_PKG_VERSION")))
}
