//! Parameters that cannot work on these traces, told before the run.

use std::cmp::Reverse;
use std::fmt;

use serde::{Deserialize, Serialize};
use wfkit_datasets::{Trace, TraceSet};
use wfkit_metrics::lower_median;

use crate::spec::specification::REGULATOR_PACKETS;
use crate::{
    DefenseSpec, Direction, LayerSpec, Limit, OverheadOptions, Overheads, ParameterValues, PerDirection, Pipeline,
    Profile, StopRule, Value,
};

/// Something that a specification will not do well on a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The layer, or the whole specification.
    pub layer: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in numbers.
    pub message: String,
}

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It will cost much or protect little.
    Warning,
    /// It will not run.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Traces that are defended for a look at what comes out: the first, and others at equal steps through the set.
const TRIED: usize = 40;

/// Holds every layer against what a median trace of the set needs, then defends some traces with all of them. Nothing found is no
/// promise. Layers that learn from labelled traces and are not fitted learn from these, for the look of it.
pub fn lint(spec: &DefenseSpec, set: &TraceSet, seed: u64, limit: Limit) -> Vec<Finding> {
    let fitted = (spec.needs_training() && spec.training().is_none()).then(|| spec.clone().fit(set.clone()));
    let spec = fitted.as_ref().unwrap_or(spec);
    let profile = Profile::of(set).within(limit);
    let mut findings = Vec::new();
    let pipeline = match Pipeline::new(spec, &profile, set.provenance().defenses.len(), seed) {
        Ok(pipeline) => pipeline,
        Err(error) => {
            return vec![Finding { layer: spec.to_string(), severity: Severity::Error, message: error.to_string() }];
        }
    };
    let load = Load::of(set);
    for (layer, values) in spec.layers().iter().zip(pipeline.values()) {
        let messages = static_checks(layer, values, &load, set);
        findings.extend(messages.into_iter().map(|message| Finding {
            layer: layer.to_string(),
            severity: Severity::Warning,
            message,
        }));
    }
    findings.extend(try_it(spec, &pipeline, set));
    findings.sort_by_key(|finding| Reverse(finding.severity)); // what will not run goes first
    findings
}

/// What a median trace brings. The layers before one change it; they are not followed.
#[derive(Debug)]
struct Load {
    duration_ns: f64,
    bytes: PerDirection<f64>,
    bytes_a_second: PerDirection<f64>,
}

impl Load {
    fn of(set: &TraceSet) -> Self {
        let traces = || set.traces().iter().map(|labelled| &labelled.trace);
        let bytes = |trace: &Trace, way| match way {
            Direction::Outgoing => trace.out_bytes() as f64,
            Direction::Incoming => trace.in_bytes() as f64,
        };
        let seconds = |trace: &Trace| trace.duration_ns() as f64 / 1e9;
        Self {
            duration_ns: usual(traces().map(|trace| trace.duration_ns() as f64)),
            bytes: PerDirection::from_fn(|way| usual(traces().map(|trace| bytes(trace, way)))),
            bytes_a_second: PerDirection::from_fn(|way| {
                let timed = traces().filter(|trace| trace.duration_ns() > 0);
                usual(timed.map(|trace| bytes(trace, way) / seconds(trace)))
            }),
        }
    }
}

/// The lower median, 0 of nothing.
fn usual(values: impl Iterator<Item = f64>) -> f64 {
    lower_median(values.collect(), f64::total_cmp).unwrap_or(0.0)
}

