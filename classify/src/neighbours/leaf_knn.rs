//! Nearest neighbours by the leaves that two rows share.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

/// The nearest training rows of each test row; both of shape `(n_test, k)`, the nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafNeighbours {
    /// Training rows, counted from 0.
    pub rows: Array2<u32>,
    /// Hamming distances to them: in how many trees they lie in another leaf, 0 to `n_trees`.
    pub distances: Array2<u32>,
}

/// The `k` training rows that share most leaves with each test row.
///
/// `train` and `test` hold the leaf of each row in each tree, shapes `(n_train, n_trees)` and `(n_test, n_trees)`, as
/// [`Forest::leaves`](crate::forest::Forest::leaves) makes them. Their distance is the Hamming distance; of several
/// training rows at one distance, those that come first in `train` count as nearer. `k` beyond `n_train` is `n_train`, so
/// without training rows, as for `k` = 0, the answer has no columns.
///
/// This is the comparison of the open-world attack of J. Hayes and G. Danezis, "k-fingerprinting: a robust scalable website
/// fingerprinting technique", USENIX Security 2016. Instead of comparing all pairs, each tree lists the rows of each of its
/// leaves, and only rows that share a leaf are counted: with fully grown trees, a few for each tree.
///
/// # Panics
/// If `train` and `test` differ in the number of trees, or there are more than 2^32 - 1 training rows.
pub fn leaf_knn(train: ArrayView2<'_, u32>, test: ArrayView2<'_, u32>, k: usize) -> LeafNeighbours {
    assert_eq!(train.ncols(), test.ncols(), "trees of the training rows and of the test rows");
    let n_train = u32::try_from(train.nrows()).expect("row numbers have 32 bits");
    let k = k.min(train.nrows());
    if k == 0 {
        let none = Array2::zeros((test.nrows(), 0));
        return LeafNeighbours { rows: none.clone(), distances: none };
    }
    let n_trees = train.ncols();
    let trees: Vec<Members> = (0..n_trees).into_par_iter().map(|tree| Members::new(train.column(tree))).collect();
    let nearest: Vec<(u32, u32)> = (0..test.nrows())
        .into_par_iter()
        .map_init(
            || Shared::new(train.nrows()),
            |shared, row| {
                for (tree, &leaf) in trees.iter().zip(test.row(row)) {
                    shared.count(tree.of(leaf));
                }
                shared.most(k, n_train)
            },
        )
        .flatten_iter()
        .collect();
    let matrix = |part: fn(&(u32, u32)) -> u32| {
        let values = nearest.iter().map(part).collect();
        Array2::from_shape_vec((test.nrows(), k), values).expect("each test row has k neighbours")
    };
    let shared = matrix(|&(_, shared)| shared);
    LeafNeighbours { rows: matrix(|&(row, _)| row), distances: n_trees as u32 - shared }
}

/// The training rows in each leaf of one tree.
struct Members {
    /// Those of leaf i are `rows[starts[i]..starts[i + 1]]`, in ascending order.
    rows: Vec<u32>,
    starts: Vec<u32>,
    /// The leaves that have rows, ascending.
    leaves: Vec<u32>,
}

impl Members {
    fn new(leaf_of: ArrayView1<'_, u32>) -> Self {
        let mut pairs: Vec<(u32, u32)> = leaf_of.iter().copied().zip(0..).collect();
        pairs.sort_unstable();
        let mut members = Self { rows: Vec::with_capacity(pairs.len()), starts: vec![0], leaves: Vec::new() };
        for of_leaf in pairs.chunk_by(|a, b| a.0 == b.0) {
            members.leaves.push(of_leaf[0].0);
            members.rows.extend(of_leaf.iter().map(|&(_, row)| row));
            members.starts.push(members.rows.len() as u32);
        }
        members
    }

    fn of(&self, leaf: u32) -> &[u32] {
        match self.leaves.binary_search(&leaf) {
            Ok(at) => &self.rows[self.starts[at] as usize..self.starts[at + 1] as usize],
            Err(_) => &[],
        }
    }
}

/// How many leaves each training row shares with the test row at hand.
struct Shared {
    /// One a training row; zeros between test rows.
    counts: Vec<u32>,
    /// The rows whose count is not zero.
    counted: Vec<u32>,
}

