//! The extension module under the Python package `wfkit`: types and functions that `wfkit/*.py` gives names, defaults and documentation.
//!
//! Rows are in the order of the caller, where the libraries have an order of keys: [`columns::InKeyOrder`] goes from one to the other.

mod batches;
mod columns;
mod command_line;
mod competition;
mod conversion;
mod defence;
mod error;
mod features;
mod folds;
mod forest;
mod job;
mod measured;
mod model;
mod numpy_views;
mod packet_columns;
mod pictures;
mod reading;
mod traces;

use pyo3::prelude::*;

#[pymodule]
mod _wfkit {
    #[pymodule_export]
    use crate::batches::{Batch, defend_batch, features_batch, labelled_table, predict_batch, write_parts};
    #[pymodule_export]
    use crate::command_line::run;
    #[pymodule_export]
    use crate::competition::{attack_file, captures, check, competition_score, export, part};
    #[pymodule_export]
    use crate::defence::{Profile, defences, defend};
    #[pymodule_export]
    use crate::error::{WfkitError, WfkitWarning};
    #[pymodule_export]
    use crate::features::FeatureExtractor;
    #[pymodule_export]
    use crate::folds::{groups, split, write_folds};
    #[pymodule_export]
    use crate::forest::Forest;
    #[pymodule_export]
    use crate::measured::{Measured, compare, evaluate, evaluate_on, given, trivial};
    #[pymodule_export]
    use crate::model::{Model, attacks, train};
    #[pymodule_export]
    use crate::pictures::{Picture, costs, cumulative, curve, explain, importances, said, sizes, waterfall};
    #[pymodule_export]
    use crate::reading::{Parts, parts, read};
    #[pymodule_export]
    use crate::traces::{Trace, Traces};

    use super::{Bound, PyModule, PyModuleMethods as _, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::error::stay_silent_on_expected_panics();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
