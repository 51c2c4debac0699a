//! The layers of a defence, trace by trace.

use std::sync::Arc;

use rayon::prelude::*;
use wfkit_datasets::{LabelledTrace, Trace, TraceSet};

use crate::DefendError;
use crate::simulate::load::Lot;
use crate::simulate::replay::replay;
use crate::{
    DefendedTrace, Defense, DefenseError, DefenseSpec, DelayModel, Draws, Guarantees, LayerManifest, LeftAlone, Limit,
    Load, Manifest, ParameterValues, Profile, check,
};

/// The layers of a specification, made for sets of one profile, ready to defend traces one by one.
#[derive(Debug)]
pub struct Pipeline {
    layers: Vec<Layer>,
    manifest: Manifest,
    first_layer: u64,
    limit: Limit,
}

#[derive(Debug)]
struct Layer {
    name: &'static str,
    /// All its parameters.
    values: ParameterValues,
    defense: Box<dyn Defense>,
    guarantees: Guarantees,
    /// Its delays are followed by replaying.
    replayed: bool,
    /// It may know the class.
    told: bool,
}

/// What the last layer of a pipeline does with one trace.
#[derive(Debug)]
pub(crate) struct LastLayer<'a> {
    /// The layer.
    pub(crate) spec: &'a str,
    /// What the layers before it made of the trace, where there are any.
    pub(crate) before: Option<DefendedTrace>,
    /// What it is given: what is seen of that, or the trace itself.
    pub(crate) input: Trace,
    /// What it makes of its input.
    pub(crate) made: DefendedTrace,
    /// What it promises.
    pub(crate) guarantees: &'a Guarantees,
}

impl Pipeline {
    /// Makes the layers of `spec` for sets with this profile that have been through `layers_before` layers.
    pub fn new(spec: &DefenseSpec, profile: &Profile, layers_before: usize, seed: u64) -> Result<Self, DefendError> {
        let manifest = Manifest::new(seed, layers_before, spec.training().filter(|_| spec.needs_training()));
        let (first_layer, limit) = (layers_before as u64, profile.limit());
        let mut pipeline = Self { layers: Vec::new(), manifest, first_layer, limit };
        let mut promised = Guarantees::default().checked();
        let mut training = spec.training().cloned();
        for (number, layer) in spec.layers().iter().enumerate() {
            let info = layer.defense();
            if info.needs.sizes && profile.cell_size().is_some() {
                return Err(DefendError::NeedsSizes { layer: layer.to_string() });
            }
            if info.needs.times && !profile.timed() {
                return Err(DefendError::NeedsTimes { layer: layer.to_string() });
            }
            let mut known = profile.clone();
            if info.needs.classes {
                let Some(training) = training.clone() else {
                    return Err(DefendError::NeedsTraining { layer: layer.to_string() });
                };
                profile.suits(&training, layers_before + number)?;
                known = known.with_training(training);
            }
            let values = layer.values(&known);
            let defense = (layer.preset().build)(&values, &known)
                .map_err(|reason| DefendError::Unsuitable { layer: layer.to_string(), reason })?;
            pipeline.manifest.push(LayerManifest {
                spec: layer.to_string(),
                parameters: values.iter().map(|(key, value)| (key.to_owned(), value.to_string())).collect(),
                assumptions: defense.assumptions(),
                source: info.source.to_owned(),
            });
            let inferred = defense.assumptions().delay_model == DelayModel::Inferred;
            let guarantees = Guarantees { causal: inferred, ..defense.guarantees() };
            promised.extend(guarantees.checked());
            let replayed = inferred && !defense.infers_delays();
            let (name, told) = (info.name, info.needs.classes);
            pipeline.layers.push(Layer { name, values, defense, guarantees, replayed, told });
            if let Some(before) = &training
                && spec.layers()[number + 1..].iter().any(|later| later.defense().needs.classes)
            {
                training = Some(Arc::new(pipeline.after_layer(number, before)?));
            }
        }
        pipeline.manifest.invariants = promised.into_iter().collect();
        Ok(pipeline)
    }

    /// What a layer makes of training traces, for the layers after it to learn from.
    fn after_layer(&self, number: usize, before: &TraceSet) -> Result<TraceSet, DefendError> {
        let one = |labelled: &LabelledTrace| {
            let load = Load::of(labelled);
            let trace = self.defend_layer(number, &load, load.trace(), load.lot(), 0)?.0.observe();
            Ok(LabelledTrace { trace, origin: Some(load.origin().to_owned()), ..labelled.clone() })
        };
        let traces = before.traces().par_iter().map(one).collect::<Result<_, DefendError>>()?;
        let mut provenance = before.provenance().clone();
        provenance.defenses.push(self.manifest.layers[number].spec.clone());
        Ok(TraceSet::new(traces, provenance).expect("the keys are those of a set"))
    }

