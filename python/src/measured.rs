//! Attacks measured on what they have not learned from.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use numpy::{IntoPyArray as _, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use serde_json::json;
use wfkit_classify::Samples;
use wfkit_datasets::unknown_classes;
use wfkit_evaluate::{Observer as _, TRIVIAL, measure, measure_on, splits_testing};
use wfkit_metrics::{ClassMap, Probabilities, ProbabilityError};

use crate::error::{OrRaise as _, wrong};
use crate::folds::{Rows, of_set};
use crate::job;
use crate::model::AttackSpec;
use crate::traces::Traces;

/// An attack that was measured; what :class:`wfkit.Evaluation` looks at.
#[pyclass(frozen, module = "wfkit._wfkit")]
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    measured: Arc<wfkit_evaluate::Measured>,
    /// The row of the caller behind each row of the evaluation.
    rows: Arc<Vec<usize>>,
    /// The places of the evaluation, in the order of the rows of the caller.
    order: Arc<Vec<usize>>,
}

impl Measured {
    /// `row_of` is the row of the caller of each trace of the set.
    fn new(measured: wfkit_evaluate::Measured, row_of: &[usize]) -> Self {
        let rows: Vec<usize> = measured.evaluation.rows.iter().map(|&place| row_of[place]).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&place| rows[place]);
        Self { measured: Arc::new(measured), rows: Arc::new(rows), order: Arc::new(order) }
    }

    /// What was measured.
    pub(crate) fn measured(&self) -> Arc<wfkit_evaluate::Measured> {
        Arc::clone(&self.measured)
    }
}

#[pymethods]
impl Measured {
    #[getter]
    fn attack(&self) -> &str {
        &self.measured.attack
    }

    #[getter]
    fn class_names(&self) -> Vec<String> {
        self.measured.evaluation.probabilities.classes().names().to_vec()
    }

    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.order.iter().map(|&place| self.rows[place] as i64).collect::<Vec<_>>().into_pyarray(py)
    }

    #[getter]
    fn probabilities<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        let values = self.measured.evaluation.probabilities.values();
        values.select(Axis(0), &self.order).into_pyarray(py)
    }

    #[getter]
    fn truth<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let evaluation = &self.measured.evaluation;
        let names = evaluation.probabilities.classes().names();
        crate::numpy_views::texts(py, self.order.iter().map(|&place| names[evaluation.truth[place]].as_str()))
    }

    /// Scores, folds, leakage and reliability.
    fn _json(&self, py: Python<'_>) -> PyResult<String> {
        let measured = Arc::clone(&self.measured);
        job::run(py, None, move |_| {
            let parts = json!({
                "scores": measured.scores,
                "folds": measured.evaluation.folds,
                "learned_from": measured.overlap().learned_from(),
                "leakage": measured.leakage(&[]),
                "reliability": measured.reliability(),
            });
            Ok(parts.to_string())
        })
    }
}

