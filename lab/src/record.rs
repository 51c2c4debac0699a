//! Recording what a client and its peer say to each other.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufWriter};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use wfkit_capture::LinkType;
use wfkit_capture::live::{
    Clock, Counters, Filter, Interface, InterfaceDescription, Limits, Packet, PacketSource, PcapngWriter, record,
};

use crate::Error;
use crate::flag::SetAtEnd;

/// Reaches behind the headers of TCP, and a little into TLS.
const SNAP_LEN: u32 = 96;

/// A recording starts, and ends, after so long without a packet.
const QUIET: Duration = Duration::from_millis(250);

/// A link that is still busy after so long is recorded all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// Two nodes whose packets belong into a recording: a client, and its guard or (without Tor) the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The client.
    pub client: Ipv4Addr,
    /// Whom it talks to.
    pub peer: Ipv4Addr,
}

/// What was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    /// Packets of the pair, all written.
    pub packets: u64,
    /// When the first came, in ns of Unix time.
    pub start_ns: i64,
    /// Packets that the kernel dropped.
    pub dropped: u64,
    /// Packets on the link that are not of the pair; they were not written, so the recording does not show all.
    pub strangers: u64,
}

/// A place where packets of a query pass, watched from when it is opened on.
#[derive(Debug)]
pub struct Tap {
    interface: Interface,
    name: &'static str,
    filter: String,
    /// Whose packets are looked for among all; without it the kernel passes on only what is wanted.
    pair: Option<Pair>,
    start_ns: i64,
    strangers: u64,
}

impl Tap {
    /// On the link of the calling thread's namespace: what is of the pair. All else is counted.
    ///
    /// # Errors
    ///
    /// If the interface cannot be opened.
    pub fn of_pair(pair: Pair) -> Result<Self, Error> {
        let filter = format!("tcp and host {} and host {}", pair.client, pair.peer);
        let interface = open(LINK, &Filter::default())?;
        Ok(Self { interface, name: LINK, filter, pair: Some(pair), start_ns: 0, strangers: 0 })
    }

    /// On an interface of the calling thread's namespace: what a filter lets through.
    ///
    /// # Errors
    ///
    /// If the interface cannot be opened, or the filter is none.
    pub fn open(name: &'static str, filter: String) -> Result<Self, Error> {
        let program = filter.parse().map_err(|error| Error::Wrong(format!("{filter}: {error}")))?;
        Ok(Self { interface: open(name, &program)?, name, filter, pair: None, start_ns: 0, strangers: 0 })
    }

    fn write<Stop: Fn(Duration) -> bool>(
        &mut self,
        path: &Path,
        clock: &SystemClock,
        stop: Stop,
    ) -> Result<Recording, Error> {
        let failed = |what: &dyn std::fmt::Display| Error::Wrong(format!("{}: {what}", path.display()));
        let description = InterfaceDescription {
            link: self.link(),
            snap_len: SNAP_LEN,
            name: self.name.to_owned(),
            filter: self.filter.clone(),
        };
        let file = BufWriter::new(File::create(path).map_err(Error::system(path.display().to_string()))?);
        let writer = PcapngWriter::new(file, &description, "wfkit-lab").map_err(|error| failed(&error))?;
        let last = Cell::new(clock.now());
        let until = || stop(last.get());
        let recorded = record(self, writer, &Limits::default(), clock, &until, &mut |_| last.set(clock.now()));
        let (file, recorded) = recorded.map_err(|error| failed(&error))?;
        let file = file.into_inner().map_err(|error| failed(&error.into_error()))?;
        file.sync_all().map_err(|error| failed(&error))?;
        let (packets, dropped) = (recorded.packets, recorded.counters.dropped);
        Ok(Recording { packets, start_ns: self.start_ns, dropped, strangers: self.strangers })
    }

    /// Lets go of what came until now.
    fn forget(&mut self) -> io::Result<()> {
        while self.interface.next(Duration::ZERO)?.is_some() {}
        self.take_counters()?;
        self.strangers = 0;
        Ok(())
    }
}

/// The link of every node, in its namespace.
pub(crate) const LINK: &str = "eth0";

fn open(name: &str, filter: &Filter) -> Result<Interface, Error> {
    Interface::open(name, filter, SNAP_LEN).map_err(|error| Error::Wrong(format!("{name}: {error}")))
}

