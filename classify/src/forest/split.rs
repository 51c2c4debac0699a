//! The best, or a random, cut of one node along one feature.

use super::columns::{Column, SparseRanks};
use super::sample::Sample;
use super::sort::{Key, sort_by_rank};
use super::table::{DenseRanks, View};

/// Where to cut a node: samples of rank up to `rank` go left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    pub(super) rank: u16,
    at: At,
    /// Sum of squared class counts over the sum of counts, left plus right. The weighted Gini impurity of both children is
    /// 1 - `purity` / n, so the largest `purity` is the best cut, and n says that both children hold one class each.
    pub(super) purity: f64,
}

/// The value at which a cut is made. Of all cuts that a node is offered one is made, and only for that one values are looked up.
#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    /// In the middle between the cut's rank and this one, the next in the node.
    Before(u16),
    Value(f32),
}

impl Cut {
    /// The largest value that goes left.
    pub(super) fn threshold(&self, column: &Column) -> f32 {
        match self.at {
            At::Before(next) => between(column.high(self.rank), column.low(next)),
            At::Value(value) => value,
        }
    }
}

/// What a feature has to offer to a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum BestCut {
    /// All samples have one value.
    Constant,
    /// No cut leaves enough samples on both sides.
    TooFew,
    Cut(Cut),
}

/// Searches the cuts of one node after another; what it needs for that is allocated once.
pub(super) struct Search<K> {
    /// The classes of the node at hand.
    pub(super) classes: Classes,
    keys: Vec<K>,
    spare: Vec<K>,
    /// How much of each class is not among the zeros of a sparse column; 0 between searches.
    not_zero: Vec<u32>,
    min_samples_leaf: usize,
}

/// How often each class occurs in a node, weighted.
pub(super) struct Classes {
    counts: Vec<Count>,
    /// The classes that occur.
    pub(super) present: Vec<u16>,
    pub(super) sum: u64,
    /// Sum of the squared counts.
    squares: u64,
}

/// Of one class. Side by side, because a sweep needs both at once.
#[derive(Clone, Copy, Default)]
struct Count {
    total: u32,
    /// Left of the cut; 0 between searches.
    left: u32,
}

impl Classes {
    pub(super) fn total(&self, class: u16) -> u32 {
        self.counts[usize::from(class)].total
    }

    /// The purity of the node itself, as [`Cut::purity`] is that of its children.
    pub(super) fn purity(&self) -> f64 {
        self.squares as f64 / self.sum as f64
    }

    /// Counts a node.
    fn count<K: Key>(&mut self, samples: &[Sample]) {
        for class in self.present.drain(..) {
            self.counts[usize::from(class)].total = 0;
        }
        self.sum = 0;
        for sample in samples {
            let key = K::new(0, sample.tag);
            let total = &mut self.counts[key.class()].total;
            if *total == 0 {
                self.present.push(key.class() as u16);
            }
            *total += key.weight();
            self.sum += u64::from(key.weight());
        }
        self.squares = self.present.iter().map(|&class| u64::from(self.total(class)).pow(2)).sum();
    }
}

impl<K: Key> Search<K> {
    pub(super) fn new(n_classes: usize, n_samples: usize, min_samples_leaf: usize) -> Self {
        let counts = vec![Count::default(); n_classes];
        Self {
            classes: Classes { counts, present: Vec::new(), sum: 0, squares: 0 },
            keys: Vec::with_capacity(n_samples),
            spare: Vec::new(),
            not_zero: vec![0; n_classes],
            min_samples_leaf,
        }
    }

    /// Turns to a node.
    pub(super) fn enter(&mut self, samples: &[Sample]) {
        self.classes.count::<K>(samples);
    }

