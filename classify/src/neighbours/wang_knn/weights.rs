//! Weight learning by locally collapsing classes (WLLCC).

use rayon::prelude::*;

use super::distance::{Rows, apart};

/// Nearest rows of the own class, and of others, that a round looks at.
const RECOMMENDERS: usize = 5;

/// The share of a weight that a round takes at most but for the badness of the row; the paper's, its code has 0.02.
const STEP: f64 = 0.01;

/// What the badness of a row starts from, so that rows which are told apart already move weights a little.
const LEAST_BADNESS: f64 = 0.2;

/// Rows that one task compares.
const TASK: usize = 512;

/// Moves `weights`, one a column, by one round for each row in `order`.
///
/// A round takes the row's nearest rows of its own class ("good") and of others ("bad"), k each. A feature's badness is the number of bad
/// rows that it shows no farther than the farthest good one. Features of more than the least badness lose weight,
/// 0.01 w (badness / k) (0.2 + N / k) with N bad rows no farther than the farthest good one by all features; those of the least badness share
/// equally what keeps the summed distance to the bad rows. A row without another of its class is passed over. Rows of its own group, as copies of one load, are nobody's
/// neighbours here: they would be the nearest, and teach nothing of other loads.
pub(super) fn learn(rows: &Rows, labels: &[usize], groups: &[usize], order: &[usize], weights: &mut [f64]) {
    for &at in order {
        let good = nearest(rows, labels, groups, weights, at, true);
        let bad = nearest(rows, labels, groups, weights, at, false);
        if !good.is_empty() && !bad.is_empty() {
            adjust(rows, at, &good, &bad, weights);
        }
    }
}

/// The nearest others of a row, of its class or not.
fn nearest(
    rows: &Rows,
    labels: &[usize],
    groups: &[usize],
    weights: &[f64],
    at: usize,
    same: bool,
) -> Vec<(f64, usize)> {
    let wanted = |row: usize| groups[row] != groups[at] && (labels[row] == labels[at]) == same;
    let tasks = (0..labels.len()).step_by(TASK).collect::<Vec<_>>();
    let of_task = |&first: &usize| {
        let among = first..(first + TASK).min(labels.len());
        rows.nearest(rows.row(at), weights, among, RECOMMENDERS, wanted)
    };
    let mut near: Vec<(f64, usize)> = tasks.par_iter().flat_map_iter(of_task).collect();
    near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    near.truncate(RECOMMENDERS);
    near
}

fn adjust(rows: &Rows, at: usize, good: &[(f64, usize)], bad: &[(f64, usize)], weights: &mut [f64]) {
    let k = bad.len() as f64;
    let farthest_good = good.iter().fold(0.0f64, |farthest, near| farthest.max(near.0));
    let overlap = bad.iter().filter(|near| near.0 <= farthest_good).count() as f64;
    let row = rows.row(at);
    let apart_from = |&(_, other): &(f64, usize), column: usize| apart(row[column], rows.row(other)[column]);
    let (mut badness, mut bad_distance) = (vec![0; weights.len()], vec![0.0; weights.len()]);
    for column in 0..weights.len() {
        let farthest_good = good.iter().map(|near| apart_from(near, column)).fold(0.0, f64::max);
        for distance in bad.iter().map(|near| apart_from(near, column)) {
            badness[column] += usize::from(distance <= farthest_good);
            bad_distance[column] += distance;
        }
    }
    let least = badness.iter().copied().min().unwrap_or(0);
    let gains: f64 = (0..weights.len()).filter(|&column| badness[column] == least).map(|c| bad_distance[c]).sum();
    if gains == 0.0 {
        return; // nothing could make up for what the others lose
    }
    let mut lost = 0.0;
    for (column, weight) in weights.iter_mut().enumerate().filter(|&(column, _)| badness[column] != least) {
        let loss = STEP * *weight * (badness[column] as f64 / k) * (LEAST_BADNESS + overlap / k);
        *weight -= loss;
        lost += loss * bad_distance[column];
    }
    for (_, weight) in weights.iter_mut().enumerate().filter(|&(column, _)| badness[column] == least) {
        *weight += lost / gains;
    }
}
