//! What a forest loses when features are permuted.

use ndarray::{Array2, Array3, ArrayView2, Axis};
use rayon::prelude::*;
use wfkit_metrics::seed::mix;
use wfkit_metrics::{Silent, Work};

use super::Forest;
use super::values::rounded;
use crate::seed::{below, shuffle, stream};

/// Trees whose losses are held at a time.
const TREES: usize = 16;

/// Which trees judge a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judges {
    /// All: for rows that the forest did not grow on.
    All,
    /// Those whose bootstrap did not draw the row: for the very rows that the forest grew on.
    OutOfBag,
}

/// How sure a forest is of the true class, and how much of that it loses when groups of features are permuted.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// The mean probability of the true class over the rows of each class, shape `(n_classes,)`; 0 for classes without a judged row.
    pub sure: Vec<f64>,
    /// How much `sure` falls, shape `(n_repeats, n_groups, n_classes)`; near 0, on either side, for what does not matter.
    pub lost: Array3<f64>,
    /// How many rows of each class are judged: those that some tree may judge. Shape `(n_classes,)`.
    pub rows: Vec<usize>,
}

impl Forest {
    /// Permutation importance of groups of features: how much less probability the true class gets where a row has the values
    /// of another row in the features of the group.
    ///
    /// L. Breiman, "Random forests", Machine Learning 45, 2001, section 10, by class as in his programs; with the class fractions of the
    /// leaves in place of votes, and a mean over rows instead of trees. For held-out rows it is scikit-learn's
    /// `permutation_importance` with the mean probability of the true class as the score, but for one thing: no row keeps its own values, so
    /// that it is n/(n - 1) times as large on n rows. Every repeat puts the rows in a random circle, and each group goes round it by a
    /// random number of steps. Features of a group move together, so that what they say in common is lost too; what another group
    /// says as well is not, and two copies of a feature share its importance.
    ///
    /// `x`, shape `(n_rows, n_features)`; a label in `0..n_classes` for each row; a group for each feature, numbered from 0. Equal on any
    /// number of threads. With one row nothing can be permuted, and nothing is lost.
    ///
    /// # Panics
    /// If `x` has another number of columns than the forest grew on, or, out of bag, of rows; if labels or groups do not fit `x`, or nothing is to be repeated.
    pub fn importance(
        &self,
        x: ArrayView2<'_, f64>,
        labels: &[usize],
        groups: &[usize],
        judges: Judges,
        repeats: usize,
        seed: u64,
    ) -> Importance {
        let work = Work::begin(&Silent, "importance", repeats * self.n_trees());
        self.importance_told(x, (labels, groups), judges, (repeats, seed), &work)
    }

    /// The same; every tree in every repeat is a step of `work`.
    pub(crate) fn importance_told(
        &self,
        x: ArrayView2<'_, f64>,
        (labels, groups): (&[usize], &[usize]),
        judges: Judges,
        (repeats, seed): (usize, u64),
        work: &Work<'_>,
    ) -> Importance {
        let n_rows = x.nrows();
        assert_eq!((n_rows, x.ncols()), (labels.len(), self.n_features), "labels, and columns of the forest");
        assert_eq!(groups.len(), self.n_features, "one group a feature");
        assert!(repeats > 0, "one permutation or more");
        assert!(labels.iter().all(|&label| label < self.n_classes), "labels are classes of the forest");
        let seen = match judges {
            Judges::All => vec![vec![0; n_rows]; self.n_trees()],
            Judges::OutOfBag => self.bags(n_rows),
        };
        // Every row weighs the same, whatever the number of trees that judge it.
        let n_judges: Vec<usize> = (0..n_rows).map(|row| seen.iter().filter(|seen| seen[row] == 0).count()).collect();
        let mut rows = vec![0; self.n_classes];
        for (&label, _) in labels.iter().zip(&n_judges).filter(|&(_, &judges)| judges > 0) {
            rows[label] += 1;
        }
        let weights =
            labels.iter().zip(&n_judges).map(|(&label, &judges)| 1.0 / (judges.max(1) * rows[label].max(1)) as f64);
        let values: Vec<f32> = x.iter().map(|&value| rounded(value)).collect();
        let data = Data {
            values: &values,
            n_features: self.n_features,
            labels,
            weights: &weights.collect::<Vec<_>>(),
            groups,
        };

        let n_groups = groups.iter().max().map_or(0, |&last| last + 1);
        let mut sure = vec![0.0; self.n_classes];
        let mut lost = Array3::zeros((repeats, n_groups, self.n_classes));
        for repeat in 0..repeats {
            let circle = Circle::draw(n_rows, n_groups, mix(seed, repeat as u64));
            let mut in_repeat = Array2::zeros((n_groups, self.n_classes));
            sure.fill(0.0);
            // Sums in the order of the trees are the same on any number of threads.
            for first in (0..self.n_trees()).step_by(TREES) {
                let last = (first + TREES).min(self.n_trees());
                let of_tree = |tree: usize| {
                    let lost = self.lost_by(tree, &data, &seen[tree], &circle);
                    work.step();
                    lost
                };
                let of_trees: Vec<_> = (first..last).into_par_iter().map(of_tree).collect();
                for (sure_of_tree, lost_of_tree) in of_trees {
                    sure.iter_mut().zip(sure_of_tree).for_each(|(sum, add)| *sum += add);
                    in_repeat += &lost_of_tree;
                }
            }
            lost.index_axis_mut(Axis(0), repeat).assign(&in_repeat);
        }
        Importance { sure, lost, rows }
    }

