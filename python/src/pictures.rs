//! Pictures of traces, scores and costs: those of `wfkit plot` and of the page of a run.

use std::path::PathBuf;

use pyo3::prelude::*;
use wfkit_datasets::{Trace, TraceSet};
use wfkit_defend::{DefenseSpec, defend};
use wfkit_metrics::ScoreOptions;
use wfkit_report::picture::{self, CurvePoint, DefendedPoint, Importances, Series, ShownTrace};

use crate::error::{OrRaise as _, wrong};
use crate::job;
use crate::measured::Measured;
use crate::traces::Traces;

/// A picture: what it shows in words, drawn, and as data. A notebook shows it; made by :mod:`wfkit.plot`.
///
/// >>> traces = wfkit.Traces.from_arrays(["a"], [[0, 5]], [[600, -1448]])
/// >>> wfkit.plot.waterfall(traces).title
/// 'When what was sent, trace (class a, rep 1)'
#[pyclass(frozen, module = "wfkit")]
#[derive(Debug, Clone)]
pub(crate) struct Picture(picture::Picture);

#[pymethods]
impl Picture {
    /// What it is about.
    #[getter]
    fn title(&self) -> &str {
        &self.0.title
    }

    /// What it shows, in words.
    #[getter]
    fn finding(&self) -> &str {
        &self.0.finding
    }

    /// How it is read.
    #[getter]
    fn reading(&self) -> &str {
        self.0.reading
    }

    /// What it shows, as numbers: a dictionary a row.
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (self.0.table.records().to_string(),))
    }

    /// A file of SVG, with title and finding in it.
    fn svg(&self) -> String {
        self.0.svg()
    }

    /// Its data as CSV.
    fn csv(&self) -> String {
        self.0.table.csv()
    }

    /// As a specification of Vega-Lite 6, the data in it.
    fn vega_lite(&self) -> String {
        self.0.vega_lite()
    }

    /// Writes it as ``.svg``, ``.csv`` (its data) or ``.json`` (Vega-Lite), told by the ending.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let text = match ending.as_deref() {
            Some("svg") => self.0.svg(),
            Some("csv") => self.0.table.csv(),
            Some("json") => self.0.vega_lite(),
            _ => {
                return Err(wrong(format!(
                    "{}: pictures are written as .svg, .csv or .json (Vega-Lite)",
                    path.display()
                )));
            }
        };
        Ok(std::fs::write(path, text)?)
    }

    fn _repr_svg_(&self) -> String {
        self.0.svg()
    }

    fn __repr__(&self) -> String {
        format!("<wfkit.Picture: {}. {}>", self.0.title, self.0.finding)
    }
}

/// One trace, and what defences make of it.
#[pyfunction]
pub(crate) fn waterfall(
    py: Python<'_>,
    traces: &Traces,
    row: usize,
    defences: Vec<String>,
    seed: u64,
) -> PyResult<Picture> {
    let specs: Vec<DefenseSpec> = defences.iter().map(|spec| spec.parse().or_raise()).collect::<PyResult<_>>()?;
    if let Some(spec) = specs.iter().find(|spec| spec.needs_training()) {
        return Err(wrong(format!(
            "{spec} learns from training traces: plot what wfkit.defend(.., fit_on=) makes, by plot.cumulative"
        )));
    }
    let columns = traces.0.clone();
    if row >= columns.len() {
        return Err(wrong(format!("row {row} of {} traces", columns.len())));
    }
    job::run(py, None, move |watch| {
        let keyed = columns.in_key_order()?;
        let place = keyed.places()[row];
        let labelled = &keyed.set.traces()[place];
        let mut shown = vec![("as it was".to_owned(), labelled.trace.clone(), None)];
        for spec in &specs {
            watch.go_on();
            // The whole set: what a defence learns from it decides what becomes of a trace.
            let defended = defend(&keyed.set, spec, seed).or_raise()?;
            let (_, trace) = defended.traces().nth(place).expect("it has the traces of the set");
            shown.push((spec.to_string(), trace.observe(), Some(trace.padding())));
        }
        let shown: Vec<ShownTrace<'_>> = shown
            .iter()
            .map(|(name, trace, padding)| ShownTrace { name, trace, padding: padding.as_deref() })
            .collect();
        Ok(Picture(picture::waterfall(&format!("When what was sent, trace ({})", labelled.key), &shown)))
    })
}

/// Bytes over time of one trace each.
#[pyfunction]
pub(crate) fn cumulative(py: Python<'_>, title: &str, shown: Vec<(String, PyRef<'_, Traces>)>) -> PyResult<Picture> {
    let firsts: Vec<(String, Trace)> = shown
        .into_iter()
        .map(|(name, traces)| match traces.0.len() {
            0 => Err(wrong(format!("{name}: there is no trace"))),
            _ => Ok((name, traces.0.trace(0))),
        })
        .collect::<PyResult<_>>()?;
    if firsts.is_empty() {
        return Err(wrong("there is no trace to show"));
    }
    let title = title.to_owned();
    py.detach(move || {
        let lines: Vec<(&str, &Trace)> = firsts.iter().map(|(name, trace)| (name.as_str(), trace)).collect();
        Ok(Picture(picture::cumulative(&title, &lines)))
    })
}

