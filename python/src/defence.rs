//! Defences.

use std::num::NonZeroU32;
use std::sync::Arc;

use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_datasets::Provenance;
use wfkit_defend::{DefendOptions, DefenseSpec, OverheadOptions, defend_watched, list};

use crate::columns::Columns;
use crate::error::{OrRaise as _, wrong};
use crate::job;
use crate::traces::Traces;

/// What a defence must know of a whole set: its layer, whether it has times, its longest and largest trace. Pickles, so that many
/// machines defend parts of a set as one would the whole (:func:`wfkit.defend_batch`).
#[pyclass(frozen, module = "wfkit")]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) profile: wfkit_defend::Profile,
    /// Tables on their way through an engine lose the metadata that says so, and draws follow the number of layers before.
    pub(crate) provenance: Provenance,
}

#[pymethods]
impl Profile {
    /// Looks at all traces of the set.
    #[staticmethod]
    fn of(py: Python<'_>, traces: &Traces) -> PyResult<Self> {
        let columns = traces.0.clone();
        job::run(py, None, move |_| {
            let profile = wfkit_defend::Profile::of(&columns.without_keys(0..columns.len()));
            Ok(Self { profile, provenance: columns.provenance.as_ref().clone() })
        })
    }

    #[staticmethod]
    fn _of_json(json: &str) -> PyResult<Self> {
        serde_json::from_str(json).or_raise()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let json = serde_json::to_string(self).or_raise()?;
        Ok((py.get_type::<Self>().getattr("_of_json")?, (json,)))
    }

    fn __repr__(&self) -> String {
        let largest = self.profile.largest();
        format!(
            "<wfkit.Profile: traces of up to {:.2} s, {} bytes out, {} bytes in>",
            self.profile.longest_ns() as f64 / 1e9,
            largest.outgoing,
            largest.incoming
        )
    }
}

/// The defended traces as they are observed, and specification, manifest and overheads as JSON.
#[pyfunction]
#[pyo3(signature = (traces, defence, seed, replicas, fit_on, progress))]
pub(crate) fn defend(
    py: Python<'_>,
    traces: &Traces,
    defence: &str,
    seed: u64,
    replicas: u32,
    fit_on: Option<&Traces>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<(Traces, String, String, String)> {
    let spec: DefenseSpec = defence.parse().or_raise()?;
    let replicas = copies(replicas)?;
    let columns = traces.0.clone();
    let training = fit_on.map(|traces| traces.0.clone());
    job::run(py, progress, move |watch| {
        let spec = match training {
            Some(training) => spec.fit(Arc::new(training.in_key_order()?.set)),
            None => spec,
        };
        let keyed = columns.in_key_order()?;
        watch.go_on();
        let options = DefendOptions { seed, replicas, ..DefendOptions::default() };
        let defended = defend_watched(&keyed.set, &spec, &options, watch).or_raise()?;
        watch.go_on();
        let overheads = defended.overheads(&OverheadOptions { seed, ..OverheadOptions::default() });
        let observed = Traces::of_set(&defended.observe(), Default::default())?;
        // The order of the caller, copies of one trace beside each other.
        let copies = defended.copies();
        let rows: Vec<usize> = keyed.places().into_iter().flat_map(|place| copies.rows_of(place)).collect();
        let observed = if rows.is_sorted() { observed.0 } else { observed.0.take(&rows)? };
        let observed = Traces(Columns { licence: columns.licence, ..observed });
        let manifest = serde_json::to_string(defended.manifest()).or_raise()?;
        let overheads = serde_json::to_string(&overheads).or_raise()?;
        Ok((observed, defended.spec().to_string(), manifest, overheads))
    })
}

/// How many copies of each trace.
pub(crate) fn copies(replicas: u32) -> PyResult<NonZeroU32> {
    NonZeroU32::new(replicas).ok_or_else(|| wrong("replicas is 0: at least one copy of each trace is made"))
}

/// Every defence: name, summary, source, presets.
#[pyfunction]
pub(crate) fn defences() -> PyResult<String> {
    serde_json::to_string(list()).or_raise()
}
