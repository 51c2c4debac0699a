//! What a sweep measures: the traces, how they are split, the defences and the attacks.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use wfkit_classify::Samples;
use wfkit_datasets::splits::{Split, explicit};
use wfkit_datasets::{TraceSet, hex};
use wfkit_defend::{DefenseSpec, DefenseSpecError, DelayModel, Limit, StopRule, Variant, Variants, variants};
use wfkit_metrics::did_you_mean_one_of;

use crate::error::at;
use crate::split::{Pages, by_session, stratified};
use crate::{ExperimentError, Setting, TRIVIAL};

/// Folds where no number is given.
const FOLDS: usize = 5;

/// Everything that decides what is measured.
pub struct SweepPlan {
    /// The traces.
    pub set: TraceSet,
    /// Of `set`, the same for every defence.
    pub splits: Vec<Split>,
    /// The split in words.
    pub split: String,
    /// The defences.
    pub defences: Vec<DefenseSpec>,
    /// Of the defences, those to compare.
    pub pairs: Vec<VariantPair>,
    /// Each once, the trivial attack first.
    pub attacks: Vec<String>,
    /// The attack that is shown one kind of information at a time.
    pub views: Option<String>,
    /// How often each defence that leaves something to chance is drawn anew.
    pub draws: u16,
    /// Draws of each load that attacks are trained on.
    pub replicas: NonZeroU32,
    /// Packets of a trace at most.
    pub limit: Limit,
    /// The version, and which build of it: a change of any definition makes another.
    pub program: String,
}

/// A defence as in its paper and as in published code.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantPair {
    /// As in the paper.
    pub paper: DefenseSpec,
    /// As in published code.
    pub code: DefenseSpec,
    /// Whose code, and what it changes.
    pub what: &'static str,
}

impl SweepPlan {
    /// What is trained on and tested, in words: the split, and how many draws of each load.
    pub fn trained_and_tested(&self) -> String {
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
        let (content, Self { replicas, program, .. }) = (content(&self.set), self);
        format!("{program}, traces {content}, splits {splits}, {replicas} copies, seed {seed}")
    }
}

/// The first `most` traces of each class in each session.
pub fn first_of_each(set: &TraceSet, most: u32) -> TraceSet {
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

/// Lines of a plan file that name defences, with their numbers from 1 on; what stands behind a # is a remark.
fn planned(text: &str) -> Vec<(usize, String)> {
    let pattern = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    (1..).zip(text.lines().map(pattern)).filter(|(_, pattern)| !pattern.is_empty()).collect()
}

/// A plan file: lines that name defences, with their numbers from 1 on.
///
/// # Errors
/// A file that cannot be read.
pub fn read_plan(path: &Path) -> Result<Vec<(usize, String)>, ExperimentError> {
    let text = std::fs::read_to_string(path).map_err(at(format!("{}: cannot read", path.display())))?;
    Ok(planned(&text))
}

/// The attacks of a sweep: these, each once, and the trivial one first.
pub fn swept_attacks<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut attacks = vec![TRIVIAL.to_owned()];
    for name in names {
        if attacks.iter().all(|known| known != name) {
            attacks.push(name.to_owned());
        }
    }
    attacks
}

/// What a sweep simulates.
#[derive(Debug, Clone, Default)]
pub struct SweptDefenses {
    /// The defences, each once.
    pub all: Vec<DefenseSpec>,
    /// Of these, those to compare.
    pub pairs: Vec<VariantPair>,
}

impl SweptDefenses {
    /// These defences, and both ways in paper and code of those that `variants` names, with the options of the simulation in all of them.
    ///
    /// # Errors
    /// That there is none.
    pub fn of(
        wanted: impl IntoIterator<Item = DefenseSpec>,
        variants: &[String],
        (delay, stop): (Option<DelayModel>, Option<StopRule>),
    ) -> Result<Self, ExperimentError> {
        let simulated = |spec: DefenseSpec| {
            let spec = delay.into_iter().fold(spec, DefenseSpec::with_delays);
            stop.into_iter().fold(spec, DefenseSpec::with_stop)
        };
        let pairs = variant_pairs(variants, simulated)?;
        let both = pairs.iter().flat_map(|pair| [pair.paper.clone(), pair.code.clone()]);
        let mut all: Vec<DefenseSpec> = Vec::new();
        for spec in wanted.into_iter().map(simulated).chain(both) {
            if !all.contains(&spec) {
                all.push(spec);
            }
        }
        match all.is_empty() {
            true => Err(ExperimentError::Unfit("there is no defence to measure".to_owned())),
            false => Ok(Self { all, pairs }),
        }
    }
}

