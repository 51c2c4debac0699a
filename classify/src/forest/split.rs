//! The best, or a random, cut of one node along one feature.

use super::columns::Column;

/// A training row in a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) row: u32,
    pub(super) class: u16,
    /// How often the bootstrap drew it.
    pub(super) weight: u16,
}

/// The class counts of a node, weighted.
#[derive(Default)]
pub(super) struct Totals {
    /// One a class.
    pub(super) count: Vec<f64>,
    pub(super) sum: f64,
    /// Sum of the squared counts.
    pub(super) squares: f64,
}

/// Where to cut a node: samples of rank up to `rank` go left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    pub(super) rank: u16,
    pub(super) threshold: f64,
    /// Sum of squared class counts over the sum of counts, left plus right. The weighted Gini impurity of both children is
    /// 1 - `purity` / n, so the largest `purity` is the best cut, and n says that both children hold one class each.
    pub(super) purity: f64,
}

/// What a feature has to offer to a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Offer {
    /// All samples have one value.
    Constant,
    /// No cut leaves enough samples on both sides.
    TooFew,
    Cut(Cut),
}

/// Working memory of the search, so that it allocates nothing.
pub(super) struct Search {
    keys: Vec<Key>,
    spare: Vec<Key>,
    /// Class counts left of the cut; zeros between searches.
    left: Vec<f64>,
    min_samples_leaf: usize,
}

impl Search {
    pub(super) fn new(n_classes: usize, min_samples_leaf: usize) -> Self {
        Self { keys: Vec::new(), spare: Vec::new(), left: vec![0.0; n_classes], min_samples_leaf }
    }

    /// The cut of the largest purity along `column`, the first in order of rank where several have it.
    pub(super) fn best(&mut self, column: &Column, samples: &[Sample], totals: &Totals) -> Offer {
        let (low, high) = self.gather(column, samples);
        if low == high {
            return Offer::Constant;
        }
        sort_by_rank(&mut self.keys, &mut self.spare, low, high);

        let mut sweep = Sweep::new(&mut self.left, totals);
        let mut best: Option<(f64, u16, u16)> = None;
        for (i, pair) in self.keys.windows(2).enumerate() {
            let (rank, next) = (pair[0].rank(), pair[1].rank());
            sweep.move_left(pair[0].class(), pair[0].weight());
            let (n_left, n_right) = (i + 1, samples.len() - i - 1);
            if rank != next && n_left.min(n_right) >= self.min_samples_leaf {
                let purity = sweep.purity();
                if best.is_none_or(|(largest, ..)| purity > largest) {
                    best = Some((purity, rank, next));
                }
            }
        }
        self.clear_left();
        match best {
            None => Offer::TooFew,
            Some((purity, rank, next)) => {
                Offer::Cut(Cut { rank, threshold: between(column.high(rank), column.low(next)), purity })
            }
        }
    }

    /// A cut at a threshold that lies `unit` of the way, in [0, 1), from the smallest to the largest value along `column`.
    pub(super) fn random(&mut self, column: &Column, samples: &[Sample], totals: &Totals, unit: f64) -> Offer {
        let (low, high) = self.gather(column, samples);
        if low == high {
            return Offer::Constant;
        }
        let (smallest, largest) = (column.low(low), column.low(high));
        let drawn = smallest * (1.0 - unit) + largest * unit;
        // Rounding must not reach the largest value: something has to go right.
        let drawn = if (smallest..largest).contains(&drawn) { drawn } else { smallest };
        let rank = column.rank_at(drawn);

        let mut sweep = Sweep::new(&mut self.left, totals);
        let mut n_left = 0;
        for key in &self.keys {
            // Moving nothing costs less than a branch that nobody can predict.
            let goes_left = u16::from(key.rank() <= rank);
            sweep.move_left(key.class(), goes_left * key.weight());
            n_left += usize::from(goes_left);
        }
        let purity = sweep.purity();
        self.clear_left();
        if n_left.min(samples.len() - n_left) < self.min_samples_leaf {
            return Offer::TooFew;
        }
        Offer::Cut(Cut { rank, threshold: drawn.max(column.high(rank)), purity })
    }

