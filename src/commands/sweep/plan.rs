//! The plan of a sweep, out of its options.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use wfkit_datasets::files::sha256_of;
use wfkit_defend::DefenseGrid;
use wfkit_evaluate::{SweepPlan, SweptDefenses, first_of_each, read_plan, sweep_splits, swept_attacks, tested_on};

use crate::cli;
use crate::context::Context;
use crate::input::read_traces;

/// The plan, and how many traces reading left out, by reason.
pub(super) fn read(options: &cli::Sweep, context: &Context<'_>) -> Result<(SweepPlan, BTreeMap<String, u64>)> {
    let defences = defences(options)?; // A wrong one is told before the traces are read.
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
        defences: defences.all,
        pairs: defences.pairs,
        attacks: swept_attacks(options.attacks.iter().map(|name| &**name)),
        views: options.views.as_ref().map(ToString::to_string),
        draws: options.draws,
        replicas: options.replicas,
        limit: options.limit,
        set,
    };
    Ok((plan, read.dropped))
}

/// The defences of the command line, of the plan file and of both ways in paper and code.
fn defences(options: &cli::Sweep) -> Result<SweptDefenses> {
    let mut wanted = options.defences.clone();
    if let Some(path) = &options.plan {
        for (line, pattern) in read_plan(path)? {
            let place = || format!("{}: line {line}", path.display());
            wanted.push(pattern.parse().map_err(anyhow::Error::msg).with_context(place)?);
        }
    }
    let wanted = wanted.into_iter().flat_map(|DefenseGrid(defences)| defences);
    Ok(SweptDefenses::of(wanted, &options.variants, (options.delay, options.stop))?)
}

/// Version and digest of the program.
fn version_of(program: &Path) -> Result<String> {
    let digest = sha256_of(program).with_context(|| format!("{}: cannot read", program.display()))?;
    Ok(format!("wfkit {} {digest}", env!("CARGO_PKG_VERSION")))
}
