//! What a TCP connection carries: the bytes of each direction in order, the TLS records in them, the Tor cells in those.

mod cells;
mod record_kind;
mod records;
mod stream;
mod waiting;

pub(crate) use cells::{CellCounter, FormVote, Negotiated};
pub(crate) use record_kind::RecordKind;
pub(crate) use records::{RecordCounts, RecordReader, TlsRecord};
pub(crate) use stream::{Arrival, Bytes, Counts, Memory, Sink, Stream};
