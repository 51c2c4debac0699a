//! What recording needs from outside.

use std::io;
use std::time::Duration;

use crate::packet::LinkType;

/// A packet as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Unix time in ns, not negative.
    pub time_ns: i64,
    /// Length of the frame on the wire, in bytes.
    pub orig_len: u32,
    /// The frame, or as much of it as the snap length allows.
    pub data: &'a [u8],
}

/// Packets since a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets that passed the filter, also those that were dropped.
    pub received: u64,
    /// Packets that were lost because they were not fetched fast enough.
    pub dropped: u64,
}

/// Where packets come from, such as an [`Interface`](super::Interface).
pub trait PacketSource {
    /// What frames start with.
    fn link(&self) -> LinkType;

    /// Waits for the next packet, for at most `wait`.
    ///
    /// # Errors
    ///
    /// What the system says, such as that the interface is down.
    fn next(&mut self, wait: Duration) -> io::Result<Option<Packet<'_>>>;

    /// Packets since the last call.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn take_counters(&mut self) -> io::Result<Counters>;
}

/// What time it is.
pub trait Clock {
    /// Time since some moment; never goes backwards.
    fn now(&self) -> Duration;

    /// Unix time in ns.
    fn unix_ns(&self) -> i64;
}
