//! Attacks that learn from traces, and what they have learned.

use std::path::PathBuf;

use ndarray::{Array2, Axis};
use numpy::{IntoPyArray as _, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wfkit_classify::{Attack, AttackOptions, FittedAttack, Samples, attacks as known_attacks};
use wfkit_evaluate::Observer as _;

use std::sync::Arc;

use crate::columns::Columns;
use crate::error::OrRaise as _;
use crate::job::{self, Watch};
use crate::traces::Traces;

/// Traces that are judged between two looks at whether to go on.
const CHUNK: usize = 2048;

/// An attack that has learned from traces; :func:`wfkit.train` makes one. Pickles, as the bytes of its file.
#[pyclass(frozen, module = "wfkit")]
#[derive(Debug, Clone)]
pub(crate) struct Model(pub(crate) Arc<FittedAttack>);

/// An attack as keywords say it.
#[derive(Debug, Clone, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct AttackSpec {
    name: String,
    trees: Option<usize>,
    balanced: bool,
    max_depth: Option<u32>,
    min_samples_leaf: Option<usize>,
    max_leaf_nodes: Option<u32>,
    calibration: Option<String>,
    unmonitored: Option<String>,
}

impl AttackSpec {
    pub(crate) fn attack(&self) -> PyResult<Attack> {
        let options = AttackOptions {
            trees: self.trees,
            balanced: self.balanced,
            max_depth: self.max_depth,
            min_samples_leaf: self.min_samples_leaf,
            max_leaf_nodes: self.max_leaf_nodes,
            ..AttackOptions::default()
        };
        let mut attack = Attack::by_name(&self.name, &options).or_raise()?;
        if let Some(calibration) = &self.calibration {
            attack = attack.calibrated(calibration.parse().or_raise()?);
        }
        if let Some(class) = &self.unmonitored {
            attack = attack.unmonitored(class);
        }
        Ok(attack)
    }
}

/// Name, source, description, cost, purpose and features of every attack, as JSON.
#[pyfunction]
pub(crate) fn attacks() -> PyResult<String> {
    serde_json::to_string(known_attacks()).or_raise()
}

#[pyfunction]
#[pyo3(signature = (traces, attack, seed, progress))]
pub(crate) fn train(
    py: Python<'_>,
    traces: &Traces,
    attack: AttackSpec,
    seed: u64,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Model> {
    let attack = attack.attack()?;
    let columns = traces.0.clone();
    job::run(py, progress, move |watch| {
        let set = columns.in_key_order()?.set;
        watch.go_on();
        let mut fitted = attack.fit_watched(Samples::Traces(&set), seed, watch).or_raise()?;
        fitted.remember(Samples::Traces(&set));
        Ok(Model(Arc::new(fitted)))
    })
}

#[pymethods]
impl Model {
    /// Reads what :meth:`save` or ``wfkit train`` wrote.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        job::run(py, None, move |_| FittedAttack::load(&path).map(|fitted| Self(Arc::new(fitted))).or_raise())
    }

    /// A model from the bytes of its file.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let bytes = bytes.to_vec();
        job::run(py, None, move |_| FittedAttack::from_bytes(&bytes).map(|fitted| Self(Arc::new(fitted))).or_raise())
    }

    /// Writes the model for :meth:`load` and ``wfkit predict``; the file is replaced as a whole.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let fitted = Arc::clone(&self.0);
        job::run(py, None, move |_| fitted.save(&path).or_raise())
    }

    /// The bytes of its file; equal models have equal bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let fitted = Arc::clone(&self.0);
        let bytes = job::run(py, None, move |_| fitted.to_bytes().or_raise())?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Self>().getattr("from_bytes")?, (self.to_bytes(py)?,)))
    }

    /// The name of the attack.
    #[getter]
    fn attack(&self) -> &str {
        &self.0.about().attack
    }

    /// The classes, in the order of the columns of probabilities.
    #[getter]
    fn class_names(&self) -> Vec<String> {
        self.0.classes().names().to_vec()
    }

    /// The features that it takes from traces.
    #[getter]
    fn feature_names(&self) -> Vec<String> {
        self.0.about().features.clone()
    }

    /// The seed that it learned with.
    #[getter]
    fn seed(&self) -> u64 {
        self.0.about().seed
    }

    /// One line on what it is.
    #[getter]
    fn description(&self) -> String {
        self.0.model().describe()
    }

    /// Class probabilities, shape ``(n_traces, n_classes)``, in the order of ``class_names``, whatever the labels of the traces.
    #[pyo3(signature = (traces, progress=None))]
    fn predict_proba<'py>(
        &self,
        py: Python<'py>,
        traces: &Traces,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (columns, fitted) = (traces.0.clone(), Arc::clone(&self.0));
        Ok(job::run(py, progress, move |watch| probabilities(&columns, &fitted, watch))?.into_pyarray(py))
    }

    fn __repr__(&self) -> String {
        let about = self.0.about();
        let traces: usize = about.trained_on.iter().sum();
        format!("<wfkit.Model: {}, learned from {traces} traces of {} classes>", about.attack, about.classes.len())
    }
}

/// What an attack says of each row, shape `(n_traces, n_classes)`, whatever the labels of the rows.
pub(crate) fn probabilities(columns: &Columns, fitted: &FittedAttack, watch: &Watch) -> PyResult<Array2<f64>> {
    let rows = columns.len();
    let mut values = Array2::zeros((rows, fitted.classes().len()));
    watch.begin("predicting", rows as u64);
    for first in (0..rows).step_by(CHUNK) {
        let last = rows.min(first + CHUNK);
        let set = columns.without_keys(first..last);
        let said = fitted.predict(Samples::Traces(&set)).or_raise()?;
        values.slice_axis_mut(Axis(0), (first..last).into()).assign(&said.values());
        watch.done(last as u64);
    }
    watch.end();
    Ok(values)
}
