//! Recording until a limit is reached.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use wfkit_datasets::Findings;

use super::pcapng::{InterfaceDescription, InterfaceStatistics, PcapngWriter};
use super::source::{Clock, Counters, PacketSource};
use super::unmeasured;

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

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duration => "duration",
            Self::Packets => "number of packets",
            Self::Quiet => "quiet time",
            Self::Asked => "a signal",
        })
    }
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

impl Recorded {
    /// What was recorded, for a report.
    pub fn findings(&self) -> Findings {
        let mut findings = unmeasured();
        findings
            .count("packets", self.packets as usize)
            .count("bytes", self.bytes as usize)
            .count("packets received", self.counters.received as usize)
            .count(&format!("ended by {}", self.stopped), 1);
        findings.dropped.insert("packets: dropped by the kernel".to_owned(), self.counters.dropped);
        findings
    }
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

/// A recording on its way into a file, which has its name when it is whole: what is there before stays until then, and what was recorded when
/// recording fails is beside it, with `.part` behind its name.
#[derive(Debug)]
pub struct Recording {
    writer: PcapngWriter<BufWriter<File>>,
    interface: String,
    out: PathBuf,
    part: PathBuf,
}

/// Why there is no recording.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// A file cannot be written.
    #[error("{}: cannot write", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It failed on the way.
    #[error("{interface} to {}; what was recorded before is in {}", out.display(), part.display())]
    Failed {
        /// The interface.
        interface: String,
        /// Where it was to be.
        out: PathBuf,
        /// Where it is.
        part: PathBuf,
        /// Why.
        source: LiveError,
    },
}

impl Recording {
    /// Begins the file; `application` is who writes.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn to(out: &Path, interface: &InterfaceDescription, application: &str) -> Result<Self, RecordingError> {
        let cannot = |path: &Path| {
            let path = path.to_owned();
            move |source| RecordingError::Write { path, source }
        };
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = out.with_file_name(name);
        let file = File::create(&part).map_err(cannot(&part))?;
        let writer = PcapngWriter::new(BufWriter::new(file), interface, application).map_err(cannot(out))?;
        Ok(Self { writer, interface: interface.name.clone(), out: out.to_owned(), part })
    }

    /// As [`record`].
    ///
    /// # Errors
    /// As [`record`], with where it is; a file that cannot be renamed.
    pub fn record(
        self,
        source: &mut dyn PacketSource,
        limits: &Limits,
        clock: &dyn Clock,
        stop: &dyn Fn() -> bool,
        on_packet: &mut dyn FnMut(u64),
    ) -> Result<Recorded, RecordingError> {
        let Self { writer, interface, out, part } = self;
        match record(source, writer, limits, clock, stop, on_packet) {
            Ok((_, recorded)) => match fs::rename(&part, &out) {
                Ok(()) => Ok(recorded),
                Err(source) => Err(RecordingError::Write { path: out, source }),
            },
            Err(source) => Err(RecordingError::Failed { interface, out, part, source }),
        }
    }
}
