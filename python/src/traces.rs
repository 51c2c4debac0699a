//! Labelled traces in Python.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3};
use numpy::{IntoPyArray as _, PyArray1, PyArray3, PyReadonlyArray1};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PySlice, PyTuple, PyType};
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::to_schema_pycapsule;
use pyo3_arrow::input::AnyRecordBatch;
use rayon::prelude::*;
use wfkit_datasets::{
    Described, Layer, PacketColumn, Provenance, TraceSet, TraceSetInfo, canonical_class, remove_old_croissant,
    write_croissant, write_traces,
};
use wfkit_evaluate::Observer as _;
use wfkit_features::Channel;

use crate::batches::{capsules, stream};
use crate::columns::Columns;
use crate::error::{OrRaise as _, wrong};
use crate::job::{self, Watch};
use crate::numpy_views::{optional, texts, view};
use crate::packet_columns::{Known, only_some};

/// Labelled traces: packets as flat columns, which NumPy sees without a copy, and class, rep and session of each trace.
///
/// `len` is the number of traces. `traces[3]` is one trace, `traces[10:20]` and `traces[rows]` (numbers or truth values) are traces;
/// a slice copies no packet. They are a table to Arrow, so that `polars.DataFrame(traces)`, `pyarrow.table(traces)` and
/// `duckdb` take them, and `Traces.from_arrow` takes theirs.
///
/// >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0]], [[600, -1448], [20]])
/// >>> len(traces), traces[0].size.tolist(), traces[1:].classes.tolist()
/// (2, [600, -1448], ['b'])
#[pyclass(frozen, module = "wfkit")]
#[derive(Debug, Clone)]
pub(crate) struct Traces(pub(crate) Columns);

/// One trace: `len` packets with `time` (ns since the first, int64) and `size` (signed bytes, int32), and its label;
/// `columns` and `column(name)` are what else is known of its packets, as `Traces.columns` has them.
#[pyclass(frozen, module = "wfkit")]
#[derive(Debug)]
pub(crate) struct Trace(Columns);

/// One name or several.
#[derive(FromPyObject)]
pub(crate) enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name],
            Self::Several(names) => names,
        }
    }
}

/// A column of packets as pickle keeps it: its name, its values, and which traces have it, if not all.
type KnownParts<'py> = (&'static str, Bound<'py, PyAny>, Option<Vec<bool>>);

/// Everything of traces, as pickle keeps it.
type Parts<'py> = (
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Vec<String>,
    Bound<'py, PyAny>,
    [Vec<Option<String>>; 3],
    Vec<Option<i64>>,
    String,
    Vec<KnownParts<'py>>,
);

impl From<Columns> for Traces {
    fn from(columns: Columns) -> Self {
        Self(columns)
    }
}

impl Traces {
    pub(crate) fn of_set(set: &TraceSet, dropped: BTreeMap<String, u64>) -> PyResult<Self> {
        Ok(Self(Columns { dropped: dropped.into(), ..Columns::of_set(set)? }))
    }
}

/// No description says of what is written now what was there before.
pub(crate) fn remove_old_description(path: &Path, watch: &Watch) -> PyResult<()> {
    if let Some(old) = remove_old_croissant(path).or_raise()? {
        let (old, path) = (old.display(), path.display());
        watch
            .warn(&format!("{old} describes another file than {path} is now, and stays: it is not as wfkit writes it"));
    }
    Ok(())
}

#[pymethods]
impl Traces {
    /// Traces from a table of polars, pandas, pyarrow, DuckDB or anything that speaks Arrow's C data interface.
    ///
    /// Columns, as in the Parquet files: `class`, `rep`, `time_ns` (lists of whole ns from 0), `size` (lists of signed bytes); and, where
    /// they are there, `session`, `origin`, `page`, `start_ns` (whole ns since 1970, or dates with times), and what else is known of packets, in lists as
    /// long: `flow`, `proto`, `cell_cmd`, `relay_cmd`, null where it is not known. Whole numbers may have any type that holds them, also
    /// floats that are whole. Other columns are passed over.
    #[classmethod]
    fn from_arrow(_class: &Bound<'_, PyType>, py: Python<'_>, table: AnyRecordBatch) -> PyResult<Self> {
        let (batches, schema) = table.into_table()?.into_inner();
        py.detach(|| Columns::of_batches(&batches, &schema)).map(Self)
    }

