//! What may become part of a trace, as it is kept until the flows of it are known.

use crate::streams::RecordKind;

/// A packet or TLS record in 16 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) time_ns: i64,
    /// The flow, and in the lowest two bits the kind of the record. A quarter of the numbers is left for flows: as many as
    /// would fill 100 GB.
    flow_and_kind: u32,
    /// Bytes, positive from the first end of the flow to the second.
    pub(crate) size: i32,
}

impl Event {
    /// A packet; `size` is positive from the first end of the flow.
    pub(crate) fn packet(time_ns: i64, flow: usize, size: i32) -> Self {
        Self { time_ns, flow_and_kind: (flow as u32) << 2, size }
    }

    /// A TLS record.
    pub(crate) fn record(time_ns: i64, flow: usize, size: i32, kind: RecordKind) -> Self {
        let kind = match kind {
            RecordKind::Application => 0,
            RecordKind::Other => 1,
            RecordKind::Estimated => 2,
        };
        Self { time_ns, flow_and_kind: (flow as u32) << 2 | kind, size }
    }

    pub(crate) fn flow(&self) -> usize {
        (self.flow_and_kind >> 2) as usize
    }

    pub(crate) fn kind(&self) -> RecordKind {
        match self.flow_and_kind & 3 {
            0 => RecordKind::Application,
            1 => RecordKind::Other,
            _ => RecordKind::Estimated,
        }
    }
}
