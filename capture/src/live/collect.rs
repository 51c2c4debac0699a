//! Running the queries of a plan, and recording each.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufWriter};
use std::time::Duration;

use thiserror::Error;

use super::journal::{Journal, JournalError};
use super::pcapng::{InterfaceDescription, InterfaceStatistics, PcapngWriter};
use super::plan::{Plan, Query};
use super::recording::LONGEST_WAIT;
use super::source::{Clock, Counters, PacketSource};

/// How long packets are waited for while a command runs, before it is asked whether it has ended.
const POLL: Duration = Duration::from_millis(10);

/// Starts commands.
pub trait Runner {
    /// A command that runs.
    type Process: Process;

    /// Starts program and arguments, without a shell.
    ///
    /// # Errors
    ///
    /// What the system says, such as that there is no such program.
    fn start(&mut self, command: &[String]) -> io::Result<Self::Process>;
}

/// A command that runs.
pub trait Process {
    /// Whether it has ended: well, or what went wrong. `None` while it runs.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn poll(&mut self) -> io::Result<Option<Result<(), String>>>;

    /// Ends it, with everything it started.
    fn kill(&mut self);
}

/// Why a query failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The command ended badly.
    Command(
        /// How.
        String,
    ),
    /// It was not over in time.
    Timeout,
    /// No packet was recorded.
    NoPackets,
    /// Packets were lost while it was recorded.
    Lost(
        /// How many.
        u64,
    ),
    /// The link was not quiet before it could start.
    NotQuiet,
}

impl Failure {
    /// The same for all failures of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Command(_) => "command failed",
            Self::Timeout => "not over in time",
            Self::NoPackets => "no packets",
            Self::Lost(_) => "packets lost",
            Self::NotQuiet => "not quiet before the start",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(how) => write!(f, "{}: {how}", self.kind()),
            Self::Lost(packets) => write!(f, "{}: {packets}", self.kind()),
            _ => f.write_str(self.kind()),
        }
    }
}

/// What happens while collecting.
#[derive(Debug)]
pub enum CollectEvent<'a> {
    /// The capture of a query is there.
    Done(&'a Query),
    /// A query failed; it is tried again, or dropped.
    Failed {
        /// The query.
        query: &'a Query,
        /// Why.
        failure: &'a Failure,
        /// It will not be tried again.
        dropped: bool,
    },
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    /// Captures made now.
    pub done: u64,
    /// Packets in them.
    pub packets: u64,
    /// Failed tries, by reason.
    pub failures: BTreeMap<String, u64>,
    /// Queries given up now, by the reason of the last try.
    pub dropped: BTreeMap<String, u64>,
    /// Whether it was asked to stop before the end.
    pub stopped: bool,
}

