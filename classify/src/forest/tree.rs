//! A grown tree.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Leaves of one class name it below this; others, numbered from here, keep their classes in `Tree::mixed`.
const MIXED: u32 = 1 << 16;

/// Rows that walk down a tree together.
const TOGETHER: usize = 8;

/// Children below this are splits; others, numbered from here, are leaves.
const LEAF: u32 = 1 << 31;

/// A binary tree, stored as a [`StoredTree`]. Grown depth first, its splits are in preorder and its leaves counted from the left.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "StoredTree")]
pub(super) struct Tree {
    /// The first is the root; none if that is a leaf.
    splits: Vec<Split>,
    /// One a leaf: its class, or [`MIXED`] and more.
    leaves: Vec<u32>,
    /// What the mixed leaf i holds is `mixed[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    mixed: Vec<ClassCount>,
}

/// Leaves need no node, so this is 8 bytes a node: a tree of tens of thousands of rows stays in a second-level cache.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Split {
    feature: u32,
    threshold: f32,
    /// Left, right: a split, or [`LEAF`] and the number of a leaf.
    children: [u32; 2],
}

/// Where a node hangs: under a split, on a side; or nowhere, which is the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    Left(u32),
    Right(u32),
}

/// A leaf, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Leaf(u32);

/// What a leaf says of the rows in it: its class, or [`MIXED`] and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeafValue(u32);

impl LeafValue {
    /// Of a row that a tree does not judge.
    pub(super) const NOTHING: Self = Self(u32::MAX);
}

/// How often a class occurs in a leaf; classes that do not occur are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClassCount {
    pub(super) class: u16,
    pub(super) count: u32,
}

impl Tree {
    /// A tree without nodes, to be filled from the root downwards.
    pub(super) fn empty() -> Self {
        Self { splits: Vec::new(), leaves: Vec::new(), starts: vec![0], mixed: Vec::new() }
    }

    /// Appends a split, whose children are not known yet, and returns its number.
    pub(super) fn push_split(&mut self, place: Place, feature: u32, threshold: f32) -> u32 {
        let number = self.splits.len() as u32;
        self.hang(place, number);
        self.splits.push(Split { feature, threshold, children: [LEAF; 2] });
        number
    }

    /// Appends a leaf; `held` names every class at most once, in ascending order.
    pub(super) fn push_leaf(&mut self, place: Place, held: impl IntoIterator<Item = ClassCount>) {
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
        self.hang(place, LEAF | self.leaves.len() as u32);
        self.leaves.push(value);
    }

    fn hang(&mut self, place: Place, child: u32) {
        match place {
            Place::Root => {}
            Place::Left(split) => self.splits[split as usize].children[0] = child,
            Place::Right(split) => self.splits[split as usize].children[1] = child,
        }
    }

    /// Gives back what it has not filled.
    pub(super) fn shrink(&mut self) {
        self.splits.shrink_to_fit();
        self.leaves.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.mixed.shrink_to_fit();
    }

    pub(super) fn n_nodes(&self) -> usize {
        self.splits.len() + self.leaves.len()
    }

    pub(super) fn n_leaves(&self) -> usize {
        self.leaves.len()
    }

    /// Checks that every feature and every class exists.
    pub(super) fn check_names(&self, n_features: usize, n_classes: usize) -> Result<(), TreeError> {
        if let Some(split) = self.splits.iter().position(|split| split.feature as usize >= n_features) {
            return Err(TreeError::Feature(split));
        }
        let is_class = |value: u32| match value {
            MIXED.. => self.held(value).iter().all(|held| usize::from(held.class) < n_classes),
            class => (class as usize) < n_classes,
        };
        let wrong = self.leaves.iter().position(|&value| !is_class(value));
        wrong.map_or(Ok(()), |leaf| Err(TreeError::Leaf(leaf)))
    }

    /// Memory that the tree takes.
    pub(super) fn n_bytes(&self) -> usize {
        size_of_val(&*self.splits) + size_of_val(&*self.leaves) + size_of_val(&*self.starts) + size_of_val(&*self.mixed)
    }

    /// The number of a leaf; leaves are counted from the left.
    pub(super) fn number(&self, leaf: Leaf) -> u32 {
        leaf.0
    }

    /// What a leaf says.
    pub(super) fn value(&self, leaf: Leaf) -> LeafValue {
        LeafValue(self.leaves[self.number(leaf) as usize])
    }

