//! Errors of nearest neighbours: what estimates of leakage are made of.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;
use wfkit_metrics::seed::mix;

use crate::seed::shuffled;

/// Random draws of each training size but the whole.
const DRAWS: usize = 5;

/// How often the training size is halved at most.
const HALVINGS: u32 = 6;

/// Training rows below which sizes are not halved further.
const FEWEST: usize = 10;

/// The errors of the nearest neighbour and of the majority among the k nearest, k = ln n rounded, over test rows, for n training rows and for
/// halves, quarters and so on of them, each drawn at random five times: how far the errors are from those of endlessly many.
///
/// Distances are Euclidean, each column scaled to mean 0 and standard deviation 1 by all training rows, since features have units of
/// their own; constant columns count nothing. Ties of distance go to the first training row, ties of votes to the class of the
/// nearest. O(n_train n_test) time. `None` where either part is empty.
pub fn nearest_neighbour_errors(
    train: ArrayView2<'_, f64>,
    train_labels: &[usize],
    test: ArrayView2<'_, f64>,
    test_labels: &[usize],
    seed: u64,
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
    let sizes = sizes(train.nrows());
    // The first draw asks all rows in the end, the others stop before.
    let orders: Vec<Vec<usize>> = (0..DRAWS).map(|draw| shuffled(train.nrows(), mix(seed, draw as u64))).collect();
    let of_row = |row: usize| -> Vec<[usize; 2]> {
        // |x - y|^2 less |x|^2, which is the same for all.
        let products = train.dot(&test.row(row));
        let distances: Vec<f64> =
            squares.iter().zip(&products).map(|(square, product)| square - 2.0 * product).collect();
        let mut wrong = vec![[0; 2]; sizes.len()];
        for (draw, order) in orders.iter().enumerate() {
            let sizes = if draw == 0 { &sizes[..] } else { &sizes[..sizes.len() - 1] };
            for (wrong, is) in wrong.iter_mut().zip(verdicts(&distances, order, sizes, train_labels, test_labels[row]))
            {
                wrong[0] += usize::from(is[0]);
                wrong[1] += usize::from(is[1]);
            }
        }
        wrong
    };
    let add = |mut sum: Vec<[usize; 2]>, more: Vec<[usize; 2]>| {
        sum.iter_mut().zip(more).for_each(|(sum, more)| *sum = [sum[0] + more[0], sum[1] + more[1]]);
        sum
    };
    let wrong = (0..test.nrows()).into_par_iter().map(of_row).reduce(|| vec![[0; 2]; sizes.len()], add);
    let mut curve: Vec<ErrorsAt> = sizes
        .iter()
        .zip(wrong)
        .map(|(&size, [nearest, k_nearest])| {
            let draws = if size == train.nrows() { 1 } else { DRAWS };
            ErrorsAt {
                train: size,
                k: neighbours(size),
                draws,
                tested: test.nrows(),
                wrong_by_nearest: nearest,
                wrong_by_k_nearest: k_nearest,
            }
        })
        .collect();
    let of_all = curve.pop()?;
    curve.push(of_all);
    Some(NearestNeighbourErrors { of_all, curve })
}

/// How many neighbours vote among `rows` rows.
fn neighbours(rows: usize) -> usize {
    ((rows as f64).ln().round() as usize).clamp(1, rows)
}

/// Rising, the last is `rows`.
fn sizes(rows: usize) -> Vec<usize> {
    let halved = (1..=HALVINGS).map(|times| rows >> times).take_while(|&size| size >= FEWEST);
    let mut sizes: Vec<usize> = std::iter::once(rows).chain(halved).collect();
    sizes.reverse();
    sizes
}

