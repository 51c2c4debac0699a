//! What a trace can be known by without its packets: whether another is the same, or nearly.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::Trace;

/// Packets whose times are kept, spread evenly over the trace.
const MOMENTS: usize = 8;

/// Fewer packets than this may be alike by chance: two answers of one size a few milliseconds apart are nothing strange.
const FEWEST_PACKETS: u32 = 8;

/// Times of near twins differ by no more than this share of them, or of the whole trace..
const TOLERANCE_SHARE: f64 = 0.01;
/// ..but of the whole trace by no more than this: of a trace of seconds, its first packets are to be as near as its last.
const TOLERANCE_NS: u64 = 2_000_000;

/// What a trace can be known by: a hash of its packets, a hash of their sizes in order, and when eight of them come.
///
/// It is small enough to stand beside features and in model files, and tells nothing of addresses or content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Likeness {
    /// Of times and sizes: equal exactly for equal packets.
    pub content: u64,
    /// Of signed sizes in order.
    pub sizes: u64,
    /// Number of packets.
    pub packets: u32,
    /// Times of eight packets in ns, evenly spaced by number; the last is that of the last packet.
    pub moments_ns: [u64; MOMENTS],
}

/// A text that is no likeness.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not what a trace is known by: two hashes, a number of packets and eight times")]
pub struct NotALikeness(pub String);

impl Likeness {
    /// The likeness of a trace.
    pub fn of(trace: &Trace) -> Self {
        let mut sizes = Sha256::new();
        for size in trace.size() {
            sizes.update(size.to_le_bytes());
        }
        let moment = |part: usize| trace.time_ns()[(trace.len() - 1) * (part + 1) / MOMENTS];
        Self {
            content: first_bytes(&trace.content_hash()),
            sizes: first_bytes(&sizes.finalize().into()),
            packets: u32::try_from(trace.len()).unwrap_or(u32::MAX),
            moments_ns: std::array::from_fn(moment),
        }
    }

    /// What copies of the trace have as their origin, as [`LabelledTrace::origin_of_copies`](crate::LabelledTrace::origin_of_copies).
    pub fn origin(&self) -> String {
        format!("{:016x}", self.content)
    }

    /// Time of the last packet.
    pub fn duration_ns(&self) -> u64 {
        self.moments_ns[MOMENTS - 1]
    }

    /// The durations that a near twin may have.
    pub fn durations_of_near(&self) -> std::ops::RangeInclusive<u64> {
        // The longer of two decides how far apart they may be: 1.011 is more than 1 / 0.99.
        let longest =
            self.duration_ns().saturating_add(share_of(self.duration_ns()) + share_of(self.duration_ns()) / 9 + 1);
        self.duration_ns().saturating_sub(share_of(self.duration_ns()))..=longest
    }

    /// Whether the packets are the same, one by one.
    pub fn is_same(&self, other: &Self) -> bool {
        self.content == other.content
    }

    /// Whether the traces have the same sizes in the same order, at times that differ by one percent at most, or by one percent of the duration and no
    /// more than 2 ms; of fewer than eight packets nothing is said, since such traces are alike by chance.
    pub fn is_near(&self, other: &Self) -> bool {
        let floor = share_of(self.duration_ns().max(other.duration_ns())).min(TOLERANCE_NS);
        let near = |(&a, &b): (&u64, &u64)| a.abs_diff(b) <= share_of(a.max(b)).max(floor);
        self.packets >= FEWEST_PACKETS
            && self.packets == other.packets
            && self.sizes == other.sizes
            && self.moments_ns.iter().zip(&other.moments_ns).all(near)
    }
}

/// One percent of a time, a nanosecond at least.
fn share_of(time_ns: u64) -> u64 {
    ((time_ns as f64 * TOLERANCE_SHARE) as u64).max(1)
}

fn first_bytes(hash: &[u8; 32]) -> u64 {
    u64::from_be_bytes(*hash.first_chunk().expect("a hash of 32 bytes"))
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}-{}", self.content, self.sizes, self.packets)?;
        self.moments_ns.iter().try_for_each(|moment| write!(f, "-{moment}"))
    }
}

impl FromStr for Likeness {
    type Err = NotALikeness;

    fn from_str(text: &str) -> Result<Self, NotALikeness> {
        let read = || {
            let mut parts = text.split('-');
            let content = u64::from_str_radix(parts.next()?, 16).ok()?;
            let sizes = u64::from_str_radix(parts.next()?, 16).ok()?;
            let packets = parts.next()?.parse().ok()?;
            let moments: Vec<u64> = parts.map(str::parse).collect::<Result<_, _>>().ok()?;
            Some(Self { content, sizes, packets, moments_ns: moments.try_into().ok()? })
        };
        read().ok_or_else(|| NotALikeness(text.to_owned()))
    }
}

impl From<Likeness> for String {
    fn from(likeness: Likeness) -> Self {
        likeness.to_string()
    }
}

impl TryFrom<String> for Likeness {
    type Error = NotALikeness;

    fn try_from(text: String) -> Result<Self, NotALikeness> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(times: impl Iterator<Item = u64>) -> Likeness {
        let times: Vec<u64> = times.collect();
        let sizes = (0..times.len()).map(|i| if i % 3 == 0 { 514 } else { -514 }).collect();
        Likeness::of(&Trace::new(times, sizes).unwrap())
    }

    #[test]
    fn a_nanosecond_makes_another_trace_and_a_near_twin() {
        let first = likeness((0..50).map(|i| i * 20_000_000));
        let later = likeness((0..50).map(|i| i * 20_000_000 + i.min(1)));
        let slower = likeness((0..50).map(|i| i * 21_000_000));
        assert!(first.is_same(&first) && first.is_near(&first));
        assert!(!first.is_same(&later) && first.is_near(&later));
        assert!(!first.is_near(&slower));
        for (near, is_near) in [(&later, true), (&slower, false)] {
            assert_eq!(first.durations_of_near().contains(&near.duration_ns()), is_near);
        }
        // In milliseconds, another load is another load, although it differs by less than two of them.
        let quick = likeness((0..50).map(|i| i * 20_000));
        let other = likeness((0..50).map(|i| i * 20_000 + (i * 37) % 19 * 1_000));
        assert!(!quick.is_near(&other) && quick.is_near(&likeness((0..50).map(|i| i * 20_000 + i.min(1)))));
    }

    #[test]
    fn few_packets_are_alike_by_chance() {
        let first = likeness((0..7).map(|i| i * 20_000_000));
        assert!(first.is_same(&first) && !first.is_near(&first));
    }

    #[test]
    fn the_text_brings_it_back() {
        let first = likeness((0..9).map(|i| i * 1_234_567));
        assert_eq!(first.to_string().parse(), Ok(first));
        assert!("12-x".parse::<Likeness>().is_err());
        assert!(likeness(0..1).to_string().parse::<Likeness>().is_ok());
    }
}
