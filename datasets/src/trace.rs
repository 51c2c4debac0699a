//! The packets of one query or page load.

use sha2::{Digest, Sha256};
use thiserror::Error;

/// The packets of one query or page load, seen from the client's link.
///
/// Two columns of equal length, at least one packet: `time_ns`, non-decreasing from 0, and `size`, signed bytes, positive
/// for outgoing (client to network), negative for incoming, never 0. The constructor checks all of it, so whoever holds a
/// `Trace` need not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    time_ns: Vec<u64>,
    size: Vec<i32>,
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
        Ok(Self { time_ns, size })
    }

    /// Number of packets, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a trace is never empty")]
    pub fn len(&self) -> usize {
        self.size.len()
    }

    /// Nanoseconds since the first packet, non-decreasing, the first is 0.
    pub fn time_ns(&self) -> &[u64] {
        &self.time_ns
    }

    /// Signed bytes: positive is outgoing, negative incoming.
    pub fn size(&self) -> &[i32] {
        &self.size
    }

    /// The packets in order, as (time in ns, signed size in bytes).
    pub fn packets(&self) -> impl ExactSizeIterator<Item = (u64, i32)> + '_ {
        self.time_ns.iter().copied().zip(self.size.iter().copied())
    }

    /// Time of the last packet.
    pub fn duration_ns(&self) -> u64 {
        self.time_ns[self.time_ns.len() - 1]
    }

    /// Sum of the outgoing sizes.
    pub fn out_bytes(&self) -> u64 {
        self.size.iter().filter(|&&s| s > 0).map(|s| u64::from(s.unsigned_abs())).sum()
    }

    /// Sum of the incoming sizes, as a magnitude.
    pub fn in_bytes(&self) -> u64 {
        self.size.iter().filter(|&&s| s < 0).map(|s| u64::from(s.unsigned_abs())).sum()
    }

    /// Number of outgoing packets.
    pub fn out_packets(&self) -> usize {
        self.size.iter().filter(|&&s| s > 0).count()
    }

    /// Number of incoming packets.
    pub fn in_packets(&self) -> usize {
        self.len() - self.out_packets()
    }

    /// SHA-256 of both columns: equal exactly for traces with equal packets, whatever their labels.
    pub fn content_hash(&self) -> [u8; 32] {
        const PACKET: usize = 12;
        let mut hasher = Sha256::new();
        // Many packets a call: for one, the call takes longer than the hash.
        let mut bytes = [0; 64 * PACKET];
        for (times, sizes) in self.time_ns.chunks(64).zip(self.size.chunks(64)) {
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
