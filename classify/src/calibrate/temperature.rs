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

/// Steps at most: each of them halves what is left at least.
const STEPS: usize = 60;

/// A step by less than this part of 1/T is the last.
const SMALL: f64 = 1e-7;

impl Temperature {
    /// The least mean log loss over the rows. For one floor the loss is convex in 1/T, so has one least value.
    pub(super) fn fit(probabilities: ArrayView2<'_, f64>, labels: &[usize]) -> Self {
        let mut inverse = 1.0;
        let candidates = FLOORS.map(|half_decades| {
            let floor = 10f64.powf(f64::from(half_decades) / 2.0);
            let rows = logarithms(probabilities, labels, floor);
            // The next floor's is near to this one's.
            let (found, loss) = least(|inverse| Loss::of(&rows, inverse), inverse);
            inverse = found;
            (Self { temperature: 1.0 / found, floor }, loss)
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

/// A row of logarithms, less that of its label: those of classes of which the floor is all, most of the row, are counted, not listed.
struct Row {
    others: Vec<f64>,
    zeros: usize,
    zero: f64,
}

fn logarithms(probabilities: ArrayView2<'_, f64>, labels: &[usize], floor: f64) -> Vec<Row> {
    let floor = floor / probabilities.ncols() as f64;
    let of_row = |(row, &label): (ndarray::ArrayView1<'_, f64>, &usize)| {
        let own = (row[label] + floor).ln();
        let others: Vec<f64> = row.iter().filter(|&&p| p + floor > floor).map(|p| (p + floor).ln() - own).collect();
        Row { zeros: row.len() - others.len(), others, zero: floor.ln() - own }
    };
    probabilities.rows().into_iter().zip(labels).map(of_row).collect()
}

/// The mean over rows of ln(sum over classes of exp(b (l_c - l_label))), b the inverse of the temperature, and how it changes with b.
struct Loss {
    mean: f64,
    /// The mean of E[l], by the probabilities that exp(b l) is in proportion to.
    first: f64,
    /// The mean of Var[l].
    second: f64,
}

impl Loss {
    fn of(rows: &[Row], inverse: f64) -> Self {
        let (mut mean, mut first, mut second) = (0.0, 0.0, 0.0);
        for row in rows {
            let power = row.zeros as f64 * (inverse * row.zero).exp();
            let mut sums = [power, power * row.zero, power * row.zero * row.zero];
            for &l in &row.others {
                let power = (inverse * l).exp();
                sums[0] += power;
                sums[1] += power * l;
                sums[2] += power * l * l;
            }
            let expected = sums[1] / sums[0];
            mean += sums[0].ln();
            first += expected;
            second += sums[2] / sums[0] - expected * expected;
        }
        let n = rows.len() as f64;
        Self { mean: mean / n, first: first / n, second: second / n }
    }
}

/// The b of the least loss, and that loss: Newton's steps from `inverse`, and halves of what is left where they lead out of it.
fn least(loss: impl Fn(f64) -> Loss, mut inverse: f64) -> (f64, f64) {
    let (mut low, mut high) = (1.0 / MOST, 1.0 / LEAST);
    let mut at = loss(inverse);
    for _ in 0..STEPS {
        if at.first > 0.0 {
            high = inverse
        } else {
            low = inverse
        }
        let newton = inverse - at.first / at.second;
        // Not so either where there is no curvature, and the step no number.
        let next = if newton > low && newton < high { newton } else { (low + high) / 2.0 };
        let step = (next - inverse).abs();
        inverse = next;
        at = loss(inverse);
        if step < SMALL * inverse {
            break;
        }
    }
    (inverse, at.mean)
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
    fn no_other_temperature_does_better() {
        let (rows, labels) = squeezed(500);
        let rows = logarithms(rows.view(), &labels, 1e-3);
        for start in [0.051, 1.0, 19.0] {
            let (found, least_loss) = least(|inverse| Loss::of(&rows, inverse), start);
            for other in [0.05, 0.5 * found, 0.999 * found, 1.001 * found, 2.0 * found, 20.0] {
                assert!(Loss::of(&rows, other).mean > least_loss, "{other} beside {found} from {start}");
            }
        }
        // Who is never wrong cannot be too sure.
        let right = logarithms(ndarray::array![[0.6, 0.4], [0.3, 0.7]].view(), &[0, 1], 1e-3);
        assert!((least(|inverse| Loss::of(&right, inverse), 1.0).0 - 1.0 / LEAST).abs() < 1e-4);
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
