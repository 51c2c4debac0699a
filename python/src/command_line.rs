//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;

/// Runs the command that `words` are, the program's name first; the status to exit with. `program` is the file of this module.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, words: Vec<OsString>, program: PathBuf) -> u8 {
    py.detach(|| wfkit::run(words, &program))
}
