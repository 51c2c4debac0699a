#![doc = include_str!("../README.md")]

pub mod competition;
pub mod formats;
mod trace;
mod trace_set;

pub use trace::{Trace, TraceError};
pub use trace_set::{LabelledTrace, Layer, Provenance, TraceKey, TraceSet, TraceSetError, volume};
