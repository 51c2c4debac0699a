//! Defending whole sets.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use wfkit_datasets::{LabelledTrace, Provenance, Trace, TraceKey, TraceSet};
use wfkit_metrics::{Observer, Silent, Volume, Work};

use crate::verify::verification::{check_determinism, check_labels};
use crate::{
    CausalityReport, Copies, DefendError, DefendedTrace, DefenseSpec, Invariant, Limit, Load, Manifest,
    OverheadOptions, Overheads, Pipeline, Profile,
};

/// How a set is defended, beside the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefendOptions {
    /// The seed.
    pub seed: u64,
    /// Defended copies of each trace, each with draws of its own.
    pub replicas: NonZeroU32,
    /// Also check what takes a second run: that it gives the same, whatever the labels.
    pub verify: bool,
    /// The most packets of a defended trace.
    pub limit: Limit,
}

impl Default for DefendOptions {
    fn default() -> Self {
        Self { seed: 0, replicas: NonZeroU32::MIN, verify: false, limit: Limit::DEFAULT }
    }
}

/// Defends every trace of `set`, in parallel; the result depends on the set, the specification and the seed alone.
///
/// Every trace is checked, after each layer and as a whole; one that breaks an invariant is an error. Layers are numbered
/// after those that the set has been through already, and traces know the load that they come from, so that defending in two steps gives what
/// one step with both layers gives (as long as the defaults that the set decides are the same before and after the first step, and
/// nothing in between has lost the [origins](LabelledTrace::origin), as a CSV file does).
pub fn defend<'a>(set: &'a TraceSet, spec: &DefenseSpec, seed: u64) -> Result<DefendedSet<'a>, DefendError> {
    defend_with(set, spec, &DefendOptions { seed, ..DefendOptions::default() })
}

/// As [`defend`], with all options.
pub fn defend_with<'a>(
    set: &'a TraceSet,
    spec: &DefenseSpec,
    options: &DefendOptions,
) -> Result<DefendedSet<'a>, DefendError> {
    defend_watched(set, spec, options, &Silent)
}

/// As [`defend_with`], watched by somebody.
pub fn defend_watched<'a>(
    set: &'a TraceSet,
    spec: &DefenseSpec,
    options: &DefendOptions,
    observer: &dyn Observer,
) -> Result<DefendedSet<'a>, DefendError> {
    let run = Run::new(set, spec, options)?;
    let loads: Vec<Load<'_>> = set.traces().par_iter().map(Load::of).collect();
    let rows = set.len() * run.copies.each() as usize;
    let work = Work::begin(observer, "defending", rows);
    let one = |row: usize| {
        let defended = run.defend(&loads[run.copies.load_of(row)], row);
        work.step();
        defended
    };
    let defended = (0..rows).into_par_iter().map(one).collect::<Result<Vec<_>, DefendError>>()?;
    drop(work);
    let chance = defended.iter().any(|(_, chance)| *chance);
    let defended = defended.into_iter().map(|(defended, _)| defended).collect();
    let mut manifest = run.pipeline.manifest().clone();
    manifest.replicas = run.copies.each();
    if options.verify {
        if !spec.is_told() {
            let violated = |violation| DefendError::Set { spec: spec.to_string(), violation };
            check_labels(set, &run.profile).map_err(violated)?;
        }
        manifest.invariants.extend([Invariant::Determinism, Invariant::Labels]);
    }
    let origins = loads.iter().map(|load| load.origin().to_owned()).collect();
    Ok(DefendedSet {
        original: set,
        spec: spec.clone(),
        defended,
        origins,
        chance,
        copies: run.copies,
        limit: options.limit,
        manifest,
    })
}

/// What is [observed](DefendedSet::observe) of a set that was defended, without the set: to train attacks on many draws of each load. It takes
/// 12 bytes a packet, where a [`DefendedSet`], which knows what each packet carries, takes 32 more.
#[derive(Debug, Clone)]
pub struct ObservedSet {
    /// What is observed, load by load.
    pub set: TraceSet,
    /// Which row is a copy of which load.
    pub copies: Copies,
}