    /// Traces from arrays of times and signed sizes.
    ///
    /// `classes`, shape `(n_traces,)`: the class of each trace. `time` and `size`: either a list with an array a trace, or flat
    /// arrays of all packets with `offsets`, shape `(n_traces + 1,)`, where each trace begins. Sizes are bytes, positive is
    /// outgoing (client to network), negative incoming, never 0. Times do not decrease; `unit` is `ns` (whole numbers) or
    /// `s` (floats), and those of each trace are moved to start at 0. Without `reps`, repetitions are counted from 1 in each
    /// class. `layer` says what sizes are: frame, ip, tcp, tls, cell, udp or unknown. `columns` is what else is known of packets (see
    /// `Traces.columns`), by name in the shape of `time`; -1 or None where it is not known, also None in place of the list of a trace.
    ///
    /// >>> wfkit.Traces.from_arrays(["cat", "cat", "dog"], [[0.0, 0.5], [3.0], [0.0]], [[600, -1448], [20], [20]], unit="s")
    /// <wfkit.Traces: 3 traces of 2 classes, 4 packets, layer unknown>
    #[classmethod]
    #[pyo3(signature = (classes, time, size, *, offsets=None, unit="ns", reps=None, sessions=None, origins=None, pages=None, start_ns=None, layer="unknown", columns=None))]
    #[expect(clippy::too_many_arguments, reason = "one a column")]
    fn from_arrays<'py>(
        class: &Bound<'py, PyType>,
        classes: &Bound<'py, PyAny>,
        time: &Bound<'py, PyAny>,
        size: &Bound<'py, PyAny>,
        offsets: Option<&Bound<'py, PyAny>>,
        unit: &str,
        reps: Option<&Bound<'py, PyAny>>,
        sessions: Option<&Bound<'py, PyAny>>,
        origins: Option<&Bound<'py, PyAny>>,
        pages: Option<&Bound<'py, PyAny>>,
        start_ns: Option<&Bound<'py, PyAny>>,
        layer: &str,
        columns: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let build = class.py().import("wfkit._traces")?.getattr("from_arrays")?;
        // Tuples have twelve members at most.
        let labels = (reps, sessions, origins, pages, start_ns);
        build.call1((classes, time, size, offsets, unit, labels, layer, columns))
    }

    /// Traces from the arrays of a WFlib `npz`: `x`, shape `(n_traces, length)`, direction times seconds, zeros at the end, and
    /// `y`, shape `(n_traces,)`, the classes. Row `i` of the arrays is row `i` of the traces, where `wfkit.read` of such a file gives
    /// them in the order of classes. Rows without a packet or whose times go back are left out, which a warning tells with their numbers.
    ///
    /// Every packet becomes a cell of 514 bytes, since the arrays have directions alone. Where the first time of a trace is 0
    /// its direction is lost, and it is taken for outgoing, which a warning tells.
    #[classmethod]
    fn from_wflib<'py>(
        class: &Bound<'py, PyType>,
        x: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        class.py().import("wfkit._traces")?.call_method1("from_wflib", (x, y))
    }

    #[classmethod]
    #[pyo3(signature = (classes, offsets, time_ns, size, reps, labels, start_ns, provenance, known))]
    #[expect(clippy::too_many_arguments, reason = "one a column")]
    fn _from_columns(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        classes: Vec<String>,
        offsets: PyReadonlyArray1<'_, i64>,
        time_ns: PyReadonlyArray1<'_, i64>,
        size: PyReadonlyArray1<'_, i32>,
        reps: Option<Vec<i64>>,
        labels: [Option<Vec<Option<String>>>; 3],
        start_ns: Option<Vec<Option<i64>>>,
        provenance: &str,
        known: Vec<(String, PyReadonlyArray1<'_, i32>, Option<Vec<bool>>)>,
    ) -> PyResult<Self> {
        let provenance: Provenance = match provenance.starts_with('{') {
            true => serde_json::from_str(provenance).or_raise()?,
            false => Provenance::new(layer_named(provenance)?, Vec::new()),
        };
        let rows = classes.len();
        let offsets = offsets.as_array().to_vec();
        let (time, size) = (time_ns.as_array().to_vec(), size.as_array().to_vec());
        let whole = offsets.first() == Some(&0)
            && offsets.last() == Some(&(time.len() as i64))
            && offsets.is_sorted()
            && time.len() == size.len();
        if offsets.len() != rows + 1 || !whole {
            return Err(wrong(format!(
                "{} offsets for {rows} traces, {} times and {} sizes: offsets ascend from 0 to the number of packets, one more than there are traces",
                offsets.len(),
                time.len(),
                size.len()
            )));
        }
        let reps = reps.unwrap_or_else(|| counted(&classes));
        let [sessions, origins, pages] = labels.map(|labels| labels.unwrap_or_else(|| vec![None; rows]));
        let starts = start_ns.unwrap_or_else(|| vec![None; rows]);
        for (name, len) in [
            ("reps", reps.len()),
            ("sessions", sessions.len()),
            ("origins", origins.len()),
            ("pages", pages.len()),
            ("start_ns", starts.len()),
        ] {
            if len != rows {
                return Err(wrong(format!("{len} {name} for {rows} traces")));
            }
        }
        let known = known.into_iter().map(|(name, values, has)| {
            let column = packet_column(&name)?;
            let values = values.as_array().to_vec();
            if values.len() != size.len() || has.as_ref().is_some_and(|has| has.len() != rows) {
                return Err(wrong(format!("{} values of {name} for {} packets", values.len(), size.len())));
            }
            let known = Known { column, values: values.into(), rows: has.and_then(|has| only_some(has.into_iter())) };
            known.checked(&offsets, 0)
        });
        let mut known = known.collect::<PyResult<Vec<_>>>()?;
        known.sort_by_key(|known| known.column);
        let columns = Columns {
            class: classes.iter().map(|class| Some(canonical_class(class))).collect(),
            rep: reps.into(),
            session: sessions.into_iter().collect(),
            origin: origins.into_iter().collect(),
            page: pages.into_iter().collect(),
            start_ns: starts.into_iter().collect(),
            offsets: offsets.into(),
            time: time.into(),
            size: size.into(),
            known,
            provenance: provenance.into(),
            dropped: Default::default(),
            licence: None,
        };
        py.detach(|| columns.checked(0)).map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Parts<'py>)> {
        let py = slf.py();
        let traces = slf.get();
        let labels = [&traces.0.session, &traces.0.origin, &traces.0.page]
            .map(|column| column.iter().map(|text| text.map(str::to_owned)).collect());
        let provenance = serde_json::to_string(traces.0.provenance.as_ref()).or_raise()?;
        let parts = (
            traces.offsets(py)?,
            traces.time(py)?,
            traces.size(py)?,
            traces.0.class.iter().flatten().map(str::to_owned).collect(),
            traces.reps(py)?,
            labels,
            traces.0.start_ns.iter().collect(),
            provenance,
            traces.0.known.iter().map(|known| known_parts(py, known)).collect::<PyResult<_>>()?,
        );
        Ok((py.import("wfkit._traces")?.getattr("restore")?, parts))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// `(n_traces,)`: traces are an array of one axis to scikit-learn.
    #[getter]
    fn shape(&self) -> (usize,) {
        (self.0.len(),)
    }

    /// Where the packets of each trace begin in `time` and `size`, shape `(n_traces + 1,)`, int64; a view.
    #[getter]
    fn offsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        view(py, self.0.offsets.inner(), "int64")
    }

    /// Nanoseconds since the first packet of the trace, of all packets, shape `(n_packets,)`, int64; a read-only view, no copy.
    ///
    /// >>> wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0]], [[600, -1448], [20]]).time.tolist()
    /// [0, 5, 0]
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        view(py, self.0.time.inner(), "int64")
    }

    /// Signed bytes of all packets, shape `(n_packets,)`, int32: positive is outgoing, negative incoming; a read-only view, no
    /// copy.
    ///
    /// >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0]], [[600, -1448], [20]])
    /// >>> traces.size[traces.offsets[1] :].tolist()
    /// [20]
    #[getter]
    fn size<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        view(py, self.0.size.inner(), "int32")
    }

    /// What else is known of packets: by name an array of all packets, shape `(n_packets,)`, int32, -1 where it is not known; read-only views, no
    /// copy. Traces from files that have them do, and captures that were read with `packet_columns`.
    ///
    /// `flow`: which flow of its trace a packet is of, from 0 on in the order of their first packets, 32,767 for all later ones; `proto`: the
    /// protocol over IP by its number, 6 is TCP, 17 UDP; `cell_cmd`: the command of a cell of Tor, 3 is RELAY; `relay_cmd`: the command in a
    /// relay cell, 2 is DATA, 10 is DROP, which pads. Packets of a defended trace have those of the packet they carry, padding those of the
    /// packet of its direction before it.
    ///
    /// >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0]], [[600, -1448], [20]], columns={"flow": [[0, 1], [0]]})
    /// >>> traces.columns
    /// {'flow': array([0, 1, 0], dtype=int32)}
    /// >>> traces[0].column("flow").tolist()
    /// [0, 1]
    #[getter]
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        columns(py, &self.0)
    }

    /// One of the `columns`, shape `(n_packets,)`, int32, -1 where it is not known; a read-only view, no copy.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        column(py, &self.0, name)
    }

    /// Which repetition of its class each trace is, shape `(n_traces,)`, int64; a view.
    #[getter]
    fn reps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        view(py, self.0.rep.values().inner(), "int64")
    }

    /// The class of each trace, shape `(n_traces,)`, as texts.
    #[getter]
    fn classes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        texts(py, self.0.class.iter().flatten())
    }

    /// The classes that occur, each once, numbers by value: the order of columns of probabilities.
    #[getter]
    fn class_names(&self) -> Vec<String> {
        wfkit_metrics::ClassMap::from_labels(self.0.class.iter().flatten()).names().to_vec()
    }

    /// What was captured together, shape `(n_traces,)`, texts or None.
    #[getter]
    fn sessions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        optional(py, self.0.session.iter())
    }

    /// The load that each trace is a copy of, shape `(n_traces,)`, texts or None.
    #[getter]
    fn origins<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        optional(py, self.0.origin.iter())
    }

    /// What each unmonitored trace shows, shape `(n_traces,)`, texts or None.
    #[getter]
    fn pages<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        optional(py, self.0.page.iter())
    }

    /// When the first packet was captured, shape `(n_traces,)`, Unix time in ns UTC or None.
    #[getter]
    fn start_ns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        optional(py, self.0.start_ns.iter())
    }

    /// Which size the sizes are: frame, ip, tcp, tls, cell, udp or unknown.
    #[getter]
    fn layer(&self) -> String {
        format!("{:?}", self.0.provenance.layer).to_lowercase()
    }

    /// The defences that the traces went through, in order.
    #[getter]
    fn defences(&self) -> Vec<String> {
        self.0.provenance.defenses.clone()
    }

    /// Names of the files that they come from.
    #[getter]
    fn sources(&self) -> Vec<String> {
        self.0.provenance.sources.clone()
    }

    /// What reading left out, by reason; empty for a selection.
    #[getter]
    fn dropped(&self) -> BTreeMap<String, u64> {
        self.0.dropped.as_ref().clone()
    }

    /// Numbers of traces, classes, packets and sessions, duplicates, and summaries of packets, bytes and seconds a trace.
    ///
    /// >>> wfkit.Traces.from_arrays(["a"], [[0, 5]], [[600, -1448]]).info()["packets"]
    /// 2
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let columns = self.0.clone();
        let json = job::run(py, None, move |_| {
            // Every row counts, also where two have one key.
            let keyed = Columns { rep: (0..columns.len() as i64).collect(), ..columns }.in_key_order()?;
            serde_json::to_string(&TraceSetInfo::of(&keyed.set)).or_raise()
        })?;
        py.import("json")?.call_method1("loads", (json,))
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        slf.py().import("wfkit._traces")?.call_method1("html", (slf,))?.extract()
    }

    fn __getitem__<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let columns = &slf.get().0;
        // scikit-learn writes x[rows, ...].
        if let Ok(pair) = key.cast::<PyTuple>() {
            if pair.len() == 2 && pair.get_item(1)?.is(py.Ellipsis()) {
                return Self::__getitem__(slf, &pair.get_item(0)?);
            }
            return Err(PyTypeError::new_err(
                "traces have one axis: a number, a slice, or an array of rows or of truth values",
            ));
        }
        if let Ok(slice) = key.cast::<PySlice>() {
            let range = slice.indices(columns.len() as isize)?;
            let some = match range.step {
                1 => columns.slice(range.start as usize, range.slicelength),
                step => {
                    let rows: Vec<usize> =
                        (0..range.slicelength as isize).map(|place| (range.start + place * step) as usize).collect();
                    columns.take(&rows)?
                }
            };
            return Ok(Bound::new(py, Self(some))?.into_any());
        }
        if let Ok(row) = key.extract::<isize>() {
            let row = in_range(row, columns.len())?;
            return Ok(Bound::new(py, Trace(columns.slice(row, 1)))?.into_any());
        }
        let rows = rows_of(py, key, columns.len())?;
        Ok(Bound::new(py, Self(columns.take(&rows)?))?.into_any())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let Ok(other) = other.cast::<Self>() else { return false };
        let (a, b) = (&self.0, &other.get().0);
        a.offsets == b.offsets
            && a.time == b.time
            && a.size == b.size
            && a.known == b.known
            && a.class == b.class
            && a.rep == b.rep
            && a.session == b.session
            && a.origin == b.origin
            && a.page == b.page
            && a.start_ns == b.start_ns
            && a.provenance.layer == b.provenance.layer
            && a.provenance.defenses == b.provenance.defenses
    }

    fn __repr__(&self) -> String {
        let (traces, packets, classes) = (self.0.len(), self.0.time.len(), self.class_names().len());
        let defences = self.0.provenance.defenses.join(" + ");
        let defended = if defences.is_empty() { String::new() } else { format!(", defended by {defences}") };
        format!(
            "<wfkit.Traces: {traces} traces of {classes} classes, {packets} packets, layer {}{defended}>",
            self.layer()
        )
    }

    /// A tensor of the packets for a network, shape `(n_traces, n_channels, length)`, float32: the first `length` packets of
    /// each trace, then zeros.
    ///
    /// `channels` is one name or several: `direction` (1 outgoing, -1 incoming; what Deep Fingerprinting takes), `time`
    /// (seconds since the first packet), `size` (signed bytes), `direction-time` (direction times seconds, 0.1 ms late, so
    /// that no packet looks like padding; Tik-Tok), `sized` (three rows), and the `columns` that the traces have (`flow`, `proto`, `cell_cmd`,
    /// `relay_cmd`), one more than they are, 0 where it is not known. `torch.from_numpy` takes it without a copy.
    ///
    /// >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0]], [[600, -1448], [20]])
    /// >>> traces.tensor(["direction", "size"], 3)[0].tolist()
    /// [[1.0, -1.0, 0.0], [600.0, -1448.0, 0.0]]
    #[pyo3(signature = (channels, length))]
    fn tensor<'py>(&self, py: Python<'py>, channels: Names, length: usize) -> PyResult<Bound<'py, PyArray3<f32>>> {
        let channels: Vec<Channel> = channels.list().iter().map(|name| channel(name)).collect::<PyResult<_>>()?;
        if length == 0 || channels.is_empty() {
            return Err(wrong("a tensor needs a channel and a length of 1 packet at least"));
        }
        let is_absent =
            |channel: &&Channel| matches!(channel, Channel::Column(column) if self.0.known(*column).is_none());
        if let Some(channel) = channels.iter().find(is_absent) {
            return Err(not_told(channel.name()));
        }
        let columns = self.0.clone();
        let tensor = job::run(py, None, move |_| tensor(&columns, &channels, length))?;
        Ok(tensor.into_pyarray(py))
    }

    /// The place of the class of each trace in `class_names`, shape `(n_traces,)`, int64: what a network learns from.
    ///
    /// >>> wfkit.Traces.from_arrays(["b", "a"], [[0], [0]], [[1], [1]]).labels.tolist()
    /// [1, 0]
    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let classes = wfkit_metrics::ClassMap::from_labels(self.0.class.iter().flatten());
        let place = |class: &str| classes.index_of(class).expect("the classes are those of the traces") as i64;
        self.0.class.iter().flatten().map(place).collect::<Vec<i64>>().into_pyarray(py)
    }

    /// The same traces with other classes, shape `(n_traces,)`. Where a class then has a repetition twice, repetitions are
    /// counted anew from 1.
    ///
    /// >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0], [0]], [[1], [1]])
    /// >>> traces.with_classes(["x", "x"]).reps.tolist()
    /// [1, 2]
    fn with_classes(&self, classes: Vec<String>) -> PyResult<Self> {
        if classes.len() != self.0.len() {
            return Err(wrong(format!("{} classes for {} traces", classes.len(), self.0.len())));
        }
        let class = classes.iter().map(|class| Some(canonical_class(class))).collect();
        let mut columns = Columns { class, ..self.0.clone() };
        let mut seen = std::collections::HashSet::new();
        if (0..columns.len()).any(|row| !seen.insert(columns.key(row))) {
            columns.rep = counted(&classes).into();
        }
        Ok(Self(columns))
    }

    /// Writes `.parquet` (which keeps everything), `.csv` or `.csv.zip` (one row a packet), told by the ending, in the order
    /// of the keys. The same traces give the same bytes, and those that the program `wfkit` writes.
    ///
    /// A file that is there is replaced, also the one that the traces were read from, as pandas and polars do: the new one is written beside it
    /// and takes its name when it is whole, so that the old one stays where anything fails. What these traces do not hold, such as
    /// rows that were left out or further columns of a table of another tool, is gone then.
    ///
    /// Beside it stands what it is in Croissant 1.0 of MLCommons, `traces.croissant.json` beside `traces.parquet`: size, SHA-256,
    /// columns, and the licence where what the traces were read from has one; `croissant=False` leaves it out, and takes an older
    /// one of the same name away, which would describe another file; one that somebody else wrote or added to stays, with a warning.
    #[pyo3(signature = (path, *, croissant=true))]
    fn write(&self, py: Python<'_>, path: PathBuf, croissant: bool) -> PyResult<()> {
        let columns = self.0.clone();
        job::run(py, None, move |watch| {
            let set = columns.in_key_order()?.set;
            write_traces(&path, &set).or_raise()?;
            if croissant {
                let described = Described {
                    traces: set.len() as u64,
                    classes: set.classes().len() as u64,
                    packets: set.packets() as u64,
                    licence: columns.licence.as_deref().map(str::to_owned),
                    cite_as: None,
                };
                write_croissant(&path, &described).or_raise()?;
            } else {
                remove_old_description(&path, watch)?;
            }
            Ok(())
        })
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        stream(py, self.0.batch(), requested_schema)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyTuple>> {
        capsules(py, self.0.batch(), requested_schema)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, self.0.batch().schema_ref().as_ref())
    }
}

