//! Defending whole sets.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::{LabelledTrace, Trace, TraceKey, TraceSet};

use crate::replay::replay;
use crate::{
    Assumptions, DefendedTrace, Defense, DefenseError, DefenseSpec, DelayModel, Draws, Guarantees, OverheadOptions,
    Overheads, Profile, Violation, check,
};

/// Defends every trace of `set`, in parallel; the result depends on the set, the specification and the seed alone.
///
/// Every trace is checked, after each layer and as a whole; one that breaks an invariant is an error. Layers are numbered
/// after those that the set has been through already, so that defending in two steps gives what one step with both layers gives
/// (as long as the defaults that the set decides are the same before and after the first step).
pub fn defend<'a>(set: &'a TraceSet, spec: &DefenseSpec, seed: u64) -> Result<DefendedSet<'a>, DefendError> {
    let pipeline = Pipeline::new(spec, &Profile::of(set), set.provenance().defenses.len(), seed)?;
    let defended =
        set.traces().par_iter().map(|t| pipeline.defend(&t.key, &t.trace, 0)).collect::<Result<Vec<_>, _>>()?;
    Ok(DefendedSet { original: set, defended, manifest: pipeline.manifest })
}

/// A set after a defence, beside the set it was made from.
#[derive(Debug, Clone)]
pub struct DefendedSet<'a> {
    original: &'a TraceSet,
    defended: Vec<DefendedTrace>,
    manifest: Manifest,
}

impl<'a> DefendedSet<'a> {
    /// The set before the defence.
    pub fn original(&self) -> &'a TraceSet {
        self.original
    }

    /// Each trace before and after, in the order of the set.
    pub fn traces(&self) -> impl ExactSizeIterator<Item = (&'a LabelledTrace, &DefendedTrace)> {
        self.original.traces().iter().zip(&self.defended)
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

    /// What somebody on the client's link sees, as a set of its own: the same keys, the layers added to the provenance. The
    /// start of a trace is the start of its first defended packet.
    pub fn observe(&self) -> TraceSet {
        let observe = |(original, defended): (&LabelledTrace, &DefendedTrace)| {
            let shift = i64::try_from(defended.start_shift_ns()).unwrap_or(i64::MAX);
            LabelledTrace {
                key: original.key.clone(),
                start_ns: original.start_ns.map(|start| start.saturating_add(shift)),
                trace: defended.observe(),
            }
        };
        let mut provenance = self.original.provenance().clone();
        provenance.defenses.extend(self.manifest.layers.iter().map(|layer| layer.spec.clone()));
        TraceSet::new(self.traces().map(observe).collect(), provenance).expect("the keys are those of a set")
    }
}

/// How a set was defended: enough to do it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The seed.
    pub seed: u64,
    /// The layers, the first applied first.
    pub layers: Vec<LayerManifest>,
}

/// One layer of a [`Manifest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerManifest {
    /// The layer as it would be written on the command line.
    pub spec: String,
    /// Every parameter with its value, those included that the set decided.
    pub parameters: BTreeMap<String, String>,
    /// What the simulation takes for granted.
    #[serde(flatten)]
    pub assumptions: Assumptions,
    /// The paper that defines it.
    pub source: String,
}

/// The layers of a specification, made for sets of one profile, ready to defend traces one by one.
#[derive(Debug)]
pub struct Pipeline {
    layers: Vec<Layer>,
    manifest: Manifest,
    first_layer: u64,
}

#[derive(Debug)]
struct Layer {
    name: &'static str,
    defense: Box<dyn Defense>,
    guarantees: Guarantees,
    /// Its delays are followed by replaying.
    replayed: bool,
}

/// Why a set could not be defended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DefendError {
    /// The defence works on sizes in bytes, the set has cells.
    #[error("{layer} pads sizes, but the set has one entry a cell, all of one size")]
    NeedsSizes {
        /// The layer.
        layer: String,
    },
    /// The defence works on times, the set has none.
    #[error("{layer} works on times, but all packets of the set are at time 0")]
    NeedsTimes {
        /// The layer.
        layer: String,
    },
    /// The set does not suit the parameters.
    #[error("{layer}: {reason}")]
    Unsuitable {
        /// The layer.
        layer: String,
        /// Why not, and what would.
        reason: String,
    },
    /// A trace cannot be defended.
    #[error("{layer} on the trace ({trace}): {error}")]
    Trace {
        /// The trace.
        trace: TraceKey,
        /// The layer.
        layer: String,
        /// What went wrong.
        error: DefenseError,
    },
    /// A defended trace breaks an invariant. This is a fault of the defence, not of the trace.
    #[error("{layer} on the trace ({trace}) {violation}")]
    Invariant {
        /// The trace.
        trace: TraceKey,
        /// The layer, or the whole specification.
        layer: String,
        /// What is broken.
        violation: Violation,
    },
}

