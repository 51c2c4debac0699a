//! Generated traces.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_datasets::splits::Split;
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};

/// `reps` noisy traces of each class; class c is named `c<c>` and has about 20 + 8c packets, more of them outgoing the smaller c.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn generate(classes: usize, reps: usize, seed: u64) -> TraceSet {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut below = |n: u64| rng.next_u64() % n;
    from_traces((0..classes * reps).map(|i| {
        let class = i % classes;
        let packets = 18 + 8 * class as u64 + below(8);
        let mut time = 0;
        let mut trace = (Vec::new(), Vec::new());
        for packet in 0..packets {
            let outgoing = packet == 0 || below(4 + class as u64) == 0;
            trace.0.push(time);
            trace.1.push(if outgoing { 536 } else { -1448 + 514 * below(2) as i32 });
            time += 1_000_000 + below(30_000_000);
        }
        (format!("c{class}"), trace)
    }))
}

/// Equal traces in all classes.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn constant(classes: usize, reps: usize) -> TraceSet {
    from_traces((0..classes * reps).map(|i| (format!("c{}", i % classes), (vec![0, 5, 9], vec![500, -1500, -1500]))))
}

/// Traces that differ by class in the size of one packet, and in nothing else.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn planted(classes: usize, reps: usize) -> TraceSet {
    let trace = |class: usize| (vec![0, 1_000_000, 2_000_000], vec![100 + class as i32, -1500, -1500]);
    from_traces((0..classes * reps).map(|i| (format!("c{}", i % classes), trace(i % classes))))
}

/// `reps` traces of each class that any look at them tells apart: by volume, order, times and sizes. Repetitions differ a little.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn apart(classes: usize, reps: usize, seed: u64) -> TraceSet {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    from_traces((0..classes * reps).map(|i| {
        let class = i % classes;
        let packets = 30 + 20 * class as u64 + rng.next_u64() % 4;
        let gap = (1 + class as u64) * 2_000_000 + rng.next_u64() % 100_000;
        let mut trace = (Vec::new(), Vec::new());
        for packet in 0..packets {
            let outgoing = packet % (2 + class as u64) == 0;
            trace.0.push(packet * gap);
            trace.1.push(if outgoing { 100 + 60 * class as i32 } else { -600 - 100 * class as i32 });
        }
        (format!("c{class}"), trace)
    }))
}

/// `reps` traces of each class, a list of `answers` answers to one request each. Each answer is of the size that the class has there, or one
/// cell larger; some are lost, and others come between. Classes have equal numbers of answers and about equal volumes: what they differ in is their order.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn answers(classes: usize, reps: usize, answers: usize, seed: u64) -> TraceSet {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    from_traces((0..classes * reps).map(|i| {
        let class = i % classes;
        let mut of_class = Xoshiro256PlusPlus::seed_from_u64(1_000 + class as u64);
        let mut cells: Vec<i32> = (0..answers).map(|place| 1 + (place % 6) as i32).collect();
        for place in (1..answers).rev() {
            cells.swap(place, (of_class.next_u64() % (place as u64 + 1)) as usize);
        }
        let mut trace = (Vec::new(), Vec::new());
        let mut answer = |cells: i32, noise: u64| {
            let start = trace.0.len() as u64 * 10_000_000 + if trace.0.is_empty() { 0 } else { noise % 1_000_000 };
            trace.0.extend([start, start + 5_000_000]);
            trace.1.extend([536, -(514 * cells + 22)]);
        };
        for cells in cells {
            let noise = rng.next_u64();
            match noise % 20 {
                0 => {}
                1 => [cells, 1].into_iter().for_each(|cells| answer(cells, noise >> 8)),
                2..=6 => answer(cells + 1, noise >> 8),
                _ => answer(cells, noise >> 8),
            }
        }
        (format!("c{class}"), trace)
    }))
}

/// As [`apart`], but the class of a trace has nothing to do with its packets.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn noise(classes: usize, reps: usize, seed: u64) -> TraceSet {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    from_traces((0..classes * reps).map(|i| {
        let packets = 30 + rng.next_u64() % 100;
        let one_in = 2 + rng.next_u64() % 6;
        let mut trace = (Vec::new(), Vec::new());
        for packet in 0..packets {
            let outgoing = packet == 0 || rng.next_u64() % one_in == 0;
            trace.0.push(if packet == 0 { 0 } else { packet * 2_000_000 + rng.next_u64() % 1_000_000 });
            trace.1.push(if outgoing { 100 + (rng.next_u64() % 5) as i32 } else { -600 - (rng.next_u64() % 5) as i32 });
        }
        (format!("c{}", i % classes), trace)
    }))
}

/// Every `folds`-th row of each test part, the others for training.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn folds(set: &TraceSet, folds: usize) -> Vec<Split> {
    let of_fold = |fold| {
        // Sets are in class order, so rows of one class follow each other and are dealt out in turn.
        let (test, train) = (0..set.len()).partition(|row| row % folds == fold);
        Split { name: format!("fold {}", fold + 1), train, test }
    };
    (0..folds).map(of_fold).collect()
}

fn from_traces(traces: impl Iterator<Item = (String, (Vec<u64>, Vec<i32>))>) -> TraceSet {
    let labelled = |(rep, (class, (time_ns, size)))| {
        LabelledTrace::new(TraceKey { class, rep, session: None }, None, Trace::new(time_ns, size).unwrap())
    };
    let traces = (0..).zip(traces).map(labelled).collect();
    TraceSet::new(traces, Provenance::new(Layer::Tcp, vec!["generated".to_owned()])).unwrap()
}
