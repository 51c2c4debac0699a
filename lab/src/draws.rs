//! Random numbers that several workloads draw.

use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;

/// A number from a normal distribution of mean 0 and deviation 1 (G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates",
/// Annals of Mathematical Statistics 29, 1958).
pub(crate) fn normal(randomness: &mut Xoshiro256PlusPlus) -> f64 {
    let (radius, angle): (f64, f64) = (randomness.random_range(f64::MIN_POSITIVE..1.0), randomness.random());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}
