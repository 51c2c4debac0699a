//! What traffic gives away whoever attacks: estimates of the least error of any attack, and bits.

use serde::{Deserialize, Serialize};

use crate::confidence::log_loss;
use crate::truth::{ScoreError, support};
use crate::{Interval, Probabilities, accuracy};

/// What the Bayes error, the least of any classifier, cannot be below as the number of traces grows, where the error of the nearest neighbour
/// is `error` among `classes` classes: (L - 1)/L * (1 - sqrt(1 - L/(L - 1) * min(R, (L - 1)/L))).
///
/// T. Cover, P. Hart, "Nearest neighbor pattern classification", 1967, turned into a bound for defences by G. Cherubin,
/// "Bayes, not naive: security bounds on website fingerprinting defenses", PoPETs 2017. **Asymptotic**: with a few hundred traces the error of
/// the nearest neighbour is often so far above its limit that attacks come out below this. For features without units of their
/// own other distances give other values. 0 with one class.
pub fn cover_hart_bound(error: f64, classes: usize) -> f64 {
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

/// What someone's error on traces that they had not learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorOf {
    /// An attack, or nearest neighbours and the features they are near in.
    pub by: String,
    /// The share of wrong decisions.
    pub error: f64,
}

/// An estimate of the Bayes error, the least error that any attack can have: the least error that one has.
///
/// As F-BLEAU does (G. Cherubin, K. Chatzikokolakis, C. Palamidessi, "F-BLEAU: fast black-box leakage estimation", IEEE S&P 2019), which takes
/// the least of nearest neighbours and of frequencies; here attacks count, too. An estimate, not a bound: another attack, or more traces,
/// may do better, and the least of several errors on the same traces is a little too small by chance (the interval allows for that).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BayesError {
    /// The least error.
    pub estimate: f64,
    /// Whose it is; the first of equals.
    pub by: String,
    /// 95 % interval of the least true error among these, for the chance of the traces, see [`Interval::of_least_share`].
    pub interval_95: Interval,
    /// All that were tried.
    pub tried: Vec<ErrorOf>,
}

impl BayesError {
    /// From errors on traces that are worth `n` independent ones. `None` where nobody was tried.
    pub fn least_of(tried: Vec<ErrorOf>, n: f64) -> Option<Self> {
        let least = tried.iter().min_by(|a, b| a.error.total_cmp(&b.error))?.clone();
        let shares: Vec<(f64, f64)> = tried.iter().map(|one| (one.error, n)).collect();
        let interval_95 = Interval::of_least_share(&shares)?;
        Some(Self { estimate: least.error, by: least.by, interval_95, tried })
    }
}

/// Bits that traffic gives away of the class of a trace at least, as shown by what an attack says of traces that it had not learned from. Both are
/// expectations: on n traces they are off by their chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Information {
    /// Entropy H(C) of the classes as they occur.
    pub class_entropy_bits: f64,
    /// Cross-entropy of the probabilities.
    pub cross_entropy_bits: f64,
    /// H(C) - cross-entropy, at least 0: any probabilities that were learned from other traces bound the mutual information from below
    /// (D. Barber, F. Agakov: The IM algorithm, NIPS 2003), the tighter the better they are calibrated. Probabilities that are
    /// not can show 0 where much is known.
    pub at_least_bits_by_cross_entropy: f64,
    /// Share of wrong decisions, for the most probable class.
    pub error: f64,
    /// H(C) - h(e) - e log2(L - 1), at least 0, for error e among L classes: R. M. Fano's inequality (Transmission of information, 1961), which needs
    /// no probabilities.
    pub at_least_bits_by_error: f64,
}

impl Information {
    /// From probabilities, shape `(n_traces, n_classes)`, of traces that they were not learned from; calibrated on other traces, too.
    pub fn shown_by(probabilities: &Probabilities, truth: &[usize]) -> Result<Self, ScoreError> {
        let support = support(probabilities, truth)?;
        let term = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
        let class_entropy_bits: f64 = support.iter().map(|&traces| term(traces as f64 / truth.len() as f64)).sum();
        let cross_entropy_bits = log_loss(probabilities, truth)? / std::f64::consts::LN_2;
        let error = 1.0 - accuracy(probabilities, truth)?;
        let others = support.len().saturating_sub(1).max(1) as f64;
        let unknown = term(error) + term(1.0 - error) + error * others.log2();
        Ok(Self {
            class_entropy_bits,
            cross_entropy_bits,
            at_least_bits_by_cross_entropy: (class_entropy_bits - cross_entropy_bits).max(0.0),
            error,
            at_least_bits_by_error: (class_entropy_bits - unknown).max(0.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassMap;
    use ndarray::array;

    #[test]
    fn the_bound_meets_its_ends() {
        assert_eq!(cover_hart_bound(0.0, 100), 0.0);
        assert_eq!(cover_hart_bound(0.99, 100), 0.99);
        assert_eq!(cover_hart_bound(1.0, 100), 0.99);
        assert_eq!(cover_hart_bound(0.3, 1), 0.0);
        // Two classes: (1 - sqrt(1 - 2R))/2.
        assert!((cover_hart_bound(0.18, 2) - 0.1).abs() < 1e-15);
        // The public simulated pages: 0.074 -> 0.038, 0.291 -> 0.158.
        assert!((cover_hart_bound(0.074, 100) - 0.038).abs() < 5e-4);
        assert!((cover_hart_bound(0.291, 100) - 0.158).abs() < 5e-4);
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
        let told = Information::shown_by(&certain, &[0, 1]).unwrap();
        assert!((told.at_least_bits_by_cross_entropy - 1.0).abs() < 1e-12);
        assert_eq!((told.error, told.at_least_bits_by_error), (0.0, 1.0));
        let told = Information::shown_by(&certain, &[1, 0]).unwrap();
        // Always wrong among two tells as much.
        assert_eq!((told.at_least_bits_by_cross_entropy, told.at_least_bits_by_error), (0.0, 1.0));
    }

    #[test]
    fn decisions_tell_bits_that_probabilities_hide() {
        // 61 of 100 right among 100 classes, each certain: one certain error costs as much as all that is known.
        let names: Vec<String> = (0..100).map(|class| format!("{class:02}")).collect();
        let decided = |row: usize| if row < 61 { row } else { (row + 1) % 100 };
        let rows =
            ndarray::Array2::from_shape_fn((100, 100), |(row, class)| f64::from(u8::from(class == decided(row))));
        let certain = Probabilities::new(ClassMap::from_labels(names), rows).unwrap();
        let told = Information::shown_by(&certain, &(0..100).collect::<Vec<_>>()).unwrap();
        assert_eq!(told.at_least_bits_by_cross_entropy, 0.0);
        assert!((told.at_least_bits_by_error - 3.0939).abs() < 1e-3, "{told:?}");
    }

    #[test]
    fn the_estimate_is_never_above_an_attack() {
        let of = |by: &str, error| ErrorOf { by: by.to_owned(), error };
        let tried = vec![of("nearest neighbour", 0.4), of("best", 0.196), of("k nearest", 0.42), of("again", 0.196)];
        let least = BayesError::least_of(tried, 500.0).unwrap();
        assert_eq!((least.estimate, least.by.as_str(), least.tried.len()), (0.196, "best", 4));
        assert!(least.interval_95.contains(0.196) && least.interval_95.low > 0.15 && least.interval_95.high < 0.25);
        assert_eq!(BayesError::least_of(Vec::new(), 500.0), None);
    }
}