/// Why collecting cannot go on. What was collected is safe.
#[derive(Debug, Error)]
pub enum CollectError {
    /// The source of packets failed.
    #[error("no more packets: {0}")]
    Source(#[source] io::Error),
    /// A capture cannot be written.
    #[error("cannot write packets: {0}")]
    Write(#[source] io::Error),
    /// The command cannot be started or watched.
    #[error("cannot run `{program}`: {source}")]
    Run {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// The folder cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Everything that collecting needs.
pub struct Collect<'a, R> {
    /// What to collect.
    pub plan: &'a Plan,
    /// Where packets come from; it filters.
    pub source: &'a mut dyn PacketSource,
    /// How commands run.
    pub runner: &'a mut R,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Whether to stop.
    pub stop: &'a dyn Fn() -> bool,
    /// Who writes the captures, such as `wfkit 0.1.0`.
    pub application: &'a str,
}

/// How a try of a query ended.
enum Tried {
    Done { start_ns: i64, packets: u64, part: std::fs::File },
    Failed(Failure),
    Stopped,
}

impl<R: Runner> Collect<'_, R> {
    /// Collects those of `queries` that `journal` does not have as done or failed as often as the plan allows, in their order.
    ///
    /// Each query waits until the link is quiet, runs its command, and is over when the command has ended well and the link
    /// is quiet again. A query that fails is tried again at once.
    ///
    /// # Errors
    ///
    /// If packets, commands or files fail for other reasons than the query's own; the journal is good for going on.
    pub fn run(
        mut self,
        queries: &[Query],
        journal: &mut Journal,
        on_event: &mut dyn FnMut(CollectEvent<'_>),
    ) -> Result<Collected, CollectError> {
        let mut collected = Collected::default();
        let mut last_packet = self.clock.now();
        for query in queries {
            while !journal.is_done(query) && journal.failures(query) <= self.plan.retries {
                let started_ns = self.clock.unix_ns();
                let tried = self.attempt(query, journal, &mut last_packet);
                if !matches!(tried, Ok(Tried::Done { .. })) {
                    journal.remove_part();
                }
                match tried? {
                    Tried::Done { start_ns, packets, part } => {
                        journal.finish(part, query, start_ns, packets)?;
                        collected.done += 1;
                        collected.packets += packets;
                        on_event(CollectEvent::Done(query));
                    }
                    Tried::Failed(failure) => {
                        journal.append_failure(query, started_ns, failure.kind())?;
                        let dropped = journal.failures(query) > self.plan.retries;
                        *collected.failures.entry(failure.kind().to_owned()).or_default() += 1;
                        if dropped {
                            *collected.dropped.entry(failure.kind().to_owned()).or_default() += 1;
                        }
                        on_event(CollectEvent::Failed { query, failure: &failure, dropped });
                    }
                    Tried::Stopped => {
                        collected.stopped = true;
                        return Ok(collected);
                    }
                }
            }
        }
        Ok(collected)
    }

    fn attempt(&mut self, query: &Query, journal: &Journal, last_packet: &mut Duration) -> Result<Tried, CollectError> {
        if let Some(over) = self.wait_for_quiet(last_packet)? {
            return Ok(over);
        }
        let interface = InterfaceDescription {
            link: self.source.link(),
            snap_len: self.plan.snap_len,
            name: self.plan.interface.clone(),
            filter: self.plan.filter.to_string(),
        };
        let file = BufWriter::new(journal.open_part()?);
        let mut writer = PcapngWriter::new(file, &interface, self.application).map_err(CollectError::Write)?;
        self.source.take_counters().map_err(CollectError::Source)?;
        let command = self.plan.command_of(query);
        let cannot = |source| CollectError::Run { program: command[0].clone(), source };
        let mut process = self.runner.start(&command).map_err(cannot)?;
        let recorded = self.record(&mut process, &mut writer, last_packet, &command[0]);
        if !matches!(recorded, Ok(Ok(_))) {
            process.kill();
        }
        let (start_ns, packets) = match recorded? {
            Ok(recorded) => recorded,
            Err(over) => return Ok(over),
        };
        let counters: Counters = self.source.take_counters().map_err(CollectError::Source)?;
        if counters.dropped > 0 {
            return Ok(Tried::Failed(Failure::Lost(counters.dropped)));
        }
        let statistics = InterfaceStatistics { time_ns: self.clock.unix_ns(), counters };
        let file = writer.finish(&statistics).map_err(CollectError::Write)?;
        let part = file.into_inner().map_err(|error| CollectError::Write(error.into_error()))?;
        Ok(Tried::Done { start_ns, packets, part })
    }

    /// Reads packets until none came for the quiet time.
    fn wait_for_quiet(&mut self, last_packet: &mut Duration) -> Result<Option<Tried>, CollectError> {
        let started = self.clock.now();
        loop {
            if (self.stop)() {
                return Ok(Some(Tried::Stopped));
            }
            let now = self.clock.now();
            let left = (*last_packet + self.plan.quiet_time).saturating_sub(now);
            // What is already there counts, too, so look once even where nothing is left to wait.
            match self.source.next(left.min(LONGEST_WAIT)).map_err(CollectError::Source)? {
                Some(_) => *last_packet = self.clock.now(),
                None if left.is_zero() => return Ok(None),
                None => {}
            }
            if now.saturating_sub(started) >= self.plan.timeout {
                return Ok(Some(Tried::Failed(Failure::NotQuiet)));
            }
        }
    }

    /// Time of the first packet and number of packets, or how else it ended.
    fn record<W: io::Write>(
        &mut self,
        process: &mut R::Process,
        writer: &mut PcapngWriter<W>,
        last_packet: &mut Duration,
        program: &str,
    ) -> Result<Result<(i64, u64), Tried>, CollectError> {
        let started = self.clock.now();
        let (mut first_ns, mut packets) = (0, 0);
        let mut ended = None;
        loop {
            if (self.stop)() {
                return Ok(Err(Tried::Stopped));
            }
            let got = match self.source.next(POLL).map_err(CollectError::Source)? {
                None => false,
                Some(packet) => {
                    writer.write(&packet).map_err(CollectError::Write)?;
                    if packets == 0 {
                        first_ns = packet.time_ns;
                    }
                    packets += 1;
                    true
                }
            };
            let now = self.clock.now();
            if got {
                *last_packet = now;
            }
            if ended.is_none() {
                let polled = process.poll();
                match polled.map_err(|source| CollectError::Run { program: program.to_owned(), source })? {
                    Some(Ok(())) => ended = Some(now),
                    Some(Err(how)) => return Ok(Err(Tried::Failed(Failure::Command(how)))),
                    None => {}
                }
            }
            let quiet_since = ended.map(|ended| ended.max(*last_packet));
            if quiet_since.is_some_and(|since| now.saturating_sub(since) >= self.plan.quiet_time) {
                return Ok(if packets == 0 { Err(Tried::Failed(Failure::NoPackets)) } else { Ok((first_ns, packets)) });
            }
            if now.saturating_sub(started) >= self.plan.timeout {
                return Ok(Err(Tried::Failed(Failure::Timeout)));
            }
        }
    }
}

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