impl Shared {
    fn new(n_train: usize) -> Self {
        Self { counts: vec![0; n_train], counted: Vec::new() }
    }

    fn count(&mut self, rows: &[u32]) {
        for &row in rows {
            let count = &mut self.counts[row as usize];
            if *count == 0 {
                self.counted.push(row);
            }
            *count += 1;
        }
    }

    /// The `k` rows that were counted most, with their counts; forgets all counts.
    fn most(&mut self, k: usize, n_train: u32) -> Vec<(u32, u32)> {
        if self.counted.len() < k {
            // Rows that share nothing are all equally far: the first of them fill up.
            let missing = k - self.counted.len();
            let unseen = (0..n_train).filter(|&row| self.counts[row as usize] == 0).take(missing);
            self.counted.extend(unseen.collect::<Vec<_>>());
        }
        let Self { counts, counted } = self;
        let order = |&row: &u32| (u32::MAX - counts[row as usize], row);
        if counted.len() > k {
            counted.select_nth_unstable_by_key(k - 1, order);
        }
        counted[..k].sort_unstable_by_key(order);
        let most = counted[..k].iter().map(|&row| (row, counts[row as usize])).collect();
        for row in counted.drain(..) {
            counts[row as usize] = 0;
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, array};
    use proptest::prelude::*;

    /// The definition: every pair is compared.
    fn by_all_pairs(train: &Array2<u32>, test: &Array2<u32>, k: usize) -> LeafNeighbours {
        let k = k.min(train.nrows());
        let (mut rows, mut distances) = (Array2::zeros((test.nrows(), k)), Array2::zeros((test.nrows(), k)));
        for (i, leaves) in test.rows().into_iter().enumerate() {
            let distance = |other: ArrayView1<'_, u32>| leaves.iter().zip(other).filter(|(a, b)| a != b).count() as u32;
            let mut all: Vec<(u32, u32)> = train.rows().into_iter().map(distance).zip(0..).collect();
            all.sort_unstable();
            rows.row_mut(i).assign(&all[..k].iter().map(|a| a.1).collect::<Array1<u32>>());
            distances.row_mut(i).assign(&all[..k].iter().map(|a| a.0).collect::<Array1<u32>>());
        }
        LeafNeighbours { rows, distances }
    }

    #[test]
    fn the_nearest_shares_most_leaves_and_ties_go_to_the_first() {
        let train = array![[0, 0, 9], [1, 2, 3], [1, 2, 4], [8, 8, 8], [1, 2, 3]];
        let found = leaf_knn(train.view(), array![[1, 2, 3], [7, 7, 7]].view(), 4);
        assert_eq!(found.rows, array![[1, 4, 2, 0], [0, 1, 2, 3]]);
        assert_eq!(found.distances, array![[0, 0, 1, 3], [3, 3, 3, 3]]);
    }

    #[test]
    fn no_neighbours_without_rows_or_wish() {
        let (none, some) = (Array2::zeros((0, 2)), Array2::zeros((3, 2)));
        assert_eq!(leaf_knn(none.view(), some.view(), 3).rows.dim(), (3, 0));
        assert_eq!(leaf_knn(some.view(), some.view(), 0).rows.dim(), (3, 0));
        assert_eq!(leaf_knn(some.view(), none.view(), 2).rows.dim(), (0, 2));
        assert_eq!(leaf_knn(some.view(), some.view(), 9).rows.dim(), (3, 3), "no more than there are");
    }

    proptest! {
        #[test]
        fn counting_shared_leaves_finds_what_comparing_all_pairs_finds(
            train in proptest::collection::vec([0u32..5, 0..3, 0..9, 0..4], 1..40),
            test in proptest::collection::vec([0u32..6, 0..3, 0..9, 0..4], 0..20),
            k in 0usize..45,
        ) {
            let matrix = |rows: &[[u32; 4]]| Array2::from_shape_fn((rows.len(), 4), |(row, tree)| rows[row][tree]);
            let (train, test) = (matrix(&train), matrix(&test));
            prop_assert_eq!(leaf_knn(train.view(), test.view(), k), by_all_pairs(&train, &test, k));
        }
    }
}
