//! What traffic gives away whoever attacks: bounds on the error of any attack, and bits.

use serde::{Deserialize, Serialize};

use crate::Probabilities;
use crate::confidence::log_loss;
use crate::truth::{ScoreError, support};

/// The least error that any classifier can have on features whose nearest-neighbour error is `error`, among `classes`
/// classes: (L - 1)/L * (1 - sqrt(1 - L/(L - 1) * min(R, (L - 1)/L))).
///
/// T. Cover, P. Hart, "Nearest neighbor pattern classification", 1967, turned into a bound for defences by G. Cherubin,
/// "Bayes, not naive: security bounds on website fingerprinting defenses", PoPETs 2017. It holds for these features and as
/// the number of traces grows; with few it is optimistic or pessimistic by chance. 0 with one class.
pub fn bayes_error_bound(error: f64, classes: usize) -> f64 {
    if classes < 2 {
        return 0.0;
    }
    let guess = (classes - 1) as f64 / classes as f64;
    guess * (1.0 - (1.0 - error.min(guess) / guess).max(0.0).sqrt())
}

/// What an error rate means against guessing, as G. Cherubin, K. Chatzikokolakis, C. Palamidessi report it ("F-BLEAU: fast
/// black-box leakage estimation", IEEE S&P 2019).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Leakage {
    /// The error rate R.
    pub error: f64,
    /// The error G of always guessing the commonest class.
    pub guess_error: f64,
    /// (1 - R)/(1 - G): how many times as often right as by guessing.
    pub multiplicative: f64,
    /// G - R.
    pub additive: f64,
    /// R/G: 1 is perfect, 0 none. Undefined, and then 1, where guessing never errs.
    pub bayes_security: f64,
    /// Min-entropy leakage, log2 of the multiplicative; in bits.
    pub min_entropy_bits: f64,
}

impl Leakage {
    /// The leakage at `error`, where guessing has `guess_error`, below 1.
    pub fn at(error: f64, guess_error: f64) -> Self {
        let multiplicative = (1.0 - error) / (1.0 - guess_error);
        Self {
            error,
            guess_error,
            multiplicative,
            additive: guess_error - error,
            bayes_security: if guess_error > 0.0 { error / guess_error } else { 1.0 },
            min_entropy_bits: multiplicative.log2(),
        }
    }
}

/// Bits that an attack has been shown to learn of the class of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Information {
    /// Entropy H(C) of the classes as they occur.
    pub class_entropy_bits: f64,
    /// Log loss of the attack.
    pub log_loss_bits: f64,
    /// H(C) - log loss, at least 0: any probabilities that were learned from other traces bound the mutual information from below
    /// (D. Barber, F. Agakov: The IM algorithm, NIPS 2003). An expectation: on n traces it is off by their chance, and better
    /// calibrated probabilities are a tighter bound.
    pub mutual_information_bits: f64,
}

impl Information {
    /// From probabilities, shape `(n_traces, n_classes)`, of traces that were not learned from.
    pub fn shown_by(probabilities: &Probabilities, truth: &[usize]) -> Result<Self, ScoreError> {
        let support = support(probabilities, truth)?;
        let share = |&traces: &u64| traces as f64 / truth.len() as f64;
        let term = |p: f64| -p * p.log2();
        let class_entropy_bits: f64 = support.iter().filter(|&&traces| traces > 0).map(share).map(term).sum();
        let log_loss_bits = log_loss(probabilities, truth)? / std::f64::consts::LN_2;
        let mutual_information_bits = (class_entropy_bits - log_loss_bits).max(0.0);
        Ok(Self { class_entropy_bits, log_loss_bits, mutual_information_bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassMap;
    use ndarray::array;

    #[test]
    fn the_bound_meets_its_ends() {
        assert_eq!(bayes_error_bound(0.0, 100), 0.0);
        assert_eq!(bayes_error_bound(0.99, 100), 0.99);
        assert_eq!(bayes_error_bound(1.0, 100), 0.99);
        assert_eq!(bayes_error_bound(0.3, 1), 0.0);
        // Two classes: (1 - sqrt(1 - 2R))/2.
        assert!((bayes_error_bound(0.18, 2) - 0.1).abs() < 1e-15);
        // The public simulated pages: 0.074 -> 0.038, 0.291 -> 0.158.
        assert!((bayes_error_bound(0.074, 100) - 0.038).abs() < 5e-4);
        assert!((bayes_error_bound(0.291, 100) - 0.158).abs() < 5e-4);
    }

    #[test]
    fn guessing_leaks_nothing_and_knowing_leaks_all() {
        let none = Leakage::at(0.75, 0.75);
        assert_eq!(
            (none.multiplicative, none.additive, none.bayes_security, none.min_entropy_bits),
            (1.0, 0.0, 1.0, 0.0)
        );
        let all = Leakage::at(0.0, 0.75);
        assert_eq!((all.multiplicative, all.additive, all.bayes_security, all.min_entropy_bits), (4.0, 0.75, 0.0, 2.0));
    }

    #[test]
    fn certainty_is_worth_the_entropy_and_error_nothing() {
        let certain = Probabilities::new(ClassMap::from_labels(["a", "b"]), array![[1.0, 0.0], [0.0, 1.0]]).unwrap();
        assert!((Information::shown_by(&certain, &[0, 1]).unwrap().mutual_information_bits - 1.0).abs() < 1e-12);
        assert_eq!(Information::shown_by(&certain, &[1, 0]).unwrap().mutual_information_bits, 0.0);
    }
}