#[pymethods]
impl Trace {
    #[getter]
    fn label(&self) -> &str {
        self.0.class.value(0)
    }

    #[getter]
    fn rep(&self) -> i64 {
        self.0.rep.value(0)
    }

    #[getter]
    fn session(&self) -> Option<&str> {
        self.0.session.iter().next().flatten()
    }

    #[getter]
    fn origin(&self) -> Option<&str> {
        self.0.origin.iter().next().flatten()
    }

    #[getter]
    fn page(&self) -> Option<&str> {
        self.0.page.iter().next().flatten()
    }

    #[getter]
    fn start_ns(&self) -> Option<i64> {
        self.0.start_ns.iter().next().flatten()
    }

    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        view(py, self.0.time.inner(), "int64")
    }

    #[getter]
    fn size<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        view(py, self.0.size.inner(), "int32")
    }

    #[getter]
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        columns(py, &self.0)
    }

    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        column(py, &self.0, name)
    }

    fn __len__(&self) -> usize {
        self.0.time.len()
    }

    fn __repr__(&self) -> String {
        format!("<wfkit.Trace: {}, {} packets>", self.0.key(0), self.0.time.len())
    }
}

/// Repetitions counted from 1 in each class, in the order of the traces.
fn counted(classes: &[String]) -> Vec<i64> {
    let mut seen = std::collections::HashMap::new();
    let mut next = |class: &String| {
        let rep = seen.entry(canonical_class(class).into_owned()).or_insert(0);
        *rep += 1;
        *rep
    };
    classes.iter().map(&mut next).collect()
}