impl Pipeline {
    /// Makes the layers of `spec` for sets with this profile that have been through `layers_before` layers.
    pub fn new(spec: &DefenseSpec, profile: &Profile, layers_before: usize, seed: u64) -> Result<Self, DefendError> {
        let mut layers = Vec::new();
        let mut manifest = Manifest { seed, layers: Vec::new() };
        for layer in spec.layers() {
            let info = layer.defense();
            if info.needs.sizes && profile.cell_size().is_some() {
                return Err(DefendError::NeedsSizes { layer: layer.to_string() });
            }
            if info.needs.times && !profile.timed() {
                return Err(DefendError::NeedsTimes { layer: layer.to_string() });
            }
            let values = layer.values(profile);
            let defense = (layer.preset().build)(&values, profile)
                .map_err(|reason| DefendError::Unsuitable { layer: layer.to_string(), reason })?;
            manifest.layers.push(LayerManifest {
                spec: layer.to_string(),
                parameters: values.iter().map(|(key, value)| (key.to_owned(), value.to_string())).collect(),
                assumptions: defense.assumptions(),
                source: info.source.to_owned(),
            });
            let inferred = defense.assumptions().delay_model == DelayModel::Inferred;
            layers.push(Layer {
                name: info.name,
                guarantees: Guarantees { causal: inferred, ..defense.guarantees() },
                replayed: inferred && !defense.infers_delays(),
                defense,
            });
        }
        Ok(Self { layers, manifest, first_layer: layers_before as u64 })
    }

    /// How it defends.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Defends and checks one trace. Each `replica` is another realisation of the same defence, as for training on fresh
    /// draws; [`defend`] makes replica 0.
    pub fn defend(&self, key: &TraceKey, trace: &Trace, replica: u64) -> Result<DefendedTrace, DefendError> {
        let mut defended = self.defend_layer(0, key, trace, replica)?;
        for number in 1..self.layers.len() {
            let outer = self.defend_layer(number, key, &defended.observe(), replica)?;
            let broken = |violation| DefendError::Invariant {
                trace: key.clone(),
                layer: self.manifest.layers[number].spec.clone(),
                violation,
            };
            defended = outer.over(&defended).map_err(broken)?;
            check(trace, &defended, &Guarantees::default()).map_err(broken)?;
        }
        Ok(defended)
    }

