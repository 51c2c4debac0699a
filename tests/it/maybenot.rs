//! Ports of Maybenot beside this crate's own simulations and beside what is published of them, on traces that others published.

#![expect(clippy::unwrap_used, reason = "a test may")]

use wfkit_datasets::{Trace, TraceSet};
use wfkit_defend::{DefendOptions, DefendedTrace, Direction, defend_with};

use crate::defend_samples::samples;

const SURAKAV: &str = "maybenot-gen src environment data-gong-surakav";
const BIG_ENOUGH: &str = "maybenot-gen src environment data-bigenough-standard";

/// Each trace of the set and its defended copies.
fn copies<T>(set: &TraceSet, spec: &str, copies: u32, of: impl Fn(&Trace, &DefendedTrace) -> T) -> Vec<Vec<T>> {
    let options = DefendOptions { seed: 1, replicas: copies.try_into().unwrap(), ..DefendOptions::default() };
    let defended = defend_with(set, &spec.parse().unwrap(), &options).unwrap();
    let all: Vec<T> = defended.traces().map(|(original, defended)| of(&original.trace, defended)).collect();
    let mut all = all.into_iter();
    set.traces().iter().map(|_| all.by_ref().take(copies as usize).collect()).collect()
}

fn padding(defended: &DefendedTrace, way: Direction) -> f64 {
    defended.packets().filter(|packet| packet.is_padding() && packet.direction() == way).count() as f64
}

/// The mean over all, with the standard error that draws leave when the traces are given.
fn mean(copies: &[Vec<f64>]) -> (f64, f64) {
    let means = copies.iter().map(|of| of.iter().sum::<f64>() / of.len() as f64);
    let variances = copies.iter().zip(means.clone()).map(|(of, mean)| {
        let n = of.len() as f64;
        of.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n
    });
    let traces = copies.len() as f64;
    (means.sum::<f64>() / traces, variances.sum::<f64>().sqrt() / traces)
}

/// The mean of a function of the window, which is uniform from 1 s to 14 s.
fn over_windows(of: impl Fn(f64) -> f64) -> f64 {
    let steps = 1_300;
    (0..steps).map(|i| of(1.0 + 13.0 * (i as f64 + 0.5) / f64::from(steps))).sum::<f64>() / f64::from(steps)
}

/// Both draw 425.5 packets a side on average. Until the end of a load, d after the start of a side's clock, there are of a Rayleigh distribution of scale w
/// 1 - exp(-d²/2w²); of the port with one state, which sends a uniform part of its budget b in steps of equal mean length from 0 to 4 w, b (x - x²/2)
/// with x = d / 4w up to 1. Tolerance: four standard errors of the draws.
#[test]
fn front_and_its_port_send_what_their_times_leave_room_for() {
    let Some(samples) = samples() else { return };
    let set = &samples[SURAKAV];
    let own = |d: f64| 425.5 * over_windows(|w| 1.0 - (-d * d / (2.0 * w * w)).exp());
    let port = |d: f64| {
        850.0
            * over_windows(|w| {
                let x = (d / (4.0 * w)).min(1.0);
                x - x * x / 2.0
            })
    };
    for way in Direction::BOTH {
        // The peer's clock: here at the first packet it sends, in the port at its first packet of all, two delays after the client's.
        let start = |trace: &Trace, spec: &str| match way {
            Direction::Outgoing => 0.0,
            Direction::Incoming if spec.starts_with("maybenot") => 0.02,
            Direction::Incoming => trace.packets().find(|(_, size)| *size < 0).unwrap().0 as f64 / 1e9,
        };
        let left = |trace: &Trace, spec: &str| trace.duration_ns() as f64 / 1e9 - start(trace, spec);
        for (spec, expected) in
            [("front,budget=maybenot", &own as &dyn Fn(f64) -> f64), ("maybenot:front,states=1", &port)]
        {
            let (sent, error) = mean(&copies(set, spec, 60, |_, defended| padding(defended, way)));
            let traces = set.traces().iter().map(|labelled| expected(left(&labelled.trace, spec)));
            let expected = traces.sum::<f64>() / set.len() as f64;
            assert!((sent - expected).abs() < 4.0 * error, "{spec} {way:?}: {sent} ± {error}, expected {expected}");
        }
    }
}

