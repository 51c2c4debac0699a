//! Traces as columns in the memory format of Arrow: what NumPy, polars, pandas and pyarrow can look at without a copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, LargeListArray, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat;
use arrow_select::take::take;
use pyo3::prelude::*;
use rayon::prelude::*;
use wfkit_datasets::{
    FileKind, LabelledTrace, Layer, PacketColumn, Provenance, Trace, TraceKey, TraceSet, canonical_class,
};

use crate::conversion::{instants, large_lists, numbers, texts, wholes};
use crate::error::{OrRaise as _, wrong};
use crate::packet_columns::{Known, is_of_packets};

/// The key of our entry in the metadata of a schema, and of a Parquet file.
const METADATA: &str = "wfkit";

/// Labelled traces, column by column; each is a sound [`Trace`], in any order, also more than once.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    pub(crate) class: StringArray,
    pub(crate) rep: Int64Array,
    pub(crate) session: StringArray,
    pub(crate) origin: StringArray,
    pub(crate) page: StringArray,
    pub(crate) start_ns: Int64Array,
    /// Where the packets of each trace begin, from 0, and one more for the end.
    pub(crate) offsets: ScalarBuffer<i64>,
    pub(crate) time: ScalarBuffer<i64>,
    pub(crate) size: ScalarBuffer<i32>,
    /// What else is known of packets, in the order of [`PacketColumn::ALL`].
    pub(crate) known: Vec<Known>,
    /// Where they come from; its columns of packets are not told here, [`Self::told_provenance`] does.
    pub(crate) provenance: Arc<Provenance>,
    /// What reading left out, by reason.
    pub(crate) dropped: Arc<BTreeMap<String, u64>>,
    /// The licence of what they were read from, where it is known.
    pub(crate) licence: Option<Arc<str>>,
}

/// Traces in the order of their keys, as the libraries take them.
pub(crate) struct InKeyOrder {
    pub(crate) set: TraceSet,
    /// The row of each trace of the set, in the order of the set.
    pub(crate) rows: Vec<usize>,
}

impl InKeyOrder {
    /// The place in the set of each row.
    pub(crate) fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.rows.len()];
        for (place, &row) in self.rows.iter().enumerate() {
            places[row] = place;
        }
        places
    }
}

/// The entry in the metadata.
#[derive(serde::Serialize)]
struct Entry<'a> {
    kind: FileKind,
    #[serde(flatten)]
    provenance: &'a Provenance,
}

impl Columns {
    /// The traces of a set, in its order.
    pub(crate) fn of_set(set: &TraceSet) -> PyResult<Self> {
        let traces = set.traces();
        let mut offsets = Vec::with_capacity(traces.len() + 1);
        let (mut time, mut size) = (Vec::with_capacity(set.packets()), Vec::with_capacity(set.packets()));
        offsets.push(0);
        for LabelledTrace { key, trace, .. } in traces {
            // Times do not decrease: if the last fits, all do.
            if i64::try_from(trace.duration_ns()).is_err() {
                return Err(wrong(format!("({key}): {} ns do not fit 64 bits with a sign", trace.duration_ns())));
            }
            time.extend(trace.time_ns().iter().map(|&time_ns| time_ns as i64));
            size.extend_from_slice(trace.size());
            offsets.push(time.len() as i64);
        }
        Ok(Self {
            class: traces.iter().map(|one| Some(one.key.class.as_str())).collect(),
            rep: traces.iter().map(|one| one.key.rep).collect(),
            session: traces.iter().map(|one| one.key.session.as_deref()).collect(),
            origin: traces.iter().map(|one| one.origin.as_deref()).collect(),
            page: traces.iter().map(|one| one.page.as_deref()).collect(),
            start_ns: traces.iter().map(|one| one.start_ns).collect(),
            offsets: offsets.into(),
            time: time.into(),
            size: size.into(),
            known: set.provenance().packet_columns.iter().map(|&column| Known::of_traces(column, traces)).collect(),
            provenance: Arc::new(Provenance { packet_columns: Vec::new(), ..set.provenance().clone() }),
            dropped: Arc::default(),
            licence: None,
        })
    }

