//! Files and scores of a privacy competition.

use std::path::PathBuf;

use numpy::PyReadonlyArray2;
use pyo3::prelude::*;
use wfkit_competition::{
    Prediction, Rules, SplitOptions, Verif, capture_ids, check_attack, check_defense, export_defense, read_captures,
    read_defense, split_paths, write_attack,
};
use wfkit_datasets::files::is_same_file;
use wfkit_datasets::formats::ReadLimits;
use wfkit_metrics::{ClassMap, Probabilities};

use crate::error::{OrRaise as _, wrong};
use crate::job;
use crate::traces::Traces;

/// Classes, mean repetitions, how far from that, and packets that a trace has more than.
type RuleNumbers = (usize, u64, u64, u64);

fn rules((classes, reps_mean, deviation, min_packets): RuleNumbers) -> Rules {
    Rules { classes, reps_mean, deviation, min_packets }
}

/// Writes a defence file, and says what the check finds; as JSON.
#[pyfunction]
pub(crate) fn export(py: Python<'_>, traces: &Traces, path: PathBuf, numbers: RuleNumbers) -> PyResult<String> {
    let columns = traces.0.clone();
    job::run(py, None, move |_| {
        let export = export_defense(&columns.in_key_order()?.set, &path, &rules(numbers)).or_raise()?;
        serde_json::to_string(&export).or_raise()
    })
}

/// Holds a file against the rules; of an attack with its verification files. As JSON.
#[pyfunction]
pub(crate) fn check(
    py: Python<'_>,
    path: PathBuf,
    verifs: Option<Vec<PathBuf>>,
    numbers: RuleNumbers,
) -> PyResult<String> {
    job::run(py, None, move |_| {
        let report = match verifs {
            None => check_defense(&path, &rules(numbers), &ReadLimits::UPLOAD, None).or_raise()?,
            Some(verifs) => {
                let truth: Vec<Verif> = verifs.into_iter().map(Verif::named).collect();
                check_attack(&path, &truth, &rules(numbers), &ReadLimits::UPLOAD).or_raise()?
            }
        };
        serde_json::to_string(&report).or_raise()
    })
}

/// Parts a defence file; as JSON.
#[pyfunction]
pub(crate) fn part(
    py: Python<'_>,
    path: PathBuf,
    folder: PathBuf,
    team_id: u64,
    test_traces: usize,
    seed: u64,
) -> PyResult<String> {
    job::run(py, None, move |_| {
        if split_paths(team_id, &folder).iter().any(|written| is_same_file(written, &path)) {
            let path = path.display();
            return Err(wrong(format!("{path}: it is what is read, and would be lost; name another folder")));
        }
        let defense = read_defense(&path, &ReadLimits::UPLOAD).or_raise()?;
        let options = SplitOptions { team_id, test_traces, seed };
        serde_json::to_string(&wfkit_competition::split(&defense, &options, &folder).or_raise()?).or_raise()
    })
}

/// The traces of a test file, and their ids.
#[pyfunction]
pub(crate) fn captures(py: Python<'_>, path: PathBuf) -> PyResult<(Traces, Vec<i64>)> {
    job::run(py, None, move |_| {
        let set = read_captures(&path, &ReadLimits::UPLOAD).or_raise()?;
        Ok((Traces::of_set(&set, Default::default())?, capture_ids(&set)))
    })
}

/// Writes an attack file: a row of probabilities for each id.
#[pyfunction]
pub(crate) fn attack_file(
    py: Python<'_>,
    path: PathBuf,
    team_id: u64,
    ids: Vec<i64>,
    probabilities: PyReadonlyArray2<'_, f64>,
    classes: Vec<String>,
    n_classes: usize,
) -> PyResult<()> {
    let values = probabilities.as_array().to_owned();
    job::run(py, None, move |_| {
        if (values.nrows(), values.ncols()) != (ids.len(), classes.len()) {
            return Err(wrong(format!(
                "probabilities have the shape ({}, {}), for {} ids and {} classes",
                values.nrows(),
                values.ncols(),
                ids.len(),
                classes.len()
            )));
        }
        let map = ClassMap::from_labels(&classes);
        if map.names() != classes {
            return Err(wrong("columns are not in the order of classes, numbers by value: that of traces.class_names"));
        }
        let probabilities = Probabilities::new(map, values).or_raise()?;
        let prediction = Prediction { team_id, capture_ids: &ids, probabilities: &probabilities };
        write_attack(&[prediction], n_classes, &path).or_raise()
    })
}

/// The scores of an attack, a defence, or both; as JSON.
#[pyfunction]
pub(crate) fn competition_score(
    py: Python<'_>,
    attack: Option<PathBuf>,
    verifs: Vec<PathBuf>,
    defence: Option<PathBuf>,
) -> PyResult<String> {
    job::run(py, None, move |_| {
        let truth: Vec<Verif> = verifs.into_iter().map(Verif::named).collect();
        let (attack, defence) = (attack.as_ref().map(Into::into), defence.as_ref().map(Into::into));
        let scores = wfkit_competition::score(attack, &truth, defence, &ReadLimits::UPLOAD).or_raise()?;
        serde_json::to_string(&scores).or_raise()
    })
}
