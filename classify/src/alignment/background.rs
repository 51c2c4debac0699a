//! A class that is everything else: no answers of its own, but those of all traffic.
//!
//! Pages that nobody monitors are of as many classes as there are pages, most of them seen once or never, so one row of match columns is not
//! what they are. As a null model in C. Barrett, R. Hughey, K. Karplus, "Scoring hidden Markov models", CABIOS 13, 1997, and as the
//! universal background model of D. A. Reynolds, T. F. Quatieri, R. B. Dunn, "Speaker verification using adapted Gaussian mixture models",
//! Digital Signal Processing 10, 2000, stands a model of order zero: tokens are independent, with the frequencies of the class, and their number is geometric. The
//! class is a mixture of this and of a profile as any class has one, learned together: a trace teaches the profile as far as it is responsible for it.

use serde::{Deserialize, Serialize};

use super::tokens::Token;

/// How much the frequencies of all traces weigh, in tokens.
const POOLED: f64 = 2.0;

/// The mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Background {
    /// Which class it is.
    pub(super) class: u32,
    /// Weight of the profile.
    profile: f64,
    /// Frequencies of tokens, f.
    frequencies: Vec<f64>,
    /// Probability that a token is the last one, g.
    last: f64,
}

impl Background {
    /// Learned from the traces of the class, but for the weight of the profile, which is 1/2.
    pub(super) fn new(class: usize, sequences: &[&[Token]], pooled: &[f64]) -> Self {
        let mut counts: Vec<f64> = pooled.iter().map(|p| POOLED * p).collect();
        for &token in sequences.iter().copied().flatten() {
            counts[token as usize] += 1.0;
        }
        let tokens: usize = sequences.iter().map(|x| x.len()).sum();
        let sum = tokens as f64 + POOLED;
        Self {
            class: class as u32,
            profile: 0.5,
            frequencies: counts.iter().map(|count| count / sum).collect(),
            last: (sequences.len() as f64 + 1.0) / (tokens as f64 + 2.0),
        }
    }

    /// ln of the model of order zero: the product of f(x_i), g (1 - g)^(n - 1).
    fn order_zero(&self, x: &[Token]) -> f64 {
        let tokens: f64 = x.iter().map(|&token| self.frequencies[token as usize].ln()).sum();
        tokens + self.last.ln() + (x.len() as f64 - 1.0) * (1.0 - self.last).ln()
    }

    /// The log likelihoods of prefixes, from those of the profile: without the end, and with (1 - g) for each token but the first.
    pub(super) fn prefixes(&self, x: &[Token], of_profile: &[f64]) -> Vec<f64> {
        let of_prefix = |(tokens, &of_profile): (usize, &f64)| {
            let x = &x[..tokens];
            let emitted: f64 = x.iter().map(|&token| self.frequencies[token as usize].ln()).sum();
            let going_on = tokens.saturating_sub(1) as f64 * (1.0 - self.last).ln();
            self.mixed(of_profile, emitted + going_on)
        };
        of_profile.iter().enumerate().map(of_prefix).collect()
    }

    /// The log likelihood of a sequence, from that of the profile.
    pub(super) fn log_likelihood(&self, x: &[Token], of_profile: f64) -> f64 {
        self.mixed(of_profile, self.order_zero(x))
    }

    /// How probably a sequence is of the profile.
    pub(super) fn responsibility(&self, x: &[Token], of_profile: f64) -> f64 {
        let (of_profile, of_zero) = self.weighed(of_profile, self.order_zero(x));
        1.0 / (1.0 + (of_zero - of_profile).exp())
    }

    /// Weighs the profile by the responsibilities it had.
    pub(super) fn weigh(&mut self, responsibilities: &[f64]) {
        self.profile = (responsibilities.iter().sum::<f64>() + 1.0) / (responsibilities.len() as f64 + 2.0);
    }

    fn weighed(&self, of_profile: f64, of_zero: f64) -> (f64, f64) {
        (self.profile.ln() + of_profile, (1.0 - self.profile).ln() + of_zero)
    }

    fn mixed(&self, of_profile: f64, of_zero: f64) -> f64 {
        let (of_profile, of_zero) = self.weighed(of_profile, of_zero);
        let larger = of_profile.max(of_zero);
        larger + ((of_profile - larger).exp() + (of_zero - larger).exp()).ln()
    }

    /// Whether these are probabilities of so many tokens, of one of the classes.
    pub(super) fn is_sound(&self, n_tokens: usize, n_classes: usize) -> bool {
        let is_inner = |p: f64| p > 0.0 && p < 1.0;
        (self.class as usize) < n_classes
            && is_inner(self.profile)
            && is_inner(self.last)
            && self.frequencies.len() == n_tokens
            && self.frequencies.iter().all(|&p| p > 0.0 && p <= 1.0)
    }
}
