//! What a sweep measures: the traces, how they are split, the defences and the attacks.

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use wfkit_classify::Samples;
use wfkit_datasets::TraceSet;
use wfkit_datasets::splits::Split;
use wfkit_defend::{DefenseSpec, Limit, Variant, Variants, grid, variants};

use crate::cli;
use crate::context::{Context, file_digest, hex};
use crate::input::read_traces;
use crate::written;
use wfkit_evaluate::TRIVIAL;
use wfkit_evaluate::split::{Pages, by_session, stratified};

/// Folds where none are asked for.
const FOLDS: u16 = 5;

/// Everything that decides what is measured.
pub(super) struct Plan {
    pub(super) set: TraceSet,
    pub(super) dropped: BTreeMap<String, u64>,
    /// Of `set`, the same for every defence.
    pub(super) splits: Vec<Split>,
    /// The split in words.
    pub(super) split: String,
    pub(super) defences: Vec<DefenseSpec>,
    /// Of the defences, those to compare.
    pub(super) pairs: Vec<Pair>,
    /// Each once, the trivial attack first.
    pub(super) attacks: Vec<String>,
    /// The attack that is shown one kind of information at a time.
    pub(super) views: Option<String>,
    pub(super) draws: u16,
    pub(super) replicas: std::num::NonZeroU32,
    pub(super) limit: Limit,
    /// Digest of the traces.
    content: String,
    /// The version, and which build of it: a change of any definition makes another.
    program: String,
}

/// A defence as in its paper and as in published code.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    pub(super) paper: DefenseSpec,
    pub(super) code: DefenseSpec,
    /// Whose code, and what it changes.
    pub(super) what: &'static str,
}

impl Plan {
    pub(super) fn read(options: &cli::Sweep, context: &Context<'_>) -> Result<Self> {
        let (defences, pairs) = defences(options)?; // A wrong one is told before the traces are read.
        let read = read_traces(&options.traces, context)?;
        let set = match options.first {
            Some(most) => first_of_each(&read.set, most),
            None => read.set,
        };
        let (splits, split) = splits(&set, options, context)?;
        Ok(Self {
            content: content(&set),
            program: program()?,
            dropped: read.dropped,
            splits,
            split,
            defences,
            pairs,
            attacks: options.attacks.iter().fold(vec![TRIVIAL.to_owned()], |mut once, attack| {
                if !once.contains(attack) {
                    once.push(attack.clone());
                }
                once
            }),
            views: options.views.clone(),
            draws: options.draws,
            replicas: options.replicas,
            limit: options.limit,
            set,
        })
    }

    /// What is trained on and tested, in words: the split, and how many draws of each load.
    pub(super) fn trained_and_tested(&self) -> String {
        let split = &self.split;
        match self.replicas.get() {
            1 => format!("{split}; trained on one draw of each load"),
            n => format!(
                "{split}; trained on {n} draws of each load where a defence leaves anything to chance, tested on one"
            ),
        }
    }

    /// What a measurement depends on, beside the defence, its seed and the attack.
    pub(super) fn identity(&self, seed: u64) -> String {
        let mut splits = Sha256::new();
        for split in &self.splits {
            splits.update(format!("{:?} {:?}\n", split.train, split.test));
        }
        let splits = hex(&splits.finalize());
        let Self { content, replicas, program, .. } = self;
        format!("{program}, traces {content}, splits {splits}, {replicas} copies, seed {seed}")
    }
}

/// The defences of the command line, of the plan file and of both ways in paper and code, each once, with the options of the simulation in them.
fn defences(options: &cli::Sweep) -> Result<(Vec<DefenseSpec>, Vec<Pair>)> {
    let mut patterns: Vec<(String, String)> =
        options.defences.iter().map(|pattern| ("--defence".to_owned(), pattern.clone())).collect();
    if let Some(path) = &options.plan {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
        for (line, text) in (1..).zip(text.lines()) {
            let pattern = text.split('#').next().unwrap_or_default().trim();
            if !pattern.is_empty() {
                let place = format!("{}: line {line}", path.display());
                let pattern = written::grid(pattern).map_err(anyhow::Error::msg).with_context(|| place.clone())?;
                patterns.push((place, pattern));
            }
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
    for (place, pattern) in patterns {
        grid(&pattern).context(place)?.into_iter().map(simulated).for_each(&mut add);
    }
    let pairs = pairs(&options.variants, simulated)?;
    for pair in &pairs {
        add(pair.paper.clone());
        add(pair.code.clone());
    }
    ensure!(!all.is_empty(), "there is no defence to measure");
    Ok((all, pairs))
}

/// Paper and code of the defences with these names, of all where `all` is among them.
fn pairs(names: &[String], simulated: impl Fn(DefenseSpec) -> DefenseSpec) -> Result<Vec<Pair>> {
    let meant = |defense: &str| names.iter().any(|name| name == "all" || name == defense);
    let mut pairs = Vec::new();
    for Variants { paper, code, .. } in variants().iter().filter(|variants| meant(variants.defense)) {
        for Variant { spec, what } in *code {
            pairs.push(Pair { paper: simulated(paper.parse()?), code: simulated(spec.parse()?), what });
        }
    }
    Ok(pairs)
}

/// The first `most` traces of each class in each session.
fn first_of_each(set: &TraceSet, most: u32) -> TraceSet {
    let mut taken: HashMap<(&str, Option<&str>), u32> = HashMap::new();
    let rows: Vec<usize> = (0..set.len())
        .filter(|&row| {
            let key = &set.traces()[row].key;
            let taken = taken.entry((&key.class, key.session.as_deref())).or_default();
            *taken += 1;
            *taken <= most
        })
        .collect();
    set.select(&rows)
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

/// Version and digest of the running program.
fn program() -> Result<String> {
    let path = std::env::current_exe().context("this program does not find itself")?;
    let digest = file_digest(&path).with_context(|| format!("{}: cannot read", path.display()))?;
    Ok(format!("wfkit {} {digest}", env!("CARGO_PKG_VERSION")))
}

/// Digest of keys and packets.
pub(super) fn content(set: &TraceSet) -> String {
    let mut hasher = Sha256::new();
    for labelled in set.traces() {
        hasher.update(format!("{}\n", labelled.key));
        hasher.update(labelled.trace.content_hash());
    }
    hasher.update(format!("{:?} {:?}", set.provenance().layer, set.provenance().defenses));
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey};

    use super::*;

    #[test]
    fn the_first_of_each_class_and_session_are_taken() {
        let keys = [("a", 1, "x"), ("a", 2, "x"), ("a", 3, "x"), ("a", 3, "y"), ("b", 1, "x")];
        let trace = |(class, rep, session): (&str, i64, &str)| {
            LabelledTrace::new(
                TraceKey { class: class.into(), rep, session: Some(session.into()) },
                None,
                Trace::new(vec![0], vec![1]).unwrap(),
            )
        };
        let set = TraceSet::new(keys.map(trace).into(), Provenance::new(Layer::Tcp, vec![])).unwrap();
        let taken = first_of_each(&set, 2);
        let kept: Vec<_> = taken.traces().iter().map(|t| (t.key.class.as_str(), t.key.rep)).collect();
        assert_eq!(kept, [("a", 1), ("a", 2), ("a", 3), ("b", 1)]);
        assert_ne!(content(&set), content(&taken));
    }
}
