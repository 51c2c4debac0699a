//! Growing one tree.

use std::ops::Range;

use rand_xoshiro::Xoshiro256PlusPlus;

use super::sample::Sample;
use super::sort::Key;
use super::split::{BestCut, Cut, Search};
use super::table::{Table, View};
use super::tree::{ClassCount, Place, Tree};
use super::{ForestParams, Thresholds};
use crate::seed::{below, unit};

/// What all trees of a forest grow from.
pub(super) struct TreeInput<'a> {
    pub(super) params: &'a ForestParams,
    pub(super) table: &'a Table,
    /// The class of every row.
    pub(super) classes: &'a [u16],
    pub(super) n_classes: usize,
}

/// Grows a tree on rows drawn `weights` times each: depth first, or best first where leaves are limited.
pub(super) fn grow(input: &TreeInput<'_>, weights: &[u16], rng: Xoshiro256PlusPlus) -> Tree {
    let most = weights.iter().max().map_or(0, |&most| u32::from(most));
    if input.n_classes <= 1 << (16 - u32::WEIGHT_BITS) && most < 1 << u32::WEIGHT_BITS {
        Grower::<u32>::new(input, weights, rng).run()
    } else {
        Grower::<u64>::new(input, weights, rng).run()
    }
}

pub(super) struct Grower<'a, K> {
    pub(super) input: &'a TreeInput<'a>,
    rng: Xoshiro256PlusPlus,
    max_features: usize,
    pub(super) search: Search<K>,
    /// Every node owns a range of these.
    pub(super) samples: Vec<Sample>,
    /// Holds the right half while a range is parted.
    right: Vec<Sample>,
    /// All features, in an order that the draws so far left behind.
    features: Vec<u32>,
    pub(super) constants: Constants,
    /// How many of the constants are constant in all rows; they were found first.
    pub(super) constant_in_all: usize,
    pub(super) tree: Tree,
}

/// A node still to grow.
struct Pending {
    start: usize,
    end: usize,
    depth: u32,
    /// How many features were known to be constant when its parent was split.
    constants: usize,
    place: Place,
}

impl<'a, K: Key> Grower<'a, K> {
    fn new(input: &'a TreeInput<'a>, weights: &[u16], rng: Xoshiro256PlusPlus) -> Self {
        let tag = |class, weight| u32::from(class) << K::WEIGHT_BITS | u32::from(weight);
        let drawn = |(row, (&class, &weight))| (weight > 0).then(|| Sample { row, tag: tag(class, weight) });
        let samples: Vec<Sample> = (0..).zip(input.classes.iter().zip(weights)).filter_map(drawn).collect();
        let columns = input.table.columns();
        let mut constants = Constants { is: vec![false; columns.len()], found: Vec::new() };
        for (feature, _) in (0..).zip(columns).filter(|(_, column)| column.is_constant()) {
            constants.add(feature);
        }
        Self {
            input,
            rng,
            max_features: input.params.max_features.of(columns.len()),
            search: Search::new(input.n_classes, samples.len(), input.params.min_samples_leaf),
            right: vec![Sample::default(); samples.len()],
            samples,
            features: (0..columns.len() as u32).collect(),
            constant_in_all: constants.found.len(),
            constants,
            tree: Tree::empty(),
        }
    }

    fn run(mut self) -> Tree {
        match self.input.params.max_leaf_nodes {
            None => self.depth_first(),
            Some(leaves) => self.best_first(leaves as usize),
        }
        self.tree.shrink();
        self.tree
    }

    fn depth_first(&mut self) {
        let constants = self.constant_in_all;
        let mut pending = vec![Pending { start: 0, end: self.samples.len(), depth: 0, constants, place: Place::Root }];
        while let Some(node) = pending.pop() {
            self.constants.forget_beyond(node.constants);
            self.search.enter(&self.samples[node.start..node.end]);
            let Some((feature, cut)) = self.choose(node.start..node.end, node.depth) else {
                self.push_leaf(node.place);
                continue;
            };
            let split = self.push_split(node.place, feature, &cut);
            let middle = self.part(node.start, node.end, feature, cut.rank);
            let (depth, constants) = (node.depth + 1, self.constants.found.len());
            pending.push(Pending { start: middle, end: node.end, depth, constants, place: Place::Right(split) });
            pending.push(Pending { start: node.start, end: middle, depth, constants, place: Place::Left(split) });
        }
    }

