//! Files of captures and of traces, told by content.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use wfkit_capture::{ImportOptions, LabelSource, has_captures, import};
use wfkit_datasets::formats::FieldFormat;
use wfkit_datasets::{ReadError, TraceFormat, TraceParts, licence_of, read_all_traces_as};
use wfkit_evaluate::Observer as _;

use crate::columns::Columns;
use crate::error::{OrRaise as _, exception, wrong};
use crate::job::{self, Watch};
use crate::traces::{Traces, layer_named, packet_column};

/// Warnings that are told one by one.
const TOLD: usize = 20;

/// How captures are read, as the options of `wfkit capture import` say it.
struct Captures {
    options: ImportOptions,
}

impl Captures {
    fn new(
        layer: &str,
        label: Option<&str>,
        labels: Option<PathBuf>,
        client: Option<&str>,
        flows: Option<&str>,
        peer: Option<&str>,
        packet_columns: &[String],
    ) -> PyResult<Self> {
        let mut options = ImportOptions { layer: layer_named(layer)?, ..ImportOptions::default() };
        options.labels = match (label, labels) {
            (Some(_), Some(_)) => return Err(wrong("label is a pattern and labels a file: give one of them")),
            (Some("folders"), None) => LabelSource::Folders,
            (Some(pattern), None) => LabelSource::Pattern(pattern.parse().or_raise()?),
            (None, Some(path)) => LabelSource::Manifest(path),
            (None, None) => LabelSource::Auto,
        };
        if let Some(client) = client {
            options.client = client.parse().or_raise()?;
        }
        if let Some(flows) = flows {
            options.flows = flows.parse().or_raise()?;
        }
        if let Some(peer) = peer {
            options.peer = peer.parse().or_raise()?;
        }
        options.packet_columns = packet_columns.iter().map(|name| packet_column(name)).collect::<PyResult<_>>()?;
        Ok(Self { options })
    }

    fn read(&self, paths: &[PathBuf], watch: &Watch) -> PyResult<Traces> {
        watch.begin("reading captures", 0);
        let imported = import(paths, &self.options, &|done, _| watch.done(done as u64)).or_raise()?;
        watch.end();
        let of_files = imported
            .stats
            .by_file
            .iter()
            .flat_map(|file| file.warnings.iter().map(|(kind, count)| format!("{}: {count} x {kind}", file.file)));
        let warnings: Vec<String> = imported.stats.problems.iter().cloned().chain(of_files).collect();
        warnings.iter().take(TOLD).for_each(|warning| watch.warn(warning));
        if warnings.len() > TOLD {
            watch.warn(&format!("and {} more like these, of other files", warnings.len() - TOLD));
        }
        let packets = imported.stats.dropped.iter().map(|(reason, &n)| (format!("packets: {reason}"), n));
        let traces = imported.stats.dropped_traces.iter().map(|(reason, &n)| (format!("traces: {reason}"), n));
        Traces::of_set(&imported.set, packets.chain(traces).collect())
    }
}

#[pyfunction]
#[pyo3(signature = (paths, format, layer, label, labels, client, flows, peer, packet_columns, progress))]
#[expect(clippy::too_many_arguments, reason = "options of the import")]
pub(crate) fn read(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    format: Option<&str>,
    layer: &str,
    label: Option<&str>,
    labels: Option<PathBuf>,
    client: Option<&str>,
    flows: Option<&str>,
    peer: Option<&str>,
    packet_columns: Vec<String>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Traces> {
    if paths.is_empty() {
        return Err(wrong("no file is named"));
    }
    let named = format.map(field_format).transpose()?;
    let captures = Captures::new(layer, label, labels, client, flows, peer, &packet_columns)?;
    job::run(py, progress, move |watch| {
        let licence = licence_of(paths.iter().map(PathBuf::as_path)).map(Arc::from);
        let licensed = |traces: Traces| Traces(Columns { licence, ..traces.0 });
        let is_of_traces = |path: &PathBuf| path.is_file() && TraceFormat::of_content(path).is_ok();
        if named.is_none() && paths.iter().all(|path| !is_of_traces(path) && path.exists() && has_captures(path)) {
            return captures.read(&paths, watch).map(licensed);
        }
        let read = read_all_traces_as(&paths, named, watch).or_raise()?;
        if read.set.is_empty() && !read.dropped.is_empty() {
            let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            return Err(wrong(format!("{}: {}", names.join(", "), read.why_empty())));
        }
        read.warnings.iter().for_each(|warning| watch.warn(warning));
        Traces::of_set(&read.set, read.dropped).map(licensed)
    })
}

fn field_format(name: &str) -> PyResult<FieldFormat> {
    FieldFormat::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
        let names: Vec<&str> = FieldFormat::ALL.into_iter().map(FieldFormat::name).collect();
        wrong(format!("there is no format {name}: {} are", names.join(", ")))
    })
}

/// The traces of a Parquet file in parts, each some 4 million packets or one trace: an iterator of :class:`wfkit.Traces`, made by :func:`wfkit.read_parts`.
#[pyclass(frozen, module = "wfkit")]
#[derive(Debug)]
pub(crate) struct Parts {
    read: Mutex<Receiver<PyResult<Traces>>>,
    /// How many traces the file has.
    #[pyo3(get)]
    traces: usize,
    /// How many packets the file has.
    #[pyo3(get)]
    packets: u64,
}

/// How often Python is asked whether somebody pressed Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(50);

#[pymethods]
impl Parts {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Traces>> {
        loop {
            let next = py.detach(|| self.read.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(PATIENCE));
            match next {
                Ok(part) => return part.map(Some),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            }
        }
    }

    fn __repr__(&self) -> String {
        format!("<wfkit.Parts: {} traces, {} packets>", self.traces, self.packets)
    }
}

/// Opens a Parquet file of traces, which a thread reads part by part as they are taken.
#[pyfunction]
pub(crate) fn parts(py: Python<'_>, path: PathBuf) -> PyResult<Parts> {
    let (opened, told) = sync_channel(1);
    // One part waits while another is worked on.
    let (give, read) = sync_channel(0);
    let reader = move || {
        if let Err(error) = std::fs::metadata(&path) {
            return drop(opened.send(Err(exception(&ReadError::io(&path, error)))));
        }
        let licence: Option<Arc<str>> = licence_of([&*path]).map(Arc::from);
        let parts = match TraceParts::open(&path).or_raise() {
            Ok(Some(parts)) => parts,
            Ok(None) => {
                let text = format!("{}: no Parquet, which alone is read in parts: wfkit.read reads it", path.display());
                return drop(opened.send(Err(wrong(text))));
            }
            Err(error) => return drop(opened.send(Err(error))),
        };
        let _ = opened.send(Ok((parts.traces(), parts.packets())));
        for part in parts {
            let part = part.or_raise().and_then(|set| Traces::of_set(&set, Default::default()));
            let part = part.map(|traces| Traces(Columns { licence: licence.clone(), ..traces.0 }));
            let is_over = part.is_err();
            // Nobody takes more of them where the iterator is gone.
            if give.send(part).is_err() || is_over {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("wfkit parts".to_owned()).spawn(reader);
    thread.map_err(|error| PyRuntimeError::new_err(format!("no thread to read in: {error}")))?;
    let (traces, packets) =
        py.detach(move || told.recv()).map_err(|_| PyRuntimeError::new_err("the reader is gone"))??;
    Ok(Parts { read: Mutex::new(read), traces, packets })
}
