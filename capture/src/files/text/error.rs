//! What can be wrong with a text about packets.

use thiserror::Error;

/// Why a text cannot be read, or not further. Rows are counted from 1, after the header. Values are not told: they are
/// addresses.
#[derive(Debug, Error)]
pub(crate) enum TextError {
    #[error("row {row}: the text cannot be read further")]
    Read { row: u64 },
    #[error("no column with sizes of the layer {layer}: {}; it has {}{instead}", needs(wanted), found.join(", "))]
    NoSizes { layer: String, wanted: &'static [&'static str], found: Vec<String>, instead: String },
    #[error("{0}")]
    Printed(&'static str),
    #[error(
        "column `{column}`: {what}; write times with `tshark -e frame.time_epoch`, or call the column frame.time_relative \
         where it is seconds from the start, frame.time_delta where it is seconds from the packet before"
    )]
    Times { column: String, what: &'static str },
}

fn needs(wanted: &[&str]) -> String {
    match wanted {
        [] => "a text about packets has none, a capture does".to_owned(),
        names => format!("it needs one of {}", names.join(", ")),
    }
}

/// A field that is not what its column should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) column: &'static str,
    pub(super) expected: &'static str,
}