    /// How it defends.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// All parameters of each layer: those given, and the defaults for these sets and training traces.
    pub fn values(&self) -> impl Iterator<Item = &ParameterValues> {
        self.layers.iter().map(|layer| &layer.values)
    }

    /// What all layers leave alone, whatever is drawn.
    pub(crate) fn keeps(&self) -> LeftAlone {
        let all = |promise: fn(&Guarantees) -> bool| self.layers.iter().all(|layer| promise(&layer.guarantees));
        let alone = all(|layer| layer.no_padding);
        match (all(|layer| layer.times_untouched), all(|layer| layer.sizes_untouched)) {
            (true, true) => LeftAlone::Packets,
            (true, false) if alone => LeftAlone::Times,
            (false, true) if alone => LeftAlone::Sizes,
            _ => LeftAlone::Nothing,
        }
    }

    /// Defends and checks one trace. Each `replica` is another realisation of the same defence, as for training on fresh
    /// draws; [`defend`](crate::defend()) makes replica 0.
    pub fn defend(&self, load: &Load<'_>, replica: u64) -> Result<DefendedTrace, DefendError> {
        Ok(self.defend_by(self.layers.len(), load, replica)?.0)
    }

    /// As [`defend`](Self::defend), and whether anything was left to chance: where not, every replica is the same.
    pub fn defend_and_tell(&self, load: &Load<'_>, replica: u64) -> Result<(DefendedTrace, bool), DefendError> {
        self.defend_by(self.layers.len(), load, replica)
    }

    /// By the first `layers` layers, at least one.
    fn defend_by(&self, layers: usize, load: &Load<'_>, replica: u64) -> Result<(DefendedTrace, bool), DefendError> {
        let (mut defended, mut chance) = self.defend_layer(0, load, load.trace(), load.lot(), replica)?;
        let mut mixed_paths = false;
        for number in 1..layers {
            let input = defended.observe();
            let (outer, drawn) = self.defend_layer(number, load, &input, &load.lot().behind(&input), replica)?;
            chance |= drawn;
            let broken = |violation| DefendError::Invariant {
                trace: load.key().clone(),
                layer: self.manifest.layers[number].spec.clone(),
                violation,
            };
            mixed_paths |= defended.paths() > 1 || outer.paths() > 1;
            defended = outer.over(&defended).map_err(broken)?;
            // Each layer has kept its own order; where paths are seen together there is none of the original.
            check(load.trace(), &defended, &Guarantees { mixed_paths, ..Guarantees::default() }).map_err(broken)?;
        }
        Ok((defended, chance))
    }