/// The layer of this name.
pub(crate) fn layer_named(name: &str) -> PyResult<Layer> {
    let layer = serde_json::from_value(serde_json::Value::String(name.to_owned()));
    layer.map_err(|_| wrong(format!("there is no layer {name}: frame, ip, tcp, tls, cell, udp and unknown are")))
}

/// The column of packets of this name.
pub(crate) fn packet_column(name: &str) -> PyResult<PacketColumn> {
    name.parse().map_err(|error: String| wrong(error))
}

/// That a column of packets is not there.
fn not_told(name: &str) -> PyErr {
    wrong(format!(
        "no trace tells {name} of its packets; wfkit.read(.., packet_columns=[\"flow\", \"proto\"]) keeps flows and protocols of captures, \
         logs of cells have their commands"
    ))
}

fn columns<'py>(py: Python<'py>, columns: &Columns) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    for known in &columns.known {
        all.set_item(known.column.name(), view(py, known.values.inner(), "int32")?)?;
    }
    Ok(all)
}

fn column<'py>(py: Python<'py>, columns: &Columns, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let known = columns.known(packet_column(name)?).ok_or_else(|| not_told(name))?;
    view(py, known.values.inner(), "int32")
}

fn known_parts<'py>(py: Python<'py>, known: &Known) -> PyResult<KnownParts<'py>> {
    let has = known.rows.as_ref().map(|rows| rows.iter().collect());
    Ok((known.column.name(), view(py, known.values.inner(), "int32")?, has))
}