    /// Tables of traces as one, checked. Types are converted where nothing is lost; columns that are not ours are passed over.
    pub(crate) fn of_batches(batches: &[RecordBatch], schema: &SchemaRef) -> PyResult<Self> {
        Self::of_batches_from(batches, schema, 0)
    }

    /// The same of tables whose first row is that row of a larger one.
    pub(crate) fn of_batches_from(batches: &[RecordBatch], schema: &SchemaRef, mut first_row: usize) -> PyResult<Self> {
        match batches {
            [] => Self::of_batch(&RecordBatch::new_empty(Arc::clone(schema)), schema, first_row),
            [batch] => Self::of_batch(batch, schema, first_row),
            batches => {
                let parts = batches.iter().map(|batch| {
                    let part = Self::of_batch(batch, schema, first_row)?;
                    first_row += part.len();
                    Ok(part)
                });
                Self::joined(&parts.collect::<PyResult<Vec<_>>>()?)
            }
        }
    }

    /// A table of traces, checked, whose first row is that row of a larger one.
    pub(crate) fn of_batch(batch: &RecordBatch, schema: &SchemaRef, first_row: usize) -> PyResult<Self> {
        let rows = batch.num_rows();
        let labels = |name: &str| match batch.column_by_name(name) {
            Some(column) => texts(name, column),
            None => Ok(StringArray::new_null(rows)),
        };
        let column = |name: &str| {
            batch.column_by_name(name).ok_or_else(|| {
                let found: Vec<&str> = schema.fields().iter().take(8).map(|field| field.name().as_str()).collect();
                wrong(format!("column {name} is missing: found {}", found.join(", ")))
            })
        };
        let whole = |name: &str, found: &dyn Array| match (0..rows).find(|&row| found.is_null(row)) {
            Some(row) => Err(wrong(format!("row {}, column {name}: null", first_row + row))),
            None => Ok(()),
        };
        let class = texts("class", column("class")?)?;
        whole("class", &class)?;
        let rep = numbers("rep", column("rep")?)?;
        whole("rep", &rep)?;
        for name in ["time_ns", "size"] {
            whole(name, column(name)?)?;
        }
        let (time_offsets, time) = lists(batch, "time_ns", &DataType::Int64, first_row)?;
        let (offsets, size) = lists(batch, "size", &DataType::Int32, first_row)?;
        if let Some(row) =
            (0..rows).find(|&row| time_offsets[row + 1] - time_offsets[row] != offsets[row + 1] - offsets[row])
        {
            let [times, sizes] = [&time_offsets, &offsets].map(|all| all[row + 1] - all[row]);
            return Err(wrong(format!("row {}: {times} times for {sizes} sizes", first_row + row)));
        }
        let provenance = match batch.schema_ref().metadata().get(METADATA).or_else(|| schema.metadata().get(METADATA)) {
            Some(json) => serde_json::from_str(json)
                .map_err(|error| wrong(format!("the metadata entry {METADATA} is no provenance: {error}")))?,
            None => Provenance::new(Layer::Unknown, Vec::new()),
        };
        let known = PacketColumn::ALL.into_iter().filter_map(|column| {
            let lists = batch.column_by_name(column.name()).filter(|found| is_of_packets(found))?;
            Some(Known::of_table(column, lists, &offsets, first_row))
        });
        let known = known.collect::<PyResult<_>>()?;
        let columns = Self {
            class: class.iter().map(|class| class.map(canonical_class)).collect(),
            rep,
            session: labels("session")?,
            origin: labels("origin")?,
            page: labels("page")?,
            start_ns: match batch.column_by_name("start_ns") {
                Some(column) => instants("start_ns", column)?,
                None => Int64Array::new_null(rows),
            },
            offsets,
            time: time.as_primitive::<Int64Type>().values().clone(),
            size: size.as_primitive::<Int32Type>().values().clone(),
            known,
            provenance: Arc::new(Provenance { packet_columns: Vec::new(), ..provenance }),
            dropped: Arc::default(),
            licence: None,
        };
        columns.checked(first_row)
    }