/// Looks at parameters by their names, which mean the same in every defence.
fn static_checks(layer: &LayerSpec, values: &ParameterValues, load: &Load, set: &TraceSet) -> Vec<String> {
    let get = |key: &str| values.iter().find(|(name, _)| *name == key).map(|(_, value)| value);
    let number = |key: &str| get(key).map(|value| value.number() as f64);
    let share = |holds: &dyn Fn(&Trace) -> bool| {
        set.traces().iter().filter(|labelled| holds(&labelled.trace)).count() as f64 / set.len().max(1) as f64
    };
    let mut messages = Vec::new();
    for (way, name, interval, rate) in [
        (Direction::Outgoing, "outgoing", "rho-out", "rate-out"),
        (Direction::Incoming, "incoming", "rho-in", "rate-in"),
    ] {
        let slots = number(interval).zip(number("size")).map(|(interval_ns, size)| size / interval_ns * 1e9);
        let queue = number(rate).map(|bits| bits / 8.0);
        let demand = load.bytes_a_second[way];
        if let Some(rate) = slots.or(queue).filter(|&rate| rate < demand) {
            messages.push(format!(
                "{name}: sends {} a second at most, a median trace brings {}: the queue grows, and the median load of {} takes {:.1} s \
                 where it took {:.1} s",
                kilobytes(rate), kilobytes(demand), kilobytes(load.bytes[way]), load.bytes[way] / rate, load.duration_ns / 1e9,
            ));
        }
        if let (Some(block), Some(size)) = (number("l"), number("size"))
            && block * size > load.bytes[way]
        {
            messages.push(format!(
                "{name}: l x size is {}, a median trace has {}: most of what is sent is the end",
                kilobytes(block * size),
                kilobytes(load.bytes[way]),
            ));
        }
        let budget = if way == Direction::Outgoing { "n-client" } else { "n-server" };
        if let (Some(most), Some(size)) = (number(budget), number("size"))
            && most / 2.0 * size > 2.0 * load.bytes[way]
        {
            messages.push(format!(
                "{budget}: {:.0} packets on average are {}, a median trace has {} {name}",
                most / 2.0,
                kilobytes(most / 2.0 * size),
                kilobytes(load.bytes[way]),
            ));
        }
    }
    if let (Some(rate), Some(scale), Some(size)) = (number("rate"), get("scale"), number("size")) {
        messages.extend(regulator(rate, scale, size, load, set));
    }
    if let Some(tau) = number("tau") {
        let longer = share(&|trace| trace.duration_ns() as f64 > tau);
        if longer > 0.05 {
            messages
                .push(format!("tau: {:.0} % of the traces last longer, and show how long they are", longer * 100.0));
        }
    }
    if let (Some(from), Some(to)) = (number("w-min"), number("w-max")) {
        // Rayleigh: of a window w the share exp(-d^2 / 2 w^2) falls behind d.
        let late = (-load.duration_ns.powi(2) / (2.0 * ((from + to) / 2.0).powi(2))).exp();
        if late > 0.5 {
            messages.push(format!(
                "w-min, w-max: {:.0} % of the padding is due after the end of a median load ({:.1} s)",
                late * 100.0,
                load.duration_ns / 1e9,
            ));
        }
    }
    if let Some(Value::Size(to)) = get("to")
        && layer.defense().needs.sizes
    {
        let packets = set.packets().max(1) as f64;
        let sizes = set.traces().iter().flat_map(|labelled| labelled.trace.size());
        let above = sizes.filter(|size| size.unsigned_abs() > to).count() as f64 / packets;
        if above > 0.01 && layer.preset().name == "mtu" {
            messages.push(format!("to: {:.0} % of the packets are larger, and stay as they are", above * 100.0));
        }
    }
    if let Some(Value::Stop(StopRule::Soft { quiet_ns })) = get("stop") {
        let broken = share(&|trace| trace.time_ns().windows(2).any(|pair| pair[1] - pair[0] > quiet_ns));
        if broken > 0.05 {
            messages.push(format!(
                "stop: {:.0} % of the traces have a longer silence inside, where the defence stops and starts anew",
                broken * 100.0,
            ));
        }
    }
    messages
}

/// Whether a rate and a budget for loads of 2101 packets suit these, each parameter as a number of packets of `size` bytes.
fn regulator(rate: f64, scale: Value, size: f64, load: &Load, set: &TraceSet) -> Vec<String> {
    let scale = scale.number() as f64 / 1e6;
    let bytes: u64 = set.traces().iter().map(|t| t.trace.out_bytes() + t.trace.in_bytes()).sum();
    let mean = bytes as f64 / size / set.len().max(1) as f64;
    let rule = mean / REGULATOR_PACKETS;
    let mut messages = Vec::new();
    if scale > 1.5 * rule || scale < rule / 1.5 {
        messages.push(format!(
            "scale: R and N suit loads of {REGULATOR_PACKETS} packets, these have {mean:.0}: scale=auto makes it {rule:.3}, it is {scale:.3}"
        ));
    }
    let (surge, demand) = (rate * scale * size, load.bytes_a_second[Direction::Incoming]);
    if surge < demand {
        messages.push(format!(
            "rate: surges begin with {} a second, a median trace brings {} over all its time: latency grows with the queue; these loads are \
             faster than those that R was chosen for, so give rate by packets a second",
            kilobytes(surge),
            kilobytes(demand),
        ));
    }
    messages
}

