#![doc = include_str!("../README.md")]

pub mod formats;
mod frame;
mod info;
mod label;
mod probabilities;
pub mod splits;
mod tables;
mod trace;
mod trace_set;

pub use formats::{ReadError, ReadTraces, TraceFormat, WriteError, read_traces, write_traces};
pub use info::{Spread, TraceSetInfo, duplicates};
pub use label::Label;
pub use probabilities::{Predictions, read_probabilities, write_probabilities};
pub use tables::{Table, read_table, write_table};
pub use trace::{Trace, TraceError};
pub use trace_set::{LabelledTrace, Layer, Provenance, TraceKey, TraceSet, TraceSetError, volume};
