//! The packets of one query or page load.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::packet_columns::{NOT_KNOWN, PacketColumn, PacketColumns};

/// The packets of one query or page load, seen from the client's link.
///
/// Two columns of equal length, at least one packet: `time_ns`, non-decreasing from 0, and `size`, signed bytes, positive
/// for outgoing (client to network), negative for incoming, never 0. The constructor checks all of it, so whoever holds a
/// `Trace` need not.
///
/// More may be known of its packets, see [`PacketColumn`]; traces without such columns do not pay for them.
///
/// A copy shares the packets: the parts of a split hold them once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    packets: Arc<Packets>,
}

/// What a trace and its copies share.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packets {
    time_ns: Vec<u64>,
    size: Vec<i32>,
    columns: Option<Box<PacketColumns>>,
}

/// Why two columns are not a trace. Packets are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TraceError {
    /// There is no packet.
    #[error("a trace needs at least one packet")]
    Empty,
    /// The columns differ in length.
    #[error("{times} times for {sizes} sizes")]
    Lengths {
        /// Length of the time column.
        times: usize,
        /// Length of the size column.
        sizes: usize,
    },
    /// The first packet is not at time 0.
    #[error("the first packet is at {time_ns} ns, not at 0")]
    Start {
        /// Time of the first packet.
        time_ns: u64,
    },
    /// Time goes backwards.
    #[error("packet {packet} at {time_ns} ns is earlier than the packet before it ({before_ns} ns)")]
    Order {
        /// The early packet.
        packet: usize,
        /// Its time.
        time_ns: u64,
        /// The time of its predecessor.
        before_ns: u64,
    },
    /// A size is 0, which has no direction.
    #[error("packet {packet} has size 0, which has no direction")]
    ZeroSize {
        /// The packet.
        packet: usize,
    },
    /// A column has not as many values as there are packets.
    #[error("{values} values of {column} for {packets} packets")]
    Column {
        /// The column.
        column: PacketColumn,
        /// Its values.
        values: usize,
        /// Packets of the trace.
        packets: usize,
    },
}

impl Trace {
    /// Checks the columns and joins them.
    pub fn new(time_ns: Vec<u64>, size: Vec<i32>) -> Result<Self, TraceError> {
        if time_ns.len() != size.len() {
            return Err(TraceError::Lengths { times: time_ns.len(), sizes: size.len() });
        }
        let &first = time_ns.first().ok_or(TraceError::Empty)?;
        if first != 0 {
            return Err(TraceError::Start { time_ns: first });
        }
        if let Some(packet) = (1..time_ns.len()).find(|&i| time_ns[i] < time_ns[i - 1]) {
            return Err(TraceError::Order { packet, time_ns: time_ns[packet], before_ns: time_ns[packet - 1] });
        }
        if let Some(packet) = size.iter().position(|&s| s == 0) {
            return Err(TraceError::ZeroSize { packet });
        }
        Ok(Self { packets: Arc::new(Packets { time_ns, size, columns: None }) })
    }

    /// Number of packets, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a trace is never empty")]
    pub fn len(&self) -> usize {
        self.size().len()
    }

    /// Nanoseconds since the first packet, non-decreasing, the first is 0.
    pub fn time_ns(&self) -> &[u64] {
        &self.packets.time_ns
    }

    /// Signed bytes: positive is outgoing, negative incoming.
    pub fn size(&self) -> &[i32] {
        &self.packets.size
    }

    /// What is known of each packet in this column; none where nothing is.
    pub fn column(&self, column: PacketColumn) -> Option<&[i16]> {
        self.packets.columns.as_ref()?.get(column)
    }

    /// The columns that it has.
    pub fn columns(&self) -> impl Iterator<Item = (PacketColumn, &[i16])> {
        PacketColumn::ALL.into_iter().filter_map(|column| Some((column, self.column(column)?)))
    }

    /// The same packets with a column more, one value a packet; below 0 is [`NOT_KNOWN`].
    ///
    /// # Errors
    /// As many values as there are not packets.
    pub fn with_column(self, column: PacketColumn, mut values: Vec<i16>) -> Result<Self, TraceError> {
        if values.len() != self.len() {
            return Err(TraceError::Column { column, values: values.len(), packets: self.len() });
        }
        values.iter_mut().for_each(|value| *value = (*value).max(NOT_KNOWN));
        let mut packets = Arc::unwrap_or_clone(self.packets);
        packets.columns.get_or_insert_default().set(column, values);
        Ok(Self { packets: Arc::new(packets) })
    }

    /// The same packets without columns.
    pub fn without_columns(self) -> Self {
        if self.packets.columns.is_none() {
            return self;
        }
        let packets = Arc::unwrap_or_clone(self.packets);
        Self { packets: Arc::new(Packets { columns: None, ..packets }) }
    }

    /// The same packets with the columns of `original`, of which packet `origins(i)` was packet i of this; one of none has what is not known.
    pub fn with_columns_of(self, original: &Self, origins: impl Fn(usize) -> Option<usize>) -> Self {
        if original.packets.columns.is_none() {
            return self;
        }
        let mut packets = Arc::unwrap_or_clone(self.packets);
        for (column, values) in original.columns() {
            let value = |packet| origins(packet).and_then(|origin| values.get(origin).copied()).unwrap_or(NOT_KNOWN);
            let values = (0..packets.size.len()).map(value).collect();
            packets.columns.get_or_insert_default().set(column, values);
        }
        Self { packets: Arc::new(packets) }
    }

