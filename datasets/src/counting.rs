//! What counts as a packet of a layer, and with which size: what two sets must have in common before their numbers can be compared.

use serde::{Deserialize, Serialize};

use crate::Layer;

/// How packets of captures became packets of traces. Each field is a word or two for a table; the layer and whether streams were put in order
/// decide all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// Segments that acknowledge and carry nothing.
    pub bare_acks: String,
    /// Bytes that were sent before.
    pub retransmissions: String,
    /// Packets whose size at the layer is 0, keep-alives among them.
    pub zero_length: String,
    /// Captures that kept the beginnings of packets alone.
    pub cut_captures: String,
    /// Which length a size is.
    pub length: String,
    /// Segments that the network card joined or has yet to split, larger than the link takes.
    pub offloaded_segments: String,
}

impl Counting {
    /// The rules of a layer as captures are imported here, where streams were put in order (`reassembly`) or not; none where the layer is not
    /// known.
    pub fn of(layer: Layer, reassembly: Option<bool>) -> Option<Self> {
        let [bare_acks, retransmissions, zero_length, cut_captures, length, offloaded_segments] = match layer {
            Layer::Frame => {
                ["counted", "counted each time", "there are none", "no matter", "stated by the record", "one packet"]
            }
            Layer::Ip => {
                ["counted", "counted each time", "there are none", "no matter", "stated by the IP header", "one packet"]
            }
            Layer::Tcp if reassembly == Some(true) => {
                ["left out", "counted once", "left out", "no matter", "payload, by the headers", "one packet"]
            }
            Layer::Tcp => {
                ["left out", "counted each time", "left out", "no matter", "payload, by the headers", "one packet"]
            }
            Layer::Udp => [
                "there are none",
                "counted each time",
                "left out",
                "no matter",
                "payload, by the headers",
                "one packet",
            ],
            Layer::Tls => [
                "left out",
                "counted once",
                "counted, with their header",
                "records estimated, and told",
                "stated by the record header",
                "no matter",
            ],
            Layer::Cell => [
                "left out",
                "counted once",
                "there are none",
                "cells estimated, and told",
                "of a cell, 514 or 512",
                "no matter",
            ],
            Layer::Unknown => return None,
        }
        .map(str::to_owned);
        Some(Self { bare_acks, retransmissions, zero_length, cut_captures, length, offloaded_segments })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_docs_says_what_files_say() {
        let docs = include_str!("../README.md");
        let layers = [
            ("frame", Layer::Frame, None),
            ("ip", Layer::Ip, None),
            ("tcp", Layer::Tcp, Some(true)),
            ("tcp, `--reassembly off`", Layer::Tcp, Some(false)),
            ("udp", Layer::Udp, None),
            ("tls", Layer::Tls, Some(true)),
            ("cell", Layer::Cell, Some(true)),
        ];
        for (name, layer, reassembly) in layers {
            let Counting { bare_acks, retransmissions, zero_length, cut_captures, length, offloaded_segments } =
                Counting::of(layer, reassembly).unwrap();
            let row = format!(
                "| {name} | {bare_acks} | {retransmissions} | {zero_length} | {cut_captures} | {length} | {offloaded_segments} |"
            );
            assert!(docs.contains(&row), "datasets/README.md lacks: {row}");
        }
        assert_eq!(Counting::of(Layer::Unknown, None), None);
    }
}
