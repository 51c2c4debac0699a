//! Errors of nearest neighbours: what bounds on leakage are made of.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

/// The error rates of the nearest neighbour and of the majority among the k nearest, k = ln n rounded, over test rows; and
/// the k.
///
/// Distances are Euclidean, each column scaled to mean 0 and standard deviation 1 by the training rows, since features have units of
/// their own; constant columns count nothing. Ties of distance go to the first training row, ties of votes to the class of the
/// nearest. O(n_train n_test) time. `None` where either part is empty.
pub fn nearest_neighbour_errors(
    train: ArrayView2<'_, f64>,
    train_labels: &[usize],
    test: ArrayView2<'_, f64>,
    test_labels: &[usize],
) -> Option<NearestNeighbourErrors> {
    if train.nrows() == 0 || test.nrows() == 0 {
        return None;
    }
    let (mean, std) = (train.mean_axis(Axis(0))?, train.std_axis(Axis(0), 0.0));
    let scaled = |x: ArrayView2<'_, f64>| -> Array2<f64> {
        let mut x = (&x - &mean) / std.mapv(|std| if std > 0.0 { std } else { f64::INFINITY });
        x.mapv_inplace(|value| if value.is_finite() { value } else { 0.0 });
        x
    };
    let (train, test) = (scaled(train), scaled(test));
    let squares = train.map_axis(Axis(1), |row| row.dot(&row));
    let k = ((train.nrows() as f64).ln().round() as usize).clamp(1, train.nrows());
    let wrong = |row: usize| {
        // |x - y|^2 less |x|^2, which is the same for all.
        let products = train.dot(&test.row(row));
        let mut near: Vec<(f64, usize)> =
            squares.iter().zip(&products).map(|(square, product)| square - 2.0 * product).zip(0..).collect();
        let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if k < near.len() {
            near.select_nth_unstable_by(k - 1, order);
        }
        near[..k].sort_unstable_by(order);
        let votes: Vec<usize> = near[..k].iter().map(|&(_, row)| train_labels[row]).collect();
        let count = |class: usize| votes.iter().filter(|&&vote| vote == class).count();
        let most = votes.iter().map(|&vote| count(vote)).max().unwrap_or(0);
        let majority = votes.iter().find(|&&vote| count(vote) == most).copied();
        (votes[0] != test_labels[row], majority != Some(test_labels[row]))
    };
    let wrong: Vec<(bool, bool)> = (0..test.nrows()).into_par_iter().map(wrong).collect();
    let n = test.nrows();
    Some(NearestNeighbourErrors {
        k,
        wrong_by_nearest: wrong.iter().filter(|wrong| wrong.0).count(),
        wrong_by_k_nearest: wrong.iter().filter(|wrong| wrong.1).count(),
        tested: n,
    })
}

/// How many test rows nearest neighbours have wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearestNeighbourErrors {
    /// How many neighbours vote in the second count.
    pub k: usize,
    /// Whose nearest neighbour is of another class.
    pub wrong_by_nearest: usize,
    /// Whose majority of the k nearest is another class.
    pub wrong_by_k_nearest: usize,
    /// Test rows.
    pub tested: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn columns_count_alike_whatever_their_unit() {
        let train = array![[0.0, 0.0, 7.0], [1.0, 1000.0, 7.0], [1.0, 0.0, 7.0]];
        let test = array![[0.1, 100.0, 9.0], [0.9, 900.0, 7.0]];
        let errors = nearest_neighbour_errors(train.view(), &[0, 1, 2], test.view(), &[0, 1]).unwrap();
        assert_eq!(errors, NearestNeighbourErrors { k: 1, wrong_by_nearest: 0, wrong_by_k_nearest: 0, tested: 2 });
        let swapped = nearest_neighbour_errors(train.view(), &[1, 0, 2], test.view(), &[0, 1]).unwrap();
        assert_eq!(swapped.wrong_by_nearest, 2);
        assert_eq!(nearest_neighbour_errors(train.view(), &[0, 1, 2], Array2::zeros((0, 3)).view(), &[]), None);
    }
}
