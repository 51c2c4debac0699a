//! What TCP connections carry: TLS records, the handshakes among them, Tor's cells in them.

pub(crate) mod audit;
pub(crate) mod streams;
