//! Defending whole sets.

use std::collections::HashSet;
use std::num::NonZeroU32;

use rayon::prelude::*;
use wfkit_datasets::{LabelledTrace, Trace, TraceKey, TraceSet};
use wfkit_metrics::Volume;

use crate::verification::{check_determinism, check_labels};
use crate::{
    CausalityReport, DefendError, DefendedTrace, DefenseSpec, Invariant, Manifest, OverheadOptions, Overheads,
    Pipeline, Profile,
};

/// How a set is defended, beside the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefendOptions {
    /// The seed.
    pub seed: u64,
    /// Defended copies of each trace, each with draws of its own.
    pub replicas: NonZeroU32,
    /// Also check what takes a second run: that it gives the same, and that labels do not matter.
    pub verify: bool,
}

impl Default for DefendOptions {
    fn default() -> Self {
        Self { seed: 0, replicas: NonZeroU32::MIN, verify: false }
    }
}

/// Defends every trace of `set`, in parallel; the result depends on the set, the specification and the seed alone.
///
/// Every trace is checked, after each layer and as a whole; one that breaks an invariant is an error. Layers are numbered
/// after those that the set has been through already, so that defending in two steps gives what one step with both layers gives
/// (as long as the defaults that the set decides are the same before and after the first step).
pub fn defend<'a>(set: &'a TraceSet, spec: &DefenseSpec, seed: u64) -> Result<DefendedSet<'a>, DefendError> {
    defend_with(set, spec, &DefendOptions { seed, ..DefendOptions::default() })
}

/// As [`defend`], with all options.
pub fn defend_with<'a>(
    set: &'a TraceSet,
    spec: &DefenseSpec,
    options: &DefendOptions,
) -> Result<DefendedSet<'a>, DefendError> {
    let profile = Profile::of(set);
    let pipeline = Pipeline::new(spec, &profile, set.provenance().defenses.len(), options.seed)?;
    let replicas = options.replicas.get();
    let mut keys = HashSet::new();
    for (labelled, replica) in set.traces().iter().flat_map(|labelled| (0..replicas).map(move |r| (labelled, r))) {
        if !keys.insert(replica_key(&labelled.key, replica, replicas)?) {
            return Err(DefendError::Rep { trace: labelled.key.clone(), replicas });
        }
    }
    let one = |row: usize| {
        let labelled = &set.traces()[row / replicas as usize];
        let replica = (row % replicas as usize) as u64;
        let defended = pipeline.defend(&labelled.key, &labelled.trace, replica)?;
        if options.verify {
            let again = pipeline.defend(&labelled.key, &labelled.trace, replica)?;
            check_determinism(&defended, &again).map_err(|violation| DefendError::Invariant {
                trace: labelled.key.clone(),
                layer: spec.to_string(),
                violation,
            })?;
        }
        Ok(defended)
    };
    let rows = set.len() * replicas as usize;
    let defended = (0..rows).into_par_iter().map(one).collect::<Result<Vec<_>, DefendError>>()?;
    let mut manifest = pipeline.manifest().clone();
    manifest.replicas = replicas;
    if options.verify {
        check_labels(set, &profile).map_err(|violation| DefendError::Set { spec: spec.to_string(), violation })?;
        manifest.invariants.extend([Invariant::Determinism, Invariant::Labels]);
    }
    Ok(DefendedSet { original: set, spec: spec.clone(), defended, manifest })
}

/// The key of a defended copy. A single copy keeps the key. Of several, copy r of n of rep k is rep k n + r of its session; a trace without
/// a session gets one of its own, so that whoever keeps sessions together keeps the copies of a trace together.
///
/// A rep that leaves 64 bits is an error.
pub fn replica_key(key: &TraceKey, replica: u32, replicas: u32) -> Result<TraceKey, DefendError> {
    if replicas == 1 {
        return Ok(key.clone());
    }
    let rep = key.rep.checked_mul(i64::from(replicas)).and_then(|rep| rep.checked_add(i64::from(replica)));
    let rep = rep.ok_or_else(|| DefendError::Rep { trace: key.clone(), replicas })?;
    let session = key.session.clone().unwrap_or_else(|| format!("rep {}", key.rep));
    Ok(TraceKey { class: key.class.clone(), rep, session: Some(session) })
}

/// A set after a defence, beside the set it was made from.
#[derive(Debug, Clone)]
pub struct DefendedSet<'a> {
    original: &'a TraceSet,
    spec: DefenseSpec,
    /// The copies of each trace, trace by trace.
    defended: Vec<DefendedTrace>,
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
        let replicas = self.manifest.replicas as usize;
        (0..self.defended.len()).map(move |i| (&self.original.traces()[i / replicas], &self.defended[i]))
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

    /// What somebody on the client's link (of several paths, on those that are seen) sees, as a set of its own: the same keys ([`replica_key`] where there are copies), the layers
    /// added to the provenance. The start of a trace is the start of its first defended packet.
    pub fn observe(&self) -> TraceSet {
        let replicas = self.manifest.replicas;
        let observe = |(i, (original, defended)): (usize, (&LabelledTrace, &DefendedTrace))| {
            let shift = i64::try_from(defended.start_shift_ns()).unwrap_or(i64::MAX);
            let replica = (i % replicas as usize) as u32;
            LabelledTrace::new(
                replica_key(&original.key, replica, replicas).expect("every key was made before defending"),
                original.start_ns.map(|start| start.saturating_add(shift)),
                defended.observe(),
            )
        };
        let mut provenance = self.original.provenance().clone();
        provenance.defenses.extend(self.manifest.layers.iter().map(|layer| layer.spec.clone()));
        TraceSet::new(self.traces().enumerate().map(observe).collect(), provenance)
            .expect("the keys are those of a set")
    }
}
