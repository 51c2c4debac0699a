//! A grown tree.

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Marks a node as a leaf, in place of its feature.
const LEAF: u32 = u32::MAX;

/// A binary tree; its nodes in preorder, so that the left child of a node is the next one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// What leaf i holds is `held[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    held: Vec<ClassCount>,
}

/// Thresholds stay `f64`: rounded to `f32` they would not part all neighbouring values.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    threshold: f64,
    feature: u32,
    /// Of a split: the right child. Of a leaf: its number.
    next: u32,
}

/// How often a class occurs in a leaf; classes that do not occur are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClassCount {
    pub(super) class: u16,
    pub(super) count: u32,
}

impl Tree {
    /// A tree without nodes, to be filled in preorder.
    pub(super) fn empty() -> Self {
        Self { nodes: Vec::new(), starts: vec![0], held: Vec::new() }
    }

    /// Appends a split whose right child is not known yet, and returns its number.
    pub(super) fn push_split(&mut self, feature: u32, threshold: f64) -> usize {
        self.nodes.push(Node { threshold, feature, next: 0 });
        self.nodes.len() - 1
    }

    /// Declares the node that will be appended next the right child of `split`.
    pub(super) fn right_child_follows(&mut self, split: usize) {
        self.nodes[split].next = self.nodes.len() as u32;
    }

    /// Appends a leaf; `held` names every class at most once, in ascending order.
    pub(super) fn push_leaf(&mut self, held: impl IntoIterator<Item = ClassCount>) {
        let number = self.n_leaves() as u32;
        self.nodes.push(Node { threshold: 0.0, feature: LEAF, next: number });
        self.held.extend(held);
        self.starts.push(self.held.len() as u32);
    }

    pub(super) fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn n_leaves(&self) -> usize {
        self.starts.len() - 1
    }

    /// Memory that the tree takes.
    pub(super) fn n_bytes(&self) -> usize {
        size_of_val(&*self.nodes) + size_of_val(&*self.starts) + size_of_val(&*self.held)
    }

    /// The number of the leaf that `row` falls into; leaves are counted from the left.
    pub(super) fn leaf(&self, row: ArrayView1<'_, f64>) -> usize {
        let mut at = 0;
        loop {
            let node = &self.nodes[at];
            if node.feature == LEAF {
                return node.next as usize;
            }
            at = if row[node.feature as usize] <= node.threshold { at + 1 } else { node.next as usize };
        }
    }

    /// The classes in a leaf and how often each occurs.
    pub(super) fn held(&self, leaf: usize) -> &[ClassCount] {
        &self.held[self.starts[leaf] as usize..self.starts[leaf + 1] as usize]
    }

    /// Adds the class fractions of the leaf of `row` to `sum`, shape `(n_classes,)`.
    pub(super) fn add_fractions(&self, row: ArrayView1<'_, f64>, sum: &mut [f64]) {
        let held = self.held(self.leaf(row));
        if let [only] = held {
            sum[usize::from(only.class)] += 1.0;
            return;
        }
        let total: f64 = held.iter().map(|h| f64::from(h.count)).sum();
        for h in held {
            sum[usize::from(h.class)] += f64::from(h.count) / total;
        }
    }
}

/// A tree as it is stored. There are no child numbers in it: preorder says it all, so they cannot be wrong.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredTree {
    /// One a node, in preorder: 0 is a leaf, else the feature + 1.
    nodes: Vec<u32>,
    /// One a split.
    thresholds: Vec<f64>,
    /// One a leaf: how many of `held` are its.
    sizes: Vec<u32>,
    held: Vec<ClassCount>,
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
        let splits = tree.nodes.iter().filter(|node| node.feature != LEAF);
        Self {
            nodes: tree.nodes.iter().map(|node| node.feature.wrapping_add(1)).collect(),
            thresholds: splits.map(|node| node.threshold).collect(),
            sizes: tree.starts.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            held: tree.held.clone(),
        }
    }
}

impl StoredTree {
    /// Rebuilds the tree after checking everything that a walk relies on.
    pub(super) fn into_tree(self, n_features: usize, n_classes: usize) -> Result<Tree, TreeError> {
        let mut tree = Tree::empty();
        let mut thresholds = self.thresholds.into_iter();
        let mut sizes = self.sizes.into_iter();
        let mut held = self.held.as_slice();
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
            let size = sizes.next().ok_or(TreeError::Leaves)? as usize;
            let (own, rest) = held.split_at_checked(size).ok_or(TreeError::Leaves)?;
            held = rest;
            let ascending = own.is_sorted_by(|a, b| a.class < b.class);
            let valid = |h: &ClassCount| usize::from(h.class) < n_classes && h.count > 0;
            if own.is_empty() || !ascending || !own.iter().all(valid) {
                return Err(TreeError::Leaf(leaf));
            }
            tree.push_leaf(own.iter().copied());
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
        if sizes.next().is_some() || !held.is_empty() {
            return Err(TreeError::Leaves);
        }
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

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
        assert_eq!(tree.leaf(array![1.0, 9.0].view()), 0);
        assert_eq!(tree.leaf(array![1.0 + f64::EPSILON, -2.0].view()), 1);
        assert_eq!(tree.leaf(array![2.0, 0.0].view()), 2);
    }

    #[test]
    fn leaves_give_fractions() {
        let mut sum = [0.0; 3];
        tree().add_fractions(array![2.0, -3.0].view(), &mut sum);
        assert_eq!(sum, [0.0, 0.25, 0.75]);
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
        assert_eq!(broken(|s| s.thresholds[1] = f64::NAN), TreeError::Thresholds);
        assert_eq!(broken(|s| s.thresholds.truncate(1)), TreeError::Thresholds);
        assert_eq!(broken(|s| s.thresholds.push(0.0)), TreeError::Thresholds);
        assert_eq!(broken(|s| s.sizes[2] = 2), TreeError::Leaves);
        assert_eq!(broken(|s| s.sizes.push(0)), TreeError::Leaves);
        assert_eq!(broken(|s| s.sizes[1] = 1), TreeError::Leaves);
        assert_eq!(broken(|s| s.sizes[0] = 0), TreeError::Leaf(0));
        assert_eq!(broken(|s| s.held[2].class = 3), TreeError::Leaf(1));
        assert_eq!(broken(|s| s.held[2].class = 1), TreeError::Leaf(1));
        assert_eq!(broken(|s| s.held[0].count = 0), TreeError::Leaf(0));
    }
}
