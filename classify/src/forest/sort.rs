//! Sorting the samples of a node by rank.

/// Rank and tag of a sample in one word, ordered by rank first. A tag is a class and a weight.
pub(super) trait Key: Copy + Ord + Default {
    /// The largest of all keys, from `u64`.
    const MAX: Self;
    /// Tags hold classes above so many bits, and weights in them.
    const WEIGHT_BITS: u32;

    fn new(rank: u16, tag: u32) -> Self;
    fn rank(self) -> u16;
    fn tag(self) -> u32;

    fn class(self) -> usize {
        (self.tag() >> Self::WEIGHT_BITS) as usize
    }

    fn weight(self) -> u32 {
        self.tag() & ((1 << Self::WEIGHT_BITS) - 1)
    }
}

/// For up to 4,096 classes and weights up to 15.
impl Key for u32 {
    const MAX: Self = Self::MAX;
    const WEIGHT_BITS: u32 = 4;

    fn new(rank: u16, tag: u32) -> Self {
        Self::from(rank) << 16 | tag
    }

    fn rank(self) -> u16 {
        (self >> 16) as u16
    }

    fn tag(self) -> u32 {
        self & 0xffff
    }
}

/// For up to 65,536 classes and weights up to 65,535.
impl Key for u64 {
    const MAX: Self = Self::MAX;
    const WEIGHT_BITS: u32 = 16;

    fn new(rank: u16, tag: u32) -> Self {
        Self::from(rank) << 32 | Self::from(tag)
    }

    fn rank(self) -> u16 {
        (self >> 32) as u16
    }

    fn tag(self) -> u32 {
        self as u32
    }
}

/// Sorts `keys`, whose ranks lie in `low..=high`, by rank.
///
/// Most nodes are tiny, and what costs there is guessing branches wrongly: sorting networks have none.
pub(super) fn sort_by_rank<K: Key>(keys: &mut Vec<K>, spare: &mut Vec<K>, low: u16, high: u16) {
    match keys.len() {
        0..=4 => padded(keys, network_of_4),
        5..=8 => padded(keys, network_of_8),
        9..=16 => padded(keys, network_of_16),
        17..=32 => padded(keys, network_of_32),
        _ => by_digits(keys, spare, low, high),
    }
}

/// Sorts up to `N` keys among `N`.
fn padded<K: Key, const N: usize>(keys: &mut [K], network: impl Fn(&mut [K; N])) {
    let mut all = [K::MAX; N];
    all[..keys.len()].copy_from_slice(keys);
    network(&mut all);
    keys.copy_from_slice(&all[..keys.len()]);
}

/// K. E. Batcher, "Sorting networks and their applications", AFIPS 1968: merge exchange.
macro_rules! network {
    ($name:ident, $n:literal: $(($i:literal, $j:literal))*) => {
        fn $name<K: Key>(keys: &mut [K; $n]) {
            $((keys[$i], keys[$j]) = (keys[$i].min(keys[$j]), keys[$i].max(keys[$j]));)*
        }
    };
}

