//! The plan of a sweep, out of its options.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use wfkit_classify::Samples;
use wfkit_datasets::TraceSet;
use wfkit_datasets::files::sha256_of;
use wfkit_datasets::splits::Split;
use wfkit_defend::{DefenseSpec, Variant, Variants, variants};
use wfkit_evaluate::split::{Pages, by_session, stratified};
use wfkit_evaluate::{SweepPlan, TRIVIAL, VariantPair, first_of_each};

use crate::cli;
use crate::context::Context;
use crate::input::read_traces;

/// Folds where none are asked for.
const FOLDS: u16 = 5;

/// The plan, and how many traces reading left out, by reason.
pub(super) fn read(options: &cli::Sweep, context: &Context<'_>) -> Result<(SweepPlan, BTreeMap<String, u64>)> {
    let (defences, pairs) = defences(options)?; // A wrong one is told before the traces are read.
    let read = read_traces(&options.traces, context)?;
    let set = match options.first {
        Some(most) => first_of_each(&read.set, most),
        None => read.set,
    };
    let (splits, split) = splits(&set, options, context)?;
    let plan = SweepPlan {
        program: version_of(context.program)?,
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
    let pairs = pairs(&options.variants, simulated)?;
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
    let pattern = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    Ok((1..).zip(text.lines().map(pattern)).filter(|(_, pattern)| !pattern.is_empty()).collect())
}

/// Paper and code of the defences with these names, of all where `all` is among them.
fn pairs(names: &[String], simulated: impl Fn(DefenseSpec) -> DefenseSpec) -> Result<Vec<VariantPair>> {
    let meant = |defense: &str| names.iter().any(|name| name == "all" || name == defense);
    let mut pairs = Vec::new();
    for Variants { paper, code, .. } in variants().iter().filter(|variants| meant(variants.defense)) {
        for Variant { spec, what } in *code {
            pairs.push(VariantPair { paper: simulated(paper.parse()?), code: simulated(spec.parse()?), what });
        }
    }
    Ok(pairs)
}

fn splits(set: &TraceSet, options: &cli::Sweep, context: &Context<'_>) -> Result<(Vec<Split>, String)> {
    let samples = Samples::Traces(set);
    let sessions: Vec<Option<&str>> = set.traces().iter().map(|t| t.key.session.as_deref()).collect();
    if !options.test_session.is_empty() {
        let tested = |session: &Option<&str>| options.test_session.iter().any(|name| Some(name.as_str()) == *session);
        if let Some(absent) = options.test_session.iter().find(|name| !sessions.contains(&Some(name.as_str()))) {
            let meant = wfkit_metrics::did_you_mean_one_of(absent, sessions.iter().flatten().copied());
            bail!("--test-session {absent}: there is no such session{meant}");
        }
        let (test, train): (Vec<usize>, Vec<usize>) = (0..set.len()).partition(|&row| tested(&sessions[row]));
        let name = format!("tested on session {}, trained on the others", options.test_session.join(", "));
        let split = wfkit_datasets::splits::explicit(set.len(), train, test).context("--test-session")?;
        return Ok((vec![Split { name: name.clone(), ..split }], name));
    }
    if options.split_by.is_some() {
        let splits = by_session(samples, options.folds.map_or(usize::MAX, usize::from), Pages::Apart)?;
        let name = format!("{} folds of whole sessions", splits.len());
        return Ok((splits, name));
    }
    let folds = options.folds.unwrap_or(FOLDS);
    Ok((stratified(samples, folds.into(), Pages::Apart, context.setting())?, format!("{folds} stratified folds")))
}

/// Version and digest of the program.
fn version_of(program: &Path) -> Result<String> {
    let digest = sha256_of(program).with_context(|| format!("{}: cannot read", program.display()))?;
    Ok(format!("wfkit {} {digest}", env!("CARGO_PKG_VERSION")))
}