    /// The packets in order, as (time in ns, signed size in bytes).
    pub fn packets(&self) -> impl ExactSizeIterator<Item = (u64, i32)> + '_ {
        self.time_ns().iter().copied().zip(self.size().iter().copied())
    }

    /// Time of the last packet.
    pub fn duration_ns(&self) -> u64 {
        self.time_ns()[self.len() - 1]
    }

    /// Sum of the outgoing sizes.
    pub fn out_bytes(&self) -> u64 {
        self.size().iter().filter(|&&s| s > 0).map(|s| u64::from(s.unsigned_abs())).sum()
    }

    /// Sum of the incoming sizes, as a magnitude.
    pub fn in_bytes(&self) -> u64 {
        self.size().iter().filter(|&&s| s < 0).map(|s| u64::from(s.unsigned_abs())).sum()
    }

    /// Number of outgoing packets.
    pub fn out_packets(&self) -> usize {
        self.size().iter().filter(|&&s| s > 0).count()
    }

    /// Number of incoming packets.
    pub fn in_packets(&self) -> usize {
        self.len() - self.out_packets()
    }

    /// SHA-256 of times and sizes: equal exactly for traces with equal packets, whatever their labels and [columns](Self::columns).
    pub fn content_hash(&self) -> [u8; 32] {
        const PACKET: usize = 12;
        let mut hasher = Sha256::new();
        // Many packets a call: for one, the call takes longer than the hash.
        let mut bytes = [0; 64 * PACKET];
        for (times, sizes) in self.time_ns().chunks(64).zip(self.size().chunks(64)) {
            for (packet, (time, size)) in bytes.chunks_exact_mut(PACKET).zip(times.iter().zip(sizes)) {
                packet[..8].copy_from_slice(&time.to_le_bytes());
                packet[8..].copy_from_slice(&size.to_le_bytes());
            }
            hasher.update(&bytes[..PACKET * times.len()]);
        }
        hasher.finalize().into()
    }

    /// The first 16 hexadecimal digits of [`content_hash`](Self::content_hash).
    pub fn short_hash(&self) -> String {
        short_hash(&self.content_hash())
    }
}

/// The first 16 hexadecimal digits of a [content hash](Trace::content_hash).
pub fn short_hash(content: &[u8; 32]) -> String {
    content[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_magnitudes() {
        let trace = Trace::new(vec![0, 5, 5], vec![100, -1500, -20]).unwrap();
        assert_eq!((trace.out_bytes(), trace.in_bytes()), (100, 1520));
        assert_eq!((trace.out_packets(), trace.in_packets()), (1, 2));
        assert_eq!(trace.duration_ns(), 5);
    }

    #[test]
    fn refuses_what_is_no_trace() {
        assert_eq!(Trace::new(vec![], vec![]), Err(TraceError::Empty));
        assert_eq!(Trace::new(vec![0], vec![]), Err(TraceError::Lengths { times: 1, sizes: 0 }));
        assert_eq!(Trace::new(vec![1], vec![1]), Err(TraceError::Start { time_ns: 1 }));
        let order = Trace::new(vec![0, 9, 8], vec![1, 1, 1]);
        assert_eq!(order, Err(TraceError::Order { packet: 2, time_ns: 8, before_ns: 9 }));
        assert_eq!(Trace::new(vec![0, 1], vec![1, 0]), Err(TraceError::ZeroSize { packet: 1 }));
    }

    #[test]
    fn columns_have_a_value_a_packet_and_follow_their_packets() {
        let trace = Trace::new(vec![0, 5, 9], vec![1, -1, 2]).unwrap();
        let short = trace.clone().with_column(PacketColumn::Flow, vec![0]);
        assert_eq!(short, Err(TraceError::Column { column: PacketColumn::Flow, values: 1, packets: 3 }));
        let marked = trace.clone().with_column(PacketColumn::Proto, vec![6, -7, 17]).unwrap();
        assert_eq!(marked.column(PacketColumn::Proto), Some([6, NOT_KNOWN, 17].as_slice()));
        assert_eq!((marked.column(PacketColumn::Flow), marked.content_hash()), (None, trace.content_hash()));
        let turned = trace.clone().with_columns_of(&marked, |packet| (packet > 0).then_some(2 - packet));
        assert_eq!(turned.columns().collect::<Vec<_>>(), [(PacketColumn::Proto, [NOT_KNOWN, NOT_KNOWN, 6].as_slice())]);
        assert_eq!(turned.without_columns(), trace);
    }

    #[test]
    fn copies_share_their_packets_until_one_differs() {
        let trace = Trace::new(vec![0, 5], vec![1, -1]).unwrap();
        let copy = trace.clone().without_columns().with_columns_of(&trace, Some);
        assert!(std::ptr::eq(copy.size(), trace.size()) && std::ptr::eq(copy.time_ns(), trace.time_ns()));
        let marked = copy.with_column(PacketColumn::Proto, vec![6, 17]).unwrap();
        assert_eq!((marked.size(), trace.column(PacketColumn::Proto)), (trace.size(), None));
    }

    #[test]
    fn the_extreme_size_has_a_magnitude() {
        assert_eq!(Trace::new(vec![0], vec![i32::MIN]).unwrap().in_bytes(), 1 << 31);
    }

    #[test]
    fn the_hash_tells_times_from_sizes() {
        let hash = |t: Vec<u64>, s: Vec<i32>| Trace::new(t, s).unwrap().content_hash();
        assert_eq!(hash(vec![0, 1], vec![1, 2]), hash(vec![0, 1], vec![1, 2]));
        assert_ne!(hash(vec![0, 1], vec![1, 2]), hash(vec![0, 2], vec![1, 1]));
    }
}
