//! Why a capture cannot be read, or not further.

use std::io;

use thiserror::Error;

use super::packet::MAX_RECORD;

/// Why a file cannot be read, or not further: then the packets before the error were read and are good.
///
/// Names the record (from 1; 0 is the header of the file) and byte (of what is in a compressed file), never what the
/// file holds.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file cannot be opened.
    #[error("cannot be opened: {0}")]
    Open(io::Error),
    /// The system fails to read on.
    #[error("record {record}: the file cannot be read or unpacked further")]
    Read {
        /// The record that was being read.
        record: u64,
    },
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// The file starts like neither format.
    #[error("neither pcap nor pcapng")]
    NotACapture,
    /// The file is something else that is known.
    #[error("neither pcap nor pcapng, but {}{what}: {advice}", inside(packed))]
    Foreign {
        /// What it is, such as `a snoop capture`.
        what: &'static str,
        /// What to do about it.
        advice: &'static str,
        /// It is in a file that was unpacked.
        packed: bool,
    },
    /// The file ends inside a record.
    #[error("record {record}: cut at byte {end}, after {present}{} bytes of it", of_all(length))]
    Cut {
        /// The record.
        record: u64,
        /// Where the file ends.
        end: u64,
        /// Bytes of the record that are there.
        present: u64,
        /// Bytes that it should have, where enough is there to say.
        length: Option<u64>,
    },
    /// A record says it is longer than any record may be.
    #[error("record {record} at byte {start}: {length} bytes long, more than {MAX_RECORD}")]
    TooLong {
        /// The record.
        record: u64,
        /// Where it starts.
        start: u64,
        /// The length it states.
        length: u64,
    },
    /// A record makes no sense.
    #[error("record {record} at byte {start}: {problem}")]
    Malformed {
        /// The record.
        record: u64,
        /// Where it starts.
        start: u64,
        /// What is wrong.
        problem: String,
    },
}

fn of_all(length: &Option<u64>) -> String {
    length.map_or_else(String::new, |length| format!(" of {length}"))
}

fn inside(packed: &bool) -> &'static str {
    if *packed { "inside of the compression " } else { "" }
}
