//! Folds that keep together what belongs together.

use std::path::PathBuf;

use numpy::{IntoPyArray as _, PyArray1};
use pyo3::prelude::*;
use wfkit_classify::Samples;
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Groups, Together};
use wfkit_evaluate::Observer as _;
use wfkit_evaluate::split::{Pages, by_session, stratified};

use crate::columns::InKeyOrder;
use crate::error::{OrRaise as _, wrong};
use crate::job;
use crate::traces::Traces;

/// A split as Python has it: name, rows to train on, rows to test on, both ascending.
pub(crate) type Rows = (String, Vec<usize>, Vec<usize>);

/// Splits of the rows of a caller as those of a set.
pub(crate) fn of_set(splits: Vec<Rows>, keyed: &InKeyOrder) -> PyResult<Vec<Split>> {
    let places = keyed.places();
    let place = |name: &str, row: usize| {
        places.get(row).copied().ok_or_else(|| wrong(format!("{name}: row {row} of {} traces", places.len())))
    };
    let part = |name: &str, rows: Vec<usize>| -> PyResult<Vec<usize>> {
        let mut part: Vec<usize> = rows.into_iter().map(|row| place(name, row)).collect::<PyResult<_>>()?;
        part.sort_unstable();
        Ok(part)
    };
    splits
        .into_iter()
        .map(|(name, train, test)| Ok(Split { train: part(&name, train)?, test: part(&name, test)?, name }))
        .collect()
}

/// Splits into folds, by class or by session.
#[pyfunction]
#[pyo3(signature = (traces, folds, by, seed, shared_pages))]
pub(crate) fn split(
    py: Python<'_>,
    traces: &Traces,
    folds: usize,
    by: &str,
    seed: u64,
    shared_pages: bool,
) -> PyResult<Vec<Rows>> {
    let is_by_session = match by {
        "class" => false,
        "session" => true,
        other => return Err(wrong(format!("folds are by class or by session, not by {other}"))),
    };
    let columns = traces.0.clone();
    job::run(py, None, move |watch| {
        let keyed = columns.in_key_order()?;
        let samples = Samples::Traces(&keyed.set);
        let pages = Pages::shared(shared_pages);
        let splits = match is_by_session {
            true => by_session(samples, folds, pages).or_raise()?,
            false => stratified(samples, folds, pages, watch.setting(seed)).or_raise()?,
        };
        let untested = samples.len() - splits.iter().map(|split| split.test.len()).sum::<usize>();
        if untested > 0 {
            watch.warn(&format!(
                "{untested} traces are tested by no fold, so that no page of the background is learned from and tested, even in other \
                 sessions; Folds(.., shared_pages=True) tests them all"
            ));
        }
        let rows = |places: &[usize]| {
            let mut rows: Vec<usize> = places.iter().map(|&place| keyed.rows[place]).collect();
            rows.sort_unstable();
            rows
        };
        Ok(splits.iter().map(|split| (split.name.clone(), rows(&split.train), rows(&split.test))).collect())
    })
}

/// The number of the group of each row: copies of one load, and visits of one page of the background, are in one.
#[pyfunction]
pub(crate) fn groups<'py>(py: Python<'py>, traces: &Traces) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let columns = traces.0.clone();
    let groups = job::run(py, None, move |_| {
        let keyed = columns.in_key_order()?;
        let groups: Groups = Samples::Traces(&keyed.set).groups();
        Ok(keyed.places().into_iter().map(|place| groups.of_row()[place] as i64).collect::<Vec<i64>>())
    })?;
    Ok(groups.into_pyarray(py))
}

/// Writes the fold that tests each row, counted from 1, as `wfkit dataset split --folds` does.
#[pyfunction]
pub(crate) fn write_folds(
    py: Python<'_>,
    traces: &Traces,
    fold_of: Vec<usize>,
    by: String,
    path: PathBuf,
) -> PyResult<()> {
    let columns = traces.0.clone();
    if fold_of.len() != columns.len() {
        return Err(wrong(format!("{} folds for {} traces", fold_of.len(), columns.len())));
    }
    job::run(py, None, move |_| {
        let keyed = columns.in_key_order()?;
        let keys: Vec<_> = keyed.set.traces().iter().map(|labelled| labelled.key.clone()).collect();
        let folds: Vec<usize> = keyed.rows.iter().map(|&row| fold_of[row]).collect();
        let together = Together { sessions: by == "session", ..Together::default() };
        wfkit_datasets::write_folds(&path, &keys, &folds, together).or_raise()
    })
}
