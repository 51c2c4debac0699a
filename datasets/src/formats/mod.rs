//! Files that hold traces, and what reading them can say.

mod csv_file;
mod error;
mod limits;
mod packet_csv;
mod problems;
mod seconds;

pub use csv_file::{CsvRow, CsvRows, read_csv, write_csv_file};
pub use error::{ReadError, WriteError};
pub use limits::{LimitExceeded, ReadLimits};
pub use packet_csv::{KeyColumn, PacketTable, PacketTrace, read_packet_csv, write_packet_csv};
pub(crate) use packet_csv::{finite_number, whole_number};
pub use problems::{Example, Problem, Problems};
pub use seconds::{MAX_EXACT_NS, ns_from_seconds, seconds_from_ns};