    /// The cut of the largest purity along a column of these `ranks`, the first in order of rank where several have it.
    pub(super) fn best(&mut self, ranks: View<'_>, samples: &[Sample]) -> BestCut {
        let ranks = match ranks {
            View::Dense(ranks) => ranks,
            View::Sparse(ranks) => return self.best_of_sparse(ranks, samples),
        };
        let (low, high) = self.gather(ranks, samples);
        if low == high {
            return BestCut::Constant;
        }
        sort_by_rank(&mut self.keys, &mut self.spare, low, high);

        let mut sweep = Sweep::new(&mut self.classes.counts, self.classes.sum, self.classes.squares);
        let (mut largest, mut best) = (0.0, None);
        for (i, pair) in self.keys.windows(2).enumerate() {
            sweep.move_left(pair[0].class(), pair[0].weight());
            if pair[0].rank() != pair[1].rank() {
                let purity = sweep.purity();
                let (n_left, n_right) = (i + 1, samples.len() - i - 1);
                if purity > largest && n_left.min(n_right) >= self.min_samples_leaf {
                    largest = purity;
                    best = Some((pair[0].rank(), pair[1].rank()));
                }
            }
        }
        self.clear_left();
        match best {
            None => BestCut::TooFew,
            Some((rank, next)) => BestCut::Cut(Cut { rank, at: At::Before(next), purity: largest }),
        }
    }

    /// A cut at a threshold that lies `unit` of the way, in [0, 1), from the smallest to the largest value along `column`.
    pub(super) fn random(&mut self, column: &Column, ranks: View<'_>, samples: &[Sample], unit: f64) -> BestCut {
        let (low, high) = match ranks {
            View::Dense(ranks) => self.gather(ranks, samples),
            View::Sparse(ranks) => self.gather_sparse(ranks, samples),
        };
        if low == high {
            return BestCut::Constant;
        }
        let (smallest, largest) = (column.low(low), column.low(high));
        let drawn = (f64::from(smallest) * (1.0 - unit) + f64::from(largest) * unit) as f32;
        // Rounding must not reach the largest value: something has to go right.
        let drawn = if (smallest..largest).contains(&drawn) { drawn } else { smallest };
        let rank = column.rank_at(drawn);

        let mut sweep = Sweep::new(&mut self.classes.counts, self.classes.sum, self.classes.squares);
        let mut n_left = 0;
        for key in &self.keys {
            // Moving nothing costs less than a branch that nobody can predict.
            let goes_left = u32::from(key.rank() <= rank);
            sweep.move_left(key.class(), goes_left * key.weight());
            n_left += goes_left as usize;
        }
        if let View::Sparse(ranks) = ranks
            && ranks.zero <= rank
        {
            n_left += samples.len() - self.keys.len();
            sweep.move_zeros(&self.classes.present, &self.keys, &mut self.not_zero);
        }
        let purity = sweep.purity();
        self.clear_left();
        if n_left.min(samples.len() - n_left) < self.min_samples_leaf {
            return BestCut::TooFew;
        }
        BestCut::Cut(Cut { rank, at: At::Value(drawn.max(column.high(rank))), purity })
    }

    /// Fills `keys`; returns the smallest and the largest rank.
    fn gather(&mut self, ranks: DenseRanks<'_>, samples: &[Sample]) -> (u16, u16) {
        let (mut low, mut high) = (u16::MAX, 0);
        self.keys.clear();
        self.keys.extend(samples.iter().map(|sample| {
            let rank = ranks.of(sample);
            low = low.min(rank);
            high = high.max(rank);
            K::new(rank, sample.tag)
        }));
        (low, high)
    }

    /// Fills `keys` with what is not 0; returns the smallest and the largest rank, zeros included.
    fn gather_sparse(&mut self, ranks: &SparseRanks, samples: &[Sample]) -> (u16, u16) {
        let (mut low, mut high) = (u16::MAX, 0);
        self.keys.clear();
        ranks.meet(samples, |place, rank| {
            low = low.min(rank);
            high = high.max(rank);
            self.keys.push(K::new(rank, samples[place].tag));
        });
        if self.keys.len() < samples.len() { (low.min(ranks.zero), high.max(ranks.zero)) } else { (low, high) }
    }