    /// Adds the class fractions that a leaf says to `sum`, shape `(n_classes,)`.
    pub(super) fn add_fractions(&self, LeafValue(value): LeafValue, sum: &mut [f64]) {
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

    /// Fills `found` with the leaves that the `chosen` rows fall into, in their order; `rows` are all rows, one after the other, of `width` values.
    ///
    /// A step waits for memory longer than it computes, so several rows go at once; one that arrives makes place for the next.
    pub(super) fn walk(&self, rows: &[f32], width: usize, chosen: &[u32], found: &mut [Leaf]) {
        let splits = self.splits.as_slice();
        let from = |at: u32, row: u32| self.descend_from(at, |feature| rows[row as usize * width + feature]);
        let root = if splits.is_empty() { LEAF } else { 0 };
        let Some((first, _)) = chosen.split_first_chunk::<TOGETHER>().filter(|_| root != LEAF) else {
            for (found, &row) in found.iter_mut().zip(chosen) {
                *found = from(root, row);
            }
            return;
        };
        let mut next = TOGETHER;
        // What goes in each lane: the place of its row among the chosen, where the row starts, and where in the tree it is.
        let mut places: [usize; TOGETHER] = std::array::from_fn(|lane| lane);
        let mut starts = first.map(|row| row as usize * width);
        let mut at = [root; TOGETHER];
        'rows: loop {
            for lane in 0..TOGETHER {
                let split = &splits[at[lane] as usize];
                let child = split.children[usize::from(rows[starts[lane] + split.feature as usize] > split.threshold)];
                at[lane] = child;
                if child >= LEAF {
                    found[places[lane]] = Leaf(child & !LEAF);
                    let Some(&row) = chosen.get(next) else { break 'rows };
                    (places[lane], starts[lane], at[lane]) = (next, row as usize * width, root);
                    next += 1;
                }
            }
        }
        for (place, at) in places.into_iter().zip(at) {
            found[place] = from(at, chosen[place]);
        }
    }

    /// The leaf that one row falls into, whose values `value` tells by feature; it is asked along the way alone.
    pub(super) fn descend(&self, value: impl FnMut(usize) -> f32) -> Leaf {
        self.descend_from(if self.splits.is_empty() { LEAF } else { 0 }, value)
    }

    fn descend_from(&self, mut at: u32, mut value: impl FnMut(usize) -> f32) -> Leaf {
        while at < LEAF {
            let split = &self.splits[at as usize];
            at = split.children[usize::from(value(split.feature as usize) > split.threshold)];
        }
        Leaf(at & !LEAF)
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

impl Serialize for Tree {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredTree::from(self).serialize(serializer)
    }
}

/// Why stored nodes are not a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TreeError {
    /// Nodes are missing, or left over.
    #[error("the nodes do not make one binary tree")]
    Shape,
    /// A split is on a feature that does not exist.
    #[error("split {0} is on a feature that does not exist")]
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
        let mut stored = Self { nodes: vec![], thresholds: vec![], leaves: vec![], sizes: vec![], mixed: vec![] };
        let mut pending = vec![if tree.splits.is_empty() { LEAF } else { 0 }];
        while let Some(at) = pending.pop() {
            if at < LEAF {
                let Split { feature, threshold, children: [left, right] } = tree.splits[at as usize];
                stored.nodes.push(feature + 1);
                stored.thresholds.push(threshold);
                pending.extend([right, left]);
                continue;
            }
            stored.nodes.push(0);
            let value = tree.leaves[(at & !LEAF) as usize];
            stored.leaves.push(if value < MIXED { value + 1 } else { 0 });
            if value >= MIXED {
                stored.sizes.push(tree.held(value).len() as u32);
                stored.mixed.extend(tree.held(value));
            }
        }
        stored
    }
}

impl TryFrom<StoredTree> for Tree {
    type Error = TreeError;

