//! A grown tree.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Leaves of one class name it below this; others, numbered from here, keep their classes in `Tree::mixed`.
const MIXED: u32 = 1 << 16;

/// A binary tree; its nodes in preorder, so that the left child of a node is the next one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// One a leaf: its class, or [`MIXED`] and more.
    leaves: Vec<u32>,
    /// What the mixed leaf i holds is `mixed[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    mixed: Vec<ClassCount>,
}

/// 12 bytes, so that a tree of tens of thousands of rows stays in a second-level cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    /// 0 for a leaf.
    feature: u32,
    /// Of a split: the bits of its `f32` threshold. Of a leaf: its number.
    value: u32,
    /// Of a split: the right child. Of a leaf: the leaf itself, so that a row that has arrived stays.
    next: u32,
}

impl Node {
    fn is_leaf(self, at: u32) -> bool {
        self.next == at
    }
}

/// A leaf, by the number of its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf(u32);

/// How often a class occurs in a leaf; classes that do not occur are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClassCount {
    pub(super) class: u16,
    pub(super) count: u32,
}

impl Tree {
    /// A tree without nodes, to be filled in preorder.
    pub(super) fn empty() -> Self {
        Self { nodes: Vec::new(), leaves: Vec::new(), starts: vec![0], mixed: Vec::new() }
    }

    /// Appends a split whose right child is not known yet, and returns its number.
    pub(super) fn push_split(&mut self, feature: u32, threshold: f32) -> usize {
        self.nodes.push(Node { feature, value: threshold.to_bits(), next: 0 });
        self.nodes.len() - 1
    }

    /// Declares the node that will be appended next the right child of `split`.
    pub(super) fn right_child_follows(&mut self, split: usize) {
        self.nodes[split].next = self.nodes.len() as u32;
    }

    /// Appends a leaf; `held` names every class at most once, in ascending order.
    pub(super) fn push_leaf(&mut self, held: impl IntoIterator<Item = ClassCount>) {
        let start = self.mixed.len();
        self.mixed.extend(held);
        let value = match self.mixed[start..] {
            [only] => {
                self.mixed.truncate(start);
                u32::from(only.class)
            }
            _ => {
                self.starts.push(self.mixed.len() as u32);
                MIXED + self.starts.len() as u32 - 2
            }
        };
        self.nodes.push(Node { feature: 0, value: self.leaves.len() as u32, next: self.nodes.len() as u32 });
        self.leaves.push(value);
    }

    /// Gives back what it has not filled.
    pub(super) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.leaves.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.mixed.shrink_to_fit();
    }

    pub(super) fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn n_leaves(&self) -> usize {
        self.leaves.len()
    }

    /// Memory that the tree takes.
    pub(super) fn n_bytes(&self) -> usize {
        size_of_val(&*self.nodes) + size_of_val(&*self.leaves) + size_of_val(&*self.starts) + size_of_val(&*self.mixed)
    }

    /// The number of a leaf; leaves are counted from the left.
    pub(super) fn number(&self, leaf: Leaf) -> u32 {
        self.nodes[leaf.0 as usize].value
    }

    /// Adds the class fractions of a leaf to `sum`, shape `(n_classes,)`.
    pub(super) fn add_fractions(&self, leaf: Leaf, sum: &mut [f64]) {
        let value = self.leaves[self.number(leaf) as usize];
        if value < MIXED {
            sum[value as usize] += 1.0;
            return;
        }
        let held = self.held(value);
        let total: f64 = held.iter().map(|h| f64::from(h.count)).sum();
        for h in held {
            sum[usize::from(h.class)] += f64::from(h.count) / total;
        }
    }

    /// The leaves that rows fall into. A step waits for memory longer than it computes, so several rows go at once.
    pub(super) fn walk<const N: usize>(&self, rows: [&[f32]; N]) -> [Leaf; N] {
        let mut at = [0u32; N];
        loop {
            let mut moved = 0;
            for (at, row) in at.iter_mut().zip(rows) {
                let node = self.nodes[*at as usize];
                let goes_left = (row[node.feature as usize] <= f32::from_bits(node.value)) & !node.is_leaf(*at);
                // A choice without a branch, for nobody can guess it.
                let (left, right) = (*at + 1, node.next);
                let next = right ^ ((left ^ right) & u32::from(goes_left).wrapping_neg());
                moved |= *at ^ next;
                *at = next;
            }
            if moved == 0 {
                return at.map(Leaf);
            }
        }
    }

    /// The leaf that one row falls into, whose values `value` tells by feature; it is asked along the way alone.
    pub(super) fn descend(&self, mut value: impl FnMut(usize) -> f32) -> Leaf {
        let mut at = 0;
        loop {
            let node = self.nodes[at as usize];
            if node.is_leaf(at) {
                return Leaf(at);
            }
            let goes_left = value(node.feature as usize) <= f32::from_bits(node.value);
            at = if goes_left { at + 1 } else { node.next };
        }
    }

    /// The share of a class in a leaf.
    pub(super) fn fraction(&self, leaf: Leaf, class: usize) -> f64 {
        let value = self.leaves[self.number(leaf) as usize];
        if value < MIXED {
            return if value as usize == class { 1.0 } else { 0.0 };
        }
        let held = self.held(value);
        let total: f64 = held.iter().map(|h| f64::from(h.count)).sum();
        let own = held.iter().find(|h| usize::from(h.class) == class);
        own.map_or(0.0, |own| f64::from(own.count) / total)
    }

    /// The classes in a mixed leaf, named by its `value`, and how often each occurs.
    fn held(&self, value: u32) -> &[ClassCount] {
        let leaf = (value - MIXED) as usize;
        &self.mixed[self.starts[leaf] as usize..self.starts[leaf + 1] as usize]
    }
}

