//! Recording what a client and its peer say to each other.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufWriter};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use wfkit_capture::LinkType;
use wfkit_capture::record::{
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

/// Does `query` while everything on `eth0` of the calling thread's namespace that is of `pair` is written to `path`. The query's
/// packets may come a little later than its end, and are in.
///
/// # Errors
///
/// If the interface or the file fails; how the query ended does not matter.
pub fn record_while<T>(pair: Pair, path: &Path, query: impl FnOnce() -> T) -> Result<(T, Recording), Error> {
    let failed = |what: &dyn std::fmt::Display| Error::Wrong(format!("{}: {what}", path.display()));
    let clock = SystemClock(Instant::now());
    let interface = Interface::open("eth0", &Filter::default(), SNAP_LEN).map_err(|error| failed(&error))?;
    let mut source = OfPair { interface, pair, start_ns: 0, strangers: 0 };
    wait_for_quiet(&mut source).map_err(|error| failed(&error))?;
    source.strangers = 0;
    source.take_counters().map_err(|error| failed(&error))?;
    let description = InterfaceDescription {
        link: source.link(),
        snap_len: SNAP_LEN,
        name: "eth0".to_owned(),
        filter: format!("tcp and host {} and host {}", pair.client, pair.peer),
    };
    let file = BufWriter::new(File::create(path).map_err(Error::system(path.display().to_string()))?);
    let writer = PcapngWriter::new(file, &description, "wfkit-lab").map_err(|error| failed(&error))?;
    let is_done = AtomicBool::new(false);
    let (answer, recorded) = thread::scope(|scope| {
        let recorder = scope.spawn(|| {
            // Since when there was nothing: the last packet or, later, the end of the query.
            let (last, done) = (Cell::new(clock.now()), Cell::new(None));
            let stop = || {
                if done.get().is_none() && is_done.load(Ordering::Acquire) {
                    done.set(Some(clock.now()));
                }
                let over = |done: Duration| clock.now() - done > PATIENCE || clock.now() - last.get().max(done) > QUIET;
                done.get().is_some_and(over)
            };
            let recorded =
                record(&mut source, writer, &Limits::default(), &clock, &stop, &mut |_| last.set(clock.now()))?;
            Ok((recorded, source.start_ns, source.strangers))
        });
        let answer = {
            let _end = SetAtEnd(&is_done);
            query()
        };
        (answer, recorder.join().expect("a panic was told"))
    });
    let ((file, recorded), start_ns, strangers) =
        recorded.map_err(|error: wfkit_capture::record::LiveError| failed(&error))?;
    let file = file.into_inner().map_err(|error| failed(&error.into_error()))?;
    file.sync_all().map_err(|error| failed(&error))?;
    Ok((answer, Recording { packets: recorded.packets, start_ns, dropped: recorded.counters.dropped, strangers }))
}

fn wait_for_quiet(source: &mut OfPair) -> io::Result<()> {
    let started = Instant::now();
    let mut last = Instant::now();
    while last.elapsed() < QUIET && started.elapsed() < PATIENCE {
        if source.interface.next(QUIET.saturating_sub(last.elapsed()))?.is_some() {
            last = Instant::now();
        }
    }
    Ok(())
}

/// Lets only packets of the pair through.
struct OfPair {
    interface: Interface,
    pair: Pair,
    start_ns: i64,
    strangers: u64,
}

impl PacketSource for OfPair {
    fn link(&self) -> LinkType {
        self.interface.link()
    }

    fn next(&mut self, wait: Duration) -> io::Result<Option<Packet<'_>>> {
        let Some(packet) = self.interface.next(wait)? else { return Ok(None) };
        if !is_of(self.pair, packet.data) {
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
