//! A rising function of a score.

use serde::{Deserialize, Serialize};

/// The rising function of least squared error, by pooling adjacent violators (M. Ayer et al., "An empirical distribution function for
/// sampling with incomplete information", Annals of Mathematical Statistics 26, 1955); linear between its points, constant beyond them, as
/// scikit-learn's `IsotonicRegression(out_of_bounds="clip")`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Isotonic {
    /// Scores and values, both rising; the scores strictly.
    points: Vec<(f64, f64)>,
}

/// Scores from `first` to `last` that share the mean of their values.
struct Pool {
    first: f64,
    last: f64,
    sum: f64,
    weight: f64,
}

impl Isotonic {
    /// Equal scores are one point with the mean of their values.
    pub(super) fn fit(scores: &[f64], positive: &[bool]) -> Self {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        let mut pools: Vec<Pool> = Vec::new();
        for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
            let score = scores[tied[0]];
            let sum = tied.iter().filter(|&&row| positive[row]).count() as f64;
            let mut pool = Pool { first: score, last: score, sum, weight: tied.len() as f64 };
            while let Some(before) = pools.pop_if(|before| before.sum * pool.weight >= pool.sum * before.weight) {
                pool = Pool {
                    first: before.first,
                    sum: before.sum + pool.sum,
                    weight: before.weight + pool.weight,
                    ..pool
                };
            }
            pools.push(pool);
        }
        let ends = |pool: &Pool| {
            let value = pool.sum / pool.weight;
            let last = (pool.last > pool.first).then_some((pool.last, value));
            [Some((pool.first, value)), last].into_iter().flatten()
        };
        Self { points: pools.iter().flat_map(ends).collect() }
    }

    /// The value at a score.
    pub(super) fn at(&self, score: f64) -> f64 {
        let above = self.points.partition_point(|&(x, _)| x < score);
        match (above.checked_sub(1).map(|below| self.points[below]), self.points.get(above)) {
            (None, Some(&(_, y))) | (Some((_, y)), None) => y,
            (Some((x0, y0)), Some(&(x1, y1))) => y0 + (y1 - y0) * (score - x0) / (x1 - x0),
            (None, None) => 0.0,
        }
    }

    /// Whether a larger score is anywhere a larger value.
    pub(super) fn rises(&self) -> bool {
        matches!((self.points.first(), self.points.last()), (Some(first), Some(last)) if first.1 < last.1)
    }

    pub(super) fn is_sound(&self) -> bool {
        let within = self.points.iter().all(|&(x, y)| x.is_finite() && (0.0..=1.0).contains(&y));
        within && self.points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled() {
        let curve = Isotonic::fit(&[0.1, 0.2, 0.3, 0.4, 0.4], &[false, true, false, true, true]);
        assert_eq!(curve.points, [(0.1, 0.0), (0.2, 0.5), (0.3, 0.5), (0.4, 1.0)]);
        for (score, value) in [(0.0, 0.0), (0.15, 0.25), (0.25, 0.5), (0.35, 0.75), (0.9, 1.0)] {
            assert!((curve.at(score) - value).abs() < 1e-12, "{score}");
        }
        assert!(curve.is_sound());
        let falling = Isotonic::fit(&[0.1, 0.9], &[true, false]);
        assert_eq!(falling.points, [(0.1, 0.5), (0.9, 0.5)]);
    }
}
