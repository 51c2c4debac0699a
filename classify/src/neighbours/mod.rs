//! Nearest neighbours: by distance, by shared leaves, and what they say of leakage.

pub(crate) mod errors;
pub(crate) mod leaf_knn;
pub(crate) mod nearest_leaves;
pub(crate) mod wang_knn;

use ndarray::ArrayViewMut1;

/// Fills `shares`, shape `(n_classes,)`, with what the classes of the nearest rows, the nearest first, say: the share of each; of equal shares
/// that of the nearer row is a little larger, so that it decides. Where all agree, the share is 1.
fn vote(mut shares: ArrayViewMut1<'_, f64>, nearest: impl Iterator<Item = usize>) {
    for (rank, class) in nearest.enumerate() {
        shares[class] += 1.0 + 1e-3 / (rank + 1) as f64;
    }
    let sum = shares.sum();
    shares /= sum;
}