/// How large the packets of collections are.
#[pyfunction]
pub(crate) fn sizes(py: Python<'_>, collections: Vec<(String, PyRef<'_, Traces>)>) -> PyResult<Picture> {
    if let Some((name, _)) = collections.iter().find(|(_, traces)| traces.0.len() == 0) {
        return Err(wrong(format!("{name}: there is no trace")));
    }
    let collections: Vec<(String, Vec<Trace>)> =
        collections.into_iter().map(|(name, traces)| (name, traces.0.traces())).collect();
    py.detach(move || {
        let shown: Vec<(&str, Vec<&Trace>)> =
            collections.iter().map(|(name, traces)| (name.as_str(), traces.iter().collect())).collect();
        Ok(Picture(picture::sizes("How large packets are", &shown)))
    })
}

/// What an attack said: `roc`, `classes`, `confusion` or `reliability`.
#[pyfunction]
pub(crate) fn said(py: Python<'_>, kind: &str, measured: &Measured) -> PyResult<Picture> {
    let kind = kind.to_owned();
    let measured = measured.measured();
    job::run(py, None, move |_| {
        let (of, truth) = (&measured.evaluation.probabilities, &measured.evaluation.truth);
        let attack = &measured.attack;
        let drawn = match kind.as_str() {
            "roc" => picture::roc(&format!("{attack}: visits found against false alarms"), of, truth),
            "confusion" => picture::confusion(&format!("{attack}: what is taken for what"), of, truth),
            "classes" => {
                let scoring = ScoreOptions { bootstrap: 0, ..ScoreOptions::default() };
                let scores = wfkit_metrics::Scores::compute(of, truth, &scoring).or_raise()?;
                picture::class_areas(&format!("{attack}: ROC-AUC of each class"), &scores.per_class)
            }
            "reliability" => {
                Ok(picture::reliability(&format!("{attack}: right against sure"), &measured.reliability()))
            }
            other => Err(format!("there is no picture {other}")),
        };
        drawn.map(Picture).map_err(wrong)
    })
}

/// Place, value and interval of a point.
type At = (f64, f64, Option<(f64, f64)>);

/// Shares over how much was learned from, seen or waited for.
#[pyfunction]
pub(crate) fn curve(
    title: &str,
    x_label: &str,
    y_label: &str,
    series: Vec<(String, Vec<At>)>,
    chance: Option<f64>,
) -> PyResult<Picture> {
    let point = |(x, value, interval): At| CurvePoint { x, value, interval };
    let series: Vec<Series> = series
        .into_iter()
        .map(|(name, points)| Series { name, points: points.into_iter().map(point).collect() })
        .collect();
    picture::curve(title, x_label, y_label, &series, chance).map(Picture).map_err(wrong)
}

/// Name, overheads of bandwidth and latency, accuracy with its interval, and ROC-AUC.
type Cost = (String, f64, f64, f64, Option<(f64, f64)>, Option<f64>);

/// Cost against protection.
#[pyfunction]
pub(crate) fn costs(title: &str, attack: &str, points: Vec<Cost>, chance: f64) -> PyResult<Picture> {
    if points.is_empty() {
        return Err(wrong("there is no defence to show"));
    }
    let point = |(name, bandwidth, latency, accuracy, accuracy_95, roc_auc): Cost| DefendedPoint {
        name,
        bandwidth,
        latency,
        accuracy,
        accuracy_95,
        roc_auc,
    };
    let points: Vec<DefendedPoint> = points.into_iter().map(point).collect();
    Ok(Picture(picture::costs(title, attack, &points, chance)))
}

/// What gives classes away, of an explanation as JSON.
#[pyfunction]
pub(crate) fn importances(title: &str, explanation: &str, top: usize) -> PyResult<Picture> {
    let of: Importances = serde_json::from_str(explanation).or_raise()?;
    Ok(Picture(picture::importances(title, &of, top)))
}

/// What features give away; as JSON.
#[pyfunction]
#[pyo3(signature = (traces, sets, class_, trees, repeats, seed))]
pub(crate) fn explain(
    py: Python<'_>,
    traces: &Traces,
    sets: &str,
    class_: Option<String>,
    trees: usize,
    repeats: usize,
    seed: u64,
) -> PyResult<String> {
    let spec: wfkit_features::FeatureSpec = sets.parse().or_raise()?;
    let columns = traces.0.clone();
    job::run(py, None, move |watch| {
        let set: TraceSet = columns.in_key_order()?.set;
        let extractor = spec.fit(&set.traces().iter().map(|one| &one.trace).collect::<Vec<_>>());
        let matrix = extractor.transform(&set);
        watch.go_on();
        let options = wfkit_classify::ExplainOptions { trees, repeats };
        let class = class_.map(|name| wfkit_datasets::canonical_class(&name).into_owned());
        let found =
            wfkit_classify::explain(&matrix, &extractor.columns(), class.as_deref(), &options, seed).or_raise()?;
        serde_json::to_string(&found).or_raise()
    })
}
