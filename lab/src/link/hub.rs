//! What joins the links of all nodes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_metrics::seed::mix;
use wfkit_packet_socket::{PacketSocket, SockFilter};

use super::checksum::{destination, fill_in};
use crate::Error;
use crate::topology::{Link, Node};

/// Longest frame of a link: 1,500 bytes of IP.
const LONGEST_FRAME: usize = 1514;

/// Unread frames that the kernel keeps of a link, in bytes.
const BUFFER_BYTES: usize = 4 << 20;

/// How long a thread that has nothing to do stays deaf for the end.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// What the hub counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HubCounters {
    /// Frames that were sent on.
    pub forwarded: u64,
    /// Frames that were lost because the links should lose some.
    pub lost: u64,
    /// Frames that the kernel dropped because the hub was too slow, or that a device did not take.
    pub dropped: u64,
    /// Frames that are for no node, or no IPv4.
    pub strays: u64,
}

#[derive(Debug, Default)]
struct Counted {
    forwarded: AtomicU64,
    lost: AtomicU64,
    dropped: AtomicU64,
    strays: AtomicU64,
}

/// Passes frames on between all links, in the order in which they came on each, until it is dropped.
#[derive(Debug)]
pub(crate) struct Hub {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    sockets: Vec<PacketSocket>,
    by_address: HashMap<Ipv4Addr, usize>,
    link: Link,
    /// One way over every link, in ns: it may change.
    delay_ns: AtomicU64,
    counted: Counted,
    end: AtomicBool,
    waiting: Mutex<BinaryHeap<Reverse<Waiting>>>,
    more: Condvar,
}

/// A frame on its way. Ordered by when it is due, then by number.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    due: Instant,
    number: u64,
    to: usize,
    frame: Vec<u8>,
}

impl Hub {
    /// Starts for the links of `nodes`, which are up.
    ///
    /// # Errors
    ///
    /// If a link cannot be opened.
    pub(crate) fn start(nodes: &[Node], link: Link, seed: u64) -> Result<Self, Error> {
        let open = |node: &Node| {
            PacketSocket::open(&node.name, &arriving_only(), BUFFER_BYTES)
                .map_err(Error::system(format!("the link of {}", node.name)))
        };
        let shared = Arc::new(Shared {
            sockets: nodes.iter().map(open).collect::<Result<_, _>>()?,
            by_address: nodes.iter().map(|node| node.address).zip(0..).collect(),
            link,
            delay_ns: AtomicU64::new(link.delay.as_nanos() as u64),
            counted: Counted::default(),
            end: AtomicBool::new(false),
            waiting: Mutex::new(BinaryHeap::new()),
            more: Condvar::new(),
        });
        let mut threads = Vec::new();
        for from in 0..nodes.len() {
            let shared = Arc::clone(&shared);
            let randomness = Xoshiro256PlusPlus::seed_from_u64(mix(seed, from as u64));
            threads.push(thread::spawn(move || Reader { shared: &shared, from, randomness }.run()));
        }
        let sender = Arc::clone(&shared);
        threads.push(thread::spawn(move || sender.send_when_due()));
        Ok(Self { shared, threads })
    }

    /// From now on packets take so long over every link, one way; those that are on their way arrive when they would have.
    pub(crate) fn set_delay(&self, delay: Duration) {
        self.shared.delay_ns.store(delay.as_nanos() as u64, Ordering::Relaxed);
    }

    /// What was counted until now.
    pub(crate) fn counters(&self) -> HubCounters {
        let Counted { forwarded, lost, dropped, strays } = &self.shared.counted;
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HubCounters { forwarded: now(forwarded), lost: now(lost), dropped: now(dropped), strays: now(strays) }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shared.end.store(true, Ordering::Relaxed);
        self.shared.more.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has told so.
            let _ = thread.join();
        }
    }
}

/// Frames that the node sent, and not those that the hub itself sends to it (`SKF_AD_PKTTYPE` is `PACKET_OUTGOING`).
fn arriving_only() -> [SockFilter; 4] {
    const LOAD_PACKET_TYPE: u32 = 0xffff_f000 + 4;
    const OUTGOING: u32 = 4;
    [
        SockFilter::new(0x20, 0, 0, LOAD_PACKET_TYPE),
        SockFilter::new(0x15, 0, 1, OUTGOING),
        SockFilter::new(0x06, 0, 0, 0),
        SockFilter::new(0x06, 0, 0, u32::MAX),
    ]
}