/// Whether the nearest, and the majority of the k nearest, are of another class, among the first rows of `order`, for each of `sizes`.
fn verdicts(distances: &[f64], order: &[usize], sizes: &[usize], labels: &[usize], truth: usize) -> Vec<[bool; 2]> {
    let most = sizes.last().map_or(0, |&size| neighbours(size));
    let mut near: Vec<(f64, usize)> = Vec::with_capacity(most + 1);
    let mut asked = 0;
    let mut verdict = |&size: &usize| {
        for &row in &order[asked..size] {
            let this = (distances[row], row);
            let nearer = |a: &(f64, usize)| a.0.total_cmp(&this.0).then(a.1.cmp(&this.1)).is_lt();
            if near.len() < most || !nearer(&near[most - 1]) {
                let place = near.partition_point(nearer);
                near.insert(place, this);
                near.truncate(most);
            }
        }
        asked = size;
        let votes: Vec<usize> = near.iter().take(neighbours(size)).map(|&(_, row)| labels[row]).collect();
        let count = |class: usize| votes.iter().filter(|&&vote| vote == class).count();
        let most = votes.iter().map(|&vote| count(vote)).max().unwrap_or(0);
        let majority = votes.iter().find(|&&vote| count(vote) == most).copied();
        [votes.first() != Some(&truth), majority != Some(truth)]
    };
    sizes.iter().map(&mut verdict).collect()
}

/// How many test rows nearest neighbours have wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearestNeighbourErrors {
    /// Among all training rows.
    pub of_all: ErrorsAt,
    /// Among so many of them, rising; the last is that of all.
    pub curve: Vec<ErrorsAt>,
}

/// How many test rows nearest neighbours have wrong among so many training rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorsAt {
    /// Training rows.
    pub train: usize,
    /// How many neighbours vote in the second count.
    pub k: usize,
    /// How often so many training rows were drawn.
    pub draws: usize,
    /// Test rows, each asked once a draw.
    pub tested: usize,
    /// Whose nearest neighbour is of another class, over all draws.
    pub wrong_by_nearest: usize,
    /// Whose majority of the k nearest is another class, over all draws.
    pub wrong_by_k_nearest: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn columns_count_alike_whatever_their_unit() {
        let train = array![[0.0, 0.0, 7.0], [1.0, 1000.0, 7.0], [1.0, 0.0, 7.0]];
        let test = array![[0.1, 100.0, 9.0], [0.9, 900.0, 7.0]];
        let errors = nearest_neighbour_errors(train.view(), &[0, 1, 2], test.view(), &[0, 1], 0).unwrap();
        let expected = ErrorsAt { train: 3, k: 1, draws: 1, tested: 2, wrong_by_nearest: 0, wrong_by_k_nearest: 0 };
        assert_eq!((errors.of_all, &errors.curve[..]), (expected, &[expected][..]));
        let swapped = nearest_neighbour_errors(train.view(), &[1, 0, 2], test.view(), &[0, 1], 0).unwrap();
        assert_eq!(swapped.of_all.wrong_by_nearest, 2);
        assert_eq!(nearest_neighbour_errors(train.view(), &[0, 1, 2], Array2::zeros((0, 3)).view(), &[], 0), None);
    }

    #[test]
    fn errors_fall_towards_those_of_all_rows() {
        let mut rng = crate::seed::stream(1, 0);
        // Ten classes on a line, half a class of noise.
        let (n, classes) = (640, 10);
        let labels: Vec<usize> = (0..n).map(|row| row % classes).collect();
        let x = Array2::from_shape_fn((n, 1), |(row, _)| labels[row] as f64 + crate::seed::unit(&mut rng));
        let (train, test) = x.view().split_at(Axis(0), n / 2);
        let of = |seed| nearest_neighbour_errors(train, &labels[..n / 2], test, &labels[n / 2..], seed).unwrap();
        let curve = of(3).curve;
        assert_eq!(
            curve.iter().map(|at| (at.train, at.draws)).collect::<Vec<_>>(),
            [(10, 5), (20, 5), (40, 5), (80, 5), (160, 5), (320, 1)]
        );
        let error = |at: &ErrorsAt| at.wrong_by_nearest as f64 / (at.tested * at.draws) as f64;
        assert!(error(&curve[0]) > 2.0 * error(&curve[5]), "{curve:?}");
        assert_eq!(of(3), of(3));
        assert_ne!(of(3).curve[0], of(4).curve[0]);
        assert_eq!(of(3).of_all, of(4).of_all);
    }
}