network!(network_of_4, 4: (0, 1) (2, 3) (0, 2) (1, 3) (1, 2));
network!(network_of_8, 8: (0, 1) (2, 3) (4, 5) (6, 7) (0, 2) (1, 3) (4, 6) (5, 7) (1, 2) (5, 6) (0, 4) (1, 5) (2, 6) (3, 7) (2, 4) (3, 5) (1, 2) (3, 4) (5, 6));
network!(network_of_16, 16: (0, 1) (2, 3) (4, 5) (6, 7) (8, 9) (10, 11) (12, 13) (14, 15) (0, 2) (1, 3) (4, 6) (5, 7) (8, 10) (9, 11) (12, 14) (13, 15) (1, 2) (5, 6) (9, 10) (13, 14) (0, 4) (1, 5) (2, 6) (3, 7) (8, 12) (9, 13) (10, 14) (11, 15) (2, 4) (3, 5) (10, 12) (11, 13) (1, 2) (3, 4) (5, 6) (9, 10) (11, 12) (13, 14) (0, 8) (1, 9) (2, 10) (3, 11) (4, 12) (5, 13) (6, 14) (7, 15) (4, 8) (5, 9) (6, 10) (7, 11) (2, 4) (3, 5) (6, 8) (7, 9) (10, 12) (11, 13) (1, 2) (3, 4) (5, 6) (7, 8) (9, 10) (11, 12) (13, 14));
network!(network_of_32, 32: (0, 16) (1, 17) (2, 18) (3, 19) (4, 20) (5, 21) (6, 22) (7, 23) (8, 24) (9, 25) (10, 26) (11, 27) (12, 28) (13, 29) (14, 30) (15, 31) (0, 8) (1, 9) (2, 10) (3, 11) (4, 12) (5, 13) (6, 14) (7, 15) (16, 24) (17, 25) (18, 26) (19, 27) (20, 28) (21, 29) (22, 30) (23, 31) (8, 16) (9, 17) (10, 18) (11, 19) (12, 20) (13, 21) (14, 22) (15, 23) (0, 4) (1, 5) (2, 6) (3, 7) (8, 12) (9, 13) (10, 14) (11, 15) (16, 20) (17, 21) (18, 22) (19, 23) (24, 28) (25, 29) (26, 30) (27, 31) (4, 16) (5, 17) (6, 18) (7, 19) (12, 24) (13, 25) (14, 26) (15, 27) (4, 8) (5, 9) (6, 10) (7, 11) (12, 16) (13, 17) (14, 18) (15, 19) (20, 24) (21, 25) (22, 26) (23, 27) (0, 2) (1, 3) (4, 6) (5, 7) (8, 10) (9, 11) (12, 14) (13, 15) (16, 18) (17, 19) (20, 22) (21, 23) (24, 26) (25, 27) (28, 30) (29, 31) (2, 16) (3, 17) (6, 20) (7, 21) (10, 24) (11, 25) (14, 28) (15, 29) (2, 8) (3, 9) (6, 12) (7, 13) (10, 16) (11, 17) (14, 20) (15, 21) (18, 24) (19, 25) (22, 28) (23, 29) (2, 4) (3, 5) (6, 8) (7, 9) (10, 12) (11, 13) (14, 16) (15, 17) (18, 20) (19, 21) (22, 24) (23, 25) (26, 28) (27, 29) (0, 1) (2, 3) (4, 5) (6, 7) (8, 9) (10, 11) (12, 13) (14, 15) (16, 17) (18, 19) (20, 21) (22, 23) (24, 25) (26, 27) (28, 29) (30, 31) (1, 16) (3, 18) (5, 20) (7, 22) (9, 24) (11, 26) (13, 28) (15, 30) (1, 8) (3, 10) (5, 12) (7, 14) (9, 16) (11, 18) (13, 20) (15, 22) (17, 24) (19, 26) (21, 28) (23, 30) (1, 4) (3, 6) (5, 8) (7, 10) (9, 12) (11, 14) (13, 16) (15, 18) (17, 20) (19, 22) (21, 24) (23, 26) (25, 28) (27, 30) (1, 2) (3, 4) (5, 6) (7, 8) (9, 10) (11, 12) (13, 14) (15, 16) (17, 18) (19, 20) (21, 22) (23, 24) (25, 26) (27, 28) (29, 30));

/// Digits of a radix sort have at most so many bits.
const DIGIT_BITS: u32 = 8;

/// Sorts by counting: in one pass where the ranks span few values for their number, else in two.
fn by_digits<K: Key>(keys: &mut Vec<K>, spare: &mut Vec<K>, low: u16, high: u16) {
    spare.resize(keys.len(), K::default());
    let range = u32::from(high - low);
    let bits = u32::BITS - range.leading_zeros();
    if bits <= DIGIT_BITS {
        by_digit(keys, spare, |key| usize::from(key.rank() - low));
        std::mem::swap(keys, spare);
    } else {
        let half = bits.div_ceil(2);
        let mask = (1u16 << half) - 1;
        by_digit(keys, spare, |key| usize::from((key.rank() - low) & mask));
        by_digit(spare, keys, |key| usize::from((key.rank() - low) >> half));
    }
}

/// Moves `from` to `to` in the order of `digit`, below 256; equal digits keep their order.
fn by_digit<K: Key>(from: &[K], to: &mut [K], digit: impl Fn(K) -> usize) {
    let mut places = [0u32; 1 << DIGIT_BITS];
    for &key in from {
        places[digit(key)] += 1;
    }
    let mut start = 0;
    for place in &mut places {
        start += std::mem::replace(place, start);
    }
    for &key in from {
        let place = &mut places[digit(key)];
        to[*place as usize] = key;
        *place += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check<K: Key + std::fmt::Debug>(ranks: &[u16]) {
        let mut keys: Vec<K> = ranks.iter().zip(0..).map(|(&rank, tag)| K::new(rank, tag)).collect();
        let mut expected = keys.clone();
        expected.sort_unstable();
        let (low, high) = (ranks.iter().min().unwrap(), ranks.iter().max().unwrap());
        sort_by_rank(&mut keys, &mut Vec::new(), *low, *high);
        assert_eq!(keys, expected);
    }

    proptest! {
        #[test]
        fn sorts_any_number_of_ranks_of_any_range(
            ranks in proptest::collection::vec(any::<u16>(), 1..300), shift in 0u32..16,
        ) {
            let ranks: Vec<u16> = ranks.into_iter().map(|rank| rank >> shift).collect();
            check::<u32>(&ranks);
            check::<u64>(&ranks);
        }
    }

    #[test]
    fn keys_hold_the_largest_parts() {
        let narrow = u32::new(u16::MAX, 4095 << 4 | 15);
        assert_eq!((narrow.rank(), narrow.class(), narrow.weight()), (u16::MAX, 4095, 15));
        let wide = u64::new(7, 65_535 << 16 | 65_535);
        assert_eq!((wide.rank(), wide.class(), wide.weight()), (7, 65_535, 65_535));
    }
}