fn channel(name: &str) -> PyResult<Channel> {
    let known = Channel::ALL.into_iter().filter(|&channel| channel != Channel::Tam);
    known.clone().find(|channel| channel.name() == name).ok_or_else(|| {
        let names: Vec<&str> = known.map(Channel::name).collect();
        wrong(format!("there is no channel {name}: {} are", names.join(", ")))
    })
}

/// Shape `(n_traces, n_channels, length)`.
fn tensor(columns: &Columns, channels: &[Channel], length: usize) -> PyResult<Array3<f32>> {
    let height: usize = channels.iter().map(|channel| channel.shape(length).iter().product::<usize>() / length).sum();
    let mut values = Array2::<f32>::zeros((columns.len(), height * length));
    let rows = values.as_slice_mut().expect("it is new").par_chunks_mut(height * length);
    rows.enumerate().for_each(|(row, into)| {
        let trace = columns.trace(row);
        let numbers = channels.iter().flat_map(|channel| channel.values(&trace, length));
        into.iter_mut().zip(numbers).for_each(|(into, number)| *into = number as f32);
    });
    values.into_shape_with_order((columns.len(), height, length)).or_raise()
}

fn in_range(row: isize, rows: usize) -> PyResult<usize> {
    let place = if row < 0 { row + rows as isize } else { row };
    match usize::try_from(place) {
        Ok(place) if place < rows => Ok(place),
        _ => Err(PyIndexError::new_err(format!("row {row} of {rows} traces"))),
    }
}

/// The rows that an array names: by number, or by truth values.
fn rows_of(py: Python<'_>, key: &Bound<'_, PyAny>, rows: usize) -> PyResult<Vec<usize>> {
    let array = py.import("numpy")?.call_method1("asarray", (key,))?;
    if let Ok(mask) = array.extract::<PyReadonlyArray1<'_, bool>>() {
        let mask = mask.as_array();
        if mask.len() != rows {
            return Err(PyIndexError::new_err(format!("{} truth values for {rows} traces", mask.len())));
        }
        return Ok(mask.iter().enumerate().filter(|&(_, &is)| is).map(|(row, _)| row).collect());
    }
    if array.len()? == 0 {
        return Ok(Vec::new());
    }
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    if !["i", "u"].contains(&kind.as_str()) {
        return Err(PyTypeError::new_err("rows are taken by whole numbers or truth values"));
    }
    let numbers: Vec<isize> = array.call_method0("tolist")?.extract()?;
    numbers.into_iter().map(|row| in_range(row, rows)).collect()
}
