//! The attacks that an organiser runs on every defence: nearest neighbours over what all traces show.

use ndarray::Array2;
use wfkit_datasets::{Trace, TraceSet};
use wfkit_metrics::{ClassMap, Probabilities, ProbabilityError};

/// Neighbours asked.
const NEIGHBOURS: usize = 8;
/// What a class that no neighbour is of has, so that none is impossible.
const PRIOR: f64 = 0.05;
/// Points of a course.
const POINTS: usize = 100;

/// What an attack sees of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Bytes and packets of both directions, and the time, as logarithms: what every attack must beat.
    Totals,
    /// 100 points of the cumulated sizes, spread over the packets (the idea of A. Panchenko et al.: Website fingerprinting at internet
    /// scale, NDSS 2016).
    Course,
}

/// Probabilities of the test traces by the 8 nearest train traces, each weighted by its nearness; shape `(n_test, n_classes)`. Columns of
/// what is seen are standardised by the train traces. The classes are those of the train traces.
///
/// # Errors
/// Where there is no train trace: nothing then sums to 1.
pub fn nearest(train: &TraceSet, test: &TraceSet, seen: Seen) -> Result<Probabilities, ProbabilityError> {
    let classes = train.classes();
    let values = neighbours(train, test, &classes, if seen == Seen::Course { course } else { totals });
    Probabilities::new(classes, values)
}

/// Bytes and packets of both directions and the time, as logarithms: overheads are ratios.
fn totals(trace: &Trace) -> Vec<f64> {
    let counts =
        [trace.in_bytes() as f64, trace.out_bytes() as f64, trace.in_packets() as f64, trace.out_packets() as f64];
    counts.into_iter().chain([trace.duration_ns() as f64 / 1e9]).map(f64::ln_1p).collect()
}

/// The cumulated sizes at points spread over the packets.
fn course(trace: &Trace) -> Vec<f64> {
    let mut sum = 0.0;
    let course: Vec<f64> = trace
        .size()
        .iter()
        .map(|&size| {
            sum += f64::from(size);
            sum
        })
        .collect();
    let last = course.len().saturating_sub(1);
    let point = |i: usize| {
        let position = last as f64 * i as f64 / (POINTS - 1) as f64;
        let (below, above) = (position.floor() as usize, position.ceil() as usize);
        course[below] + position.fract() * (course[above] - course[below])
    };
    if course.is_empty() { vec![0.0; POINTS] } else { (0..POINTS).map(point).collect() }
}

/// Probabilities by the nearest train traces, each weighted by its nearness.
fn neighbours(train: &TraceSet, test: &TraceSet, classes: &ClassMap, features: fn(&Trace) -> Vec<f64>) -> Array2<f64> {
    let row = |set: &TraceSet| set.traces().iter().map(|labelled| features(&labelled.trace)).collect::<Vec<_>>();
    let (mut known, mut asked) = (row(train), row(test));
    for column in 0..known.first().map_or(0, Vec::len) {
        let n = known.len() as f64;
        let mean = known.iter().map(|row| row[column]).sum::<f64>() / n;
        let deviation = (known.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / n).sqrt();
        let scale = if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
        for row in known.iter_mut().chain(&mut asked) {
            row[column] = (row[column] - mean) * scale;
        }
    }
    let class: Vec<usize> = train
        .traces()
        .iter()
        .map(|labelled| classes.index_of(&labelled.key.class).expect("the classes are those of the train set"))
        .collect();
    let mut values = Array2::from_elem((asked.len(), classes.len()), PRIOR / classes.len() as f64);
    for (mut shares, row) in values.rows_mut().into_iter().zip(&asked) {
        let mut distances: Vec<(f64, usize)> = known
            .iter()
            .zip(&class)
            .map(|(other, &class)| (row.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>(), class))
            .collect();
        let count = NEIGHBOURS.min(distances.len());
        if count < distances.len() {
            distances.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        distances.truncate(count);
        for (distance, class) in distances {
            shares[class] += 1.0 / (1e-3 + distance.sqrt());
        }
        let sum = shares.sum();
        shares.mapv_inplace(|share| share / sum);
    }
    values
}
