//! What is counted, and how large it is.

use serde::{Deserialize, Serialize};

/// Which size the sizes of a trace are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Link-layer frame length.
    Frame,
    /// IP total length.
    Ip,
    /// TCP payload length; packets without payload are not part of the trace.
    Tcp,
    /// TLS record length.
    Tls,
    /// One entry a Tor cell, of its length where that is known.
    Cell,
    /// UDP payload length; packets without payload are not part of the trace.
    Udp,
    /// Not known, as after reading a format that does not say.
    Unknown,
}