    /// Fills `keys`; returns the smallest and the largest rank.
    fn gather(&mut self, column: &Column, samples: &[Sample]) -> (u16, u16) {
        let (mut low, mut high) = (u16::MAX, 0);
        self.keys.clear();
        self.keys.extend(samples.iter().map(|sample| {
            let rank = column.ranks[sample.row as usize];
            low = low.min(rank);
            high = high.max(rank);
            Key::new(rank, sample)
        }));
        (low, high)
    }

    fn clear_left(&mut self) {
        for key in &self.keys {
            self.left[usize::from(key.class())] = 0.0;
        }
    }
}

/// The class counts on both sides of a cut that moves to the right, sample by sample. All numbers are whole, so exact.
struct Sweep<'a> {
    totals: &'a Totals,
    left: &'a mut [f64],
    sum_left: f64,
    squares_left: f64,
    squares_right: f64,
}

impl<'a> Sweep<'a> {
    fn new(left: &'a mut [f64], totals: &'a Totals) -> Self {
        Self { totals, left, sum_left: 0.0, squares_left: 0.0, squares_right: totals.squares }
    }

    fn move_left(&mut self, class: u16, weight: u16) {
        let (class, weight) = (usize::from(class), f64::from(weight));
        let left = self.left[class];
        let right = self.totals.count[class] - left;
        // (c + w)^2 - c^2 = w (2c + w), and likewise for the side that loses w.
        self.squares_left += weight * (2.0 * left + weight);
        self.squares_right -= weight * (2.0 * right - weight);
        self.sum_left += weight;
        self.left[class] = left + weight;
    }

    fn purity(&self) -> f64 {
        self.squares_left / self.sum_left + self.squares_right / (self.totals.sum - self.sum_left)
    }
}

/// Rank, class and weight of a sample in one word, ordered by rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Key(u64);

impl Key {
    fn new(rank: u16, sample: &Sample) -> Self {
        Self(u64::from(rank) << 32 | u64::from(sample.class) << 16 | u64::from(sample.weight))
    }

    fn rank(self) -> u16 {
        (self.0 >> 32) as u16
    }

    fn class(self) -> u16 {
        (self.0 >> 16) as u16
    }

    fn weight(self) -> u16 {
        self.0 as u16
    }
}

/// Below this many keys insertion is quickest.
const INSERTION: usize = 32;

/// Sorts `keys`, whose ranks lie in `low..=high`, by rank.
fn sort_by_rank(keys: &mut Vec<Key>, spare: &mut Vec<Key>, low: u16, high: u16) {
    if keys.len() <= INSERTION {
        for i in 1..keys.len() {
            let key = keys[i];
            let mut at = i;
            while at > 0 && keys[at - 1] > key {
                keys[at] = keys[at - 1];
                at -= 1;
            }
            keys[at] = key;
        }
        return;
    }
    spare.resize(keys.len(), Key::default());
    let range = usize::from(high - low);
    counting_pass(keys, spare, range.min(0xff), |key| usize::from((key.rank() - low) & 0xff));
    std::mem::swap(keys, spare);
    if range > 0xff {
        counting_pass(keys, spare, range >> 8, |key| usize::from((key.rank() - low) >> 8));
        std::mem::swap(keys, spare);
    }
}

/// Moves `from` to `to` in the order of `digit`, which is at most `last`, at most 255; equal digits keep their order.
fn counting_pass(from: &[Key], to: &mut [Key], last: usize, digit: impl Fn(Key) -> usize) {
    let mut places = [0u32; 256];
    let place = &mut places[..=last];
    for &key in from {
        place[digit(key)] += 1;
    }
    let mut start = 0;
    for slot in place.iter_mut() {
        start += std::mem::replace(slot, start);
    }
    for &key in from {
        let slot = &mut place[digit(key)];
        to[*slot as usize] = key;
        *slot += 1;
    }
}

/// The middle of two values: at least `low`, below `high`.
fn between(low: f64, high: f64) -> f64 {
    let middle = f64::midpoint(low, high);
    if middle < high { middle } else { low } // neighbouring floats have no middle
}
