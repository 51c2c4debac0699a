#![doc = include_str!("../README.md")]

pub mod competition;
pub mod formats;
mod frame;
mod info;
mod label;
mod probabilities;
pub mod splits;
mod tables;
mod trace;
mod trace_set;

pub use formats::{ReadError, ReadTraces, TraceFormat, WriteError, read_all_traces, read_traces, write_traces};
pub use info::{TraceSetInfo, duplicates};
pub use label::Label;
pub use probabilities::{Predictions, read_probabilities, write_probabilities};
pub use tables::{Table, read_table, write_table};
pub use trace::{Trace, TraceError};
pub use trace_set::{LabelledTrace, Layer, Provenance, TraceKey, TraceSet, TraceSetError, volume};

/// The folder of the bundled sample of real captures, in the source tree that this was built from.
pub fn sample() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/sample"))
}