    /// The rows of several, one after the other; what they come from is that of the first.
    fn joined(parts: &[Self]) -> PyResult<Self> {
        let texts = |of: fn(&Self) -> &StringArray| -> PyResult<StringArray> {
            let arrays: Vec<&dyn Array> = parts.iter().map(|part| of(part) as &dyn Array).collect();
            Ok(concat(&arrays).or_raise()?.as_string().clone())
        };
        let numbers = |of: fn(&Self) -> &Int64Array| parts.iter().flat_map(of).collect::<Int64Array>();
        let known: Vec<_> = parts.iter().map(|part| (part.known.as_slice(), part.len(), part.time.len())).collect();
        let packets = parts.iter().map(|part| part.time.len()).sum();
        let rows: usize = parts.iter().map(Self::len).sum();
        // Each table has offsets of its own, perhaps of 32 bits; those of all of them together have 64.
        let (mut offsets, mut time) = (Vec::with_capacity(rows + 1), Vec::<i64>::with_capacity(packets));
        let mut size = Vec::<i32>::with_capacity(packets);
        offsets.push(0);
        for part in parts {
            let before = time.len() as i64;
            offsets.extend(part.offsets[1..].iter().map(|offset| before + offset));
            time.extend_from_slice(&part.time);
            size.extend_from_slice(&part.size);
        }
        Ok(Self {
            class: texts(|part| &part.class)?,
            rep: numbers(|part| &part.rep),
            session: texts(|part| &part.session)?,
            origin: texts(|part| &part.origin)?,
            page: texts(|part| &part.page)?,
            start_ns: numbers(|part| &part.start_ns),
            offsets: offsets.into(),
            time: time.into(),
            size: size.into(),
            known: Known::joined(&known),
            provenance: Arc::clone(&parts[0].provenance),
            dropped: Arc::default(),
            licence: None,
        })
    }

    /// Refuses what is no trace, naming its row of a table in which the first of these is `first_row`.
    pub(crate) fn checked(self, first_row: usize) -> PyResult<Self> {
        let wrong_row = (0..self.len()).into_par_iter().find_map_first(|row| {
            let negative = self.times(row).iter().find(|&&time_ns| time_ns < 0);
            match negative {
                Some(time_ns) => Some((row, format!("a negative time, {time_ns} ns"))),
                None => self.try_trace(row).err().map(|error| (row, error.to_string())),
            }
        });
        match wrong_row {
            Some((row, error)) => {
                Err(wrong(format!("row {}, the trace ({}): {error}", first_row + row, self.key(row))))
            }
            None => Ok(self),
        }
    }

    /// Number of traces.
    pub(crate) fn len(&self) -> usize {
        self.rep.len()
    }

    /// Class, rep and session of a row.
    pub(crate) fn key(&self, row: usize) -> TraceKey {
        let session = self.session.is_valid(row).then(|| self.session.value(row).to_owned());
        TraceKey { class: self.class.value(row).to_owned(), rep: self.rep.value(row), session }
    }