/// Does `query` while every tap writes to its file. The query's packets may come a little later than its end, and are in. The first
/// tap is that of the client: before the query, its link falls silent.
///
/// # Errors
///
/// If an interface or a file fails; how the query ended does not matter.
pub fn record_while<T>(mut taps: Vec<(Tap, PathBuf)>, query: impl FnOnce() -> T) -> Result<(T, Vec<Recording>), Error> {
    let clock = SystemClock(Instant::now());
    if let Some((first, _)) = taps.first_mut() {
        wait_for_quiet(first).map_err(Error::system(LINK))?;
    }
    for (tap, path) in &mut taps {
        tap.forget().map_err(Error::system(path.display().to_string()))?;
    }
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let recorders: Vec<_> = taps
            .iter_mut()
            .map(|(tap, path)| {
                scope.spawn(|| {
                    let done = Cell::new(None);
                    // Since when there was nothing: the last packet or, later, the end of the query.
                    tap.write(path, &clock, |last| {
                        if done.get().is_none() && is_done.load(Ordering::Acquire) {
                            done.set(Some(clock.now()));
                        }
                        let over =
                            |done: Duration| clock.now() - done > PATIENCE || clock.now() - last.max(done) > QUIET;
                        done.get().is_some_and(over)
                    })
                })
            })
            .collect();
        let answer = {
            let _end = SetAtEnd(&is_done);
            query()
        };
        let recordings = recorders.into_iter().map(|recorder| recorder.join().expect("a panic was told"));
        Ok((answer, recordings.collect::<Result<_, _>>()?))
    })
}

fn wait_for_quiet(tap: &mut Tap) -> io::Result<()> {
    let started = Instant::now();
    let mut last = Instant::now();
    while last.elapsed() < QUIET && started.elapsed() < PATIENCE {
        if tap.interface.next(QUIET.saturating_sub(last.elapsed()))?.is_some() {
            last = Instant::now();
        }
    }
    Ok(())
}

impl PacketSource for Tap {
    fn link(&self) -> LinkType {
        self.interface.link()
    }

    fn next(&mut self, wait: Duration) -> io::Result<Option<Packet<'_>>> {
        let Some(packet) = self.interface.next(wait)? else { return Ok(None) };
        if self.pair.is_some_and(|pair| !is_of(pair, packet.data)) {
            self.strangers += 1;
            return Ok(None);
        }
        if self.start_ns == 0 {
            self.start_ns = packet.time_ns;
        }
        Ok(Some(packet))
    }

    fn take_counters(&mut self) -> io::Result<Counters> {
        self.interface.take_counters()
    }
}

/// Whether a frame is TCP between the two.
fn is_of(pair: Pair, frame: &[u8]) -> bool {
    const TCP: u8 = 6;
    if frame.len() < 34 || frame[12..14] != [8, 0] || frame[23] != TCP {
        return false;
    }
    let (from, to) = (&frame[26..30], &frame[30..34]);
    let (client, peer) = (&pair.client.octets()[..], &pair.peer.octets()[..]);
    (from, to) == (client, peer) || (from, to) == (peer, client)
}

/// The clock of the system.
struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix_ns(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tcp_between_the_two_is_of_the_pair() {
        let pair = Pair { client: Ipv4Addr::new(198, 18, 0, 9), peer: Ipv4Addr::new(198, 18, 0, 4) };
        let frame = |protocol, from: [u8; 4], to: [u8; 4]| {
            let mut frame = vec![0; 54];
            frame[12] = 8;
            frame[23] = protocol;
            frame[26..30].copy_from_slice(&from);
            frame[30..34].copy_from_slice(&to);
            frame
        };
        let (client, peer, other) = ([198, 18, 0, 9], [198, 18, 0, 4], [198, 18, 0, 5]);
        assert!(is_of(pair, &frame(6, client, peer)));
        assert!(is_of(pair, &frame(6, peer, client)));
        for stranger in
            [frame(17, client, peer), frame(6, client, other), frame(6, other, client), frame(6, client, client)]
        {
            assert!(!is_of(pair, &stranger));
        }
        assert!(!is_of(pair, &frame(6, client, peer)[..33]));
    }
}
