//! Random streams that depend on a seed and on what they are for, on nothing else.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_metrics::seed::mix;

/// The stream for `index` under `seed`, as for the trees of one forest.
pub(crate) fn stream(seed: u64, index: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(mix(seed, index))
}

/// A whole number in `0..n`, by one multiplication; its bias is below `n` / 2^32.
pub(crate) fn below(rng: &mut impl Rng, n: usize) -> usize {
    ((u64::from(rng.next_u32()) * n as u64) >> 32) as usize
}

/// A number in `[0, 1)`, a multiple of 2^-53.
pub(crate) fn unit(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// The numbers below `n` in a random order.
pub(crate) fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(&mut order, &mut stream(seed, 0));
    order
}

/// Puts the items into a random order, each as likely as any other: R. A. Fisher, F. Yates, Statistical Tables, 1938.
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(rng, i + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_reaches_both_ends_and_no_further() {
        let mut rng = stream(1, 2);
        let drawn: Vec<usize> = (0..1000).map(|_| below(&mut rng, 3)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&0), Some(&2)));
        assert!((0..1000).map(|_| unit(&mut rng)).all(|u| (0.0..1.0).contains(&u)));
    }
}
