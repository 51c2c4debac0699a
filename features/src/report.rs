//! What a feature matrix gives away, column by column.

use ndarray::ArrayView1;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::FeatureMatrix;

/// What the features stage reports of a matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureReport {
    /// Number of rows, one a trace.
    pub rows: usize,
    /// Number of columns, one a feature.
    pub columns: usize,
    /// Names of the columns with one value in all rows, in column order: no attack can use them. Empty without rows.
    pub constant: Vec<String>,
    /// Number of columns with a NaN or an infinity. Always 0, as a [`FeatureMatrix`] has none.
    pub non_finite: usize,
    /// [`feature_aucs`]; `None` where fewer than two classes occur.
    pub aucs: Option<Vec<FeatureAuc>>,
}

/// One feature as an attack of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureAuc {
    /// The column.
    pub name: String,
    /// Macro-averaged one-vs-rest AUC, in [0.5, 1].
    pub auc: f64,
}

impl FeatureReport {
    /// Examines every column, spread over the threads of the current rayon pool.
    pub fn of(matrix: &FeatureMatrix) -> Self {
        let values = matrix.values();
        let (rows, columns) = values.dim();
        let is_constant = |column: ArrayView1<'_, f64>| column.iter().all(|&value| value == column[0]);
        let named = matrix.names().iter().zip(values.columns());
        let constant = named.filter(|(_, column)| rows > 0 && is_constant(*column));
        Self {
            rows,
            columns,
            constant: constant.map(|(name, _)| name.clone()).collect(),
            non_finite: 0,
            aucs: feature_aucs(matrix),
        }
    }
}

/// How well each feature alone tells the classes apart, best first, ties in column order; `None` where fewer than two
/// classes occur.
///
/// For each class, the AUC is the probability that a random trace of the class has a larger value than a random trace of the
/// rest, ties counting one half (the Mann-Whitney statistic: Hanley and McNeil, "The Meaning and Use of the Area under
/// a Receiver Operating Characteristic (ROC) Curve", Radiology 1982). A feature that is small for a class tells it as well as one that is
/// large, so max(AUC, 1 - AUC) counts; the mean over the classes that occur is the value. 0.5 is a feature that says nothing;
/// chance lifts it somewhat above, the more so the fewer traces a class has.
pub fn feature_aucs(matrix: &FeatureMatrix) -> Option<Vec<FeatureAuc>> {
    let classes = matrix.classes();
    if classes.len() < 2 {
        return None;
    }
    let index = |class: &str| classes.index_of(class).expect("the classes are those of the rows");
    let truth: Vec<usize> = matrix.rows().iter().map(|row| index(&row.key.class)).collect();

    let values = matrix.values();
    let mut aucs: Vec<FeatureAuc> = (matrix.names().par_iter().enumerate())
        .map(|(column, name)| {
            let auc = mean_auc(values.column(column), &truth, classes.len());
            FeatureAuc { name: name.clone(), auc }
        })
        .collect();
    aucs.sort_by(|a, b| b.auc.total_cmp(&a.auc));
    Some(aucs)
}

