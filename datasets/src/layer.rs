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

impl Layer {
    /// All that can be chosen.
    pub const KNOWN: [Self; 6] = [Self::Frame, Self::Ip, Self::Tcp, Self::Tls, Self::Cell, Self::Udp];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Ip => "ip",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Cell => "cell",
            Self::Udp => "udp",
            Self::Unknown => "unknown",
        }
    }

    /// Which size it is, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Frame => "Link-layer frame length",
            Self::Ip => "IP total length",
            Self::Tcp => "TCP payload length; packets without payload are left out",
            Self::Tls => "TLS record length",
            Self::Cell => "Tor cells, as found in TLS records",
            Self::Udp => "UDP payload length",
            Self::Unknown => "Not known",
        }
    }
}