/// Defends some traces and looks at what came out.
fn try_it(spec: &DefenseSpec, pipeline: &Pipeline, set: &TraceSet) -> Vec<Finding> {
    let finding = |severity, message| Finding { layer: spec.to_string(), severity, message };
    let mut pairs = Vec::new();
    for labelled in set.traces().iter().step_by(set.len().div_ceil(TRIED).max(1)) {
        match pipeline.defend(&crate::Load::of(labelled), 0) {
            Ok(defended) => pairs.push((&labelled.trace, defended)),
            Err(error) => return vec![finding(Severity::Error, error.to_string())],
        }
    }
    let pairs: Vec<_> = pairs.iter().map(|(trace, defended)| (*trace, defended)).collect();
    let overheads = Overheads::of(&pairs, &OverheadOptions { bootstrap: 0, seed: 0 });
    let mut findings = Vec::new();
    let mut warn = |message| findings.push(finding(Severity::Warning, message));
    let tried = pairs.len();
    if let Some(latency) = overheads.latency.total.filter(|latency| latency.value > 1.0) {
        warn(format!("tried on {tried} traces, loads take {:.1} times as long", latency.value + 1.0));
    }
    if let Some(bandwidth) = overheads.bandwidth.both.total.filter(|bandwidth| bandwidth.value > 5.0) {
        warn(format!("tried on {tried} traces, it sends {:.1} times as much", bandwidth.value + 1.0));
    }
    let (sent, dropped) = (overheads.padding_packets.total(), overheads.padding_dropped.total());
    if dropped > sent {
        warn(format!("tried on {tried} traces, {dropped} padding packets are dropped at the end and {sent} are sent"));
    }
    let tail = overheads.tail_padding_packets.total();
    if 2 * tail > sent {
        warn(format!("tried on {tried} traces, {tail} of {sent} padding packets come after the last normal one"));
    }
    findings
}

fn kilobytes(bytes: f64) -> String {
    format!("{:.1} kB", bytes / 1e3)
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{Layer, Provenance};

    use super::*;
    use crate::testing::labelled;

    /// 10 s, 1 kB out and 100 kB in, with a silence of 4 s.
    fn set() -> TraceSet {
        let times = (0..101).map(|i| if i < 60 { i } else { 40 + i } * 1_000_000_000 / 14).collect();
        let sizes = (0..101).map(|i| if i == 0 { 1000 } else { -1000 }).collect();
        let traces = vec![labelled(0, Trace::new(times, sizes).unwrap())];
        TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    fn found(spec: &str) -> String {
        let findings = lint(&spec.parse().unwrap(), &set(), 1, Limit::DEFAULT);
        findings.iter().map(|f| format!("{} {}: {}\n", f.severity, f.layer, f.message)).collect()
    }

    #[track_caller]
    fn tells(spec: &str, parts: &[&str]) {
        let found = found(spec);
        assert!(parts.iter().all(|part| found.contains(part)), "{spec}: {found}");
    }

    /// Their defaults come from the training traces.
    #[test]
    fn what_learns_is_looked_at_too() {
        let found = lint(&"k-anonymous+pad:mtu,to=900B".parse().unwrap(), &set(), 1, Limit::DEFAULT);
        assert!(found.iter().any(|finding| finding.layer == "pad:mtu,to=900B"), "{found:?}");
    }

    #[test]
    fn what_cannot_work_is_told() {
        tells("tamaraw,rho-in=200ms", &["incoming: sends 3.8 kB a second at most", "outgoing: l x size is 75.0 kB"]);
        tells("constant-rate,tau=9s", &["tau: 100 % of the traces last longer"]);
        tells("front,w-min=20s,w-max=40s", &["w-min, w-max: 9", "dropped at the end"]);
        tells("front", &["n-client: 850 packets on average are 455.6 kB, a median trace has 1.0 kB"]);
        tells("front,stop=soft:1s", &["stop: 100 % of the traces have a longer silence inside"]);
        tells("pad:mtu,to=900B", &["to: 100 % of the packets are larger"]);
        tells("link,rate-in=8kbit/s", &["incoming: sends 1.0 kB a second", "times as long"]);
        tells(
            "regulator,size=1000B",
            &["scale: R and N suit loads of 2101 packets, these have 101: scale=auto makes it 0.048"],
        );
        tells("regulator,size=1000B,rate=1,scale=9", &["rate: surges begin with 9.0 kB a second"]);
        tells("tamaraw,rho-out=1us,rho-in=1us", &["error", "4194304"]);
    }

    #[test]
    fn what_works_is_not_blamed() {
        assert_eq!(found("pad"), "");
        assert!(!found("regulator,size=1000B,scale=auto").contains("scale:"));
        assert_eq!(found("front,n-client=2,n-server=90,w-min=1s,w-max=3s"), "");
    }

    #[test]
    fn what_does_not_suit_the_set_is_an_error() {
        let cells = TraceSet::new(set().traces().to_vec(), Provenance::new(Layer::Cell, vec![])).unwrap();
        let findings = lint(&"pad".parse().unwrap(), &cells, 1, Limit::DEFAULT);
        assert_eq!((findings.len(), findings[0].severity), (1, Severity::Error));
    }
}
