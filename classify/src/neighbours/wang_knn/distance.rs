//! Rows and their weighted distances.

use std::ops::Range;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use wfkit_features::MISSING;

/// Sums run in so many lanes, which processors add at once.
const LANES: usize = 8;

/// Columns after which a distance is given up if it is too long already.
const STRETCH: usize = 4 * LANES;

/// Rows, with the columns in which they differ; those that make most of a distance first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rows {
    /// Which of the features are columns here.
    columns: Vec<u32>,
    /// Row after row; NaN is what a row has not.
    values: Vec<f64>,
    /// The mean distance to the mean, a column; what is missing has none.
    #[serde(skip)]
    spreads: Vec<f64>,
}

impl Rows {
    /// All rows of `x`, of which [`MISSING`] values are missing. Columns without two different values tell nothing, and are left out.
    pub(super) fn new(x: ArrayView2<'_, f64>) -> Self {
        let spread = |feature: usize| {
            let known = || x.column(feature).into_iter().copied().filter(|&value| value != MISSING);
            let mean = known().sum::<f64>() / known().count().max(1) as f64;
            let first = known().next();
            let differs = known().any(|value| Some(value) != first);
            differs.then(|| known().map(|value| (value - mean).abs()).sum::<f64>() / x.nrows() as f64)
        };
        let mut kept: Vec<(f64, usize)> =
            (0..x.ncols()).filter_map(|feature| Some((spread(feature)?, feature))).collect();
        kept.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let known = |value: f64| if value == MISSING { f64::NAN } else { value };
        let values = x.rows().into_iter().flat_map(|row| kept.iter().map(move |&(_, feature)| known(row[feature])));
        Self {
            values: values.collect(),
            columns: kept.iter().map(|&(_, feature)| feature as u32).collect(),
            spreads: kept.iter().map(|&(spread, _)| spread).collect(),
        }
    }

    /// The same rows with the columns in the order of their weighted spread, and the weights with them.
    pub(super) fn by_weight(self, weights: &[f64]) -> (Self, Vec<f64>) {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        let part = |place: usize| self.spreads[place] * weights[place];
        order.sort_unstable_by(|&a, &b| part(b).total_cmp(&part(a)).then(a.cmp(&b)));
        let width = self.columns.len().max(1);
        let values = self.values.chunks_exact(width).flat_map(|row| order.iter().map(|&place| row[place]));
        let sorted = Self {
            values: values.collect(),
            columns: order.iter().map(|&place| self.columns[place]).collect(),
            spreads: order.iter().map(|&place| self.spreads[place]).collect(),
        };
        (sorted, order.iter().map(|&place| weights[place]).collect())
    }

    pub(super) fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// The feature of each column.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.columns.iter().map(|&feature| feature as usize)
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns.len()..][..self.columns.len()]
    }

    /// A row of all features as one of these.
    pub(super) fn as_asked(&self, row: &[f64]) -> Vec<f64> {
        self.columns().map(|feature| if row[feature] == MISSING { f64::NAN } else { row[feature] }).collect()
    }

    /// Whether these are so many rows of so many features.
    pub(super) fn is_sound(&self, rows: usize, features: usize) -> bool {
        self.columns.iter().all(|&feature| (feature as usize) < features)
            && self.values.len() == rows * self.columns.len()
            && !self.values.iter().any(|value| value.is_infinite())
    }

    /// The `k` rows `among` these that are nearest to `asked` and `wanted`, with their distances; the nearest first, of equally near ones the
    /// first. Fewer if there are fewer.
    pub(super) fn nearest(
        &self,
        asked: &[f64],
        weights: &[f64],
        among: Range<usize>,
        k: usize,
        wanted: impl Fn(usize) -> bool,
    ) -> Vec<(f64, usize)> {
        let mut near: Vec<(f64, usize)> = Vec::with_capacity(k + 1);
        for row in among.filter(|&row| wanted(row)) {
            let farthest = if near.len() < k { f64::INFINITY } else { near[k - 1].0 };
            let distance = distance_below(asked, self.row(row), weights, farthest);
            if near.len() < k || distance < farthest {
                let place = near.partition_point(|&(other, _)| other <= distance);
                near.insert(place, (distance, row));
                near.truncate(k);
            }
        }
        near
    }
}

/// How far two values are apart; not at all if one is missing.
pub(super) fn apart(a: f64, b: f64) -> f64 {
    let apart = (a - b).abs();
    // False for NaN; one instruction.
    if apart > 0.0 { apart } else { 0.0 }
}

/// The sum of weight times [`apart`], or anything from `limit` on if it is not below that.
fn distance_below(a: &[f64], b: &[f64], weights: &[f64], limit: f64) -> f64 {
    let mut sums = [0.0; LANES];
    let stretches = a.chunks(STRETCH).zip(b.chunks(STRETCH)).zip(weights.chunks(STRETCH));
    for ((a, b), weights) in stretches {
        let ((a, a_rest), (b, b_rest), (w, w_rest)) =
            (a.as_chunks::<LANES>(), b.as_chunks::<LANES>(), weights.as_chunks::<LANES>());
        for ((a, b), w) in a.iter().zip(b).zip(w) {
            for lane in 0..LANES {
                sums[lane] += w[lane] * apart(a[lane], b[lane]);
            }
        }
        for (lane, ((a, b), w)) in a_rest.iter().zip(b_rest).zip(w_rest).enumerate() {
            sums[lane] += w * apart(*a, *b);
        }
        if sums.iter().sum::<f64>() > limit {
            return f64::INFINITY;
        }
    }
    sums.iter().sum()
}
