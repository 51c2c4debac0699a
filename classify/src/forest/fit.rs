//! Labelled rows -> a forest.

use rayon::prelude::*;
use wfkit_metrics::Work;

use super::bags::Bags;
use super::grow::{TreeInput, grow};
use super::params::ForestParams;
use super::table::Table;
use super::values::Values;
use super::weights::whole_of_rows;
use super::{Forest, ForestError};
use crate::learners::Training;
use crate::seed::stream;

impl ForestParams {
    /// Grows a forest on `x`, shape `(n_rows, n_features)`, with a label in `0..n_classes` for each row.
    ///
    /// `x` is a view of an array or a [`wfkit_features::SparseMatrix`], with the same trees from both: either way columns of mostly
    /// zeros keep the others alone. Equal input gives equal trees on any number of threads. Classes without a row have probability 0 everywhere. Rows
    /// that are equal but for their label end up in one leaf. Where all features are constant, each tree is one leaf.
    pub fn fit<'x>(
        &self,
        x: impl Into<Values<'x>>,
        labels: &'x [usize],
        n_classes: usize,
        seed: u64,
    ) -> Result<Forest, ForestError> {
        let x = x.into();
        self.grow(&Training::new(x, labels, n_classes, seed))
    }

    /// As [`fit`](Self::fit), for rows that may be in groups: a bag then is as many groups as there are, drawn with replacement, each with all its
    /// rows, so that what is out of the bag of a tree is so with all its copies.
    pub fn grow(&self, training: &Training<'_>) -> Result<Forest, ForestError> {
        self.grow_weighted(training, None)
    }

    /// As [`grow`](Self::grow), where every row counts so much, shape `(n_rows,)`, positive and finite, beside what its class counts: only
    /// ratios matter, which become those of whole numbers up to 4,095.
    pub fn grow_weighted(&self, training: &Training<'_>, of_rows: Option<&[f64]>) -> Result<Forest, ForestError> {
        self.check()?;
        let &Training { x, labels, n_classes, groups, seed, observer, .. } = training;
        let classes = check_input(x, labels, n_classes)?;
        let class_weights = self.class_weights.whole(&classes, n_classes)?;
        let of_rows = of_rows.map(|weights| whole_of_rows(weights, x.nrows())).transpose()?;
        let table = Table::new(x, self.splits.most_ranks());
        let bags = Bags::new(x.nrows(), groups);
        let input = TreeInput { params: self, table: &table, classes: &classes, n_classes };
        let work = Work::begin(observer, "trees", self.trees);
        let trees = (0..self.trees)
            .into_par_iter()
            .map(|tree| {
                let mut rng = stream(seed, tree as u64);
                let mut weights = self.draw(&bags, &mut rng);
                if let Some(of_class) = &class_weights {
                    for (weight, &class) in weights.iter_mut().zip(&classes) {
                        *weight = weight.saturating_mul(of_class[usize::from(class)]);
                    }
                }
                if let Some(of_row) = &of_rows {
                    for (weight, &of_row) in weights.iter_mut().zip(of_row) {
                        *weight = weight.saturating_mul(of_row);
                    }
                }
                let tree = grow(&input, &weights, rng);
                work.step();
                tree
            })
            .collect();
        let params = self.clone();
        Ok(Forest { params, seed, bags, n_features: x.ncols(), n_classes, trees })
    }
}

/// Returns the labels in 16 bits.
fn check_input(x: Values<'_>, labels: &[usize], n_classes: usize) -> Result<Vec<u16>, ForestError> {
    let (rows, columns) = x.dim();
    if rows == 0 || columns == 0 {
        return Err(ForestError::Empty { rows, columns });
    }
    let limits =
        [("rows", rows, 1 << 31), ("features", columns, u32::MAX as usize - 1), ("classes", n_classes, 1 << 16)];
    if let Some((what, found, most)) = limits.into_iter().find(|&(_, found, most)| found > most) {
        return Err(ForestError::TooMany { what, found, most });
    }
    if labels.len() != rows {
        return Err(ForestError::Labels { labels: labels.len(), rows });
    }
    if let Some((row, &label)) = labels.iter().enumerate().find(|&(_, &label)| label >= n_classes) {
        return Err(ForestError::Label { row, label, classes: n_classes });
    }
    if let Some((row, column, value)) = x.not_finite() {
        return Err(ForestError::NotFinite { row, column, value });
    }
    Ok(labels.iter().map(|&label| label as u16).collect())
}