    fn packets(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    fn times(&self, row: usize) -> &[i64] {
        &self.time[self.packets(row)]
    }

    fn try_trace(&self, row: usize) -> Result<Trace, wfkit_datasets::TraceError> {
        let time_ns = self.times(row).iter().map(|&time_ns| time_ns as u64).collect();
        Trace::new(time_ns, self.size[self.packets(row)].to_vec())
    }

    /// The packets of a row.
    pub(crate) fn trace(&self, row: usize) -> Trace {
        let trace = self.try_trace(row).expect("every row was checked");
        self.known.iter().fold(trace, |trace, known| known.add_to(trace, row, self.packets(row)))
    }

    /// What is known of all packets in this column, if it is there.
    pub(crate) fn known(&self, column: PacketColumn) -> Option<&Known> {
        self.known.iter().find(|known| known.column == column)
    }

    /// Where the traces come from, and which columns of packets they have.
    pub(crate) fn told_provenance(&self) -> Provenance {
        let packet_columns = self.known.iter().map(|known| known.column).collect();
        Provenance { packet_columns, ..self.provenance.as_ref().clone() }
    }

    /// The packets of all rows.
    pub(crate) fn traces(&self) -> Vec<Trace> {
        (0..self.len()).into_par_iter().map(|row| self.trace(row)).collect()
    }

    /// A row with its label.
    pub(crate) fn labelled(&self, row: usize) -> LabelledTrace {
        let text = |column: &StringArray| column.is_valid(row).then(|| column.value(row).to_owned());
        LabelledTrace {
            key: self.key(row),
            origin: text(&self.origin),
            page: text(&self.page),
            start_ns: self.start_ns.is_valid(row).then(|| self.start_ns.value(row)),
            trace: self.trace(row),
        }
    }

    /// The rows in the order of their keys; an error where two have one key.
    pub(crate) fn in_key_order(&self) -> PyResult<InKeyOrder> {
        let keys: Vec<TraceKey> = (0..self.len()).map(|row| self.key(row)).collect();
        let mut rows: Vec<usize> = (0..self.len()).collect();
        rows.sort_by(|&a, &b| keys[a].order(&keys[b]));
        let traces = rows.par_iter().map(|&row| self.labelled(row)).collect();
        let set = TraceSet::new(traces, self.told_provenance()).or_raise()?;
        Ok(InKeyOrder { set, rows })
    }

    /// The rows in their own order, under keys that say nothing: for who looks at packets alone.
    pub(crate) fn without_keys(&self, rows: std::ops::Range<usize>) -> TraceSet {
        let unnamed = |row: usize| {
            let key = TraceKey { class: "?".to_owned(), rep: row as i64, session: None };
            LabelledTrace { key, ..self.labelled(row) }
        };
        let traces = rows.into_par_iter().map(unnamed).collect();
        TraceSet::new(traces, self.told_provenance()).expect("every row has a number of its own")
    }

    /// Rows that follow each other; packets are not copied.
    pub(crate) fn slice(&self, start: usize, len: usize) -> Self {
        let first = self.offsets[start];
        let packets = (self.offsets[start + len] - first) as usize;
        Self {
            class: self.class.slice(start, len),
            rep: self.rep.slice(start, len),
            session: self.session.slice(start, len),
            origin: self.origin.slice(start, len),
            page: self.page.slice(start, len),
            start_ns: self.start_ns.slice(start, len),
            offsets: self.offsets[start..=start + len].iter().map(|offset| offset - first).collect(),
            time: self.time.slice(first as usize, packets),
            size: self.size.slice(first as usize, packets),
            known: self
                .known
                .iter()
                .map(|known| known.slice(start..start + len, first as usize..first as usize + packets))
                .collect(),
            provenance: Arc::clone(&self.provenance),
            dropped: Arc::default(),
            licence: self.licence.clone(),
        }
    }

    /// Rows in this order, also more than once.
    pub(crate) fn take(&self, rows: &[usize]) -> PyResult<Self> {
        let indices = Int64Array::from_iter_values(rows.iter().map(|&row| row as i64));
        let texts = |column: &StringArray| take(column, &indices, None).map(|taken| taken.as_string().clone());
        let numbers =
            |column: &Int64Array| take(column, &indices, None).map(|taken| taken.as_primitive::<Int64Type>().clone());
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        offsets.push(0);
        let (mut time, mut size) = (Vec::new(), Vec::new());
        for &row in rows {
            time.extend_from_slice(self.times(row));
            size.extend_from_slice(&self.size[self.packets(row)]);
            offsets.push(time.len() as i64);
        }
        Ok(Self {
            class: texts(&self.class).or_raise()?,
            rep: numbers(&self.rep).or_raise()?,
            session: texts(&self.session).or_raise()?,
            origin: texts(&self.origin).or_raise()?,
            page: texts(&self.page).or_raise()?,
            start_ns: numbers(&self.start_ns).or_raise()?,
            offsets: offsets.into(),
            time: time.into(),
            size: size.into(),
            known: self.known.iter().map(|known| known.take(rows, |row| self.packets(row))).collect(),
            provenance: Arc::clone(&self.provenance),
            dropped: Arc::default(),
            licence: self.licence.clone(),
        })
    }

    /// The columns that are labels.
    pub(crate) fn label_columns(&self) -> Vec<(Field, ArrayRef)> {
        let text = |name: &str, nullable: bool, column: &StringArray| -> (Field, ArrayRef) {
            (Field::new(name, DataType::Utf8, nullable), Arc::new(column.clone()))
        };
        let number = |name: &str, nullable: bool, column: &Int64Array| -> (Field, ArrayRef) {
            (Field::new(name, DataType::Int64, nullable), Arc::new(column.clone()))
        };
        vec![
            text("class", false, &self.class),
            number("rep", false, &self.rep),
            text("session", true, &self.session),
            text("origin", true, &self.origin),
            text("page", true, &self.page),
            number("start_ns", true, &self.start_ns),
        ]
    }

    /// A table, one row a trace, with the columns of our Parquet files; packets are not copied.
    pub(crate) fn batch(&self) -> RecordBatch {
        let offsets = OffsetBuffer::new(self.offsets.clone());
        let list = |name: &str, kind: DataType, values: ArrayRef| -> (Field, ArrayRef) {
            let item = Arc::new(Field::new("item", kind, true));
            let lists = LargeListArray::new(Arc::clone(&item), offsets.clone(), values, None);
            (Field::new(name, DataType::LargeList(item), false), Arc::new(lists))
        };
        let mut columns = self.label_columns();
        columns.push(list("time_ns", DataType::Int64, Arc::new(Int64Array::new(self.time.clone(), None))));
        columns.push(list("size", DataType::Int32, Arc::new(Int32Array::new(self.size.clone(), None))));
        columns.extend(self.known.iter().map(|known| known.lists(&offsets)));
        let entry = Entry { kind: FileKind::Traces, provenance: &self.told_provenance() };
        let entry = serde_json::to_string(&entry).expect("strings and lists of them have a JSON form");
        table(columns, self.len(), [(METADATA.to_owned(), entry)])
    }
}

/// Columns of so many rows as a table.
pub(crate) fn table(
    columns: Vec<(Field, ArrayRef)>,
    rows: usize,
    metadata: impl IntoIterator<Item = (String, String)>,
) -> RecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let schema = Schema::new(fields).with_metadata(metadata.into_iter().collect());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).expect("columns of one length")
}

/// A column of lists without nulls: where each begins, from 0, and the values.
fn lists(
    batch: &RecordBatch,
    name: &str,
    item: &DataType,
    first_row: usize,
) -> PyResult<(ScalarBuffer<i64>, ArrayRef)> {
    let lists = large_lists(name, batch.column_by_name(name).expect("it was looked for before"))?;
    let offsets = lists.offsets();
    let first = offsets[0];
    let values = lists.values().slice(first as usize, (offsets[lists.len()] - first) as usize);
    let values = wholes(name, &values, item)?;
    if values.null_count() > 0 {
        let place = (0..values.len()).find(|&place| values.is_null(place)).expect("it counts one") as i64 + first;
        let row = first_row + offsets.partition_point(|&offset| offset <= place) - 1;
        return Err(wrong(format!("row {row}, column {name}: null in the list")));
    }
    let offsets = match first {
        0 => offsets.inner().clone(),
        first => offsets.iter().map(|offset| offset - first).collect(),
    };
    Ok((offsets, values))
}
