//! Pure functions of tables of traces, for engines that give parts of a table to many machines: what comes of a row depends on the row and on
//! the arguments alone.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StructArray};
use arrow_schema::{DataType, Field};
use ndarray::Array2;
use numpy::PyReadonlyArray2;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::{ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule};
use pyo3_arrow::input::AnyRecordBatch;
use wfkit_defend::{DefendOptions, DefenseSpec, observe_defended};
use wfkit_metrics::Silent;

use crate::columns::{Columns, table};
use crate::defence::{Profile, copies};
use crate::error::{OrRaise as _, wrong};
use crate::features::{FeatureExtractor, values};
use crate::job;
use crate::model::{Model, probabilities};
use crate::traces::Traces;

/// A table, for whoever takes Arrow's: ``pyarrow.record_batch(batch)``, ``polars.DataFrame(batch)``.
#[pyclass(frozen, module = "wfkit")]
#[derive(Debug)]
pub(crate) struct Batch(RecordBatch);

#[pymethods]
impl Batch {
    #[getter]
    fn num_rows(&self) -> usize {
        self.0.num_rows()
    }

    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.0.schema_ref().fields().iter().map(|field| field.name().clone()).collect()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        stream(py, self.0.clone(), requested_schema)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyTuple>> {
        capsules(py, self.0.clone(), requested_schema)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, self.0.schema_ref().as_ref())
    }

    fn __repr__(&self) -> String {
        format!("<wfkit.Batch: {} rows, {} columns>", self.0.num_rows(), self.0.num_columns())
    }
}

/// A table as one array of structs, by Arrow's C data interface.
pub(crate) fn capsules<'py>(
    py: Python<'py>,
    batch: RecordBatch,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyArrowResult<Bound<'py, PyTuple>> {
    let field = field_of(&batch);
    to_array_pycapsules(py, Arc::new(field), &StructArray::from(batch), requested_schema)
}

/// A table as a stream of one batch.
pub(crate) fn stream<'py>(
    py: Python<'py>,
    batch: RecordBatch,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyArrowResult<Bound<'py, PyCapsule>> {
    let field = field_of(&batch);
    let array: ArrayRef = Arc::new(StructArray::from(batch));
    let arrays = ArrayIterator::new(std::iter::once(Ok(array)), Arc::new(field));
    to_stream_pycapsule(py, Box::new(arrays), requested_schema)
}

fn field_of(batch: &RecordBatch) -> Field {
    let schema = batch.schema();
    Field::new("", DataType::Struct(schema.fields().clone()), false).with_metadata(schema.metadata().clone())
}

fn columns_of(py: Python<'_>, traces: AnyRecordBatch) -> PyResult<Columns> {
    let (batches, schema) = traces.into_table()?.into_inner();
    py.detach(|| Columns::of_batches(&batches, &schema))
}

/// The labels of traces, then a column of numbers for each name.
fn beside_labels(columns: &Columns, names: &[String], values: &Array2<f64>) -> PyResult<RecordBatch> {
    let mut all = columns.label_columns();
    if let Some(name) = names.iter().find(|name| all.iter().any(|(label, _)| label.name() == *name)) {
        return Err(wrong(format!("a column of numbers would have the name of a label: {name}")));
    }
    for (name, column) in names.iter().zip(values.columns()) {
        let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values(column.iter().copied()));
        all.push((Field::new(name, DataType::Float64, false), numbers));
    }
    Ok(table(all, columns.len(), []))
}

/// The labels of traces, then a column for each name of the numbers, shape `(n_traces, n_names)`.
#[pyfunction]
pub(crate) fn labelled_table(
    traces: &Traces,
    names: Vec<String>,
    values: PyReadonlyArray2<'_, f64>,
) -> PyResult<Batch> {
    beside_labels(&traces.0, &names, &values.as_array().to_owned()).map(Batch)
}

/// The labels of the traces of a table, then a column for each feature, float64: pure, one row for each row, in their order.
///
/// ``batch`` is a table as in the Parquet files (see :meth:`wfkit.Traces.from_arrow`); ``extractor`` was fitted before, once for all parts.
#[pyfunction]
pub(crate) fn features_batch(py: Python<'_>, batch: AnyRecordBatch, extractor: &FeatureExtractor) -> PyResult<Batch> {
    let (columns, extractor) = (columns_of(py, batch)?, extractor.0.clone());
    job::run(py, None, move |watch| {
        let values = values(&columns, &extractor, watch);
        beside_labels(&columns, &extractor.names(), &values).map(Batch)
    })
}

/// The traces of a table as an observer sees them behind a defence, in the same columns: pure, since random draws follow from the seed
/// and the packets of a trace, and what a defence must know of the whole set is in ``profile``. In the order of the rows, copies
/// beside each other.
#[pyfunction]
#[pyo3(signature = (batch, defence, *, seed, profile, replicas = 1))]
pub(crate) fn defend_batch(
    py: Python<'_>,
    batch: AnyRecordBatch,
    defence: &str,
    seed: u64,
    profile: &Profile,
    replicas: u32,
) -> PyResult<Batch> {
    let replicas = copies(replicas)?;
    let Profile { profile, provenance } = profile.clone();
    let columns = Columns { provenance: Arc::new(provenance), ..columns_of(py, batch)? };
    let spec: DefenseSpec = defence.parse().or_raise()?;
    let spec = spec.told(profile);
    job::run(py, None, move |_| {
        let keyed = columns.in_key_order()?;
        let options = DefendOptions { seed, replicas, ..DefendOptions::default() };
        let observed = observe_defended(&keyed.set, &spec, &options, &Silent).or_raise()?;
        let rows: Vec<usize> = keyed.places().into_iter().flat_map(|place| observed.copies.rows_of(place)).collect();
        let traces = Traces::of_set(&observed.set, Default::default())?;
        Ok(Batch(traces.0.take(&rows)?.batch()))
    })
}

/// The labels of the traces of a table, then a column of probabilities for each class, named by it (``=rep`` for a class that has the
/// name of a label): pure, one row for each row, in their order.
#[pyfunction]
pub(crate) fn predict_batch(py: Python<'_>, batch: AnyRecordBatch, model: &Model) -> PyResult<Batch> {
    let (columns, fitted) = (columns_of(py, batch)?, Arc::clone(&model.0));
    job::run(py, None, move |watch| {
        let values = probabilities(&columns, &fitted, watch)?;
        // As files of probabilities name classes: that of a label has a mark before it.
        let names: Vec<String> = fitted.classes().names().iter().map(|class| column_of_class(class)).collect();
        beside_labels(&columns, &names, &values).map(Batch)
    })
}

/// `=` before what is the name of a label, or looks like one already.
fn column_of_class(class: &str) -> String {
    let plain = class.trim_start_matches('=');
    let is_label = ["class", "rep", "session", "origin", "page", "start_ns"].contains(&plain);
    if is_label { format!("={class}") } else { class.to_owned() }
}