    /// One layer alone, checked against its guarantees.
    fn defend_layer(
        &self,
        number: usize,
        key: &TraceKey,
        trace: &Trace,
        replica: u64,
    ) -> Result<DefendedTrace, DefendError> {
        let Layer { name, defense, guarantees, replayed } = &self.layers[number];
        let spec = || self.manifest.layers[number].spec.clone();
        let mut draws = Draws::new(self.manifest.seed, self.first_layer + number as u64, name, key, replica);
        let run = if *replayed { replay(&**defense, trace, &mut draws) } else { defense.defend(trace, &mut draws) };
        let defended = run.map_err(|error| match error {
            DefenseError::Shape(violation) => DefendError::Invariant { trace: key.clone(), layer: spec(), violation },
            error => DefendError::Trace { trace: key.clone(), layer: spec(), error },
        })?;
        match check(trace, &defended, guarantees) {
            Ok(()) => Ok(defended),
            Err(violation) => Err(DefendError::Invariant { trace: key.clone(), layer: spec(), violation }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::{Layer, Provenance};

    use super::*;
    use crate::testing::{any_layers, any_set, any_spec, defend_one, labelled};
    use crate::{DelayModel, StopRule};

    fn set(layer: Layer, traces: &[(&[u64], &[i32])]) -> TraceSet {
        let trace = |(times, sizes): &(&[u64], &[i32])| Trace::new(times.to_vec(), sizes.to_vec()).unwrap();
        let traces = traces.iter().map(trace).zip(0..).map(|(trace, rep)| labelled(rep, trace)).collect();
        TraceSet::new(traces, Provenance::new(layer, vec![])).unwrap()
    }

    fn spec(text: &str) -> DefenseSpec {
        text.parse().unwrap()
    }

    proptest! {
        /// `defend` checks every invariant on every trace; the rest is counted again here, another way.
        #[test]
        fn every_defence_keeps_the_invariants(set in any_set(), spec in any_spec(), seed: u64) {
            let defended = defend(&set, &spec, seed).unwrap();
            for (original, defended) in defended.traces() {
                let original = &original.trace;
                let carried: u64 = defended.packets().flat_map(|p| p.carries).map(|piece| u64::from(piece.bytes)).sum();
                prop_assert_eq!(carried, original.in_bytes() + original.out_bytes());
                prop_assert!(defended.observe().in_bytes() >= original.in_bytes());
                prop_assert!(defended.observe().out_bytes() >= original.out_bytes());
                let completion = defended.completion_ns(original.len());
                prop_assert!(completion.iter().zip(original.time_ns()).all(|(after, before)| after >= before));
            }
        }

        #[test]
        fn parameters_of_nothing_return_the_input(set in any_set(), seed: u64) {
            let nothing = "pad,to=1B+front,n-client=0,n-server=0+jitter,max=0s+jitter:exponential,mean=0s";
            let observed = defend(&set, &spec(nothing), seed).unwrap().observe();
            prop_assert_eq!(observed.traces(), set.traces());
        }

        #[test]
        fn threads_do_not_matter(set in any_set(), spec in any_spec(), seed: u64) {
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| defend(&set, &spec, seed).unwrap().observe())
            };
            prop_assert_eq!(on(1), on(3));
        }

        #[test]
        fn other_traces_do_not_matter(set in any_set(), spec in any_spec(), seed: u64) {
            let all = defend(&set, &spec, seed).unwrap().observe();
            let last = set.len() - 1;
            let alone = set.select(&[last]);
            let alone = defend(&alone, &spec, seed).unwrap().observe();
            prop_assert_eq!(&alone.traces()[0], &all.traces()[last]);
        }

        #[test]
        fn two_steps_are_two_layers(set in any_set(), first in any_layers(1), second in any_layers(1), seed: u64) {
            let half_way = defend(&set, &first, seed).unwrap().observe();
            prop_assume!(Profile::of(&half_way).timed()); // the first step can move everything to one time
            let two_steps = defend(&half_way, &second, seed).unwrap().observe();
            let joined = spec(&format!("{first}+{second}"));
            prop_assert_eq!(defend(&set, &joined, seed).unwrap().observe(), two_steps);
        }

        #[test]
        fn traces_padded_to_one_shape_look_all_the_same(set in any_set(), seed: u64) {
            // Nothing lasts longer than 4 s, and all of it together fits 80 slots, 0.4 s.
            let shape = spec("constant-rate,rho=5ms,size=1500B,tau=10s,delays=pessimistic");
            let observed = defend(&set, &shape, seed).unwrap().observe();
            let first = &observed.traces()[0].trace;
            prop_assert_eq!((first.out_packets(), first.in_packets()), (2_000, 2_000));
            prop_assert!(observed.traces().iter().all(|t| &t.trace == first));
        }

        #[test]
        fn labels_do_not_change_a_defence_without_chance(set in any_set()) {
            let relabel = |t: &LabelledTrace| LabelledTrace {
                key: TraceKey { class: "b".into(), ..t.key.clone() },
                ..t.clone()
            };
            let relabelled = set.traces().iter().map(relabel).collect();
            let relabelled = TraceSet::new(relabelled, set.provenance().clone()).unwrap();
            let observed = |set: &TraceSet| -> Vec<Trace> {
                let observed = defend(set, &spec("tamaraw+pad"), 1).unwrap().observe();
                observed.traces().iter().map(|t| t.trace.clone()).collect()
            };
            prop_assert_eq!(observed(&set), observed(&relabelled));
        }
    }

    #[test]
    fn seeds_and_replicas_are_other_realisations() {
        let set = set(Layer::Tcp, &[(&[0, 9_000_000_000], &[100, -100])]);
        let seeded = |seed| defend(&set, &spec("front"), seed).unwrap().observe();
        assert_ne!(seeded(1), seeded(2));
        let pipeline = Pipeline::new(&spec("front"), &Profile::of(&set), 0, 1).unwrap();
        let LabelledTrace { key, trace, .. } = &set.traces()[0];
        let replica = |n| pipeline.defend(key, trace, n).unwrap();
        assert_eq!(replica(0).observe(), seeded(1).traces()[0].trace);
        assert_ne!(replica(0), replica(1));
    }

    #[test]
    fn the_observed_set_says_how_it_was_defended_and_when_it_starts() {
        let mut traces = set(Layer::Tcp, &[(&[0], &[-100])]).traces().to_vec();
        traces[0].start_ns = Some(1_000);
        let set = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap();
        let defended = defend(&set, &spec("jitter+pad:mtu"), 5).unwrap();
        let observed = defended.observe();
        let (_, trace) = defended.traces().next().unwrap();
        assert!(trace.start_shift_ns() > 0);
        assert_eq!(observed.traces()[0].start_ns, Some(1_000 + trace.start_shift_ns() as i64));
        assert_eq!(observed.provenance().defenses, ["jitter:uniform", "pad:mtu"]);

        let manifest = defended.manifest();
        assert_eq!(manifest.seed, 5);
        assert_eq!(manifest.layers[1].parameters["to"], "1448B");
        assert_eq!(manifest.layers[0].assumptions.delay_model, DelayModel::Inferred);
        assert_eq!(manifest.layers[0].assumptions.stop_rule, StopRule::NoPadding);
        let json = serde_json::to_string(manifest).unwrap();
        assert!(json.contains(r#""delay_model":"inferred","stop_rule":"no-padding""#), "{json}");
        assert_eq!(&serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
    }

    #[test]
    fn a_set_that_lacks_what_the_defence_needs_is_refused() {
        let refusal = |set: &TraceSet, text: &str| defend(set, &spec(text), 0).unwrap_err().to_string();
        let cells = set(Layer::Cell, &[(&[0, 1], &[514, -514])]);
        assert_eq!(
            refusal(&cells, "pad"),
            "pad:multiple pads sizes, but the set has one entry a cell, all of one size"
        );
        let untimed = set(Layer::Tcp, &[(&[0, 0], &[514, -40])]);
        assert_eq!(refusal(&untimed, "front"), "front:ft-1 works on times, but all packets of the set are at time 0");
        assert!(defend(&untimed, &spec("pad"), 0).is_ok());
        let counts = set(Layer::Unknown, &[(&[0, 1], &[1, -1])]);
        assert_eq!(
            refusal(&counts, "tamaraw"),
            "tamaraw:ccs14: the sizes only count cells (all are 1), so a slot of 750B means nothing: use size=1B"
        );
        assert!(defend(&counts, &spec("tamaraw:cell"), 0).is_ok());
        let endless = set(Layer::Tcp, &[(&[0, u64::MAX], &[100, -200])]);
        assert!(refusal(&endless, "tamaraw").starts_with("tamaraw:ccs14 on the trace (class a, rep 0): the schedule"));
    }

    #[test]
    fn an_empty_set_stays_empty() {
        let set = set(Layer::Cell, &[]);
        assert!(defend(&set, &spec("tamaraw:cell+front"), 0).unwrap().observe().is_empty());
    }

    #[test]
    fn a_defence_that_breaks_an_invariant_is_named_with_its_trace() {
        #[derive(Debug)]
        struct Eater;
        impl Defense for Eater {
            fn defend(&self, _: &Trace, _: &mut Draws) -> Result<DefendedTrace, DefenseError> {
                let mut builder = crate::DefendedTraceBuilder::default();
                builder.padding(0, 100);
                Ok(builder.finish(crate::Ledger::default())?)
            }
            fn guarantees(&self) -> Guarantees {
                Guarantees::default()
            }
            fn assumptions(&self) -> Assumptions {
                Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::NoPadding }
            }
        }
        let set = set(Layer::Tcp, &[(&[0], &[100])]);
        let mut pipeline = Pipeline::new(&spec("pad"), &Profile::of(&set), 0, 0).unwrap();
        pipeline.layers[0].defense = Box::new(Eater);
        let error = pipeline.defend(&set.traces()[0].key, &set.traces()[0].trace, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "pad:multiple on the trace (class a, rep 0) breaks the invariant `conservation` at packet 0: \
             0 bytes are carried, it has 100"
        );
    }

    #[test]
    fn padding_of_an_inner_layer_is_padding_outside_too() {
        let trace = Trace::new(vec![0, 3_000_000_000], vec![100, -100]).unwrap();
        let defended = defend_one("front,size=900B+constant-rate,tau=0s", &trace);
        let carried: u32 = defended.packets().flat_map(|p| p.carries).map(|piece| piece.bytes).sum();
        assert_eq!(carried, 200);
        let normal = defended.packets().filter(|p| !p.is_padding()).count();
        assert!((2..=4).contains(&normal), "{normal}");
        assert!(defended.ledger().padding_drawn.total() > 0);
    }
}