/// Trains and tests an attack on every split.
#[pyfunction]
#[pyo3(signature = (traces, attack, splits, seed, progress))]
pub(crate) fn evaluate(
    py: Python<'_>,
    traces: &Traces,
    attack: AttackSpec,
    splits: Vec<Rows>,
    seed: u64,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Measured> {
    let attack = attack.attack()?;
    let columns = traces.0.clone();
    job::run(py, progress, move |watch| {
        let keyed = columns.in_key_order()?;
        let splits = of_set(splits, &keyed)?;
        let measured = measure(&attack, Samples::Traces(&keyed.set), &splits, watch.setting(seed)).or_raise()?;
        Ok(Measured::new(measured, &keyed.rows))
    })
}

/// Trains an attack on one set, and tests it on another.
#[pyfunction]
#[pyo3(signature = (train, test, attack, seed, progress))]
pub(crate) fn evaluate_on(
    py: Python<'_>,
    train: &Traces,
    test: &Traces,
    attack: AttackSpec,
    seed: u64,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Measured> {
    let attack = attack.attack()?;
    let (train, test) = (train.0.clone(), test.0.clone());
    job::run(py, progress, move |watch| {
        let (train, test) = (train.in_key_order()?, test.in_key_order()?);
        if let Some(message) = unknown_classes(&train.set.classes(), &test.set.classes()) {
            watch.warn(&message);
        }
        let (learned, tested) = (Samples::Traces(&train.set), Samples::Traces(&test.set));
        let measured = measure_on(&attack, learned, tested, watch.setting(seed)).or_raise()?;
        Ok(Measured::new(measured, &test.rows))
    })
}

/// Scores what somebody else says of the rows, one row of probabilities each; columns are in the order of `classes`.
#[pyfunction]
#[pyo3(signature = (traces, name, probabilities, classes, rows, splits, seed))]
#[expect(clippy::too_many_arguments, reason = "what was said, of what, and how it was split")]
pub(crate) fn given(
    py: Python<'_>,
    traces: &Traces,
    name: String,
    probabilities: PyReadonlyArray2<'_, f64>,
    classes: Vec<String>,
    rows: Vec<usize>,
    splits: Option<Vec<Rows>>,
    seed: u64,
) -> PyResult<Measured> {
    let columns = traces.0.clone();
    let values = probabilities.as_array().to_owned();
    job::run(py, None, move |watch| {
        let keyed = columns.in_key_order()?;
        let samples = Samples::Traces(&keyed.set);
        let all = lined_up(values, &classes, &samples.classes(), watch)?;
        if all.len() != rows.len() {
            return Err(wrong(format!("{} rows of probabilities for {} traces", all.len(), rows.len())));
        }
        let places = keyed.places();
        if let Some(row) = rows.iter().find(|&&row| row >= places.len()) {
            return Err(wrong(format!("row {row} of {} traces", places.len())));
        }
        let mut by_place: Vec<(usize, usize)> =
            rows.iter().enumerate().map(|(line, &row)| (places[row], line)).collect();
        by_place.sort_unstable();
        if let Some(pair) = by_place.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let key = samples.key(pair[0].0);
            return Err(wrong(format!("two rows of probabilities for the trace ({key}): each is tested once")));
        }
        let (of_set, lines): (Vec<usize>, Vec<usize>) = by_place.into_iter().unzip();
        let splits = splits.map(|splits| super::folds::of_set(splits, &keyed)).transpose()?;
        if let Some(splits) = &splits {
            let tested: usize = splits_testing(splits, &of_set).iter().map(|split| split.test.len()).sum();
            if tested != of_set.len() {
                return Err(wrong(format!(
                    "{} traces have probabilities, {tested} of them are tested by a fold: give the probabilities of what the folds test, by rows=",
                    of_set.len()
                )));
            }
        }
        let evaluation = wfkit_evaluate::given(name, all.select(&lines), &of_set, samples, splits.as_deref());
        let measured = wfkit_evaluate::Measured::of(evaluation, samples, seed).or_raise()?;
        Ok(Measured::new(measured, &keyed.rows))
    })
}

/// The probabilities with a column for each class of the traces, and for each class that they have besides, in class order.
fn lined_up(values: Array2<f64>, classes: &[String], truth: &ClassMap, watch: &job::Watch) -> PyResult<Probabilities> {
    if values.ncols() != classes.len() {
        return Err(wrong(format!("{} columns of probabilities for {} classes", values.ncols(), classes.len())));
    }
    let named: Vec<String> = classes.iter().map(|class| wfkit_datasets::canonical_class(class).into_owned()).collect();
    let map = ClassMap::from_labels(&named);
    if map.len() != named.len() {
        return Err(wrong("two columns of probabilities have one class"));
    }
    if let Some(class) = truth.names().iter().find(|class| map.index_of(class).is_none()) {
        return Err(wrong(format!(
            "no column for class {class} of the traces; columns are {}: what was not learned has a column of zeros",
            named.join(", ")
        )));
    }
    let unknown = map.len() - truth.len();
    if unknown > 0 {
        watch.warn(&format!("the traces have none of {unknown} classes that have a column"));
    }
    let columns: Vec<usize> = map
        .names()
        .iter()
        .map(|class| named.iter().position(|name| name == class).expect("the map is of these names"))
        .collect();
    Probabilities::new(map, values.select(Axis(1), &columns)).map_err(|error| {
        let hint = match error {
            ProbabilityError::Sum { .. } => "; take the softmax in double precision, or divide each row by its sum",
            _ => "",
        };
        wrong(format!("{error}{hint}"))
    })
}

/// The attack that any other must beat, on the same splits.
#[pyfunction]
pub(crate) fn trivial() -> &'static str {
    TRIVIAL
}

/// Tests of the first against each of the others, on the same traces; as JSON.
#[pyfunction]
pub(crate) fn compare(py: Python<'_>, first: &Measured, others: Vec<PyRef<'_, Measured>>) -> PyResult<String> {
    for other in &others {
        let same = other.measured.evaluation.rows == first.measured.evaluation.rows
            && other.measured.evaluation.truth == first.measured.evaluation.truth
            && other.measured.evaluation.tested_in == first.measured.evaluation.tested_in;
        if !same {
            return Err(wrong(format!(
                "{} and {} were not tested on the same traces in the same folds, so no test compares them: give both the same folds=",
                first.attack(),
                other.attack()
            )));
        }
    }
    let first = first.clone();
    let others: Vec<Measured> = others.iter().map(|other| (**other).clone()).collect();
    job::run(py, None, move |_| {
        let others: Vec<&wfkit_evaluate::Measured> = others.iter().map(|other| &*other.measured).collect();
        serde_json::to_string(&wfkit_evaluate::compare(&first.measured, &others)).or_raise()
    })
}
