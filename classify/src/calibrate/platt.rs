//! A sigmoid of a score.

use serde::{Deserialize, Serialize};

/// P(positive) = 1 / (1 + exp(slope * score + offset)).
///
/// J. Platt, "Probabilistic outputs for support vector machines", 1999, with his softened targets, by the Newton method of H.-T. Lin,
/// C.-J. Lin, R. C. Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68, 2007.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sigmoid {
    slope: f64,
    offset: f64,
}

/// Newton steps at most.
const STEPS: usize = 100;

impl Sigmoid {
    /// The least cross entropy of scores against softened targets: (n+ + 1)/(n+ + 2) and 1/(n- + 2).
    pub(crate) fn fit(scores: &[f64], positive: &[bool]) -> Self {
        let positives = positive.iter().filter(|&&positive| positive).count() as f64;
        let negatives = positive.len() as f64 - positives;
        let target =
            |positive: bool| if positive { (positives + 1.0) / (positives + 2.0) } else { 1.0 / (negatives + 2.0) };
        let targets: Vec<f64> = positive.iter().map(|&positive| target(positive)).collect();
        let loss = |sigmoid: Self| sigmoid.loss(scores, &targets);

        let mut best = Self { slope: 0.0, offset: ((negatives + 1.0) / (positives + 1.0)).ln() };
        let mut least = loss(best);
        for _ in 0..STEPS {
            // Gradient and Hessian of the loss; the ridge keeps the latter invertible.
            let (mut g, mut h) = ([0.0; 2], [1e-12, 0.0, 1e-12]);
            for (&score, &target) in scores.iter().zip(&targets) {
                let p = best.at(score);
                let (d1, d2) = (target - p, p * (1.0 - p));
                g = [g[0] + score * d1, g[1] + d1];
                h = [h[0] + score * score * d2, h[1] + score * d2, h[2] + d2];
            }
            if g.iter().all(|g| g.abs() < 1e-9) {
                break;
            }
            let determinant = h[0] * h[2] - h[1] * h[1];
            let step = [-(h[2] * g[0] - h[1] * g[1]) / determinant, -(h[0] * g[1] - h[1] * g[0]) / determinant];
            let slope_of_loss = g[0] * step[0] + g[1] * step[1];
            let mut halved = (0..40).map(|halvings| 0.5f64.powi(halvings)).map(|size| {
                let next = Self { slope: best.slope + size * step[0], offset: best.offset + size * step[1] };
                (next, loss(next), size)
            });
            match halved.find(|&(_, found, size)| found < least + 1e-4 * size * slope_of_loss) {
                Some((next, found, _)) => (best, least) = (next, found),
                None => break,
            }
        }
        best
    }

    /// The probability at a score.
    pub(crate) fn at(&self, score: f64) -> f64 {
        let z = self.slope * score + self.offset;
        // Neither form overflows.
        if z >= 0.0 { (-z).exp() / (1.0 + (-z).exp()) } else { 1.0 / (1.0 + z.exp()) }
    }

    fn loss(&self, scores: &[f64], targets: &[f64]) -> f64 {
        let of_row = |(score, target): (&f64, &f64)| {
            let z = self.slope * score + self.offset;
            if z >= 0.0 { target * z + (-z).exp().ln_1p() } else { (target - 1.0) * z + z.exp().ln_1p() }
        };
        scores.iter().zip(targets).map(of_row).sum()
    }

    /// Whether a larger score is a larger probability.
    pub(crate) fn rises(&self) -> bool {
        self.slope < 0.0
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.slope.is_finite() && self.offset.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_alone_is_what_the_softened_target_says() {
        let sigmoid = Sigmoid::fit(&[0.1, 0.5, 0.9], &[false; 3]);
        assert!((sigmoid.at(0.5) - 0.2).abs() < 1e-6, "{}", sigmoid.at(0.5));
        let flat = Sigmoid::fit(&[0.0; 4], &[true, false, true, false]);
        assert!((flat.at(0.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn far_scores_do_not_overflow() {
        let sigmoid = Sigmoid { slope: -1e6, offset: 0.0 };
        assert_eq!((sigmoid.at(1e6), sigmoid.at(-1e6)), (1.0, 0.0));
    }
}
