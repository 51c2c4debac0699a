//! Files that hold traces, and what reading them can say.
#![cfg_attr(
    not(feature = "tables"),
    expect(dead_code, reason = "what tells formats apart is for those who read all of them")
)]

#[cfg(feature = "tables")]
mod chosen;
mod copies;
mod csv_file;
#[cfg(feature = "tables")]
mod csv_parts;
mod dialect;
mod error;
#[cfg(feature = "tables")]
mod explainwf;
#[cfg(feature = "tables")]
mod field;
mod foreign;
mod limits;
#[cfg(feature = "tables")]
mod npy;
mod numbers;
mod packet_csv;
#[cfg(feature = "tables")]
mod parquet;
#[cfg(feature = "tables")]
mod parts;
mod problems;
mod seconds;
mod source;
mod spool;
#[cfg(feature = "tables")]
mod traces;

#[cfg(feature = "tables")]
pub use chosen::{ChangesOfLabels, ChosenTraces, NotInOrder, TracesInParts};
pub use copies::{Loads, refuse_copies};
#[cfg(feature = "tables")]
pub(crate) use csv_file::write_csv_rows;
pub use csv_file::{CsvRow, CsvRows, read_csv, write_csv_file};
#[cfg(feature = "tables")]
pub(crate) use csv_file::{csv_head, csv_member};
#[cfg(feature = "tables")]
pub use csv_parts::CsvParts;
pub use dialect::Dialect;
pub use error::{ReadError, WriteError};
#[cfg(feature = "tables")]
pub use field::{COLUMNS_EXPLAINED, ColumnMap, FieldFormat, write_field_traces};
pub use limits::{LimitExceeded, ReadLimits};
#[cfg(feature = "tables")]
pub(crate) use npy::{NPY_MAGIC, NumpyArray, may_be_numpy, read_numpy};
pub use numbers::{finite_number, whole_number};
pub use packet_csv::{KeyColumn, PacketTable, PacketTrace, read_packet_csv, write_packet_csv};
#[cfg(feature = "tables")]
pub use parquet::{TraceSink, write_parquet_in_parts};
#[cfg(feature = "tables")]
pub use parts::TraceParts;
pub use problems::{Example, Problem, Problems};
pub use seconds::{MAX_EXACT_NS, ns_from_seconds, seconds_from_ns};
pub use source::Source;
#[cfg(feature = "tables")]
pub(crate) use source::start_of;
#[cfg(feature = "tables")]
pub use traces::{
    AddTrace, ReadTraces, TraceFormat, read_all_traces, read_all_traces_as, read_all_traces_by, read_traces,
    read_traces_within, write_traces, write_traces_in_parts,
};

/// The name of a file without its folders.
pub fn file_name(path: &std::path::Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
