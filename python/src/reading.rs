//! Files of captures and of traces, told by content.

use std::path::PathBuf;

use pyo3::prelude::*;
use wfkit_capture::{ImportOptions, LabelSource, has_captures, import};
use wfkit_datasets::formats::FieldFormat;
use wfkit_datasets::{TraceFormat, read_all_traces_as};
use wfkit_evaluate::Observer as _;

use crate::error::{OrRaise as _, wrong};
use crate::job::{self, Watch};
use crate::traces::{Traces, layer_named};

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
#[pyo3(signature = (paths, format, layer, label, labels, client, flows, peer, progress))]
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
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Traces> {
    if paths.is_empty() {
        return Err(wrong("no file is named"));
    }
    let named = format.map(field_format).transpose()?;
    let captures = Captures::new(layer, label, labels, client, flows, peer)?;
    job::run(py, progress, move |watch| {
        let is_of_traces = |path: &PathBuf| path.is_file() && TraceFormat::of_content(path).is_ok();
        if named.is_none() && paths.iter().all(|path| !is_of_traces(path) && path.exists() && has_captures(path)) {
            return captures.read(&paths, watch);
        }
        let read = read_all_traces_as(&paths, named, watch).or_raise()?;
        read.warnings.iter().for_each(|warning| watch.warn(warning));
        Traces::of_set(&read.set, read.dropped)
    })
}

fn field_format(name: &str) -> PyResult<FieldFormat> {
    FieldFormat::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
        let names: Vec<&str> = FieldFormat::ALL.into_iter().map(FieldFormat::name).collect();
        wrong(format!("there is no format {name}: {} are", names.join(", ")))
    })
}
