//! Which rows a net does not learn from, so that they tell when to stop.

use crate::learners::Training;
use crate::seed::{shuffle, stream};

/// Of so many groups of a class, one is held back.
const ONE_IN: usize = 10;

/// Classes of fewer groups hold nothing back.
const LEAST: usize = 4;

/// Rows to learn from and rows held back, both ascending: of each class of four groups (loads with all their copies, pages of a background) or
/// more, a tenth of the groups, one at least.
pub(super) fn held_back(training: &Training<'_>) -> (Vec<usize>, Vec<usize>) {
    let group = |row: usize| training.groups.map_or(row, |groups| groups.of_row()[row]);
    let n_groups = (0..training.labels.len()).map(|row| group(row) + 1).max().unwrap_or(0);
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); training.n_classes];
    for (row, &label) in training.labels.iter().enumerate() {
        of_class[label].push(group(row));
    }
    let mut is_held = vec![false; n_groups];
    let mut rng = stream(training.seed, 0);
    for mut groups in of_class {
        groups.sort_unstable();
        groups.dedup();
        if groups.len() >= LEAST {
            let n = (groups.len() / ONE_IN).max(1);
            shuffle(&mut groups, &mut rng);
            for &group in &groups[..n] {
                is_held[group] = true;
            }
        }
    }
    (0..training.labels.len()).partition(|&row| !is_held[group(row)])
}