/// Paper and code of the defences with these names, of all where `all` is among them, each as `simulated` makes it.
///
/// # Errors
/// A specification that cannot be read; a test reads all of them.
pub fn variant_pairs(
    names: &[String],
    simulated: impl Fn(DefenseSpec) -> DefenseSpec,
) -> Result<Vec<VariantPair>, DefenseSpecError> {
    let meant = |defense: &str| names.iter().any(|name| name == "all" || name == defense);
    let mut pairs = Vec::new();
    for Variants { paper, code, .. } in variants().iter().filter(|variants| meant(variants.defense)) {
        for Variant { spec, what } in *code {
            pairs.push(VariantPair { paper: simulated(paper.parse()?), code: simulated(spec.parse()?), what });
        }
    }
    Ok(pairs)
}

/// Tested on the sessions with these names, trained on the others; and that in words.
///
/// # Errors
/// A name that no session has; parts of which one is empty.
pub fn tested_on(set: &TraceSet, names: &[String]) -> Result<(Vec<Split>, String), ExperimentError> {
    let sessions: Vec<Option<&str>> = set.traces().iter().map(|t| t.key.session.as_deref()).collect();
    let is_tested = |session: &Option<&str>| names.iter().any(|name| Some(name.as_str()) == *session);
    if let Some(absent) = names.iter().find(|name| !sessions.contains(&Some(name.as_str()))) {
        let meant = did_you_mean_one_of(absent, sessions.iter().flatten().copied());
        return Err(ExperimentError::Unfit(format!("--test-session {absent}: there is no such session{meant}")));
    }
    let (test, train): (Vec<usize>, Vec<usize>) = (0..set.len()).partition(|&row| is_tested(&sessions[row]));
    let name = format!("tested on session {}, trained on the others", names.join(", "));
    let split = explicit(set.len(), train, test);
    let split = split.map_err(|error| ExperimentError::Unfit(format!("--test-session: {error}")))?;
    Ok((vec![Split { name: name.clone(), ..split }], name))
}

/// So many folds, of whole sessions or stratified by class, five of these where no number is given; and that in words.
///
/// # Errors
/// Samples that cannot be split so.
pub fn sweep_splits(
    set: &TraceSet,
    is_by_session: bool,
    folds: Option<usize>,
    setting: Setting<'_>,
) -> Result<(Vec<Split>, String), ExperimentError> {
    let samples = Samples::Traces(set);
    if is_by_session {
        let splits = by_session(samples, folds.unwrap_or(usize::MAX), Pages::Apart)?;
        let name = format!("{} folds of whole sessions", splits.len());
        return Ok((splits, name));
    }
    let folds = folds.unwrap_or(FOLDS);
    Ok((stratified(samples, folds, Pages::Apart, setting)?, format!("{folds} stratified folds")))
}

/// How several defences are written as one, and what a sweep leaves in its folder, for people.
pub const SWEEPS_EXPLAINED: &str = "\
Several defences as one, all combinations of:
  front:ft-1|ft-2                          presets
  tamaraw:cell,rho-out=10ms|20ms           values
  front:n=500..5000                        a range: five values at equal ratios, both ends among them
  front:ft-1,n-server=0..3000/4            four values, at equal differences where an end is 0

The folder gets report.md with tables to paste, sweep.svg, sweep.csv, sweep.json (the stage report) and points/, where every finished measurement
is kept under what it depends on: traces, split, defence, draw, seed, attack, and this very build of wfkit. The same command goes on after an
interruption, and one with more defences measures only those. A defence that fails is told, the others go on, and the exit status is 1.

On the front is what no other defence beats in bandwidth overhead, latency overhead or ROC-AUC without losing in another of them; areas below 0.5
count as 0.5.

Views (--views) take information out of traces and train the attack again. sizes: what sizes there are each way, sorted, without times. times: when
packets are sent, without direction and size. order: the sequence of directions, without size and time. Each leaves the number of packets.";

#[cfg(test)]
mod tests {
    use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey};

    use super::*;

    #[test]
    fn defences_and_attacks_are_swept_once() {
        assert_eq!(swept_attacks(["kfp-core", "totals", "kfp-core"]), ["totals", "kfp-core"]);
        let spec = |text: &str| text.parse::<DefenseSpec>().unwrap();
        let none = SweptDefenses::of([], &[], (None, None)).unwrap_err().to_string();
        assert_eq!(none, "there is no defence to measure");
        let wanted = [spec("pad:mtu"), spec("front:ft-1"), spec("pad:mtu")];
        let swept = SweptDefenses::of(wanted, &["front".to_owned()], (None, Some(StopRule::Oracle))).unwrap();
        assert_eq!(swept.all[0], spec("pad:mtu").with_stop(StopRule::Oracle));
        assert_eq!(swept.all[1], spec("front:ft-1").with_stop(StopRule::Oracle));
        assert!(!swept.pairs.is_empty());
        for pair in &swept.pairs {
            for one in [&pair.paper, &pair.code] {
                assert_eq!(swept.all.iter().filter(|all| *all == one).count(), 1, "{one}");
            }
        }
    }

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
