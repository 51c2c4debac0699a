//! Features of traces.

use ndarray::Array2;
use numpy::{IntoPyArray as _, PyArray2};
use pyo3::prelude::*;
use rayon::prelude::*;
use wfkit_evaluate::Observer as _;
use wfkit_features::FeatureSpec;

use crate::columns::Columns;
use crate::error::OrRaise as _;
use crate::job::{self, Watch};
use crate::traces::Traces;

/// Traces that are looked at between two looks at whether to go on.
const CHUNK: usize = 1024;

/// Feature sets that have learned what they need, such as lengths and vocabularies, from training traces.
///
/// Pickles, so that many machines take the same features (:func:`wfkit.features_batch`).
///
/// >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0]], [[600, -1448], [20]])
/// >>> wfkit.FeatureExtractor.fit(traces, "totals").transform(traces).shape
/// (2, 5)
#[pyclass(frozen, module = "wfkit")]
#[derive(Debug, Clone)]
pub(crate) struct FeatureExtractor(pub(crate) wfkit_features::FeatureExtractor);

#[pymethods]
impl FeatureExtractor {
    /// Learns from training traces; ``sets`` are names joined by commas.
    #[staticmethod]
    #[pyo3(signature = (traces, sets))]
    fn fit(py: Python<'_>, traces: &Traces, sets: &str) -> PyResult<Self> {
        let spec: FeatureSpec = sets.parse().or_raise()?;
        let columns = traces.0.clone();
        job::run(py, None, move |_| {
            let traces = columns.traces();
            Ok(Self(spec.fit(&traces.iter().collect::<Vec<_>>())))
        })
    }

    #[staticmethod]
    fn _of_json(json: &str) -> PyResult<Self> {
        serde_json::from_str(json).map(Self).or_raise()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let json = serde_json::to_string(&self.0).or_raise()?;
        Ok((py.get_type::<Self>().getattr("_of_json")?, (json,)))
    }

    /// The names of the sets, joined by commas.
    #[getter]
    fn sets(&self) -> String {
        self.0.spec().to_string()
    }

    /// One name a column: the set, a dot, the feature.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.names()
    }

    /// Unit, information, definition and version of each column.
    fn _columns(&self) -> PyResult<String> {
        serde_json::to_string(&self.0.columns()).or_raise()
    }

    /// The features of every trace, shape ``(n_traces, n_features)``, float64, finite.
    #[pyo3(signature = (traces, progress=None))]
    fn transform<'py>(
        &self,
        py: Python<'py>,
        traces: &Traces,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (columns, extractor) = (traces.0.clone(), self.0.clone());
        let values = job::run(py, progress, move |watch| Ok(values(&columns, &extractor, watch)))?;
        Ok(values.into_pyarray(py))
    }

    fn __repr__(&self) -> String {
        format!("<wfkit.FeatureExtractor: {}, {} columns>", self.sets(), self.0.names().len())
    }
}

/// Shape `(n_traces, n_features)`.
pub(crate) fn values(columns: &Columns, extractor: &wfkit_features::FeatureExtractor, watch: &Watch) -> Array2<f64> {
    let width = extractor.names().len();
    let mut values = Array2::zeros((columns.len(), width));
    watch.begin("features", columns.len() as u64);
    // With no column there is no row to fill.
    let rows = values.as_slice_mut().expect("it is new");
    for (chunk, rows) in rows.chunks_mut(CHUNK * width.max(1)).enumerate() {
        let row = |(place, into): (usize, &mut [f64])| {
            into.copy_from_slice(&extractor.features(&columns.trace(chunk * CHUNK + place)));
        };
        rows.par_chunks_exact_mut(width.max(1)).enumerate().for_each(row);
        watch.done(((chunk + 1) * CHUNK).min(columns.len()) as u64);
    }
    watch.end();
    values
}