/// A tree as it is stored. There are no child numbers in it: preorder says it all, so they cannot be wrong.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredTree {
    /// One a node, in preorder: 0 is a leaf, else the feature + 1.
    nodes: Vec<u32>,
    /// One a split.
    thresholds: Vec<f32>,
    /// One a leaf: 0 if it is mixed, else its one class + 1.
    leaves: Vec<u32>,
    /// One a mixed leaf: how many of `mixed` are its.
    sizes: Vec<u32>,
    mixed: Vec<ClassCount>,
}

/// Why stored nodes are not a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TreeError {
    /// Nodes are missing, or left over.
    #[error("the nodes do not make one binary tree")]
    Shape,
    /// A split is on a feature that does not exist.
    #[error("node {0} splits on a feature that does not exist")]
    Feature(usize),
    /// A threshold is missing, left over, or not finite.
    #[error("the thresholds do not fit the splits")]
    Thresholds,
    /// The class counts do not belong to the leaves.
    #[error("the class counts do not fit the leaves")]
    Leaves,
    /// A leaf holds nothing, a class twice, or a class that does not exist.
    #[error("leaf {0} does not hold counts of classes")]
    Leaf(usize),
}

impl From<&Tree> for StoredTree {
    fn from(tree: &Tree) -> Self {
        let is_leaf = |&(at, node): &(u32, &Node)| node.is_leaf(at);
        let nodes = || (0..).zip(&tree.nodes);
        let class = |&value: &u32| if value < MIXED { value + 1 } else { 0 };
        Self {
            nodes: nodes().map(|node| if is_leaf(&node) { 0 } else { node.1.feature + 1 }).collect(),
            thresholds: nodes().filter(|node| !is_leaf(node)).map(|(_, node)| f32::from_bits(node.value)).collect(),
            leaves: tree.leaves.iter().map(class).collect(),
            sizes: tree.starts.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            mixed: tree.mixed.clone(),
        }
    }
}

