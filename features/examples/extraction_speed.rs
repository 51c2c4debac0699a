//! Traces a second, one thread, of each feature set on 1,000 generated traces of 2,000 packets.
//!
//! Named sets alone where there are any on the command line.

#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use std::time::Instant;

use wfkit_datasets::Trace;
use wfkit_features::{FeatureSet, FeatureSpec};

const TRACES: u64 = 1_000;
const PACKETS: u64 = 2_000;

fn main() {
    let traces: Vec<Trace> = (0..TRACES).map(trace).collect();
    let training: Vec<&Trace> = traces.iter().collect();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for set in
        FeatureSet::ALL.into_iter().filter(|set| wanted.is_empty() || wanted.iter().any(|name| name == set.name()))
    {
        let extractor = FeatureSpec::from(set).fit(&training);
        let rates = (0..9).map(|_| {
            let start = Instant::now();
            let sum: f64 = traces.iter().map(|trace| extractor.features(trace).iter().sum::<f64>()).sum();
            assert!(sum.is_finite());
            TRACES as f64 / start.elapsed().as_secs_f64()
        });
        let mut rates: Vec<f64> = rates.collect();
        rates.sort_by(f64::total_cmp);
        println!(
            "{:20} {:8.0} traces/s median, {:8.0} best",
            set.name(),
            rates[rates.len() / 2],
            rates[rates.len() - 1]
        );
    }
}

/// Packets of seven sizes, a fifth outgoing, some 10 ms apart, from a congruential generator.
fn trace(seed: u64) -> Trace {
    let sizes = [1448, 536, 1050, 1448, 630, 1144, 116];
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let (mut time, mut time_ns, mut size) = (0, Vec::new(), Vec::new());
    for _ in 0..PACKETS {
        time_ns.push(time);
        time += next() % 20_000_000;
        let magnitude = sizes[next() as usize % sizes.len()];
        size.push(if next() % 5 == 0 { magnitude } else { -magnitude });
    }
    Trace::new(time_ns, size).expect("ordered, from 0, no size 0")
}