    /// What [`best`](Self::best) does, with all zeros moved in one step.
    fn best_of_sparse(&mut self, ranks: &SparseRanks, samples: &[Sample]) -> BestCut {
        let (low, high) = self.gather_sparse(ranks, samples);
        if low == high {
            return BestCut::Constant;
        }
        sort_by_rank(&mut self.keys, &mut self.spare, low, high);

        let n_zeros = samples.len() - self.keys.len();
        let n_below = self.keys.partition_point(|key| key.rank() < ranks.zero);
        let mut sweep = Sweep::new(&mut self.classes.counts, self.classes.sum, self.classes.squares);
        let (mut largest, mut best) = (0.0, None);
        let (mut n_left, mut last) = (0, low);
        let mut arrive = |sweep: &Sweep<'_>, rank: u16, n_left: usize| {
            if rank != last {
                let purity = sweep.purity();
                if purity > largest && n_left.min(samples.len() - n_left) >= self.min_samples_leaf {
                    largest = purity;
                    best = Some((last, rank));
                }
                last = rank;
            }
        };
        for (i, key) in self.keys.iter().enumerate() {
            if i == n_below && n_zeros > 0 {
                arrive(&sweep, ranks.zero, n_left);
                sweep.move_zeros(&self.classes.present, &self.keys, &mut self.not_zero);
                n_left += n_zeros;
            }
            arrive(&sweep, key.rank(), n_left);
            sweep.move_left(key.class(), key.weight());
            n_left += 1;
        }
        if n_below == self.keys.len() && n_zeros > 0 {
            arrive(&sweep, ranks.zero, n_left);
        }
        self.clear_left();
        match best {
            None => BestCut::TooFew,
            Some((rank, next)) => BestCut::Cut(Cut { rank, at: At::Before(next), purity: largest }),
        }
    }

    fn clear_left(&mut self) {
        let Classes { counts, present, .. } = &mut self.classes;
        for &class in &*present {
            counts[usize::from(class)].left = 0;
        }
    }
}

/// The class counts on both sides of a cut that moves to the right, sample by sample.
///
/// With l of class c on the left and t in all, the squares on the right sum to sum (t - l)^2 = sum t^2 - 2 sum t l + sum l^2,
/// so that a move touches one count alone. All numbers are whole, so exact.
struct Sweep<'a> {
    counts: &'a mut [Count],
    sum: u64,
    squares: u64,
    sum_left: u64,
    squares_left: u64,
    /// Sum of total times left.
    mixed: u64,
}

impl<'a> Sweep<'a> {
    fn new(counts: &'a mut [Count], sum: u64, squares: u64) -> Self {
        Self { counts, sum, squares, sum_left: 0, squares_left: 0, mixed: 0 }
    }

    /// Moves all that is not among `keys`. What `not_zero` holds, 0 before and after, is how much of each class the keys are.
    fn move_zeros<K: Key>(&mut self, present: &[u16], keys: &[K], not_zero: &mut [u32]) {
        for key in keys {
            not_zero[key.class()] += key.weight();
        }
        for class in present.iter().map(|&class| usize::from(class)) {
            let zeros = self.counts[class].total - std::mem::take(&mut not_zero[class]);
            self.move_left(class, zeros);
        }
    }

    fn move_left(&mut self, class: usize, weight: u32) {
        let Count { total, left } = &mut self.counts[class];
        let w = u64::from(weight);
        // (l + w)^2 - l^2 = w (2 l + w)
        self.squares_left += w * (2 * u64::from(*left) + w);
        self.mixed += w * u64::from(*total);
        self.sum_left += w;
        *left += weight;
    }

    fn purity(&self) -> f64 {
        let squares_right = self.squares + self.squares_left - 2 * self.mixed;
        // Below 2^63 with fewer than 2^31 rows; signed numbers become floats in one step.
        let [l, r, sum_left, sum_right] =
            [self.squares_left, squares_right, self.sum_left, self.sum - self.sum_left].map(|n| n as i64 as f64);
        l / sum_left + r / sum_right
    }
}

/// The middle of two values: at least `low`, below `high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = f32::midpoint(low, high);
    if middle < high { middle } else { low } // neighbouring floats have no middle
}
