//! Random traces, sets and specifications for the tests of all modules.

use proptest::prelude::*;
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};

use crate::{DefendedTrace, DefenseSpec, Kind, Load, Parameter, Pipeline, Profile, Value, list};

/// Traces of 1 to 40 packets of 2 to 3000 bytes within some seconds, with bursts at one time and both directions mixed.
pub(crate) fn any_trace() -> impl Strategy<Value = Trace> {
    let gap = prop_oneof![2 => Just(0), 3 => 0..1_000_000_u64, 2 => 0..100_000_000_u64];
    let size = (2..3_000_i32, any::<bool>()).prop_map(|(size, outgoing)| if outgoing { size } else { -size });
    prop::collection::vec((gap, size), 1..40).prop_map(|packets| {
        let mut time = 0;
        let times = packets.iter().enumerate().map(|(i, (gap, _))| {
            time += if i == 0 { 0 } else { *gap };
            time
        });
        Trace::new(times.collect(), packets.iter().map(|(_, size)| *size).collect()).unwrap()
    })
}

/// Sets of 1 to 4 such traces, TCP payload.
pub(crate) fn any_set() -> impl Strategy<Value = TraceSet> {
    // Two packets at different times make sure that the set has times.
    let timed = Trace::new(vec![0, 1], vec![100, -200]).unwrap();
    prop::collection::vec(any_trace(), 0..4).prop_map(move |mut traces| {
        traces.push(timed.clone());
        let traces = traces.into_iter().zip(0..).map(|(trace, rep)| labelled(rep, trace)).collect();
        TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
    })
}

/// One or two layers of any preset with any of its parameters. Slots upon slots multiply: three layers of them can need more than
/// there may be.
pub(crate) fn any_spec() -> impl Strategy<Value = DefenseSpec> {
    any_layers(2)
}

/// One to `most` such layers.
pub(crate) fn any_layers(most: usize) -> impl Strategy<Value = DefenseSpec> {
    prop::collection::vec(any_layer(), 1..=most).prop_filter_map("w-min above w-max", |layers| {
        let spec: DefenseSpec = layers.join("+").parse().ok()?;
        Some(if spec.needs_training() { spec.fit(training()) } else { spec })
    })
}

/// Two traces of each of three classes, TCP payload, for what learns from labelled traces.
pub(crate) fn training() -> TraceSet {
    let trace = |class: u64, rep: u64| {
        let packets = 4 + 5 * class + rep;
        let size = |i: u64| if i.is_multiple_of(4) { 200 + i as i32 } else { -900 - 10 * class as i32 - i as i32 };
        let times = (0..packets).map(|i| i * (7 + class + rep) * 1_000_000).collect();
        let mut labelled = labelled(rep as i64, Trace::new(times, (0..packets).map(size).collect()).unwrap());
        labelled.key.class = ["a", "b", "c"][class as usize].to_owned();
        labelled
    };
    let traces = (0..3).flat_map(|class| (0..2).map(move |rep| trace(class, rep))).collect();
    TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
}

fn any_layer() -> impl Strategy<Value = String> {
    let presets: Vec<_> = list().iter().flat_map(|d| d.presets.iter().map(move |p| (d, p))).collect();
    prop::sample::select(presets).prop_flat_map(|(defense, preset)| {
        let parameters: Vec<_> = preset.parameters.iter().map(|p| any_parameter(p, defense.needs.set)).collect();
        parameters.prop_map(move |given| {
            let given: String = given.into_iter().flatten().map(|text| format!(",{text}")).collect();
            format!("{}:{}{given}", defense.name, preset.name)
        })
    })
}

/// The parameter with a value that keeps tests fast, or left out where its default must not follow from the other traces.
fn any_parameter(parameter: &'static Parameter, always: bool) -> impl Strategy<Value = Option<String>> {
    let key = parameter.key;
    let value = match parameter.kind {
        Kind::Duration => {
            let some = (5_000_000..40_000_000_u64).prop_map(|ns| format!("{ns}ns"));
            if parameter.min == 0 { prop_oneof![1 => Just("0s".to_owned()), 4 => some].boxed() } else { some.boxed() }
        }
        Kind::Size => (400..1_600_u32).prop_map(|bytes| format!("{bytes}B")).boxed(),
        Kind::Text => prop::sample::select(MACHINES).prop_map(str::to_owned).boxed(),
        // Few states, and a network that carries the defence.
        Kind::Count if matches!(key, "states" | "bins") => (1..=12_u32).prop_map(|n| n.to_string()).boxed(),
        Kind::Count if key == "pps" => (1_000..9_000_u32).prop_map(|n| n.to_string()).boxed(),
        // Of the classes to learn from there are three.
        Kind::Count if matches!(key, "k" | "target") => (1..=3_u32).prop_map(|n| n.to_string()).boxed(),
        Kind::Count if always => (parameter.min..parameter.min + 8).prop_map(|count| count.to_string()).boxed(),
        Kind::Count => (parameter.min..150).prop_map(|count| count.to_string()).boxed(),
        Kind::Rate => (200_000..50_000_000_u32).prop_map(|rate| format!("{rate}bit/s")).boxed(),
        Kind::Stop => prop_oneof![Just("oracle".to_owned()), (1..90_u32).prop_map(|ms| format!("soft:{ms}ms"))].boxed(),
        Kind::Ratio | Kind::Scale => {
            (parameter.min.max(1)..5_000_000).prop_map(|n| Value::Ratio(n).to_string()).boxed()
        }
        Kind::Choice(words) => prop::sample::select(words).prop_map(str::to_owned).boxed(),
    };
    let given = value.prop_map(move |value| format!("{key}={value}"));
    if always { given.prop_map(Some).boxed() } else { prop::option::of(given).boxed() }
}

/// Machines of Maybenot: one that does nothing, one that pads 5 s after it received something, both.
const MACHINES: &[&str] = &[
    "02eNpjYEAHjOgCAAA0AAI=",
    "02eNpti1EJACAQQzcjWEjMYCEjGsUCojiUg-Pex2CPbe0HxCz4JCVJoJvF7SEjt-qUtnY-gDUNIg==",
    "02eNpjYEAHjOgCAAA0AAI=;02eNpti1EJACAQQzcjWEjMYCEjGsUCojiUg-Pex2CPbe0HxCz4JCVJoJvF7SEjt-qUtnY-gDUNIg==",
];

/// A trace of class `a`.
pub(crate) fn labelled(rep: i64, trace: Trace) -> LabelledTrace {
    LabelledTrace::new(TraceKey { class: "a".into(), rep, session: None }, None, trace)
}

/// The trace defended as TCP payload.
pub(crate) fn defend_one(spec: &str, trace: &Trace) -> DefendedTrace {
    defend_many(spec, trace, 1).remove(0)
}

/// The trace defended `replicas` times.
pub(crate) fn defend_many(spec: &str, trace: &Trace, replicas: u64) -> Vec<DefendedTrace> {
    // The trace alone may lack sizes and times; a set of TCP payload has them.
    let other = labelled(1, Trace::new(vec![0, 1], vec![100, -200]).unwrap());
    let set = TraceSet::new(vec![labelled(0, trace.clone()), other], Provenance::new(Layer::Tcp, vec![])).unwrap();
    let pipeline = Pipeline::new(&spec.parse().unwrap(), &Profile::of(&set), 0, 0).unwrap();
    let one = labelled(0, trace.clone());
    let load = Load::of(&one);
    (0..replicas).map(|replica| pipeline.defend(&load, replica).unwrap()).collect()
}