/// Defends the set as [`defend_with`], and keeps what is seen of it. Of a defence that leaves nothing to chance all copies would be the same:
/// there is one of each load, whatever the options say.
pub fn observe_defended(
    set: &TraceSet,
    spec: &DefenseSpec,
    options: &DefendOptions,
    observer: &dyn Observer,
) -> Result<ObservedSet, DefendError> {
    let observed = |options: &DefendOptions| -> Result<(ObservedSet, bool), DefendError> {
        let run = Run::new(set, spec, options)?;
        let work = Work::begin(observer, "defending", set.len());
        let rows_of = |(load, labelled): (usize, &LabelledTrace)| {
            let traced = Load::of(labelled);
            let row = |row: usize| {
                let (defended, chance) = run.defend(&traced, row)?;
                Ok((observed_row(labelled, traced.origin(), run.copies, row, &defended), chance))
            };
            let rows = run.copies.rows_of(load).map(row).collect::<Result<Vec<_>, DefendError>>();
            work.step();
            rows
        };
        let rows = set.traces().par_iter().enumerate().map(rows_of).collect::<Result<Vec<_>, DefendError>>()?;
        let (traces, chance): (Vec<_>, Vec<_>) = rows.into_iter().flatten().unzip();
        let provenance = observed_provenance(set, run.pipeline.manifest());
        let set = TraceSet::new(traces, provenance).expect("the keys are those of a set");
        Ok((ObservedSet { set, copies: run.copies }, chance.contains(&true)))
    };
    // One copy tells whether more would be others, and of a defence without chance it is all there is.
    let once = DefendOptions { replicas: NonZeroU32::MIN, ..*options };
    let (one, chance) = observed(&once)?;
    if options.replicas == NonZeroU32::MIN || !chance { Ok(one) } else { Ok(observed(options)?.0) }
}

/// What the copies of a set are made with.
struct Run<'a> {
    spec: &'a DefenseSpec,
    profile: Profile,
    pipeline: Pipeline,
    copies: Copies,
    options: DefendOptions,
    /// Packets so far.
    packets: AtomicU64,
}

impl<'a> Run<'a> {
    fn new(set: &TraceSet, spec: &'a DefenseSpec, options: &DefendOptions) -> Result<Self, DefendError> {
        let profile = spec.profile_of(set).within(options.limit);
        let pipeline = Pipeline::new(spec, &profile, set.provenance().defenses.len(), options.seed)?;
        let copies = Copies::of_each(options.replicas);
        for labelled in set.traces() {
            copies.key(&labelled.key, copies.each() - 1)?;
        }
        Ok(Self { spec, profile, pipeline, copies, options: *options, packets: AtomicU64::new(0) })
    }

    /// The copy in this row, and whether it was left to chance.
    fn defend(&self, load: &Load<'_>, row: usize) -> Result<(DefendedTrace, bool), DefendError> {
        let replica = u64::from(self.copies.replica_of(row));
        let (defended, chance) = self.pipeline.defend_and_tell(load, replica)?;
        let (packets, limit) = (defended.len() as u64, self.options.limit.of_set());
        if self.packets.fetch_add(packets, Ordering::Relaxed) + packets > limit {
            return Err(DefendError::SetTooLarge { spec: self.spec.to_string(), limit });
        }
        if self.options.verify {
            let labelled = self.under_another_label(load);
            let again = self.pipeline.defend(&load.relabelled(&labelled), replica)?;
            let same = check_determinism(&defended, &again);
            same.map_err(|violation| DefendError::Invariant {
                trace: load.key().clone(),
                layer: self.spec.to_string(),
                violation,
            })?;
        }
        Ok((defended, chance))
    }

    /// The trace under a label that tells nothing, but for the class where a layer is told that.
    fn under_another_label(&self, load: &Load<'_>) -> LabelledTrace {
        let class = if self.spec.needs_training() { load.key().class.clone() } else { "?".to_owned() };
        LabelledTrace { key: TraceKey { class, rep: 0, session: None }, ..load.labelled().clone() }
    }
}

