//! Feature sets that have learned what they need, and the extraction.

use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::{Label, Observed, Trace, TraceSet};
use wfkit_metrics::{Observer, Silent, Work};

use crate::column::Feature;
use crate::sets::FittedSet;
use crate::{Column, FeatureMatrix, FeatureSpec, FeatureSpecError, SparseMatrix};

/// Turns traces into rows of named features, with what was learned from training traces. Made by [`FeatureSpec::fit`].
///
/// Serialises, so that a model can carry it; reading one checks what `fit` guarantees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeatureExtractor {
    sets: FittedSets,
}

/// Fitted sets, at least one, each once, within their bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<FittedSet>")]
struct FittedSets(Vec<FittedSet>);

/// Why stored sets are not an extractor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum FittedError {
    #[error(transparent)]
    Sets(#[from] FeatureSpecError),
    #[error("{0}")]
    Learned(String),
}

impl FeatureSpec {
    /// Learns from training traces what has to be learned: lengths, vocabularies, edges. Give the training part alone.
    /// Without any trace `sequence` and the vocabularies have no columns.
    pub fn fit(&self, training: &[&Trace]) -> FeatureExtractor {
        FeatureExtractor::fit(self, training)
    }
}

impl FeatureExtractor {
    pub(crate) fn fit(spec: &FeatureSpec, training: &[&Trace]) -> Self {
        Self::of(spec.sets().iter().map(|&set| FittedSet::fit(set, training)).collect())
    }

    /// Of one or more sets, each once.
    pub(crate) fn of(sets: Vec<FittedSet>) -> Self {
        Self { sets: FittedSets(sets) }
    }

    /// The sets this extractor was fitted for.
    pub fn spec(&self) -> FeatureSpec {
        let sets = self.sets.0.iter().map(FittedSet::set).collect();
        FeatureSpec::new(sets).expect("one or more sets, each once")
    }

    /// One name a column: the set, a dot, the feature, as `kfp-core.in_gap_max`. All differ.
    pub fn names(&self) -> Vec<String> {
        self.columns().into_iter().map(|column| column.name).collect()
    }

    /// What each column means, in the order of the columns.
    pub fn columns(&self) -> Vec<Column> {
        let of_set = |fitted: &FittedSet| {
            let set = fitted.set();
            let named = set.name();
            let column = move |feature: Feature| Column {
                name: format!("{named}.{}", feature.name),
                unit: feature.unit,
                information: feature.information,
                definition: format!("{named}.{}", feature.family),
                version: set.version(),
            };
            fitted.extract().columns().into_iter().map(column)
        };
        self.sets.0.iter().flat_map(of_set).collect()
    }

    /// The features of one trace, one a name.
    pub fn features(&self, trace: &Trace) -> Vec<f64> {
        let mut row = Vec::new();
        for set in &self.sets.0 {
            set.extract().push(trace, &mut row);
        }
        row
    }

    /// The features of every trace, shape `(n_traces, n_features)`, in the order of the set. Traces are spread over the
    /// threads of the current rayon pool; the values do not depend on how many there are.
    pub fn transform(&self, traces: &TraceSet) -> FeatureMatrix {
        self.transform_watched(traces, &Silent)
    }

    /// The same, watched by somebody.
    pub fn transform_watched(&self, traces: &TraceSet, observer: &dyn Observer) -> FeatureMatrix {
        let work = Work::begin(observer, "features", traces.len());
        let names = self.names();
        let observed = Observed::from(traces.provenance());
        let traces = traces.traces();
        let mut values = vec![0.0; traces.len() * names.len()];
        // With no column there is no chunk, whatever its size.
        let rows = values.par_chunks_exact_mut(names.len().max(1));
        rows.zip(traces).for_each(|(row, labelled)| {
            row.copy_from_slice(&self.features(&labelled.trace));
            work.step();
        });

        let shape = (traces.len(), names.len());
        let values = Array2::from_shape_vec(shape, values).expect("rows times columns values");
        let rows = traces.iter().map(Label::from).collect();
        let matrix = FeatureMatrix::new(names, rows, values);
        matrix.expect("names differ by set, and each feature of any trace is finite").observed_as(Some(observed))
    }

    /// The values of [`transform`](Self::transform) without those that are 0, and without ever holding them for more than one trace
    /// a thread.
    ///
    /// # Panics
    /// If there are 2^32 traces or more.
    pub fn transform_sparse(&self, traces: &TraceSet) -> SparseMatrix {
        self.transform_sparse_watched(traces, &Silent)
    }

    /// The same, watched by somebody.
    ///
    /// # Panics
    /// If there are 2^32 traces or more.
    pub fn transform_sparse_watched(&self, traces: &TraceSet, observer: &dyn Observer) -> SparseMatrix {
        let work = Work::begin(observer, "features", traces.len());
        assert!(u32::try_from(traces.len()).is_ok(), "rows that 32 bits can number");
        let not_zero = |trace: &Trace| -> Vec<(u32, f64)> {
            work.step();
            (0..).zip(self.features(trace)).filter(|&(_, value)| value != 0.0).collect()
        };
        let rows = traces.traces().par_iter().map(|labelled| not_zero(&labelled.trace)).collect();
        SparseMatrix::from_rows(self.columns().len(), rows)
    }
}

