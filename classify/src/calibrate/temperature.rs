//! One temperature for all classes.

use std::fmt;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

/// q_c proportional to (p_c + floor / n_classes)^(1 / temperature).
///
/// C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017, on the logarithms of
/// probabilities, since forests have no logits. Deviation: the floor, which is fitted too, because a class that no tree voted for would
/// keep probability 0, and a single such trace makes the log loss as large as numbers go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Temperature {
    temperature: f64,
    floor: f64,
}

/// Floors that are tried: half decades from 1e-6 to 1e-1.
const FLOORS: std::ops::RangeInclusive<i32> = -12..=-2;

/// Temperatures are sought between these.
const LEAST: f64 = 0.05;
const MOST: f64 = 20.0;

/// Steps of the golden-section search: each leaves 0.618 of the interval of ln T, these 1e-5 of it.
const STEPS: usize = 24;

impl Temperature {
    /// The least mean log loss over the rows. For one floor the loss is convex in 1/T, so has one least value.
    pub(super) fn fit(probabilities: ArrayView2<'_, f64>, labels: &[usize]) -> Self {
        let candidates = FLOORS.map(|half_decades| {
            let floor = 10f64.powf(f64::from(half_decades) / 2.0);
            let rows = logarithms(probabilities, labels, floor);
            let (temperature, loss) = golden_section(|temperature| loss(&rows, temperature));
            (Self { temperature, floor }, loss)
        });
        let best = candidates.min_by(|a, b| a.1.total_cmp(&b.1));
        best.expect("there are floors").0
    }

    pub(super) fn apply(&self, probabilities: &mut Array2<f64>) {
        let floor = self.floor / probabilities.ncols() as f64;
        for mut row in probabilities.rows_mut() {
            // Over the largest, so that no power vanishes from all classes.
            let largest = row.iter().fold(0.0f64, |a, &b| a.max(b)) + floor;
            row.mapv_inplace(|p| ((p + floor) / largest).powf(1.0 / self.temperature));
            let sum = row.sum();
            row /= sum;
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        (LEAST..=MOST).contains(&self.temperature) && self.floor > 0.0 && self.floor <= 1.0
    }
}

impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "temperature {:.3}, floor {:.0e}", self.temperature, self.floor)
    }
}

/// A row of logarithms, less that of its label: zeros, most of the row of a forest, are counted, not listed.
struct Row {
    others: Vec<f64>,
    zeros: usize,
    zero: f64,
}

fn logarithms(probabilities: ArrayView2<'_, f64>, labels: &[usize], floor: f64) -> Vec<Row> {
    let floor = floor / probabilities.ncols() as f64;
    let of_row = |(row, &label): (ndarray::ArrayView1<'_, f64>, &usize)| {
        let own = (row[label] + floor).ln();
        let others: Vec<f64> = row.iter().filter(|&&p| p > 0.0).map(|p| (p + floor).ln() - own).collect();
        Row { zeros: row.len() - others.len(), others, zero: floor.ln() - own }
    };
    probabilities.rows().into_iter().zip(labels).map(of_row).collect()
}

/// The mean over rows of ln(sum over classes of exp((l_c - l_label) / T)).
fn loss(rows: &[Row], temperature: f64) -> f64 {
    let of_row = |row: &Row| {
        let power = |logarithm: f64| (logarithm / temperature).exp();
        (row.others.iter().map(|&other| power(other)).sum::<f64>() + row.zeros as f64 * power(row.zero)).ln()
    };
    let sum: f64 = rows.iter().map(of_row).sum();
    // An overflow is worse than anything, not incomparable.
    if sum.is_nan() { f64::INFINITY } else { sum / rows.len() as f64 }
}

/// The T of the least `f(T)`, and that value.
fn golden_section(f: impl Fn(f64) -> f64) -> (f64, f64) {
    let shrink = (5f64.sqrt() - 1.0) / 2.0;
    let at = |x: f64| f(x.exp());
    let (mut low, mut high) = (LEAST.ln(), MOST.ln());
    let (mut a, mut b) = (high - shrink * (high - low), low + shrink * (high - low));
    let (mut f_a, mut f_b) = (at(a), at(b));
    for _ in 0..STEPS {
        if f_a <= f_b {
            (high, b, f_b) = (b, a, f_a);
            a = high - shrink * (high - low);
            f_a = at(a);
        } else {
            (low, a, f_a) = (a, b, f_b);
            b = low + shrink * (high - low);
            f_b = at(b);
        }
    }
    if f_a <= f_b { (a.exp(), f_a) } else { (b.exp(), f_b) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::squeezed;
    use super::*;

    #[test]
    fn square_roots_are_undone_by_temperature_one_half() {
        let (rows, labels) = squeezed(5000);
        let Temperature { temperature, floor } = Temperature::fit(rows.view(), &labels);
        assert!((temperature - 0.5).abs() < 0.04, "{temperature}");
        assert!(floor < 1e-2, "{floor}");
    }

    #[test]
    fn the_decision_stays() {
        let (rows, labels) = squeezed(200);
        let mut calibrated = rows.clone();
        Temperature::fit(rows.view(), &labels).apply(&mut calibrated);
        for (before, after) in rows.rows().into_iter().zip(calibrated.rows()) {
            let largest = |row: ndarray::ArrayView1<'_, f64>| (0..3).max_by(|&a, &b| row[a].total_cmp(&row[b]));
            assert_eq!(largest(before), largest(after));
        }
    }
}
