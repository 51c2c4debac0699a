//! The random draws of one defence for one trace.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use wfkit_metrics::seed::finalise;

use crate::simulate::load::Lot;
use crate::{DefenseError, Limit};

/// The random draws of one layer of a defence for one trace, and how many packets it may make of it.
///
/// They depend on the seed, the place and name of the layer, the packets that it is given, the load that these come from and the replica, and
/// on nothing else: not on labels, nor on the number of threads, nor on the other traces, nor on the defence's parameters (so that two
/// settings of one defence are compared on the same draws).
#[derive(Debug, Clone)]
pub struct Draws {
    stream: Xoshiro256PlusPlus,
    limit: Limit,
    used: bool,
}

impl Draws {
    /// The draws of layer number `layer`, called `defense`, for a trace. Another `replica` is another, independent
    /// realisation of the same defence on the same trace.
    pub(crate) fn new(seed: u64, layer: u64, defense: &str, lot: &Lot, replica: u64) -> Self {
        let mut state = Mixer::new(seed);
        state.word(layer);
        state.text(defense);
        state.text(&lot.origin);
        state.bytes(&lot.content);
        state.word(replica);
        Self::from_seed(state.0)
    }

    /// The draws of number `index` of what a seed is used for.
    pub(crate) fn numbered(seed: u64, index: u64) -> Self {
        let mut state = Mixer::new(seed);
        state.word(index);
        Self::from_seed(state.0)
    }

    /// Draws from a bare seed.
    pub fn from_seed(seed: u64) -> Self {
        Self { stream: Xoshiro256PlusPlus::seed_from_u64(seed), limit: Limit::DEFAULT, used: false }
    }

    /// The same, with this limit.
    pub(crate) fn within(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }

    /// How many packets the defended trace may have.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Whether the defended trace may have so many packets: to be asked before they are made.
    pub fn allow(&self, packets: usize) -> Result<(), DefenseError> {
        self.limit.allows(packets as u64)
    }

    /// Whether anything was drawn: what a defence does that draws nothing is not left to chance.
    pub fn used(&self) -> bool {
        self.used
    }

    fn next(&mut self) -> u64 {
        self.used = true;
        self.stream.next_u64()
    }

    /// Uniform on [0, 1), a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform on [`low`, `high`); `low` where they are equal.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform on the whole numbers 0..=`max`. The multiply-and-shift has a bias below `max` / 2^64.
    pub fn up_to(&mut self, max: u64) -> u64 {
        let choices = u128::from(max) + 1;
        ((u128::from(self.next()) * choices) >> 64) as u64
    }

    /// Exponential with the given mean: -mean ln(1 - u).
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Rayleigh with the given scale w, density t/w² exp(-t²/2w²): w sqrt(-2 ln(1 - u)). The share 1 - exp(-1/2) = 39.3 %
    /// falls into [0, w].
    pub fn rayleigh(&mut self, scale: f64) -> f64 {
        scale * (-2.0 * (1.0 - self.unit()).ln()).sqrt()
    }

    /// Normal with the given mean and standard deviation, by Box and Muller.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        mean + deviation * radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Geometric from 1: k with probability 2^-k, at most 64.
    pub fn geometric(&mut self) -> u64 {
        u64::from(self.next().trailing_zeros() + 1).min(64)
    }
}

/// Hashes what identifies a stream of draws, one step of the finaliser a word.
pub(crate) struct Mixer(u64);

impl Mixer {
    pub(crate) fn new(seed: u64) -> Self {
        let mut mixer = Self(0);
        mixer.word(seed);
        mixer
    }

    fn word(&mut self, word: u64) {
        self.0 = finalise(self.0 ^ word);
    }

    pub(crate) fn state(&self) -> u64 {
        self.0
    }

    /// The length goes first, so that neighbouring texts cannot trade letters.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// As [`text`](Self::text).
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: usize = 200_000;

    fn mean(mut draw: impl FnMut(&mut Draws) -> f64) -> f64 {
        let mut draws = Draws::from_seed(7);
        (0..SAMPLES).map(|_| draw(&mut draws)).sum::<f64>() / SAMPLES as f64
    }

    #[test]
    fn the_rayleigh_share_within_its_scale_is_39_percent() {
        let share = mean(|draws| f64::from(draws.rayleigh(3.0) <= 3.0));
        // standard error 0.0011
        assert!((share - 0.393_469).abs() < 0.004, "{share}");
    }

    #[test]
    fn means_are_those_of_the_distributions() {
        assert!((mean(|draws| draws.rayleigh(2.0)) - 2.0 * (std::f64::consts::PI / 2.0).sqrt()).abs() < 0.012);
        assert!((mean(|draws| draws.exponential(2.0)) - 2.0).abs() < 0.02);
        assert!((mean(|draws| draws.normal(2.0, 3.0)) - 2.0).abs() < 0.03);
        assert!((mean(|draws| draws.normal(0.0, 3.0).powi(2)) - 9.0).abs() < 0.15);
        assert!((mean(|draws| draws.uniform(1.0, 14.0)) - 7.5).abs() < 0.04);
        assert!((mean(|draws| draws.up_to(10) as f64) - 5.0).abs() < 0.03);
        assert!((mean(|draws| draws.geometric() as f64) - 2.0).abs() < 0.02);
    }

    #[test]
    fn both_ends_of_a_whole_number_range_occur() {
        let mut draws = Draws::from_seed(1);
        let mut seen = [0; 4];
        for _ in 0..4_000 {
            seen[draws.up_to(3) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| n > 880), "{seen:?}");
        assert_eq!(draws.up_to(0), 0);
    }

    #[test]
    fn everything_that_names_a_stream_changes_it() {
        let lot = |origin: &str, content| Lot { origin: origin.to_owned(), content: [content; 32] };
        let first = |mut draws: Draws| draws.next();
        let values = [
            first(Draws::new(1, 0, "front", &lot("a", 1), 0)),
            first(Draws::new(2, 0, "front", &lot("a", 1), 0)),
            first(Draws::new(1, 1, "front", &lot("a", 1), 0)),
            first(Draws::new(1, 0, "jitter", &lot("a", 1), 0)),
            first(Draws::new(1, 0, "front", &lot("b", 1), 0)),
            first(Draws::new(1, 0, "front", &lot("a", 2), 0)),
            first(Draws::new(1, 0, "front", &lot("a", 1), 1)),
        ];
        for (i, a) in values.iter().enumerate() {
            assert!(values[..i].iter().all(|b| a != b), "stream {i}");
        }
    }
}
