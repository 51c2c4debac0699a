//! Growing one tree.

use rand_xoshiro::Xoshiro256PlusPlus;

use super::columns::Column;
use super::split::{Cut, Offer, Sample, Search, Totals};
use super::tree::{ClassCount, Tree};
use super::{ForestParams, Thresholds};
use crate::seed::{below, unit};

/// What all trees of a forest grow from.
pub(super) struct Soil<'a> {
    pub(super) params: &'a ForestParams,
    pub(super) columns: &'a [Column],
    /// The class of every row.
    pub(super) classes: &'a [u16],
    pub(super) n_classes: usize,
}

/// Grows a tree on rows drawn `weights` times each, depth first.
pub(super) fn grow(soil: &Soil<'_>, weights: &[u16], rng: Xoshiro256PlusPlus) -> Tree {
    let drawn = |(row, (&class, &weight))| (weight > 0).then_some(Sample { row, class, weight });
    let samples: Vec<Sample> = (0..).zip(soil.classes.iter().zip(weights)).filter_map(drawn).collect();
    let mut grower = Grower {
        soil,
        rng,
        max_features: soil.params.max_features.of(soil.columns.len()),
        search: Search::new(soil.n_classes, soil.params.min_samples_leaf),
        totals: Totals { count: vec![0.0; soil.n_classes], sum: 0.0, squares: 0.0 },
        present: Vec::new(),
        right: Vec::new(),
        features: (0..soil.columns.len() as u32).collect(),
        constants: Constants { is: vec![false; soil.columns.len()], found: Vec::new() },
        tree: Tree::empty(),
        samples,
    };
    grower.run();
    grower.tree
}

struct Grower<'a> {
    soil: &'a Soil<'a>,
    rng: Xoshiro256PlusPlus,
    max_features: usize,
    search: Search,
    /// Every node owns a range of these.
    samples: Vec<Sample>,
    totals: Totals,
    /// The classes that `totals` counts.
    present: Vec<u16>,
    /// Holds the right half while a range is parted.
    right: Vec<Sample>,
    /// All features, in an order that the draws so far left behind.
    features: Vec<u32>,
    constants: Constants,
    tree: Tree,
}

/// A node still to grow.
struct Pending {
    start: usize,
    end: usize,
    depth: u32,
    /// How many features were known to be constant when its parent was split.
    constants: usize,
    /// The split whose right child this is; a left child follows its parent by itself.
    right_of: Option<usize>,
}

impl Grower<'_> {
    fn run(&mut self) {
        let mut pending = vec![Pending { start: 0, end: self.samples.len(), depth: 0, constants: 0, right_of: None }];
        while let Some(node) = pending.pop() {
            self.constants.forget_beyond(node.constants);
            if let Some(split) = node.right_of {
                self.tree.right_child_follows(split);
            }
            self.count(node.start, node.end);
            let Some((feature, cut)) = self.choose(&node) else {
                self.push_leaf();
                continue;
            };
            let split = self.tree.push_split(feature, cut.threshold);
            let middle = self.part(node.start, node.end, feature, cut.rank);
            let (depth, constants) = (node.depth + 1, self.constants.found.len());
            pending.push(Pending { start: middle, end: node.end, depth, constants, right_of: Some(split) });
            pending.push(Pending { start: node.start, end: middle, depth, constants, right_of: None });
        }
    }

    /// Counts the classes of a range into `totals`.
    fn count(&mut self, start: usize, end: usize) {
        let Totals { count, sum, squares } = &mut self.totals;
        for class in self.present.drain(..) {
            count[usize::from(class)] = 0.0;
        }
        *sum = 0.0;
        for sample in &self.samples[start..end] {
            let count = &mut count[usize::from(sample.class)];
            if *count == 0.0 {
                self.present.push(sample.class);
            }
            *count += f64::from(sample.weight);
            *sum += f64::from(sample.weight);
        }
        *squares = self.present.iter().map(|&class| count[usize::from(class)].powi(2)).sum();
    }

    /// The feature and cut that the node is split by, unless it is a leaf.
    fn choose(&mut self, node: &Pending) -> Option<(u32, Cut)> {
        let Soil { params, columns, .. } = *self.soil;
        let samples = &self.samples[node.start..node.end];
        let pure = self.present.len() == 1;
        let deep = params.max_depth.is_some_and(|max| node.depth >= max);
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
            let column = &columns[feature as usize];
            let offer = match params.thresholds {
                Thresholds::Best => self.search.best(column, samples, &self.totals),
                Thresholds::Random => self.search.random(column, samples, &self.totals, unit(&mut self.rng)),
            };
            match offer {
                Offer::Constant => self.constants.add(feature),
                Offer::TooFew => {}
                Offer::Cut(cut) => {
                    if best.is_none_or(|(_, best)| cut.purity > best.purity) {
                        best = Some((feature, cut));
                    }
                    if cut.purity == self.totals.sum {
                        break; // one class on either side: no cut is better
                    }
                }
            }
        }
        best
    }

    /// Moves the samples of rank up to `rank` before the others, keeping the order of rows on both sides, which keeps the
    /// reads of a column in order. Returns where the others start.
    fn part(&mut self, start: usize, end: usize, feature: u32, rank: u16) -> usize {
        let ranks = &self.soil.columns[feature as usize].ranks;
        self.right.clear();
        let mut middle = start;
        for at in start..end {
            let sample = self.samples[at];
            if ranks[sample.row as usize] <= rank {
                self.samples[middle] = sample;
                middle += 1;
            } else {
                self.right.push(sample);
            }
        }
        self.samples[middle..end].copy_from_slice(&self.right);
        middle
    }

    fn push_leaf(&mut self) {
        self.present.sort_unstable();
        let count = |&class: &u16| ClassCount { class, count: self.totals.count[usize::from(class)] as u32 };
        self.tree.push_leaf(self.present.iter().map(count));
    }
}

/// The features known to be constant in the node at hand: what is constant in a node is constant below it.
struct Constants {
    is: Vec<bool>,
    /// In the order in which they were found, so that those of a finished subtree can be forgotten.
    found: Vec<u32>,
}

impl Constants {
    fn add(&mut self, feature: u32) {
        self.is[feature as usize] = true;
        self.found.push(feature);
    }

    fn forget_beyond(&mut self, n: usize) {
        for feature in self.found.drain(n..) {
            self.is[feature as usize] = false;
        }
    }
}
