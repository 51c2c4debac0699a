//! Recording until a limit is reached.

use std::io::{self, Write};
use std::time::Duration;

use thiserror::Error;

use super::pcapng::{InterfaceStatistics, PcapngWriter};
use super::source::{Clock, Counters, PacketSource};

/// How long a wait may make the program deaf for whoever wants to stop it.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// When a recording ends by itself; without limits never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// After so long.
    pub duration: Option<Duration>,
    /// With so many packets.
    pub packets: Option<u64>,
    /// When no packet came for so long, counted from the first packet on.
    pub quiet_time: Option<Duration>,
}

/// What ended a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It lasted as long as it should.
    Duration,
    /// It has as many packets as it should.
    Packets,
    /// Nothing came any more.
    Quiet,
    /// It was asked to stop.
    Asked,
}

/// What was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Packets written.
    pub packets: u64,
    /// Their lengths on the wire, in bytes.
    pub bytes: u64,
    /// What the source counted; packets that no limit let in are received, too.
    pub counters: Counters,
    /// What ended it.
    pub stopped: Stopped,
}

/// Why a recording failed. What was written until then is valid if the writer's output is.
#[derive(Debug, Error)]
pub enum LiveError {
    /// The source of packets failed.
    #[error("no more packets: {0}")]
    Source(#[source] io::Error),
    /// The file cannot be written.
    #[error("cannot write packets: {0}")]
    Write(#[source] io::Error),
}

/// Writes packets until a limit is reached or `stop` says so, then the statistics. `on_packet` is called after each
/// packet with their number.
///
/// # Errors
///
/// If packets can neither be fetched nor written; the statistics are written where they can be.
pub fn record<W: Write>(
    source: &mut dyn PacketSource,
    mut writer: PcapngWriter<W>,
    limits: &Limits,
    clock: &dyn Clock,
    stop: &dyn Fn() -> bool,
    on_packet: &mut dyn FnMut(u64),
) -> Result<(W, Recorded), LiveError> {
    let started = clock.now();
    let (mut packets, mut bytes) = (0, 0);
    let mut last_packet = None;
    let stopped = loop {
        let now = clock.now();
        // What is left of a limit, and which one ends first.
        let until = |limit: Option<Duration>, since: Option<Duration>, stopped| {
            Some(((since? + limit?).saturating_sub(now), stopped))
        };
        let limit_ends = [
            until(limits.duration, Some(started), Stopped::Duration),
            until(limits.quiet_time, last_packet, Stopped::Quiet),
        ];
        let first = limit_ends.into_iter().flatten().min_by_key(|&(left, _)| left);
        if stop() {
            break Stopped::Asked;
        }
        if limits.packets.is_some_and(|limit| packets >= limit) {
            break Stopped::Packets;
        }
        let wait = match first {
            Some((Duration::ZERO, stopped)) => break stopped,
            Some((left, _)) => left.min(LONGEST_WAIT),
            None => LONGEST_WAIT,
        };
        match source.next(wait) {
            Ok(Some(packet)) => {
                writer.write(&packet).map_err(LiveError::Write)?;
                packets += 1;
                bytes += u64::from(packet.orig_len);
                last_packet = Some(clock.now());
                on_packet(packets);
            }
            // In a pause whoever follows the file may see all of it.
            Ok(None) => writer.flush().map_err(LiveError::Write)?,
            Err(error) => {
                let counters = source.take_counters().unwrap_or_default();
                // The first error is the one to tell.
                let _ = writer.finish(&InterfaceStatistics { time_ns: clock.unix_ns(), counters });
                return Err(LiveError::Source(error));
            }
        }
    };
    let counters = source.take_counters().map_err(LiveError::Source)?;
    let out = writer.finish(&InterfaceStatistics { time_ns: clock.unix_ns(), counters }).map_err(LiveError::Write)?;
    Ok((out, Recorded { packets, bytes, counters, stopped }))
}
