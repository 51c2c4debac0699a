//! Packets that were captured twice: on two interfaces of one host, or on both sides of a bridge.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::fast::FixedState;

use crate::files::records::Record;
use crate::packet::ip_packet_of;

/// The copies of a packet are not further apart, in ns.
const APART_NS: u64 = 2_000_000;

/// Of so many packets in a row the first [`SAMPLED`] are looked at, to find out whether there are copies at all.
const EVERY: u64 = 1 << 14;
const SAMPLED: u64 = 1 << 8;

/// Packets that are remembered, at most.
const MOST: usize = 1 << 13;

/// Finds out whether a capture has copies.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    copies: Copies,
    seen: u64,
    found: u64,
}

impl Sample {
    /// Takes packet `number`, from 0.
    #[inline(always)]
    pub(crate) fn see(&mut self, number: u64, record: &Record<'_>) {
        if number % EVERY < SAMPLED {
            self.look(record);
        }
    }

    #[cold]
    #[inline(never)]
    fn look(&mut self, record: &Record<'_>) {
        self.seen += 1;
        self.found += u64::from(self.copies.is_copy(record));
    }

    /// Whether so many were found that the capture is to be read without them: one in fifty.
    pub(crate) fn has_copies(&self) -> bool {
        self.found >= 3 && self.found * 50 >= self.seen
    }
}

/// Remembers the packets of the last milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    /// When a packet was there first, and where, by what it is.
    recent: HashMap<u64, (i64, u64), FixedState>,
}

/// What a packet is, and where it was captured.
struct Print {
    what: u64,
    place: u64,
    /// No other packet is like it: it has an identification, or carries bytes of a stream.
    is_unique: bool,
}

impl Copies {
    /// Whether the packet was there a moment before.
    pub(crate) fn is_copy(&mut self, record: &Record<'_>) -> bool {
        let (Some(time_ns), Some(print)) = (record.time_ns, print_of(record)) else { return false };
        if self.recent.len() >= MOST {
            self.recent.retain(|_, (then, _)| time_ns.abs_diff(*then) <= APART_NS);
            if self.recent.len() >= MOST {
                self.recent.clear();
            }
        }
        if let Some(&(then, place)) = self.recent.get(&print.what)
            && time_ns.abs_diff(then) <= APART_NS
            && (place != print.place || print.is_unique)
        {
            return true;
        }
        self.recent.insert(print.what, (time_ns, print.place));
        false
    }
}

/// How much of a payload is compared, in bytes.
const COMPARED: usize = 128;

/// Leaves out what changes on the way through a host: the hops left, checksums (cards fill them in late), and what the link
/// adds.
fn print_of(record: &Record<'_>) -> Option<Print> {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    let packet = ip_packet_of(record.link, record.data)?;
    let mut what = FixedState::default().build_hasher();
    let u16_at = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
    let (header_len, total_len, protocol, id, hops) = match packet.first()? >> 4 {
        4 if packet.len() >= 20 => {
            // Total length, identification, fragment, protocol, addresses.
            what.write(&packet[2..8]);
            what.write(&packet[9..10]);
            what.write(&packet[12..20]);
            (usize::from(packet[0] & 0x0f) * 4, u16_at(2), packet[9], u16_at(4), packet[8])
        }
        6 if packet.len() >= 40 => {
            what.write(&packet[4..7]);
            what.write(&packet[8..40]);
            (40, 40 + u16_at(4), packet[6], 0, packet[7])
        }
        _ => return None,
    };
    // Short frames are filled up, or not yet when they are captured.
    let end = if total_len > header_len { total_len.min(packet.len()) } else { packet.len() };
    let transport = packet.get(header_len..end)?;
    let mut start = [0; COMPARED];
    let compared = transport.len().min(COMPARED);
    start[..compared].copy_from_slice(&transport[..compared]);
    let (checksum, carries) = match protocol {
        TCP => (16, transport.get(12).is_some_and(|len| transport.len() > usize::from(len >> 4) * 4)),
        UDP => (6, false),
        _ => (COMPARED, false),
    };
    if let Some(checksum) = start.get_mut(checksum..checksum + 2) {
        checksum.fill(0);
    }
    what.write(&start[..compared]);
    let link = &record.data[..record.data.len() - packet.len()];
    Some(Print {
        what: what.finish(),
        place: FixedState::default().hash_one((record.interface, link, hops)),
        is_unique: id != 0 || carries,
    })
}
