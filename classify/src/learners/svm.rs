//! A support vector machine for each pair of classes.
//!
//! Ours, because smartcore's is a vote without probabilities, decided by the order of a hash map, and borrows its parameters, so that a
//! fitted one cannot be kept; linfa's knows two classes only.

mod coupling;
mod smo;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_metrics::Work;

use super::stored::{Stored, as_postcard};
use super::{Kind, LearnError, Learner, Model, Shown, Training};
use crate::calibrate::Sigmoid;
use coupling::couple;
use smo::{Machine, train};

/// Penalty of errors, 2^11: the least of the published grid (2^11 to 2^17).
const C: f64 = 2048.0;
/// Width of the kernel exp(-gamma |x - y|^2), 2^-3: the least of the published grid (2^-3 to 2^3).
const GAMMA: f64 = 0.125;
/// Folds behind the decision values that a sigmoid is fitted to.
const FOLDS: usize = 3;

/// Support vector machines with RBF kernel, one for each pair of classes, whose probabilities are coupled.
///
/// Each column is scaled to [-1, 1] by the training rows. Deviation from the CUMUL paper: C and gamma are fixed (its grid search would
/// multiply the cost by 490), and there are probabilities at all.
pub(crate) struct Svm;

/// What they learned.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Machines {
    /// Least and largest value of each column.
    ranges: Vec<(f64, f64)>,
    n_classes: u32,
    /// Scaled training rows, row after row.
    rows: Vec<f64>,
    /// For each pair of classes that have rows (first, second).
    pairs: Vec<Pair>,
}

/// The machine for one pair.
#[derive(Debug, Serialize, Deserialize)]
struct Pair {
    classes: (u32, u32),
    /// Training rows with a weight: alpha times +1 for the first class, -1 for the second.
    support: Vec<(u32, f64)>,
    bias: f64,
    sigmoid: Sigmoid,
}

impl Learner for Svm {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        let &Training { x, labels, n_classes, observer, .. } = training;
        let x = x.to_dense();
        let x = x.view();
        let range = |column: ArrayView1<'_, f64>| {
            column.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
        };
        let ranges: Vec<(f64, f64)> = x.columns().into_iter().map(range).collect();
        let scaled = scale(x, &ranges);
        let mut rows_of = vec![Vec::new(); n_classes];
        for (row, &label) in labels.iter().enumerate() {
            rows_of[label].push(row);
        }
        let present: Vec<usize> = (0..n_classes).filter(|&class| !rows_of[class].is_empty()).collect();
        let pairs: Vec<(usize, usize)> =
            present.iter().enumerate().flat_map(|(i, &a)| present[i + 1..].iter().map(move |&b| (a, b))).collect();
        let squares = scaled.map_axis(Axis(1), |row| row.dot(&row));
        let work = Work::begin(observer, "pairs of classes", pairs.len());
        let learn = |&(a, b): &(usize, usize)| {
            let pair = learn_pair(&scaled, &squares, (a, b), &rows_of[a], &rows_of[b]);
            work.step();
            pair
        };
        let pairs = pairs.par_iter().map(learn).collect();
        Ok(Box::new(Machines { ranges, n_classes: n_classes as u32, rows: scaled.into_iter().collect(), pairs }))
    }
}

fn scale(x: ArrayView2<'_, f64>, ranges: &[(f64, f64)]) -> Array2<f64> {
    let mut scaled = x.as_standard_layout().into_owned();
    for (mut column, &(low, high)) in scaled.columns_mut().into_iter().zip(ranges) {
        let width = high - low;
        column.mapv_inplace(|value| if width > 0.0 { 2.0 * (value - low) / width - 1.0 } else { 0.0 });
    }
    scaled
}

/// exp(-gamma |x - y|^2) for all pairs of rows, by |x|^2 + |y|^2 - 2 x.y.
fn kernel(x: &Array2<f64>, x_squares: &Array1<f64>, y: &Array2<f64>, y_squares: &Array1<f64>) -> Array2<f64> {
    let mut kernel = x.dot(&y.t());
    for (mut row, xx) in kernel.rows_mut().into_iter().zip(x_squares) {
        for (k, yy) in row.iter_mut().zip(y_squares) {
            *k = (-GAMMA * (xx + yy - 2.0 * *k).max(0.0)).exp();
        }
    }
    kernel
}

fn learn_pair(
    scaled: &Array2<f64>,
    squares: &Array1<f64>,
    classes: (usize, usize),
    first: &[usize],
    second: &[usize],
) -> Pair {
    let rows: Vec<usize> = first.iter().chain(second).copied().collect();
    let (x, x_squares) = (scaled.select(Axis(0), &rows), squares.select(Axis(0), &rows));
    let kernel = kernel(&x, &x_squares, &x, &x_squares);
    let is_first: Vec<bool> = (0..rows.len()).map(|i| i < first.len()).collect();
    let all: Vec<usize> = (0..rows.len()).collect();
    let machine = train(&kernel, &is_first, &all, C);

    let sigmoid = match first.len().min(second.len()) {
        // A fold would leave a class with no row, or one: what that machine says of the row left out tells of its absence, mostly.
        ..FOLDS => by_margin(&is_first),
        _ => by_unseen_rows(&kernel, &is_first),
    };
    let Machine { support, bias } = machine;
    let support = support.into_iter().map(|(i, weight)| (rows[i] as u32, weight)).collect();
    Pair { classes: (classes.0 as u32, classes.1 as u32), support, bias, sigmoid }
}