    /// The last layer at work on one trace.
    pub(crate) fn last_layer(&self, load: &Load<'_>, replica: u64) -> Result<LastLayer<'_>, DefendError> {
        let number = self.layers.len() - 1;
        let before = (number > 0).then(|| self.defend_by(number, load, replica)).transpose()?.map(|(before, _)| before);
        let input = before.as_ref().map_or_else(|| load.trace().clone(), DefendedTrace::observe);
        let lot = if number > 0 { load.lot().behind(&input) } else { load.lot().clone() };
        let (made, _) = self.defend_layer(number, load, &input, &lot, replica)?;
        let (spec, guarantees) = (&self.manifest.layers[number].spec, &self.layers[number].guarantees);
        Ok(LastLayer { spec, before, input, made, guarantees })
    }

    /// One layer alone on what it is given, checked against its guarantees; and whether it left anything to chance.
    fn defend_layer(
        &self,
        number: usize,
        load: &Load<'_>,
        input: &Trace,
        lot: &Lot,
        replica: u64,
    ) -> Result<(DefendedTrace, bool), DefendError> {
        let Layer { name, defense, guarantees, replayed, told, .. } = &self.layers[number];
        let trace = || load.key().clone();
        let layer = || self.manifest.layers[number].spec.clone();
        let mut draws =
            Draws::new(self.manifest.seed, self.first_layer + number as u64, name, lot, replica).within(self.limit);
        let run = draws.allow(input.len()).and_then(|()| match (*replayed, *told) {
            (true, _) => replay(&**defense, input, &mut draws),
            (false, true) => defense.defend_class(&load.key().class, input, &mut draws),
            (false, false) => defense.defend(input, &mut draws),
        });
        // Each defence asks before it makes packets; what none has asked for is found here.
        let run = run.and_then(|defended| draws.allow(defended.len()).map(|()| defended));
        let defended = run.map_err(|error| match error {
            DefenseError::Shape(violation) => DefendError::Invariant { trace: trace(), layer: layer(), violation },
            error => DefendError::Trace { trace: trace(), layer: layer(), error },
        })?;
        match check(input, &defended, guarantees) {
            Ok(()) => Ok((defended, draws.used())),
            Err(violation) => Err(DefendError::Invariant { trace: trace(), layer: layer(), violation }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::{Layer, Provenance};

    use wfkit_datasets::TraceKey;

    use super::*;
    use crate::testing::{any_layers, any_set, any_spec, defend_one, labelled, training};
    use crate::{Assumptions, DefendOptions, Invariant, StopRule, defend, defend_with};

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
                let sent = defended.volume();
                prop_assert!(sent.in_bytes >= original.in_bytes() as f64 && sent.out_bytes >= original.out_bytes() as f64);
                let completion = defended.completion_ns(original.len());
                prop_assert!(completion.iter().zip(original.time_ns()).all(|(after, before)| after >= before));
            }
        }

        #[test]
        fn parameters_of_nothing_return_the_input(set in any_set(), seed: u64) {
            let nothing = "pad:to=1B+front:n=0+jitter,max=0s+jitter:exponential,mean=0s";
            let observed = defend(&set, &spec(nothing), seed).unwrap().observe();
            let plain = |set: &TraceSet| -> Vec<(TraceKey, Trace)> {
                set.traces().iter().map(|labelled| (labelled.key.clone(), labelled.trace.clone())).collect()
            };
            prop_assert_eq!(plain(&observed), plain(&set));
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
            let joined = spec(&format!("{first}+{second}")).fit(training());
            // What the second step learns from has been through the first one too.
            let second = match second.needs_training() {
                true => second.fit(defend(&training(), &first, seed).unwrap().observe()),
                false => second,
            };
            let two_steps = defend(&half_way, &second, seed).unwrap().observe();
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
    fn copies_are_realisations_of_their_own_under_keys_of_their_own() {
        let set = set(Layer::Tcp, &[(&[0, 9_000_000_000], &[100, -100]), (&[0, 9_000_000_000], &[100, -200])]);
        let options =
            DefendOptions { seed: 1, replicas: 3.try_into().unwrap(), verify: true, ..DefendOptions::default() };
        let defended = defend_with(&set, &spec("front"), &options).unwrap();
        let observed = defended.observe();
        let keys: Vec<String> = observed.traces().iter().map(|t| t.key.to_string()).collect();
        let expected = [0, 1, 2, 3, 4, 5].map(|rep| format!("class a, rep {rep}"));
        assert_eq!(keys, expected);
        let once = defend(&set, &spec("front"), 1).unwrap().observe();
        assert_eq!(observed.traces()[0].trace, once.traces()[0].trace);
        assert_eq!(observed.traces()[3].trace, once.traces()[1].trace);
        assert_ne!(observed.traces()[0].trace, observed.traces()[1].trace);
        let origins: Vec<Option<String>> = observed.traces().iter().map(|t| t.origin.clone()).collect();
        let loads = set.traces().iter().map(LabelledTrace::origin_of_copies);
        assert!(origins.into_iter().eq(loads.flat_map(|origin| [
            Some(origin.clone()),
            Some(origin.clone()),
            Some(origin)
        ])));
        assert!(defended.manifest().invariants.contains(&Invariant::Determinism));
        let mut far = set.traces().to_vec();
        far[0].key.rep = i64::MAX;
        let far = TraceSet::new(far, set.provenance().clone()).unwrap();
        assert!(matches!(defend_with(&far, &spec("front"), &options), Err(DefendError::Rep { .. })));
    }

    #[test]
    fn seeds_and_replicas_are_other_realisations() {
        let set = set(Layer::Tcp, &[(&[0, 9_000_000_000], &[100, -100])]);
        let seeded = |seed| defend(&set, &spec("front"), seed).unwrap().observe();
        assert_ne!(seeded(1), seeded(2));
        let pipeline = Pipeline::new(&spec("front"), &Profile::of(&set), 0, 1).unwrap();
        let load = Load::of(&set.traces()[0]);
        let replica = |n| pipeline.defend(&load, n).unwrap();
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
        assert_eq!(manifest.layers[0].assumptions.delay_model, DelayModel::Optimistic);
        assert_eq!(manifest.layers[0].assumptions.stop_rule, StopRule::NoPadding);
        let json = serde_json::to_string(manifest).unwrap();
        assert!(json.contains(r#""delay_model":"optimistic","stop_rule":"no-padding""#), "{json}");
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
        assert!(refusal(&endless, "tamaraw").starts_with(
            "tamaraw:ccs14 on the trace (class a, rep 0): the defended trace would have more than 4194304 packets"
        ));
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
        let error = pipeline.defend(&Load::of(&set.traces()[0]), 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "pad:multiple on the trace (class a, rep 0) breaks the invariant `I1 conservation` \
             (every byte of every original packet is carried exactly once) at packet 0: 0 bytes are carried, it has 100"
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
