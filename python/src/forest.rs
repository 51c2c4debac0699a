//! The forest over any matrix.

use ndarray::Axis;
use numpy::{IntoPyArray as _, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wfkit_classify::Training;
use wfkit_classify::forest::{ForestParams, MaxFeatures};

use std::sync::Arc;

use crate::error::{OrRaise as _, wrong};
use crate::job;

/// A forest of grown trees; what :class:`wfkit.ForestClassifier` asks.
#[pyclass(frozen, module = "wfkit._wfkit")]
#[derive(Debug, Clone)]
pub(crate) struct Forest(Arc<wfkit_classify::forest::Forest>);

/// How many features a node looks at.
#[derive(FromPyObject)]
pub(crate) enum Looked {
    Count(usize),
    Named(String),
}

#[pymethods]
impl Forest {
    #[staticmethod]
    #[pyo3(signature = (x, labels, n_classes, weights, seed, *, extra_trees, trees, max_features, max_depth, max_leaf_nodes, min_samples_split, min_samples_leaf, bootstrap))]
    #[expect(clippy::too_many_arguments, reason = "parameters of a forest")]
    fn grow(
        py: Python<'_>,
        x: PyReadonlyArray2<'_, f64>,
        labels: PyReadonlyArray1<'_, i64>,
        n_classes: usize,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        seed: u64,
        extra_trees: bool,
        trees: usize,
        max_features: Option<Looked>,
        max_depth: Option<u32>,
        max_leaf_nodes: Option<u32>,
        min_samples_split: usize,
        min_samples_leaf: usize,
        bootstrap: bool,
    ) -> PyResult<Self> {
        let kind = if extra_trees { ForestParams::extra_trees() } else { ForestParams::random_forest() };
        let max_features = match max_features {
            None => MaxFeatures::All,
            Some(Looked::Count(count)) => MaxFeatures::Count(count),
            Some(Looked::Named(name)) if name == "sqrt" => MaxFeatures::Sqrt,
            Some(Looked::Named(name)) => {
                return Err(wrong(format!("max_features is {name}: 'sqrt', None for all, or a number")));
            }
        };
        let params = ForestParams {
            trees,
            max_features,
            max_depth,
            max_leaf_nodes,
            min_samples_split,
            min_samples_leaf,
            bootstrap,
            ..kind
        };
        let (mut x, mut labels) = (x.as_array().to_owned(), labels.as_array().mapv(|label| label as usize).to_vec());
        let mut weights = weights.map(|weights| weights.as_array().to_vec());
        job::run(py, None, move |_| {
            // What does not weigh is not there.
            if let Some(all) = &mut weights
                && all.len() == labels.len()
                && all.contains(&0.0)
            {
                let rows: Vec<usize> = (0..all.len()).filter(|&row| all[row] != 0.0).collect();
                x = x.select(Axis(0), &rows);
                labels = rows.iter().map(|&row| labels[row]).collect();
                *all = rows.iter().map(|&row| all[row]).collect();
            }
            let training = Training::new(x.view(), &labels, n_classes, seed);
            let forest = params.grow_weighted(&training, weights.as_deref()).or_raise()?;
            Ok(Self(Arc::new(forest)))
        })
    }

    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        postcard::from_bytes(bytes).map(|forest| Self(Arc::new(forest))).or_raise()
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = postcard::to_stdvec(&*self.0).or_raise()?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Self>().getattr("from_bytes")?, (self.to_bytes(py)?,)))
    }

    #[getter]
    fn n_trees(&self) -> usize {
        self.0.n_trees()
    }

    #[getter]
    fn n_nodes(&self) -> usize {
        self.0.n_nodes()
    }

    fn predict<'py>(&self, py: Python<'py>, x: PyReadonlyArray2<'_, f64>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (forest, x) = (self.checked(&x)?, x.as_array().to_owned());
        Ok(job::run(py, None, move |_| Ok(forest.predict(x.view())))?.into_pyarray(py))
    }

    fn leaves<'py>(&self, py: Python<'py>, x: PyReadonlyArray2<'_, f64>) -> PyResult<Bound<'py, PyArray2<u32>>> {
        let (forest, x) = (self.checked(&x)?, x.as_array().to_owned());
        Ok(job::run(py, None, move |_| Ok(forest.leaves(x.view())))?.into_pyarray(py))
    }
}

impl Forest {
    fn checked(&self, x: &PyReadonlyArray2<'_, f64>) -> PyResult<Arc<wfkit_classify::forest::Forest>> {
        let (found, grown) = (x.as_array().ncols(), self.0.n_features());
        match found == grown {
            true => Ok(Arc::clone(&self.0)),
            false => Err(wrong(format!("{found} features, but the forest grew on {grown}"))),
        }
    }
}
