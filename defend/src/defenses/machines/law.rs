//! The distributions that padding machines draw from.

use crate::Draws;

/// A distribution of numbers, with the parameters of Tor's circuit padding framework.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Law {
    /// From `low` to `high`.
    Uniform { low: f64, high: f64 },
    /// Generalised Pareto from 0: sigma ((1 - u)^-xi - 1) / xi. Below 0, xi bounds it by sigma / |xi|.
    Pareto { sigma: f64, xi: f64 },
    /// The plain Pareto distribution of scale sigma / |xi| and shape 1 / |xi|, which begins at its scale, rounded: what Maybenot makes of the one above.
    PlainPareto { sigma: f64, xi: f64 },
    /// mu + sigma ln(u / (1 - u)).
    Logistic { mu: f64, sigma: f64 },
    /// alpha (u / (1 - u))^(1 / beta).
    LogLogistic { alpha: f64, beta: f64 },
    /// scale (-ln(1 - u))^(1 / shape).
    Weibull { scale: f64, shape: f64 },
}

impl Law {
    pub(super) fn draw(self, draws: &mut Draws) -> f64 {
        match self {
            Self::Uniform { low, high } => draws.uniform(low, high),
            Self::Pareto { sigma, xi } => sigma * (xi * draws.exponential(1.0)).exp_m1() / xi,
            Self::PlainPareto { sigma, xi } => (sigma / xi.abs() * (xi.abs() * draws.exponential(1.0)).exp()).round(),
            Self::Logistic { mu, sigma } => mu + sigma * logit(draws),
            Self::LogLogistic { alpha, beta } => alpha * (logit(draws) / beta).exp(),
            Self::Weibull { scale, shape } => scale * draws.exponential(1.0).powf(shape.recip()),
        }
    }
}

/// ln(u / (1 - u)), finite.
fn logit(draws: &mut Draws) -> f64 {
    let share = draws.unit().max(f64::EPSILON);
    (share / (1.0 - share)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of draws below `x`.
    fn below(law: Law, x: f64) -> f64 {
        let mut draws = Draws::from_seed(1);
        (0..40_000).filter(|_| law.draw(&mut draws) < x).count() as f64 / 40_000.0
    }

    #[test]
    fn shares_are_those_of_the_distribution_functions() {
        let (sigma, xi) = (2.0_f64, 0.5_f64);
        let pareto = |x: f64| 1.0 - (1.0 + xi * x / sigma).powf(-1.0 / xi);
        let expected = [
            (Law::Uniform { low: 4.0, high: 8.0 }, 5.0, 0.25),
            (Law::Pareto { sigma, xi }, 3.0, pareto(3.0)),
            (Law::Pareto { sigma: 7.0, xi: -1.75 }, 4.0 + 1e-9, 1.0),
            (Law::Pareto { sigma: 7.0, xi: -1.75 }, 2.0, 1.0 - 0.5_f64.powf(1.0 / 1.75)),
            (Law::PlainPareto { sigma, xi }, 4.0, 0.0),
            (Law::PlainPareto { sigma, xi }, 8.0, 1.0 - (4.0_f64 / 7.5).powi(2)),
            (Law::Logistic { mu: 1.0, sigma: 2.0 }, 3.0, 1.0 / (1.0 + (-1.0_f64).exp())),
            (Law::LogLogistic { alpha: 2.0, beta: 3.0 }, 4.0, 8.0 / 9.0),
            (Law::Weibull { scale: 2.0, shape: 3.0 }, 2.0, 1.0 - (-1.0_f64).exp()),
        ];
        for (law, x, share) in expected {
            assert!((below(law, x) - share).abs() < 0.009, "{law:?}: {}", below(law, x));
        }
    }
}
