//! What a feature matrix gives away, column by column.

use ndarray::ArrayView1;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_datasets::Findings;
use wfkit_metrics::per_class_auc_of_score;

use crate::{FeatureExtractor, FeatureMatrix};

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

impl FeatureReport {
    /// Adds what the columns are, and what taking them took, to the report of a stage.
    pub fn describe(self, seconds: f64, findings: &mut Findings) {
        let Self { rows, columns, constant, non_finite, aucs } = self;
        findings.count("rows", rows).count("columns", columns);
        findings.count("constant columns", constant.len()).count("non-finite columns", non_finite);
        let utility = &mut findings.utility.extras;
        utility.set("microseconds_a_trace", seconds * 1e6 / rows.max(1) as f64).set("constant", constant);
        if let Some(aucs) = aucs {
            findings.privacy.extras.set("feature_auc", aucs);
        }
    }
}

/// Which columns have one value in all rows of a matrix that goes by in parts.
#[derive(Debug, Clone, Default)]
pub struct ConstantColumns {
    first: Option<Vec<f64>>,
    is_other: Vec<bool>,
}

impl ConstantColumns {
    /// Looks at the next part.
    pub fn see(&mut self, matrix: &FeatureMatrix) {
        for row in matrix.values().rows() {
            let first = self.first.get_or_insert_with(|| row.to_vec());
            self.is_other.resize(first.len(), false);
            for ((is_other, value), first) in self.is_other.iter_mut().zip(row).zip(first) {
                *is_other |= value != first;
            }
        }
    }

    /// Their names, in column order; none without rows.
    pub fn names(&self, extractor: &FeatureExtractor) -> Vec<String> {
        let names = extractor.names().into_iter().zip(&self.is_other);
        names.filter(|(_, is_other)| !**is_other).map(|(name, _)| name).collect()
    }
}

/// How well each feature alone tells the classes apart, best first, ties in column order; `None` where fewer than two
/// classes occur.
///
/// For each class, the AUC is the probability that a random trace of the class has a larger value than a random trace
/// of the rest, ties counting one half (the Mann-Whitney statistic: Hanley and McNeil, "The Meaning and Use of the Area
/// under a Receiver Operating Characteristic (ROC) Curve", Radiology 1982). A feature that is small for a class tells
/// it as well as one that is large, so max(AUC, 1 - AUC) counts; the mean over the classes that occur is the value.
///
/// 0.5 is a feature that says nothing; chance lifts it somewhat above, the more so the fewer traces a class has. Two
/// classes told apart without error have 1. Of many classes only the outer ones can stand apart from all others on one
/// line, so that a feature which tells any two of them apart comes near 0.75, not 1: compare features with each other,
/// not with an attack.
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
            let auc = mean_auc(&values.column(column).to_vec(), &truth, classes.len());
            FeatureAuc { name: name.clone(), auc }
        })
        .collect();
    aucs.sort_by(|a, b| b.auc.total_cmp(&a.auc));
    Some(aucs)
}

/// Mean over the classes, each of which some traces have and some have not, of max(AUC, 1 - AUC).
fn mean_auc(values: &[f64], truth: &[usize], n_classes: usize) -> f64 {
    let aucs = per_class_auc_of_score(values, truth, n_classes).expect("finite, one value a trace of a known class");
    let auc_of = |auc: &Option<f64>| {
        let auc = auc.expect("two or more classes, each with a trace");
        auc.max(1.0 - auc)
    };
    aucs.iter().map(auc_of).sum::<f64>() / n_classes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FeatureSpec;
    use ndarray::{Array2, array};
    use proptest::prelude::*;
    use wfkit_datasets::{Label, LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};
    use wfkit_metrics::binary_roc_auc;

    fn matrix(names: &[&str], classes: &[&str], values: Array2<f64>) -> FeatureMatrix {
        let row =
            |(rep, class): (i64, &&str)| Label::new(TraceKey { class: class.to_string(), rep, session: None }, None);
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
    fn columns_are_constant_over_all_parts() {
        let traces: Vec<Trace> =
            [1, 1, 2].map(|size| Trace::new(vec![0, 5], vec![size, -9]).expect("times ascend")).into();
        let extractor = "totals".parse::<FeatureSpec>().unwrap().fit(&traces.iter().collect::<Vec<_>>());
        let part = |traces: &[Trace]| {
            let labelled = traces.iter().zip(0..).map(|(trace, rep)| {
                LabelledTrace::new(TraceKey { class: "a".into(), rep, session: None }, None, trace.clone())
            });
            let set = TraceSet::new(labelled.collect(), Provenance::new(Layer::Tcp, vec![])).unwrap();
            extractor.transform(&set)
        };
        let mut seen = ConstantColumns::default();
        assert_eq!(seen.names(&extractor), [""; 0]);
        seen.see(&part(&traces[..2]));
        assert_eq!(seen.names(&extractor), FeatureReport::of(&part(&traces[..2])).constant);
        seen.see(&part(&traces[2..]));
        assert_eq!(seen.names(&extractor), FeatureReport::of(&part(&traces)).constant);
        assert!(seen.names(&extractor).len() < extractor.names().len());
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

    #[test]
    fn many_classes_in_a_row_have_three_quarters() {
        let classes: Vec<String> = (0..101).map(|class| class.to_string()).collect();
        let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
        let column = Array2::from_shape_fn((101, 1), |(row, _)| row as f64);
        let auc = feature_aucs(&matrix(&["x"], &classes, column)).unwrap()[0].auc;
        assert!((auc - 0.75).abs() < 0.005, "{auc}");
    }

    proptest! {
        #[test]
        fn equals_the_binary_auc_class_by_class(traces in prop::collection::vec((0..3_usize, -3..3_i8), 1..40)) {
            let classes: Vec<&str> = traces.iter().map(|trace| ["a", "b", "c"][trace.0]).collect();
            let values: Vec<f64> = traces.iter().map(|trace| f64::from(trace.1)).collect();
            let column = Array2::from_shape_vec((traces.len(), 1), values.clone()).unwrap();
            let auc = feature_aucs(&matrix(&["x"], &classes, column)).map(|aucs| aucs[0].auc);

            // Undefined for a class that no trace or every trace has.
            let of_class = ["a", "b", "c"].map(|class| {
                let positive: Vec<bool> = classes.iter().map(|&of| of == class).collect();
                binary_roc_auc(&values, &positive).ok().map(|auc| auc.max(1.0 - auc))
            });
            let defined: Vec<f64> = of_class.into_iter().flatten().collect();
            match auc {
                Some(auc) => prop_assert!((auc - defined.iter().sum::<f64>() / defined.len() as f64).abs() < 1e-12),
                None => prop_assert!(defined.is_empty()),
            }
        }
    }
}