    /// The part of one tree in `sure`, shape `(n_classes,)`, and in `lost`, shape `(n_groups, n_classes)`.
    fn lost_by(&self, tree: usize, data: &Data<'_>, seen: &[u16], circle: &Circle) -> (Vec<f64>, Array2<f64>) {
        let tree = &self.trees[tree];
        let mut sure = vec![0.0; self.n_classes];
        let mut lost = Array2::zeros((circle.steps.len(), self.n_classes));
        let mut met = Vec::new();
        for (row, &label) in data.labels.iter().enumerate().filter(|&(row, _)| seen[row] == 0) {
            let own = data.row(row);
            met.clear();
            let leaf = tree.descend(|feature| {
                met.push(data.groups[feature]);
                own[feature]
            });
            let (weight, fraction) = (data.weights[row], tree.fraction(leaf, label));
            sure[label] += weight * fraction;
            // What the row does not meet on its way cannot lead it elsewhere.
            met.sort_unstable();
            met.dedup();
            for &group in &met {
                let other = data.row(circle.other(row, group));
                let is_permuted = |feature: usize| data.groups[feature] == group;
                let leaf = tree.descend(|feature| if is_permuted(feature) { other[feature] } else { own[feature] });
                lost[(group, label)] += weight * (fraction - tree.fraction(leaf, label));
            }
        }
        (sure, lost)
    }
}

/// Rows as the trees see them.
struct Data<'a> {
    values: &'a [f32],
    n_features: usize,
    labels: &'a [usize],
    /// What a tree's word on a row counts.
    weights: &'a [f64],
    /// The group of every feature.
    groups: &'a [usize],
}

impl Data<'_> {
    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.n_features..][..self.n_features]
    }
}

/// A permutation of the rows for each group, all in the memory of one.
struct Circle {
    order: Vec<u32>,
    place: Vec<u32>,
    /// How far each group goes round.
    steps: Vec<usize>,
}

impl Circle {
    fn draw(n_rows: usize, n_groups: usize, seed: u64) -> Self {
        let mut rng = stream(seed, 0);
        let mut order: Vec<u32> = (0..n_rows as u32).collect();
        shuffle(&mut order, &mut rng);
        let mut place = vec![0; n_rows];
        for (at, &row) in (0..).zip(&order) {
            place[row as usize] = at;
        }
        let steps = (0..n_groups).map(|_| if n_rows > 1 { 1 + below(&mut rng, n_rows - 1) } else { 0 }).collect();
        Self { order, place, steps }
    }