/// Mean over the classes of max(AUC, 1 - AUC), from the sum of the ranks of each class: sorts once for all classes.
fn mean_auc(values: ArrayView1<'_, f64>, truth: &[usize], n_classes: usize) -> f64 {
    let mut ranked: Vec<(f64, usize)> = values.iter().copied().zip(truth.iter().copied()).collect();
    ranked.sort_unstable_by(|(a, _), (b, _)| a.partial_cmp(b).expect("features are finite"));

    // Ranks count from 1; tied values share the mean of theirs. Doubled, ranks and their sums stay whole.
    let mut doubled_rank_sum = vec![0_u128; n_classes];
    let mut n_of_class = vec![0_u128; n_classes];
    let mut below = 0;
    for tied in ranked.chunk_by(|(a, _), (b, _)| a == b) {
        let doubled_rank = 2 * below + tied.len() as u128 + 1;
        for &(_, class) in tied {
            doubled_rank_sum[class] += doubled_rank;
            n_of_class[class] += 1;
        }
        below += tied.len() as u128;
    }

    let auc_of = |class: usize| {
        let n = n_of_class[class];
        let doubled_u = doubled_rank_sum[class] - n * (n + 1);
        let auc = doubled_u as f64 / (2 * n * (below - n)) as f64;
        auc.max(1.0 - auc)
    };
    (0..n_classes).map(auc_of).sum::<f64>() / n_classes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Row;
    use ndarray::{Array2, array};
    use proptest::prelude::*;
    use wfkit_datasets::TraceKey;

    fn matrix(names: &[&str], classes: &[&str], values: Array2<f64>) -> FeatureMatrix {
        let row = |(rep, class): (i64, &&str)| Row {
            key: TraceKey { class: class.to_string(), rep, session: None },
            start_ns: None,
        };
        let rows = (0..).zip(classes).map(row).collect();
        FeatureMatrix::new(names.iter().map(|name| name.to_string()).collect(), rows, values).unwrap()
    }

    #[test]
    fn best_first_and_constants_named() {
        let values = array![[7.0, 2.0, 1.0], [7.0, 1.0, 1.0], [7.0, 1.0, 0.0], [7.0, 0.0, 0.0]];
        let report = FeatureReport::of(&matrix(&["same", "half", "all"], &["a", "a", "b", "b"], values));
        assert_eq!((report.rows, report.columns, report.non_finite), (4, 3, 0));
        assert_eq!(report.constant, ["same"]);
        let aucs: Vec<(String, f64)> = report.aucs.unwrap().into_iter().map(|f| (f.name, f.auc)).collect();
        assert_eq!(aucs, [("all".into(), 1.0), ("half".into(), 0.875), ("same".into(), 0.5)]);
    }

    #[test]
    fn one_class_or_no_row_has_no_auc() {
        let report = FeatureReport::of(&matrix(&["x"], &["a", "a"], array![[1.0], [2.0]]));
        assert_eq!((report.aucs, report.constant.len()), (None, 0));
        let report = FeatureReport::of(&matrix(&["x"], &[], Array2::zeros((0, 1))));
        assert_eq!((report.aucs, report.constant.len()), (None, 0));
    }

    #[test]
    fn a_class_in_the_middle_is_told_by_neither_end() {
        let aucs = feature_aucs(&matrix(&["x"], &["a", "b", "c"], array![[1.0], [2.0], [3.0]])).unwrap();
        assert_eq!(aucs[0].auc, (1.0 + 0.5 + 1.0) / 3.0);
    }

    proptest! {
        #[test]
        fn equals_counting_pairs(rows in prop::collection::vec((0_usize..3, -3_i8..3), 2..40)) {
            let truth: Vec<usize> = rows.iter().map(|row| row.0).collect();
            let classes: Vec<&str> = truth.iter().map(|&class| ["a", "b", "c"][class]).collect();
            let values: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
            let aucs = feature_aucs(&matrix(&["x"], &classes, Array2::from_shape_vec((rows.len(), 1), values.clone()).unwrap()));

            let mut by_class = Vec::new();
            for class in 0..3 {
                let side = |own: bool| -> Vec<f64> {
                    (0..truth.len()).filter(|&i| (truth[i] == class) == own).map(|i| values[i]).collect()
                };
                let (own, rest) = (side(true), side(false));
                if own.is_empty() || rest.is_empty() {
                    continue;
                }
                let wins: f64 = own.iter().flat_map(|a| rest.iter().map(move |b| if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 })).sum();
                let auc = wins / (own.len() * rest.len()) as f64;
                by_class.push(auc.max(1.0 - auc));
            }
            match aucs {
                Some(aucs) => prop_assert!((aucs[0].auc - by_class.iter().sum::<f64>() / by_class.len() as f64).abs() < 1e-12),
                None => prop_assert!(by_class.is_empty()),
            }
        }
    }
}