/// All packets of the port are one interval apart, but for what ends a load: a silence, up to a hundred packets at once, and the slot that was due. So it
/// has as many slots as fit the time that its delays stretch, twice as long as here under the optimistic model.
#[test]
fn tamaraw_and_its_port_have_the_same_slots() {
    let Some(samples) = samples() else { return };
    let set = &samples[SURAKAV];
    for (way, rho) in [(Direction::Outgoing, 14_000_000), (Direction::Incoming, 4_000_000)] {
        let gaps = |defended: &DefendedTrace| {
            let times: Vec<u64> = defended.packets().filter(|p| p.direction() == way).map(|p| p.time_ns).collect();
            times.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<u64>>()
        };
        assert!(copies(set, "tamaraw:cell", 1, |_, own| gaps(own)).concat().concat().iter().all(|gap| *gap == rho));
        for gaps in copies(set, "maybenot:tamaraw", 1, |_, port| gaps(port)).concat() {
            let odd = gaps.iter().filter(|gap| **gap != rho).count();
            let stops = 1 + gaps.iter().filter(|gap| **gap > rho).count();
            assert!(odd <= 102 * stops, "{way:?}: {odd} of {} with {stops} stops", gaps.len());
        }
    }
    let later = |spec: &str| {
        let end = |trace: &Trace, defended: &DefendedTrace| {
            defended.completion_ns(trace.len()).into_iter().max().unwrap() as f64 / 1e9
        };
        mean(&copies(set, spec, 2, end)).0
    };
    let (own, port) = (later("tamaraw:cell"), later("maybenot:tamaraw"));
    assert!(port > 1.5 * own && port < 2.5 * own, "{own} s, {port} s");
}

/// Both ends of Break-Pad meet their limit of 1500 packets in a burst on loads of this size; the client always. Where an end has then sent more normal
/// packets than padding it goes on in the port, whose relay comes there later, for it is silent half of the time.
#[test]
fn break_pad_and_its_port_meet_the_limit() {
    let Some(samples) = samples() else { return };
    for spec in ["break-pad,lengths=maybenot", "maybenot:break-pad"] {
        let sent = copies(&samples[SURAKAV], spec, 10, |_, defended| Direction::BOTH.map(|way| padding(defended, way)));
        let sent = sent.concat();
        assert!(sent.iter().all(|[out, inward]| *out == 1500.0 && *inward >= 1500.0), "{spec}: {sent:?}");
    }
}

/// Sent in relation to what is in the traces, and longest time, with the standard errors that the choice of loads leaves.
fn cost(set: &TraceSet, spec: &str) -> [(f64, f64); 2] {
    let rows = copies(set, spec, 8, |trace, defended| {
        let through = defended.completion_ns(trace.len()).into_iter().max().unwrap();
        let normal = |time_ns: u64| time_ns <= through; // published costs leave out what comes after the last normal packet
        let sent = defended.packets().filter(|packet| packet.is_padding() && normal(packet.time_ns)).count() as f64;
        [sent, trace.len() as f64, through as f64 / 1e9, trace.duration_ns() as f64 / 1e9]
    });
    let loads: Vec<[f64; 4]> = rows
        .iter()
        .map(|of| std::array::from_fn(|i| of.iter().map(|row| row[i]).sum::<f64>() / of.len() as f64))
        .collect();
    let sum = |i: usize| loads.iter().map(|load| load[i]).sum::<f64>();
    let n = loads.len() as f64;
    [(0, 1), (2, 3)].map(|(above, below)| {
        let ratio = sum(above) / sum(below);
        let residuals = loads.iter().map(|load| (load[above] - ratio * load[below]).powi(2)).sum::<f64>();
        (ratio, (residuals * n / (n - 1.0)).sqrt() / sum(below))
    })
}

/// Published for 19,000 loads of BigEnough (artifact of "Ephemeral Network-Layer Fingerprinting Defenses", PoPETs 2026), of which these are 14. Tolerance: four
/// standard errors of the choice of loads.
#[test]
fn ports_cost_what_is_published_of_them() {
    let Some(samples) = samples() else { return };
    let set = &samples[BIG_ENOUGH];
    for (spec, bandwidth, latency) in [
        ("maybenot:front,n=1500,w-min=5s,w-max=15s", 0.18, 0.0),
        ("maybenot:front,n=6000,w-min=5s,w-max=12s,states=1", 0.72, 0.0),
        ("maybenot:tamaraw,rho-out=30ms,rho-in=6500us,stop=soft:1s", 0.80, 0.81),
        ("maybenot:tamaraw,rho-out=10ms,rho-in=5ms", 1.29, 0.73),
        ("maybenot:regulator", 0.65, 5.40),
        ("maybenot:regulator,rate=600,n=5000,upload=4.5,cap=1s", 0.83, 0.34),
        ("maybenot:regulator,rate=1200,decay=0.98,threshold=2.5,n=5600,upload=4.5,cap=500ms", 0.92, 0.08),
        ("maybenot:interspace", 0.57, 0.0),
        ("maybenot:break-pad", 0.75, 0.0),
    ] {
        let [(sent, sent_error), (time, time_error)] = cost(set, spec);
        println!("{spec}: {sent} ± {sent_error}, {time} ± {time_error}; published {bandwidth}, {latency}");
        assert!((sent - bandwidth).abs() <= 4.0 * sent_error, "{spec}: {sent} ± {sent_error}, published {bandwidth}");
        assert!(
            (time - 1.0 - latency).abs() <= 4.0 * time_error,
            "{spec}: {} ± {time_error}, published {latency}",
            time - 1.0
        );
    }
}
