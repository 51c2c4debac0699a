//! Pure functions of tables of traces, for engines that give parts of a table to many machines: what comes of a row depends on the row and on
//! the arguments alone.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, RecordBatchReader, StructArray};
use arrow_schema::{DataType, Field};
use arrow_select::concat::concat_batches;
use ndarray::Array2;
use numpy::PyReadonlyArray2;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::{ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule};
use pyo3_arrow::input::AnyRecordBatch;
use wfkit_datasets::{AddTrace, Described, TraceKey, WriteError, write_croissant, write_traces_in_parts};
use wfkit_defend::{DefendOptions, DefenseSpec, observe_defended};
use wfkit_metrics::Silent;

use crate::columns::{Columns, table};
use crate::defence::{Profile, copies};
use crate::error::{OrRaise as _, exception, wrong};
use crate::features::{FeatureExtractor, values};
use crate::job::{self, Watch};
use crate::model::{Model, probabilities};
use crate::packet_columns::Known;
use crate::traces::{Traces, remove_old_description};

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

/// Does the same of each table of a stream, one after the other, so that no more of its packets are held than one has; what comes of them is one table.
fn each(
    reader: Box<dyn RecordBatchReader + Send>,
    watch: &Watch,
    mut work: impl FnMut(Columns) -> PyResult<RecordBatch>,
) -> PyResult<Batch> {
    let schema = reader.schema();
    let (mut made, mut first_row) = (Vec::new(), 0);
    for batch in reader {
        watch.go_on();
        let columns = Columns::of_batch(&batch.or_raise()?, &schema, first_row)?;
        first_row += columns.len();
        made.push(work(columns)?);
    }
    if made.is_empty() {
        made.push(work(Columns::of_batches(&[], &schema)?)?);
    }
    match &*made {
        [one] => Ok(Batch(one.clone())),
        several => concat_batches(&several[0].schema(), several).or_raise().map(Batch),
    }
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
/// ``batch`` is a table as in the Parquet files (see :meth:`wfkit.Traces.from_arrow`), or a stream of them, which is taken part by part and
/// need not fit memory; ``extractor`` was fitted before, once for all parts.
#[pyfunction]
pub(crate) fn features_batch(py: Python<'_>, batch: AnyRecordBatch, extractor: &FeatureExtractor) -> PyResult<Batch> {
    let (reader, extractor) = (batch.into_reader()?, extractor.0.clone());
    job::run(py, None, move |watch| {
        let names = extractor.names();
        each(reader, watch, |columns| beside_labels(&columns, &names, &values(&columns, &extractor, watch)))
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
    let spec = spec.knowing(profile);
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
    let (reader, fitted) = (batch.into_reader()?, Arc::clone(&model.0));
    job::run(py, None, move |watch| {
        // As files of probabilities name classes: that of a label has a mark before it.
        let names: Vec<String> = fitted.classes().names().iter().map(|class| column_of_class(class)).collect();
        each(reader, watch, |columns| beside_labels(&columns, &names, &probabilities(&columns, &fitted, watch)?))
    })
}

/// `=` before what is the name of a label, or looks like one already.
fn column_of_class(class: &str) -> String {
    let plain = class.trim_start_matches('=');
    let is_label = ["class", "rep", "session", "origin", "page", "start_ns"].contains(&plain);
    if is_label { format!("={class}") } else { class.to_owned() }
}

/// Tables of traces one after the other, as they are taken: of anything that speaks Arrow, or of an iterator over such things.
fn tables_of(tables: &Bound<'_, PyAny>) -> PyResult<Box<dyn Iterator<Item = PyResult<Columns>> + Send>> {
    if let Ok(tables) = tables.extract::<AnyRecordBatch>() {
        let reader = tables.into_reader()?;
        let schema = reader.schema();
        let mut first_row = 0;
        return Ok(Box::new(reader.map(move |batch| {
            let columns = Columns::of_batch(&batch.or_raise()?, &schema, first_row)?;
            first_row += columns.len();
            Ok(columns)
        })));
    }
    let iterator = tables.try_iter()?.unbind();
    let mut row = 0;
    Ok(Box::new(std::iter::from_fn(move || {
        let next = Python::attach(|py| -> PyResult<Option<_>> {
            let Some(next) = iterator.bind(py).clone().next().transpose()? else { return Ok(None) };
            Ok(Some(next.extract::<AnyRecordBatch>()?.into_table()?.into_inner()))
        });
        let columns = next.transpose()?.and_then(|(batches, schema)| Columns::of_batches_from(&batches, &schema, row));
        row += columns.as_ref().map_or(0, Columns::len);
        Some(columns)
    })))
}

/// Writes tables of traces part by part, so that they need not fit memory; how many traces, classes and packets they have.
#[pyfunction]
pub(crate) fn write_parts(
    py: Python<'_>,
    tables: &Bound<'_, PyAny>,
    path: PathBuf,
    croissant: bool,
) -> PyResult<(u64, u64, u64)> {
    let mut tables = tables_of(tables)?;
    job::run(py, None, move |watch| {
        let Some(first) = tables.next().transpose()? else {
            return Err(wrong("there is no table, not even one without rows, which would say what the columns are"));
        };
        let provenance = first.told_provenance();
        let licence = first.licence.as_deref().map(str::to_owned);
        let (mut described, mut classes) = (Described { licence, ..Described::default() }, BTreeSet::new());
        let mut last = None::<TraceKey>;
        write_traces_in_parts(&path, &provenance, |add: &mut AddTrace<'_>| -> Result<(), Refused> {
            let mut next = Some(first);
            while let Some(columns) = next {
                // The file has one schema, which begins with the first table.
                let is_new = |known: &&Known| !provenance.packet_columns.contains(&known.column);
                if let Some(known) = columns.known.iter().find(is_new) {
                    return Err(Refused(wrong(format!(
                        "row {}: a table with the column {}, which the first one has not: it would be lost",
                        described.traces, known.column
                    ))));
                }
                for row in 0..columns.len() {
                    watch.go_on();
                    let labelled = columns.labelled(row);
                    let key = &labelled.key;
                    if let Some(before) = last.as_ref().filter(|last| last.order(key).is_ge()) {
                        return Err(Refused(wrong(format!(
                            "row {}: the trace ({key}) stands behind ({before}): traces are written in the order of class (numbers by value), session and rep",
                            described.traces
                        ))));
                    }
                    add(&labelled)?;
                    described.traces += 1;
                    described.packets += labelled.trace.len() as u64;
                    if last.as_ref().is_none_or(|last| last.class != key.class) {
                        classes.insert(key.class.clone());
                    }
                    last = Some(labelled.key);
                }
                next = tables.next().transpose().map_err(Refused)?;
            }
            Ok(())
        })
        .map_err(|Refused(error)| error)?;
        described.classes = classes.len() as u64;
        if croissant {
            write_croissant(&path, &described).or_raise()?;
        } else {
            remove_old_description(&path, watch)?;
        }
        Ok((described.traces, described.classes, described.packets))
    })
}

/// What ended the writing.
struct Refused(PyErr);

impl From<WriteError> for Refused {
    fn from(error: WriteError) -> Self {
        Self(exception(&error))
    }
}
