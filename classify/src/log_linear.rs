//! What several members say, joined: the probability of a class is in proportion to the product of what each says of it, raised to the
//! weight of the member.
//!
//! The logarithmic opinion pool: C. Genest, J. V. Zidek, "Combining probability distributions: a critique and an annotated bibliography",
//! Statistical Science 1, 1986. Weights are those of the least log loss on rows that no member learned from, which is convex in them; one
//! member's weight is the inverse of its temperature, so a pool is calibrated by the fit that joins it.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// Weights are sought from 0 up to here.
pub(crate) const MOST: f64 = 3.0;

/// Steps at most; a handful is enough.
const STEPS: usize = 60;

/// Slopes of the mean log loss below which it is at its least.
const FLAT: f64 = 1e-11;

/// Rows that one thread adds up.
const CHUNK: usize = 128;

/// Weights, and what they were found by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fitted {
    /// One a member, in `[0, 3]`.
    pub(crate) weights: Vec<f64>,
    /// The mean log loss with them, in nats; NaN where nothing can be fitted.
    pub(crate) loss: f64,
}

/// The weights of the least log loss. Each member has a score for each row and class, shape `(n_rows, n_classes)`: a log likelihood or the
/// logarithm of a probability. Without rows of two classes all weights are 1: rows of one class would only teach to name it always.
///
/// Newton's method on those weights that no bound holds: D. P. Bertsekas, "Projected Newton methods for optimization problems with simple
/// constraints", SIAM Journal on Control and Optimization 20, 1982.
pub(crate) fn fit(members: &[ArrayView2<'_, f64>], labels: &[usize]) -> Fitted {
    let mut weights = vec![1.0; members.len()];
    if labels.iter().all(|label| Some(label) == labels.first()) {
        return Fitted { weights, loss: f64::NAN };
    }
    let mut at = Slopes::of(members, labels, &weights);
    for _ in 0..STEPS {
        let holds =
            |m: &usize| (weights[*m] <= 0.0 && at.first[*m] > 0.0) || (weights[*m] >= MOST && at.first[*m] < 0.0);
        let free: Vec<usize> = (0..weights.len()).filter(|m| !holds(m)).collect();
        if free.iter().all(|&m| at.first[m].abs() < FLAT) {
            break;
        }
        let step = at.newton_step(&free);
        let moved = |part: f64| -> Vec<f64> {
            let mut moved = weights.clone();
            free.iter().zip(&step).for_each(|(&m, step)| moved[m] = (weights[m] + part * step).clamp(0.0, MOST));
            moved
        };
        let parts = (0..30).map(|halvings| 0.5f64.powi(halvings));
        let better = parts.map(moved).find_map(|moved| {
            let slopes = Slopes::of(members, labels, &moved);
            (slopes.loss < at.loss).then_some((moved, slopes))
        });
        match better {
            Some(next) => (weights, at) = next,
            None => break,
        }
    }
    Fitted { weights, loss: at.loss }
}

/// Probabilities of all members together, shape `(n_rows, n_classes)`; rows sum to 1.
pub(crate) fn join(members: &[ArrayView2<'_, f64>], weights: &[f64]) -> Array2<f64> {
    let mut joined = Array2::zeros(members[0].dim());
    for (scores, &weight) in members.iter().zip(weights) {
        joined.scaled_add(weight, scores);
    }
    for mut row in joined.rows_mut() {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.mapv_inplace(|score| (score - largest).exp());
        let sum = row.sum();
        row /= sum;
    }
    joined
}

/// The mean log loss at some weights, and how it changes with them.
struct Slopes {
    loss: f64,
    first: Vec<f64>,
    /// Shape `(n_members, n_members)`, row after row.
    second: Vec<f64>,
}

impl Slopes {
    /// Over rows with probabilities p and scores s_m, the first is the mean of E[s_m] - s_m(label), the second that of Cov(s_m, s_n), expectations
    /// being over classes by p.
    fn of(members: &[ArrayView2<'_, f64>], labels: &[usize], weights: &[f64]) -> Self {
        let n = members.len();
        let of_chunk = |(chunk, labels): (usize, &[usize])| {
            let mut sums = Self { loss: 0.0, first: vec![0.0; n], second: vec![0.0; n * n] };
            let mut joined = Vec::new();
            for (row, &label) in (chunk * CHUNK..).zip(labels) {
                let rows: Vec<_> = members.iter().map(|scores| scores.row(row)).collect();
                let score =
                    |class: usize| rows.iter().zip(weights).map(|(row, weight)| weight * row[class]).sum::<f64>();
                joined.clear();
                joined.extend((0..rows[0].len()).map(score));
                let largest = joined.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                sums.loss += largest - joined[label];
                joined.iter_mut().for_each(|score| *score = (*score - largest).exp());
                let total: f64 = joined.iter().sum();
                sums.loss += total.ln();
                let mean = |f: &dyn Fn(usize) -> f64| {
                    joined.iter().enumerate().map(|(class, p)| p * f(class)).sum::<f64>() / total
                };
                let means: Vec<f64> = rows.iter().map(|row| mean(&|class| row[class])).collect();
                for a in 0..n {
                    sums.first[a] += means[a] - rows[a][label];
                    for b in a..n {
                        let covariance = mean(&|class| (rows[a][class] - means[a]) * (rows[b][class] - means[b]));
                        sums.second[a * n + b] += covariance;
                        sums.second[b * n + a] = sums.second[a * n + b];
                    }
                }
            }
            sums
        };
        let chunks: Vec<Self> = labels.par_chunks(CHUNK).enumerate().map(of_chunk).collect();
        let mean = |of: &dyn Fn(&Self) -> f64| chunks.iter().map(of).sum::<f64>() / labels.len() as f64;
        Self {
            loss: mean(&|chunk| chunk.loss),
            first: (0..n).map(|m| mean(&|chunk| chunk.first[m])).collect(),
            second: (0..n * n).map(|place| mean(&|chunk| chunk.second[place])).collect(),
        }
    }

    /// The step to where the slopes of these members would vanish, were the loss a parabola.
    fn newton_step(&self, members: &[usize]) -> Vec<f64> {
        let all = self.first.len();
        let mut rows: Vec<Vec<f64>> = members
            .iter()
            .map(|&a| members.iter().map(|&b| self.second[a * all + b]).chain([-self.first[a]]).collect())
            .collect();
        let n = members.len();
        // Where members say the same, or nothing is wrong, there is no curvature left to divide by.
        let least = 1e-12 + 1e-10 * (0..n).map(|m| rows[m][m]).sum::<f64>();
        (0..n).for_each(|m| rows[m][m] += least);
        for pivot in 0..n {
            let (above, below) = rows.split_at_mut(pivot + 1);
            let by = &above[pivot];
            for row in below {
                let factor = row[pivot] / by[pivot];
                row[pivot..].iter_mut().zip(&by[pivot..]).for_each(|(value, by)| *value -= factor * by);
            }
        }
        let mut step = vec![0.0; n];
        for row in (0..n).rev() {
            let known: f64 = (row + 1..n).map(|column| rows[row][column] * step[column]).sum();
            step[row] = (rows[row][n] - known) / rows[row][row];
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{stream, unit};

    #[test]
    fn too_sure_answers_are_made_less_sure() {
        // One of four is wrong by 2: odds of 3 are exp(a 2).
        let scores = Array2::from_shape_fn((4, 2), |(_, class)| -2.0 * class as f64);
        let found = fit(&[scores.view()], &[0, 0, 0, 1]);
        assert!((found.weights[0] - 3f64.ln() / 2.0).abs() < 1e-9, "{found:?}");
        assert!((found.loss - (0.75 * -(0.75f64.ln()) + 0.25 * -(0.25f64.ln()))).abs() < 1e-12);
        let never_wrong = fit(&[ndarray::array![[0.0, -2.0], [-2.0, 0.0]].view()], &[0, 1]);
        assert_eq!(never_wrong.weights, [MOST]);
        for of_one_class in [&[][..], &[0, 0, 0, 0]] {
            let nothing = fit(&[Array2::zeros((of_one_class.len(), 2)).view()], of_one_class);
            assert!(nothing.weights == [1.0] && nothing.loss.is_nan());
        }
    }

    /// Labels drawn from a pool of two members with known weights, and a third that is noise.
    fn drawn(rows: usize) -> (Vec<Array2<f64>>, Vec<usize>) {
        let mut rng = stream(5, 0);
        let members: Vec<Array2<f64>> =
            (0..3).map(|_| Array2::from_shape_simple_fn((rows, 4), || 4.0 * unit(&mut rng))).collect();
        let joined = join(&[members[0].view(), members[1].view()], &[0.5, 1.2]);
        let draw = |row: ndarray::ArrayView1<'_, f64>| {
            let mut left = unit(&mut rng);
            row.iter()
                .position(|p| {
                    left -= p;
                    left < 0.0
                })
                .unwrap_or(row.len() - 1)
        };
        let labels = joined.rows().into_iter().map(draw).collect();
        (members, labels)
    }

    #[test]
    fn weights_are_found_again_and_noise_has_none() {
        let (members, labels) = drawn(40_000);
        let views: Vec<_> = members.iter().map(|scores| scores.view()).collect();
        let found = fit(&views, &labels);
        for (found, expected) in found.weights.iter().zip([0.5, 1.2, 0.0]) {
            assert!((found - expected).abs() < 0.03, "{found} for {expected}");
        }
        // No step to any side does better.
        for m in 0..3 {
            for step in [-1e-3, 1e-3] {
                let mut near = found.weights.clone();
                near[m] = (near[m] + step).clamp(0.0, MOST);
                assert!(Slopes::of(&views, &labels, &near).loss >= found.loss - 1e-12);
            }
        }
    }

    #[test]
    fn what_speaks_against_the_truth_has_weight_zero() {
        let (members, labels) = drawn(5000);
        let against = -&members[0];
        let found = fit(&[against.view(), members[1].view()], &labels);
        assert_eq!(found.weights[0], 0.0);
        let alone = fit(&[members[1].view()], &labels);
        assert!((found.weights[1] - alone.weights[0]).abs() < 1e-9 && (found.loss - alone.loss).abs() < 1e-12);
        let twice = fit(&[members[0].view(), members[0].view()], &labels);
        let once = fit(&[members[0].view()], &labels);
        assert!((twice.loss - once.loss).abs() < 1e-9, "a member that is there twice changes nothing");
    }

    #[test]
    fn joined_rows_are_distributions_however_far_scores_are_apart() {
        let scores = ndarray::array![[0.0, -1e6, -3.0], [-60.0, -60.0, -60.0]];
        let joined = join(&[scores.view()], &[1.0]);
        assert!(joined.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12), "{joined}");
        assert_eq!(joined[(0, 1)], 0.0);
    }
}