/// How sure decision values are, as told by those of rows that a machine did not see; not at all where they are no more often right
/// than wrong.
fn by_unseen_rows(kernel: &Array2<f64>, is_first: &[bool]) -> Sigmoid {
    let mut values = vec![0.0; is_first.len()];
    for fold in 0..FOLDS {
        // Rows of one class follow each other, so folds are stratified.
        let (tested, trained): (Vec<usize>, Vec<usize>) = (0..is_first.len()).partition(|&i| i % FOLDS == fold);
        let machine = train(kernel, is_first, &trained, C);
        for &i in &tested {
            values[i] = machine.value(|j| kernel[(i, j)]);
        }
    }
    let sigmoid = Sigmoid::fit(&values, is_first);
    if sigmoid.rises() { sigmoid } else { Sigmoid::fit(&vec![0.0; values.len()], is_first) }
}

/// The rule of succession at the margins, 1 and -1, where the training rows lie: (n + 1)/(n + 2) for a class of n rows.
fn by_margin(is_first: &[bool]) -> Sigmoid {
    let values: Vec<f64> = is_first.iter().map(|&first| if first { 1.0 } else { -1.0 }).collect();
    Sigmoid::fit(&values, is_first)
}

impl Machines {
    fn n_rows(&self) -> usize {
        self.rows.len() / self.ranges.len().max(1)
    }
}

impl Model for Machines {
    fn predict(&self, Shown { x, .. }: Shown<'_>) -> Array2<f64> {
        let x = x.to_dense();
        let x = x.view();
        let classes = self.n_classes as usize;
        let mut probabilities = Array2::zeros((x.nrows(), classes));
        let known = Array2::from_shape_vec((self.n_rows(), self.ranges.len()), self.rows.clone());
        let known = known.expect("as many values as rows and columns: checked when built");
        let known_squares = known.map_axis(Axis(1), |row| row.dot(&row));
        let scaled = scale(x, &self.ranges);
        let squares = scaled.map_axis(Axis(1), |row| row.dot(&row));
        let kernel = kernel(&scaled, &squares, &known, &known_squares);
        let couple_row = |(mut row, kernel): (ndarray::ArrayViewMut1<'_, f64>, ArrayView1<'_, f64>)| {
            let pair = |pair: &Pair| {
                let value =
                    pair.support.iter().map(|&(i, weight)| weight * kernel[i as usize]).sum::<f64>() + pair.bias;
                // As LIBSVM does, so that no pair is certain.
                let p = pair.sigmoid.at(value).clamp(1e-7, 1.0 - 1e-7);
                (pair.classes.0 as usize, pair.classes.1 as usize, p)
            };
            let pairwise: Vec<_> = self.pairs.iter().map(pair).collect();
            row.assign(&Array1::from_vec(couple(&pairwise, classes)));
        };
        let mut rows: Vec<_> = probabilities.rows_mut().into_iter().zip(kernel.rows()).collect();
        rows.par_drain(..).for_each(couple_row);
        drop(rows);
        probabilities
    }

    fn describe(&self) -> String {
        let support: usize = self.pairs.iter().map(|pair| pair.support.len()).sum();
        format!("{} support vector machines with {support} support vectors, probabilities coupled", self.pairs.len())
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        as_postcard(Kind::Svm, self)
    }
}

impl Stored for Machines {
    fn is_sound(&self, classes: usize) -> bool {
        let pair = |pair: &Pair| {
            let (a, b) = pair.classes;
            a < b
                && (b as usize) < classes
                && pair.bias.is_finite()
                && pair.sigmoid.is_sound()
                && pair.support.iter().all(|&(row, weight)| (row as usize) < self.n_rows() && weight.is_finite())
        };
        self.n_classes as usize == classes
            && !self.ranges.is_empty()
            && self.rows.len() == self.n_rows() * self.ranges.len()
            && self.rows.iter().all(|value| value.is_finite())
            && self.ranges.iter().all(|(low, high)| low.is_finite() && high.is_finite())
            && self.pairs.iter().all(pair)
    }

    fn n_features(&self) -> usize {
        self.ranges.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{stream, unit};

    #[test]
    fn rings_that_no_line_parts_are_told_apart() {
        let mut rng = stream(5, 0);
        let labels: Vec<usize> = (0..180).map(|row| row % 3).collect();
        let mut x = Array2::zeros((180, 2));
        for (mut row, &label) in x.rows_mut().into_iter().zip(&labels) {
            let angle = unit(&mut rng) * std::f64::consts::TAU;
            let radius = label as f64 + 0.3 * unit(&mut rng);
            row.assign(&ndarray::array![radius * angle.cos(), radius * angle.sin()]);
        }
        let model = Svm.fit(&Training::new(x.view(), &labels, 4, 0)).unwrap();
        let p = model.predict(x.view().into());
        for (row, &label) in p.rows().into_iter().zip(&labels) {
            assert!((row.sum() - 1.0).abs() < 1e-9 && row[label] > 0.5 && row[3] == 0.0, "{label}: {row}");
        }
        let (kind, bytes) = model.stored().unwrap();
        assert_eq!(kind, Kind::Svm);
        let back: Machines = postcard::from_bytes(&bytes).unwrap();
        assert!(back.is_sound(4) && !back.is_sound(3));
        assert_eq!(back.predict(x.view().into()), p);
    }

    #[test]
    fn a_class_of_one_row_and_equal_rows_do_not_stall() {
        let x = ndarray::array![[1.0, 5.0], [1.0, 5.0], [1.0, 5.0], [2.0, 5.0]];
        let p = Svm.fit(&Training::new(x.view(), &[0, 1, 0, 2], 3, 0)).unwrap().predict(x.view().into());
        assert!(p.iter().all(|p| p.is_finite()));
    }
}