/// Takes what one node sends.
struct Reader<'a> {
    shared: &'a Shared,
    from: usize,
    randomness: Xoshiro256PlusPlus,
}

impl Reader<'_> {
    fn run(mut self) {
        let Shared { sockets, by_address, counted, link, .. } = self.shared;
        let count = |counter: &AtomicU64, by: u64| counter.fetch_add(by, Ordering::Relaxed);
        let mut buffer = vec![0; LONGEST_FRAME];
        let mut sent_until = Instant::now();
        let mut last_due: HashMap<usize, Instant> = HashMap::new();
        let mut number = 0;
        while !self.shared.end.load(Ordering::Relaxed) {
            let received = match sockets[self.from].receive(&mut buffer, LONGEST_WAIT) {
                Ok(Some(received)) => received,
                Ok(None) => {
                    let lost = sockets[self.from].take_counters().map_or(0, |counters| counters.dropped);
                    count(&counted.dropped, lost.into());
                    continue;
                }
                Err(_) => break, // The link is gone, and the network with it.
            };
            if received.len > buffer.len() {
                count(&counted.dropped, 1);
                continue;
            }
            let frame = &mut buffer[..received.len];
            let Some(&to) = destination(frame).and_then(|address| by_address.get(&address)) else {
                count(&counted.strays, 1);
                continue;
            };
            if link.loss > 0.0 && self.randomness.random_bool(link.loss) {
                count(&counted.lost, 1);
                continue;
            }
            fill_in(frame);
            let now = Instant::now();
            let delay = Duration::from_nanos(self.shared.delay_ns.load(Ordering::Relaxed));
            let is_at_once = delay + link.jitter == Duration::ZERO && link.bytes_per_second == 0;
            // Of the same pair of nodes one may be on its way still, from before the delay changed.
            if is_at_once && last_due.get(&to).is_none_or(|last| *last + LONGEST_WAIT < now) {
                self.shared.send(to, frame);
                continue;
            }
            sent_until = sent_until.max(now) + sending_time(frame.len(), link.bytes_per_second);
            let jitter = link.jitter.mul_f64(self.randomness.random());
            let due = sent_until + 2 * delay + jitter;
            // No packet overtakes another of the same pair of nodes.
            let due = *last_due.entry(to).and_modify(|last| *last = due.max(*last)).or_insert(due);
            number += 1;
            self.shared.wait(Waiting { due, number, to, frame: frame.to_vec() });
        }
    }
}

fn sending_time(bytes: usize, bytes_per_second: u64) -> Duration {
    if bytes_per_second == 0 { Duration::ZERO } else { Duration::from_secs_f64(bytes as f64 / bytes_per_second as f64) }
}

impl Shared {
    fn send(&self, to: usize, frame: &[u8]) {
        let counter = match self.sockets[to].send(frame) {
            Ok(()) => &self.counted.forwarded,
            Err(_) => &self.counted.dropped,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn waiting(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Waiting>>> {
        self.waiting.lock().expect("nothing panics while it holds this")
    }

    fn wait(&self, frame: Waiting) {
        let mut waiting = self.waiting();
        let is_next = waiting.peek().is_none_or(|Reverse(next)| frame.due < next.due);
        waiting.push(Reverse(frame));
        if is_next {
            self.more.notify_one();
        }
    }

    fn send_when_due(&self) {
        let mut waiting = self.waiting();
        while !self.end.load(Ordering::Relaxed) {
            let now = Instant::now();
            let left = waiting.peek().map_or(LONGEST_WAIT, |Reverse(next)| next.due.saturating_duration_since(now));
            if left > Duration::ZERO {
                waiting = self.more.wait_timeout(waiting, left.min(LONGEST_WAIT)).expect("as in waiting()").0;
                continue;
            }
            if let Some(Reverse(next)) = waiting.pop() {
                drop(waiting);
                self.send(next.to, &next.frame);
                waiting = self.waiting();
            }
        }
    }
}