impl StoredTree {
    /// Rebuilds the tree after checking everything that a walk relies on.
    pub(super) fn into_tree(self, n_features: usize, n_classes: usize) -> Result<Tree, TreeError> {
        let mut tree = Tree::empty();
        let mut thresholds = self.thresholds.into_iter();
        let (mut leaves, mut sizes) = (self.leaves.into_iter(), self.sizes.into_iter());
        let mut mixed = self.mixed.as_slice();
        // Splits that wait for their right child; the root waits for nothing, but a tree has one.
        let mut open: Vec<usize> = Vec::new();
        let mut complete = false;
        for (at, &stored) in self.nodes.iter().enumerate() {
            if complete {
                return Err(TreeError::Shape);
            }
            if stored != 0 {
                let feature = stored - 1;
                if feature as usize >= n_features {
                    return Err(TreeError::Feature(at));
                }
                let threshold = thresholds.next().filter(|t| t.is_finite()).ok_or(TreeError::Thresholds)?;
                open.push(tree.push_split(feature, threshold));
                continue;
            }
            let leaf = tree.n_leaves();
            match leaves.next().ok_or(TreeError::Leaves)? {
                0 => {
                    let size = sizes.next().ok_or(TreeError::Leaves)? as usize;
                    let (own, rest) = mixed.split_at_checked(size).ok_or(TreeError::Leaves)?;
                    mixed = rest;
                    let ascending = own.is_sorted_by(|a, b| a.class < b.class);
                    let valid = |h: &ClassCount| usize::from(h.class) < n_classes && h.count > 0;
                    if own.len() < 2 || !ascending || !own.iter().all(valid) {
                        return Err(TreeError::Leaf(leaf));
                    }
                    tree.push_leaf(own.iter().copied());
                }
                class if class as usize <= n_classes => {
                    tree.push_leaf([ClassCount { class: (class - 1) as u16, count: 1 }]);
                }
                _ => return Err(TreeError::Leaf(leaf)),
            }
            match open.pop() {
                Some(split) => tree.right_child_follows(split),
                None => complete = true,
            }
        }
        if !complete {
            return Err(TreeError::Shape);
        }
        if thresholds.next().is_some() {
            return Err(TreeError::Thresholds);
        }
        if leaves.next().is_some() || sizes.next().is_some() || !mixed.is_empty() {
            return Err(TreeError::Leaves);
        }
        tree.shrink();
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(class: u16, count: u32) -> ClassCount {
        ClassCount { class, count }
    }

    /// x0 <= 1 ? {0: 3} : (x1 <= -2 ? {1: 1, 2: 3} : {2: 1})
    fn tree() -> Tree {
        let mut tree = Tree::empty();
        let root = tree.push_split(0, 1.0);
        tree.push_leaf([count(0, 3)]);
        tree.right_child_follows(root);
        let inner = tree.push_split(1, -2.0);
        tree.push_leaf([count(1, 1), count(2, 3)]);
        tree.right_child_follows(inner);
        tree.push_leaf([count(2, 1)]);
        tree
    }

    #[test]
    fn at_the_threshold_a_row_goes_left() {
        let tree = tree();
        let leaves = tree.walk([&[1.0, 9.0], &[1.0 + f32::EPSILON, -2.0], &[2.0, 0.0]]);
        assert_eq!(leaves.map(|leaf| tree.number(leaf)), [0, 1, 2]);
        for (row, leaf) in [[1.0, 9.0], [1.0 + f32::EPSILON, -2.0], [2.0, 0.0]].into_iter().zip(leaves) {
            assert_eq!(tree.descend(|feature| row[feature]), leaf);
        }
    }

    #[test]
    fn leaves_give_fractions() {
        let tree = tree();
        let mut sum = [0.0; 3];
        tree.walk([&[2.0, -3.0], &[0.0, 0.0]]).into_iter().for_each(|leaf| tree.add_fractions(leaf, &mut sum));
        assert_eq!(sum, [1.0, 0.25, 0.75]);
        let mixed = tree.descend(|feature| [2.0, -3.0][feature]);
        assert_eq!([0, 1, 2].map(|class| tree.fraction(mixed, class)), [0.0, 0.25, 0.75]);
    }

    #[test]
    fn what_is_stored_comes_back() {
        assert_eq!(StoredTree::from(&tree()).into_tree(2, 3), Ok(tree()));
    }

    #[test]
    fn refuses_what_is_no_tree() {
        let broken = |change: fn(&mut StoredTree)| {
            let mut stored = StoredTree::from(&tree());
            change(&mut stored);
            stored.into_tree(2, 3).unwrap_err()
        };
        assert_eq!(broken(|s| s.nodes.clear()), TreeError::Shape);
        assert_eq!(broken(|s| s.nodes.truncate(3)), TreeError::Shape);
        assert_eq!(broken(|s| s.nodes.push(0)), TreeError::Shape);
        assert_eq!(broken(|s| s.nodes[2] = 3), TreeError::Feature(2));
        assert_eq!(broken(|s| s.nodes[0] = u32::MAX), TreeError::Feature(0));
        assert_eq!(broken(|s| s.thresholds[1] = f32::NAN), TreeError::Thresholds);
        assert_eq!(broken(|s| s.thresholds.truncate(1)), TreeError::Thresholds);
        assert_eq!(broken(|s| s.thresholds.push(0.0)), TreeError::Thresholds);
        assert_eq!(broken(|s| s.leaves.truncate(2)), TreeError::Leaves);
        assert_eq!(broken(|s| s.leaves.push(1)), TreeError::Leaves);
        assert_eq!(broken(|s| s.leaves[0] = 4), TreeError::Leaf(0));
        assert_eq!(broken(|s| s.leaves[2] = 0), TreeError::Leaves);
        assert_eq!(broken(|s| s.leaves[1] = 2), TreeError::Leaves);
        assert_eq!(broken(|s| s.sizes[0] = 3), TreeError::Leaves);
        assert_eq!(broken(|s| s.sizes.push(0)), TreeError::Leaves);
        assert_eq!(broken(|s| s.sizes[0] = 1), TreeError::Leaf(1));
        assert_eq!(broken(|s| s.mixed[1].class = 3), TreeError::Leaf(1));
        assert_eq!(broken(|s| s.mixed[1].class = 1), TreeError::Leaf(1));
        assert_eq!(broken(|s| s.mixed[0].count = 0), TreeError::Leaf(1));
    }
}
