//! What a TCP connection carries: the bytes of each direction in order, the TLS records in them, the Tor cells in those.

mod stream;
mod waiting;

pub(crate) use stream::{Arrival, Bytes, Memory, Sink, Stream};