    /// Rebuilds the tree after checking everything that a walk relies on, but for [`Tree::check_names`].
    fn try_from(stored: StoredTree) -> Result<Self, TreeError> {
        let mut tree = Tree::empty();
        let mut thresholds = stored.thresholds.into_iter();
        let (mut leaves, mut sizes) = (stored.leaves.into_iter(), stored.sizes.into_iter());
        let mut mixed = stored.mixed.as_slice();
        // Where nodes are still missing, the next one last.
        let mut open = vec![Place::Root];
        for &node in &stored.nodes {
            let place = open.pop().ok_or(TreeError::Shape)?;
            if node != 0 {
                let threshold = thresholds.next().filter(|t| t.is_finite()).ok_or(TreeError::Thresholds)?;
                let split = tree.push_split(place, node - 1, threshold);
                open.extend([Place::Right(split), Place::Left(split)]);
                continue;
            }
            let leaf = tree.n_leaves();
            match leaves.next().ok_or(TreeError::Leaves)? {
                0 => {
                    let size = sizes.next().ok_or(TreeError::Leaves)? as usize;
                    let (own, rest) = mixed.split_at_checked(size).ok_or(TreeError::Leaves)?;
                    mixed = rest;
                    let ascending = own.is_sorted_by(|a, b| a.class < b.class);
                    if own.len() < 2 || !ascending || own.iter().any(|h| h.count == 0) {
                        return Err(TreeError::Leaf(leaf));
                    }
                    tree.push_leaf(place, own.iter().copied());
                }
                class if class <= MIXED => {
                    tree.push_leaf(place, [ClassCount { class: (class - 1) as u16, count: 1 }]);
                }
                _ => return Err(TreeError::Leaf(leaf)),
            }
        }
        if !open.is_empty() {
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
        let root = tree.push_split(Place::Root, 0, 1.0);
        tree.push_leaf(Place::Left(root), [count(0, 3)]);
        let inner = tree.push_split(Place::Right(root), 1, -2.0);
        tree.push_leaf(Place::Left(inner), [count(1, 1), count(2, 3)]);
        tree.push_leaf(Place::Right(inner), [count(2, 1)]);
        tree
    }

    #[test]
    fn at_the_threshold_a_row_goes_left() {
        let tree = tree();
        let rows = [[1.0, 9.0], [1.0 + f32::EPSILON, -2.0], [2.0, 0.0]];
        for (row, leaf) in rows.iter().zip([0, 1, 2]) {
            assert_eq!(tree.number(tree.descend(|feature| row[feature])), leaf);
        }
        // Fewer rows than go together, as many, and more.
        for n in [0, 1, TOGETHER, 3 * TOGETHER + 1] {
            let chosen: Vec<u32> = (0..n as u32).map(|i| i * 7 % 3).collect();
            let mut found = vec![Leaf::default(); n];
            tree.walk(rows.as_flattened(), 2, &chosen, &mut found);
            assert_eq!(found.iter().map(|&leaf| tree.number(leaf)).collect::<Vec<_>>(), chosen);
        }
    }

    #[test]
    fn a_tree_of_one_leaf_has_it_for_every_row() {
        let mut tree = Tree::empty();
        tree.push_leaf(Place::Root, [count(1, 2)]);
        let mut found = vec![Leaf(9); 20];
        tree.walk(&[0.5; 20], 1, &(0..20).collect::<Vec<_>>(), &mut found);
        assert_eq!(found, [Leaf(0); 20]);
        assert_eq!(StoredTree::from(&tree).try_into(), Ok(tree));
    }

    #[test]
    fn leaves_give_fractions() {
        let tree = tree();
        let mut sum = [0.0; 3];
        for row in [[2.0, -3.0], [0.0, 0.0]] {
            tree.add_fractions(tree.value(tree.descend(|feature| row[feature])), &mut sum);
        }
        assert_eq!(sum, [1.0, 0.25, 0.75]);
        let mixed = tree.descend(|feature| [2.0, -3.0][feature]);
        assert_eq!([0, 1, 2].map(|class| tree.fraction(mixed, class)), [0.0, 0.25, 0.75]);
    }

    #[test]
    fn what_is_stored_comes_back() {
        assert_eq!(StoredTree::from(&tree()).try_into(), Ok(tree()));
    }

    #[test]
    fn refuses_what_is_no_tree() {
        let broken = |change: fn(&mut StoredTree)| {
            let mut stored = StoredTree::from(&tree());
            change(&mut stored);
            Tree::try_from(stored).and_then(|tree| tree.check_names(2, 3)).unwrap_err()
        };
        assert_eq!(broken(|s| s.nodes.clear()), TreeError::Shape);
        assert_eq!(broken(|s| s.nodes.truncate(3)), TreeError::Shape);
        assert_eq!(broken(|s| s.nodes.push(0)), TreeError::Shape);
        assert_eq!(broken(|s| s.nodes[2] = 3), TreeError::Feature(1));
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