/// What is seen of a copy.
fn observed_row(
    load: &LabelledTrace,
    origin: &str,
    copies: Copies,
    row: usize,
    defended: &DefendedTrace,
) -> LabelledTrace {
    let shift = i64::try_from(defended.start_shift_ns()).unwrap_or(i64::MAX);
    LabelledTrace {
        key: copies.key(&load.key, copies.replica_of(row)).expect("every key was made before defending"),
        origin: Some(origin.to_owned()),
        page: load.page.clone(),
        start_ns: load.start_ns.map(|start| start.saturating_add(shift)),
        trace: match load.trace.columns().next() {
            None => defended.observe(),
            Some(_) => {
                let likenesses = defended.likenesses();
                defended.observe().with_columns_of(&load.trace, |packet| likenesses[packet])
            }
        },
    }
}

fn observed_provenance(original: &TraceSet, manifest: &Manifest) -> Provenance {
    let mut provenance = original.provenance().clone();
    provenance.defenses.extend(manifest.layers.iter().map(|layer| layer.spec.clone()));
    provenance
}

/// A set after a defence, beside the set it was made from.
#[derive(Debug, Clone)]
pub struct DefendedSet<'a> {
    original: &'a TraceSet,
    spec: DefenseSpec,
    /// The copies of each trace, trace by trace.
    defended: Vec<DefendedTrace>,
    /// Of the copies of each trace.
    origins: Vec<String>,
    chance: bool,
    copies: Copies,
    limit: Limit,
    manifest: Manifest,
}

impl<'a> DefendedSet<'a> {
    /// The set before the defence.
    pub fn original(&self) -> &'a TraceSet {
        self.original
    }

    /// What it was defended with.
    pub fn spec(&self) -> &DefenseSpec {
        &self.spec
    }

    /// Each trace before and after, in the order of the set; a trace before is there once for each copy.
    pub fn traces(&self) -> impl ExactSizeIterator<Item = (&'a LabelledTrace, &DefendedTrace)> {
        let original = |row| &self.original.traces()[self.copies.load_of(row)];
        self.defended.iter().enumerate().map(move |(row, defended)| (original(row), defended))
    }

    /// Which row is a copy of which trace: here, in [`volumes`](Self::volumes) and in what is [observed](Self::observe).
    pub fn copies(&self) -> Copies {
        self.copies
    }

    /// The limit that it was made within.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Whether anything was left to chance, so that another seed and another copy would be others.
    pub fn is_left_to_chance(&self) -> bool {
        self.chance
    }

    /// How it was defended.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the defence costs.
    pub fn overheads(&self, options: &OverheadOptions) -> Overheads {
        let pairs: Vec<(&Trace, &DefendedTrace)> =
            self.traces().map(|(original, defended)| (&original.trace, defended)).collect();
        Overheads::of(&pairs, options)
    }

    /// Answers that come too soon, over all traces.
    pub fn causality(&self) -> CausalityReport {
        let pairs: Vec<_> = self.traces().collect();
        let reports = pairs.par_iter().map(|(original, defended)| CausalityReport::of(&original.trace, defended));
        reports.reduce(CausalityReport::default, |a, b| a + b)
    }

    /// What is sent for each trace over all paths, seen or not.
    pub fn volumes(&self) -> Vec<Volume> {
        self.defended.iter().map(DefendedTrace::volume).collect()
    }

    /// What somebody on the client's link (of several paths, on those that are seen) sees, as a set of its own, row by row as here: the
    /// [keys](Copies::key) of the copies, the layers added to the provenance. The start of a trace is the start of its first defended packet. Each trace
    /// has the load that it is of as its [origin](LabelledTrace::origin), so that no split tears copies apart.
    pub fn observe(&self) -> TraceSet {
        let observed = |(row, (original, defended)): (usize, (&LabelledTrace, &DefendedTrace))| {
            observed_row(original, &self.origins[self.copies.load_of(row)], self.copies, row, defended)
        };
        let traces = self.traces().enumerate().map(observed).collect();
        TraceSet::new(traces, observed_provenance(self.original, &self.manifest)).expect("the keys are those of a set")
    }
}
