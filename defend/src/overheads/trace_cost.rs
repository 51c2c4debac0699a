//! What one trace costs.

use std::collections::VecDeque;

use wfkit_datasets::Trace;

use super::peak::Peak;
use crate::{DefendedTrace, Direction, Ledger, PerDirection};

/// What one trace costs.
#[derive(Debug)]
pub(super) struct TraceCost {
    pub(super) original: PerDirection<Load>,
    pub(super) defended: PerDirection<Load>,
    /// After the last normal packet.
    pub(super) tail: PerDirection<Load>,
    pub(super) padding: PerDirection<u64>,
    pub(super) untouched: u64,
    /// On the paths that the observer sees.
    pub(super) seen_bytes: u64,
    /// When the last normal packet was through.
    pub(super) end_before_ns: u64,
    pub(super) end_after_ns: u64,
    /// Of the normal packets that are held back at all, in order of arrival.
    pub(super) delays_ns: Vec<u64>,
    /// Of the first incoming one.
    pub(super) first_response_ns: Option<u64>,
    /// Bytes a second, original and defended.
    pub(super) rates: (f64, f64),
    /// Bytes in the busiest 100 ms: together, out and in.
    pub(super) peaks: [Peak; 3],
    pub(super) ledger: Ledger,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Load {
    pub(super) bytes: u64,
    pub(super) packets: u64,
}

impl Load {
    fn add(&mut self, size: i32) {
        self.bytes += u64::from(size.unsigned_abs());
        self.packets += 1;
    }
}

impl std::ops::Add for Load {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, packets: self.packets + other.packets }
    }
}

impl TraceCost {
    pub(super) fn of(original: &Trace, defended: &DefendedTrace) -> Self {
        let completion = defended.completion_ns(original.len());
        let end_after_ns = completion.iter().copied().max().unwrap_or(0);
        let held_back = |i: usize| completion[i].saturating_sub(original.time_ns()[i]);
        let sent = || defended.packets().map(|packet| (packet.time_ns, packet.size));
        let delays = completion.iter().zip(original.time_ns()).map(|(after, before)| after.saturating_sub(*before));
        let mut cost = Self {
            original: PerDirection::default(),
            defended: PerDirection::default(),
            tail: PerDirection::default(),
            padding: PerDirection::default(),
            untouched: 0,
            seen_bytes: 0,
            end_before_ns: original.duration_ns(),
            end_after_ns,
            delays_ns: delays.filter(|&delay| delay > 0).collect(),
            first_response_ns: original.size().iter().position(|&size| size < 0).map(held_back),
            rates: (rate(original.packets()), rate(sent())),
            peaks: [None, Some(Direction::Outgoing), Some(Direction::Incoming)]
                .map(|way| Peak { original: busiest(original.packets(), way), defended: busiest(sent(), way) }),
            ledger: *defended.ledger(),
        };
        for &size in original.size() {
            cost.original[Direction::of(size)].add(size);
        }
        for packet in defended.packets() {
            let way = packet.direction();
            cost.defended[way].add(packet.size);
            cost.seen_bytes += if packet.seen { u64::from(packet.size.unsigned_abs()) } else { 0 };
            match packet.carries {
                [] => {
                    cost.padding[way] += 1;
                    if packet.time_ns > end_after_ns {
                        cost.tail[way].add(packet.size);
                    }
                }
                [piece] => {
                    let origin = piece.origin as usize;
                    let whole = piece.bytes == packet.size.unsigned_abs() && packet.size == original.size()[origin];
                    cost.untouched += u64::from(whole && packet.time_ns == original.time_ns()[origin]);
                }
                _ => {}
            }
        }
        cost
    }

    pub(super) fn delays(&self) -> (&[u64], u64) {
        (&self.delays_ns, self.original.total().packets)
    }

    /// Of the one packet that is the first response.
    pub(super) fn first_response_delay(&self) -> Option<(&[u64], u64)> {
        let delay = self.first_response_ns.as_ref()?;
        Some((if *delay > 0 { std::slice::from_ref(delay) } else { &[] }, 1))
    }
}

/// Bytes a second from the first packet to the last; 0 where that is no time.
fn rate(packets: impl Iterator<Item = (u64, i32)>) -> f64 {
    let (mut first, mut last, mut bytes) = (None, 0, 0_u64);
    for (time_ns, size) in packets {
        last = time_ns - *first.get_or_insert(time_ns);
        bytes += u64::from(size.unsigned_abs());
    }
    if last > 0 { bytes as f64 / (last as f64 / 1e9) } else { 0.0 }
}

/// The most bytes of one direction, or of both, that start within any 100 ms.
fn busiest(packets: impl Iterator<Item = (u64, i32)>, way: Option<Direction>) -> u64 {
    let (mut window, mut bytes, mut most) = (VecDeque::new(), 0_u64, 0);
    for (time_ns, size) in packets.filter(|(_, size)| way.is_none_or(|way| Direction::of(*size) == way)) {
        let size = u64::from(size.unsigned_abs());
        window.push_back((time_ns, size));
        bytes += size;
        while let Some(&(start, left)) = window.front()
            && time_ns - start >= WINDOW_NS
        {
            bytes -= left;
            window.pop_front();
        }
        most = most.max(bytes);
    }
    most
}

const WINDOW_NS: u64 = 100_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_window_is_of_100_ms() {
        let ms = 1_000_000;
        let packets = || [(0, 10), (99 * ms, -20), (100 * ms, 40), (199 * ms, 1)].into_iter();
        assert_eq!(busiest(packets(), None), 60);
        assert_eq!(busiest(packets(), Some(Direction::Outgoing)), 41);
        assert_eq!(busiest(packets(), Some(Direction::Incoming)), 20);
        assert_eq!(busiest(packets().take(0), None), 0);
    }

    #[test]
    fn a_rate_is_from_the_first_packet_to_the_last() {
        assert_eq!(rate([(500_000_000, 10), (1_000_000_000, -20)].into_iter()), 60.0);
        assert_eq!(rate([(5, 10)].into_iter()), 0.0);
    }
}