    /// The feature and cut that the node at hand is split by, unless it is a leaf.
    pub(super) fn choose(&mut self, node: Range<usize>, depth: u32) -> Option<(u32, Cut)> {
        let TreeInput { params, table, .. } = *self.input;
        let samples = &self.samples[node];
        let pure = self.search.classes.present.len() == 1;
        let deep = params.max_depth.is_some_and(|max| depth >= max);
        let few = samples.len() < params.min_samples_split || samples.len() < 2 * params.min_samples_leaf;
        if pure || deep || few {
            return None;
        }
        let mut best: Option<(u32, Cut)> = None;
        for drawn in 0..self.features.len() {
            if drawn >= self.max_features && best.is_some() {
                break;
            }
            let other = drawn + below(&mut self.rng, self.features.len() - drawn);
            self.features.swap(drawn, other);
            let feature = self.features[drawn];
            if self.constants.is[feature as usize] {
                continue;
            }
            let ranks = table.view(feature, samples.len());
            let offer = match params.thresholds {
                Thresholds::Best => self.search.best(ranks, samples),
                Thresholds::Random => {
                    let column = &table.columns()[feature as usize];
                    self.search.random(column, ranks, samples, unit(&mut self.rng))
                }
            };
            match offer {
                BestCut::Constant => self.constants.add(feature),
                BestCut::TooFew => {}
                BestCut::Cut(cut) => {
                    if best.is_none_or(|(_, best)| cut.purity > best.purity) {
                        best = Some((feature, cut));
                    }
                    if cut.purity == self.search.classes.sum as f64 {
                        break; // one class on either side: no cut is better
                    }
                }
            }
        }
        best
    }

    /// Moves the samples of rank up to `rank` before the others, keeping the order of rows on both sides, which keeps the
    /// reads of a column in order. Returns where the others start.
    pub(super) fn part(&mut self, start: usize, end: usize, feature: u32, rank: u16) -> usize {
        let samples = &mut self.samples[start..end];
        let n_left = match self.input.table.view(feature, samples.len()) {
            View::Dense(ranks) => part_by(samples, &mut self.right, |_, sample| ranks.of(sample) <= rank),
            View::Sparse(ranks) => {
                let mut others = Vec::new();
                let zero_goes_left = ranks.zero <= rank;
                ranks.meet(samples, |place, other| {
                    if (other <= rank) != zero_goes_left {
                        others.push(place);
                    }
                });
                let mut next = others.into_iter().peekable();
                part_by(samples, &mut self.right, |place, _| next.next_if_eq(&place).is_some() != zero_goes_left)
            }
        };
        start + n_left
    }

    /// Returns the number of the split.
    pub(super) fn push_split(&mut self, place: Place, feature: u32, cut: &Cut) -> u32 {
        let column = &self.input.table.columns()[feature as usize];
        self.tree.push_split(place, feature, cut.threshold(column))
    }

    pub(super) fn push_leaf(&mut self, place: Place) {
        let classes = &mut self.search.classes;
        classes.present.sort_unstable();
        let count = |&class: &u16| ClassCount { class, count: classes.total(class) };
        self.tree.push_leaf(place, classes.present.iter().map(count));
    }
}

/// Moves samples that go left before the others, in their order, by way of `right`. Returns how many they are.
fn part_by(samples: &mut [Sample], right: &mut [Sample], mut goes_left: impl FnMut(usize, &Sample) -> bool) -> usize {
    let (mut n_left, mut n_right) = (0, 0);
    for at in 0..samples.len() {
        // Written to both sides, and kept on one: no branch to guess.
        let sample = samples[at];
        let goes_left = usize::from(goes_left(at, &sample));
        samples[n_left] = sample;
        right[n_right] = sample;
        n_left += goes_left;
        n_right += 1 - goes_left;
    }
    samples[n_left..].copy_from_slice(&right[..n_right]);
    n_left
}

/// The features known to be constant in the node at hand: what is constant in a node is constant below it.
pub(super) struct Constants {
    is: Vec<bool>,
    /// In the order in which they were found, so that those of a finished subtree can be forgotten.
    found: Vec<u32>,
}

impl Constants {
    fn add(&mut self, feature: u32) {
        self.is[feature as usize] = true;
        self.found.push(feature);
    }

    pub(super) fn forget_beyond(&mut self, n: usize) {
        for feature in self.found.drain(n..) {
            self.is[feature as usize] = false;
        }
    }
}