impl TryFrom<Vec<FittedSet>> for FittedSets {
    type Error = FittedError;

    fn try_from(sets: Vec<FittedSet>) -> Result<Self, FittedError> {
        FeatureSpec::new(sets.iter().map(FittedSet::set).collect())?;
        match sets.iter().find_map(|set| set.extract().check().err()) {
            Some(reason) => Err(FittedError::Learned(reason)),
            None => Ok(Self(sets)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FeatureSet;
    use serde_json::json;
    use wfkit_datasets::{LabelledTrace, Layer, Provenance, TraceKey};

    fn set(sizes: &[&[i32]]) -> TraceSet {
        let labelled = |(rep, size): (i64, &&[i32])| {
            LabelledTrace::new(
                TraceKey { class: "a".into(), rep, session: None },
                Some(rep),
                Trace::new((0..size.len() as u64).collect(), size.to_vec()).unwrap(),
            )
        };
        let traces = (0..).zip(sizes).map(labelled).collect();
        TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    fn fit(list: &str, set: &TraceSet) -> FeatureExtractor {
        let training: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
        list.parse::<FeatureSpec>().unwrap().fit(&training)
    }

    fn all() -> String {
        FeatureSet::ALL.map(FeatureSet::name).join(",")
    }

    #[test]
    fn every_set_fills_its_columns_and_none_collide() {
        let set = set(&[&[5, -9, -9], &[1], &[-7, -7]]);
        let extractor = fit(&all(), &set);
        let matrix = extractor.transform(&set);
        assert_eq!(matrix.names(), extractor.names());
        assert!(matrix.names().contains(&"kfp-core.in_gap_max".to_owned()));
        assert!(matrix.names().contains(&"cumul.c_001".to_owned()));
        assert_eq!(matrix.rows()[2].start_ns, Some(2));
        assert_eq!(matrix.values().row(1).to_vec(), extractor.features(&set.traces()[1].trace));
        assert_eq!(extractor.transform_sparse(&set), SparseMatrix::from_dense(matrix.values()).unwrap());
    }

    #[test]
    fn what_is_learned_is_learned_from_training_alone() {
        let extractor = fit("sequence,kfp-size", &set(&[&[5, -9], &[-9]]));
        let unseen = set(&[&[1, 2, 3, -9]]);
        let matrix = extractor.transform(&unseen);
        assert_eq!(matrix.values().row(0).to_vec()[..2], [1.0, 2.0]);
        let at = |name: &str| matrix.names().iter().position(|n| n == name).unwrap();
        assert_eq!(matrix.values()[(0, at("kfp-size.common_size_01"))], 1.0);
        assert_eq!(matrix.values()[(0, at("kfp-size.common_size_02"))], 0.0);
    }

    #[test]
    fn a_set_tells_what_its_columns_tell() {
        let training = set(&[&[5, -9, -9, 600], &[5, -9, -9, 600]]);
        for set in FeatureSet::ALL {
            let columns = fit(set.name(), &training).columns();
            let mut told: Vec<_> = columns.iter().map(|column| column.information).collect();
            told.sort();
            told.dedup();
            assert_eq!(told, set.information(), "{set}");
        }
    }

    #[test]
    fn an_extractor_survives_storage() {
        let extractor = fit(&all(), &set(&[&[5, -9, -9], &[1]]));
        let json = serde_json::to_value(&extractor).unwrap();
        assert_eq!(json[0], json!({"totals": null}));
        assert_eq!(json[1], json!({"sequence": {"packets": 3, "cap": 5000}}));
        assert_eq!(json[5], json!({"kfp-size": {"commonest": [-9, 1, 5]}}));
        assert_eq!(serde_json::from_value::<FeatureExtractor>(json).unwrap(), extractor);
        assert_eq!(extractor.spec().to_string(), all());
    }

    #[test]
    fn stored_nonsense_is_refused() {
        let error = |json: &str| serde_json::from_str::<FeatureExtractor>(json).unwrap_err().to_string();
        assert!(error("[]").contains("no feature set is named at all"));
        assert!(error(r#"[{"cumul":null},{"cumul":null}]"#).contains("cumul is named twice"));
        assert!(error(r#"[{"sequence":{"packets":9000000,"cap":9000000}}]"#).contains("9000000 packets"));
        let eleven = r#"[{"kfp-size":{"commonest":[1,2,3,4,5,6,7,8,9,10,11]}}]"#;
        assert!(error(eleven).contains("counts 11 sizes"));
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let sizes: Vec<Vec<i32>> =
            (1..40).map(|n| (0..n * 7).map(|i| if i % 3 == 0 { 600 } else { -i - 1 }).collect()).collect();
        let set = set(&sizes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let extractor = fit(&all(), &set);
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| extractor.transform(&set))
        };
        assert_eq!(with_threads(1), with_threads(4));
    }

    #[test]
    fn no_traces_give_no_rows_and_no_training_no_sequence() {
        let nothing = set(&[]);
        assert_eq!(fit("totals", &nothing).transform(&nothing).values().dim(), (0, 5));
        assert_eq!(fit("sequence", &nothing).transform(&set(&[&[1], &[2]])).values().dim(), (2, 0));
    }
}