    /// The row whose values `row` gets.
    fn other(&self, row: usize, group: usize) -> usize {
        self.order[(self.place[row] as usize + self.steps[group]) % self.order.len()] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Slice;

    use crate::forest::{ForestParams, MaxFeatures};
    use crate::seed::unit;

    /// Two classes that feature 0 tells apart; feature 1 is noise, feature 2 does not vary.
    fn rows(n: usize) -> (Array2<f64>, Vec<usize>) {
        let labels: Vec<usize> = (0..n).map(|row| row % 2).collect();
        let mut rng = stream(4, 0);
        let x = Array2::from_shape_fn((n, 3), |(row, feature)| match feature {
            0 => labels[row] as f64,
            1 => unit(&mut rng),
            _ => 7.0,
        });
        (x, labels)
    }

    fn mean(lost: &Array3<f64>, group: usize, class: usize) -> f64 {
        let repeats = lost.dim().0;
        (0..repeats).map(|repeat| lost[(repeat, group, class)]).sum::<f64>() / repeats as f64
    }

    #[test]
    fn the_feature_that_tells_is_the_one_that_is_missed() {
        let (x, labels) = rows(40);
        let all = ForestParams { max_features: MaxFeatures::All, ..ForestParams::random_forest() };
        let forest = all.fit(x.view(), &labels, 3, 1).unwrap();
        for judges in [Judges::All, Judges::OutOfBag] {
            let found = forest.importance(x.view(), &labels, &[0, 1, 2], judges, 200, 5);
            assert_eq!((found.lost.dim(), found.rows.as_slice()), ((200, 3, 3), &[20, 20, 0][..]));
            for class in 0..2 {
                assert!((found.sure[class] - 1.0).abs() < 1e-12);
                // Of the 39 other rows 20 are of the other class. Over one circle a step says how many are.
                let error = (mean(&found.lost, 0, class) - 20.0 / 39.0).abs();
                assert!(error < 0.03, "{judges:?}: {}", mean(&found.lost, 0, class));
            }
            assert!(found.lost.iter().enumerate().all(|(i, &lost)| i / 3 % 3 == 0 || lost == 0.0));
        }
    }

    #[test]
    fn a_group_is_missed_more_than_the_copies_in_it() {
        let (x, labels) = rows(60);
        let copies = ndarray::concatenate![Axis(1), x, x.column(0).insert_axis(Axis(1))];
        let forest = ForestParams::random_forest().fit(copies.view(), &labels, 2, 1).unwrap();
        let alone = forest.importance(copies.view(), &labels, &[0, 1, 2, 3], Judges::OutOfBag, 20, 5);
        let together = forest.importance(copies.view(), &labels, &[0, 1, 1, 0], Judges::OutOfBag, 20, 5);
        for class in 0..2 {
            let (first, second) = (mean(&alone.lost, 0, class), mean(&alone.lost, 3, class));
            assert!(first > 0.1 && second > 0.1 && mean(&together.lost, 0, class) > 1.3 * first.max(second));
        }
    }

    #[test]
    fn the_number_of_threads_does_not_show_and_one_row_loses_nothing() {
        let (x, labels) = rows(30);
        let forest = ForestParams::random_forest().with_trees(40).fit(x.view(), &labels, 2, 1).unwrap();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| forest.importance(x.view(), &labels, &[0, 1, 2], Judges::OutOfBag, 2, 9))
        };
        assert_eq!(on(1), on(3));
        let one =
            forest.importance(x.slice_axis(Axis(0), Slice::from(..1)), &labels[..1], &[0, 1, 2], Judges::All, 2, 9);
        assert!(one.lost.iter().all(|&lost| lost == 0.0) && one.sure[0] > 0.9);
    }

    #[test]
    fn how_sure_it_is_out_of_bag_is_what_it_says_out_of_bag() {
        let (x, labels) = rows(30);
        let forest = ForestParams::random_forest().with_trees(7).fit(x.view(), &labels, 2, 1).unwrap();
        let judged = forest.out_of_bag(x.view());
        let found = forest.importance(x.view(), &labels, &[0; 3], Judges::OutOfBag, 1, 0);
        let of_class: Vec<usize> = (0..30).filter(|&row| labels[row] == 1 && judged.trees[row] > 0).collect();
        let mean = of_class.iter().map(|&row| judged.probabilities[(row, 1)]).sum::<f64>() / of_class.len() as f64;
        assert_eq!(found.rows[1], of_class.len());
        assert!((found.sure[1] - mean).abs() < 1e-12);
    }
}
