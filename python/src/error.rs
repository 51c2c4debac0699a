//! Errors as Python exceptions, with the text of the program.

use std::error::Error;
use std::io;
use std::panic;

use pyo3::create_exception;
use pyo3::exceptions::{PyUserWarning, PyValueError};
use pyo3::prelude::*;

create_exception!(
    wfkit,
    WfkitError,
    PyValueError,
    "What was asked for cannot be done; the text says why, and what to do."
);
create_exception!(wfkit, WfkitWarning, PyUserWarning, "Something that whoever reads a result should know.");

/// Errors of the libraries as exceptions.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self) -> PyResult<T>;
}

impl<T, E: Error + 'static> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| exception(&error))
    }
}

/// An exception with the text of an error and of what caused it: a `FileNotFoundError` and the like where the system refused, else a
/// [`WfkitError`].
pub(crate) fn exception(error: &(dyn Error + 'static)) -> PyErr {
    let mut text = error.to_string();
    let mut refused = None;
    let mut cause = Some(error);
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        refused = refused.or_else(|| error.downcast_ref::<io::Error>().map(io::Error::kind));
        cause = error.source();
    }
    match refused {
        Some(kind) => io::Error::new(kind, text).into(),
        None => WfkitError::new_err(text),
    }
}

/// An exception of our own.
pub(crate) fn wrong(text: impl Into<String>) -> PyErr {
    WfkitError::new_err(text.into())
}

/// Panics of decoders are caught and become errors, so nobody need hear of them besides.
pub(crate) fn stay_silent_on_expected_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !wfkit_datasets::is_expected_panic() {
            usual(info);
        }
    }));
}
