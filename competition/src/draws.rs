//! Random draws whose outcome an opponent sees.

use sha2::{Digest, Sha256};

/// A generator whose past and future cannot be told from the draws that were published.
///
/// SHA-256 of a key and a counter, four draws a block. Elsewhere wfkit uses a faster generator, but there nobody gains by
/// guessing its state; here the ids in the train file would give away those in the test file.
pub(crate) struct Draws {
    key: [u8; 32],
    blocks: u64,
    block: [u64; 4],
    left: usize,
}

impl Draws {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key, blocks: 0, block: [0; 4], left: 0 }
    }

    fn next(&mut self) -> u64 {
        if self.left == 0 {
            let hash = Sha256::new().chain_update(self.key).chain_update(self.blocks.to_le_bytes()).finalize();
            for (word, bytes) in self.block.iter_mut().zip(hash.chunks_exact(8)) {
                *word = u64::from_le_bytes(bytes.try_into().expect("chunks of 8 bytes"));
            }
            self.blocks += 1;
            self.left = self.block.len();
        }
        self.left -= 1;
        self.block[self.left]
    }

    /// A number from 0 to below `end`, each as likely; `end` is at least 1.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // Draws from the last, incomplete run of `end` numbers would favour the small ones.
        let complete = u64::MAX - u64::MAX % end;
        loop {
            let draw = self.next();
            if draw < complete {
                return draw % end;
            }
        }
    }

    /// Puts the items into random order, every order as likely.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let other = self.below(i as u64 + 1) as usize;
            items.swap(i, other);
        }
    }

    /// `count` different numbers from 1 to `largest`, in random order.
    ///
    /// # Panics
    /// If there are not twice as many numbers to draw from.
    pub(crate) fn distinct(&mut self, count: usize, largest: u64) -> Vec<i64> {
        assert!(count as u64 <= largest / 2, "more draws would take long");
        let mut seen = std::collections::HashSet::with_capacity(count);
        let mut drawn = Vec::with_capacity(count);
        while drawn.len() < count {
            let number = self.below(largest) as i64 + 1;
            if seen.insert(number) {
                drawn.push(number);
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_drawn_and_nothing_beyond() {
        let mut draws = Draws::new([7; 32]);
        let mut counts = [0u32; 3];
        for _ in 0..3000 {
            counts[draws.below(3) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
        assert_eq!(draws.below(1), 0);
        let mut ids = draws.distinct(50, 100);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 50);
        assert!(ids[0] >= 1 && ids[49] <= 100);
    }

    #[test]
    fn every_order_is_as_likely() {
        let mut draws = Draws::new([1; 32]);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            let mut items = [0, 1, 2];
            draws.shuffle(&mut items);
            *counts.entry(items).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_key_decides() {
        let drawn = |key| Draws::new([key; 32]).distinct(9, 1 << 31);
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }
}
