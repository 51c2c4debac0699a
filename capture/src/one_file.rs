//! One capture file -> one trace.

use std::error::Error;
use std::path::Path;

use wfkit_datasets::{Layer, Trace};

use crate::collector::Collector;
use crate::events::Events;
use crate::flows::FlowTable;
use crate::import::ImportOptions;
use crate::packet::{Decoder, LinkType, Segment, Transport};
use crate::records::{Record, RecordError, Records};
use crate::stats::{Dropped, FileStats, Reason};
use crate::text::{TextError, TextPackets, open_text};

/// What came of a file.
pub(crate) struct FileTrace {
    pub(crate) stats: FileStats,
    /// The trace and when its first packet was captured, Unix time in ns; `None` where `stats.no_trace` says why.
    pub(crate) trace: Option<(i64, Trace)>,
}

/// How many events are kept of a file until it is known which flows make the trace, 16 bytes each. A file with more is
/// read a second time, since it may be larger than the memory.
const MOST_EVENTS: usize = 1 << 22;

/// Reads the trace of a capture file, or of a text about one. `name` is for the statistics.
///
/// A file that is damaged somewhere gives the trace of the packets before that, and a problem.
pub(crate) fn trace_of(path: &Path, name: &str, options: &ImportOptions) -> FileTrace {
    // Not so what comes through a pipe: it is there once.
    let events = if path.is_file() { Events::up_to(MOST_EVENTS) } else { Events::all() };
    read_file(path, name, options, events)
}

fn read_file(path: &Path, name: &str, options: &ImportOptions, events: Events) -> FileTrace {
    let (reading, outcome) = match open_text(path, options.layer) {
        None => Reading::of_records(Records::open(path), options, events),
        Some(text) => Reading::of_text(text, options, events),
    };
    if reading.collector.has_too_many() {
        let choice = reading.flows.choose(&options.client, options.flows);
        return read_file(path, name, options, Events::of(&choice));
    }
    reading.finish(outcome, name, options)
}

/// The same of a capture that was opened, or could not be.
pub(crate) fn trace_of_records(
    records: Result<Records, RecordError>,
    name: &str,
    options: &ImportOptions,
) -> FileTrace {
    let (reading, outcome) = Reading::of_records(records, options, Events::all());
    reading.finish(outcome, name, options)
}

/// What became of reading a file. An error says why it gives no trace whatever was read of it.
type Outcome = Result<(), &'static str>;

struct Reading {
    decoder: Decoder,
    flows: FlowTable,
    collector: Collector,
    packets: u64,
    dropped: Dropped,
    first_fragments: u64,
    unsupported: Option<(u64, LinkType)>,
    /// A text that does not say which packets are TCP.
    unsaid_protocol: bool,
    problems: Vec<String>,
}

impl Reading {
    fn of_records(records: Result<Records, RecordError>, options: &ImportOptions, events: Events) -> (Self, Outcome) {
        let mut reading = Self::new(options, events);
        let outcome = reading.read(records);
        reading.collector.finish(&mut reading.dropped);
        (reading, outcome)
    }

    fn of_text(
        text: Result<TextPackets, TextError>,
        options: &ImportOptions,
        events: Events,
    ) -> (Self, Outcome) {
        // There are no sequence numbers in a text, which tells of each packet by itself.
        let mut reading = Self::new(&ImportOptions { reassembly: false, ..options.clone() }, events);
        let outcome = reading.read_text(text);
        reading.collector.finish(&mut reading.dropped);
        (reading, outcome)
    }

    fn finish(mut self, outcome: Outcome, name: &str, options: &ImportOptions) -> FileTrace {
        let mut stats = FileStats { file: name.to_owned(), ..FileStats::default() };
        let trace = match outcome {
            Err(refusal) => {
                stats.no_trace = Some(refusal.to_owned());
                None
            }
            Ok(()) => self.trace(options, &mut stats),
        };
        stats.packets = self.packets;
        stats.dropped = self.dropped.by_name();
        if self.first_fragments > 0 {
            stats
                .warnings
                .insert("first of several fragments, counted with its own length".to_owned(), self.first_fragments);
        }
        stats.problems = self.problems;
        FileTrace { stats, trace }
    }

    fn new(options: &ImportOptions, events: Events) -> Self {
        let transport = if options.layer == Layer::Udp { Transport::Udp } else { Transport::Tcp };
        Self {
            decoder: Decoder { transport, inner: options.inner },
            flows: FlowTable::default(),
            collector: Collector::new(options, events),
            packets: 0,
            dropped: Dropped::default(),
            first_fragments: 0,
            unsupported: None,
            unsaid_protocol: false,
            problems: Vec::new(),
        }
    }

    /// Reads all packets.
    fn read(&mut self, records: Result<Records, RecordError>) -> Outcome {
        let mut records = match records {
            Ok(records) => records,
            Err(error) => return Err(self.refuse(&error)),
        };
        if let Some(link) = records.link().filter(|link| link.framing().is_none()) {
            self.problems.push(unsupported(1, link));
            return Err(UNSUPPORTED_LINK_TYPE);
        }
        loop {
            match records.next() {
                Ok(Some(record)) => self.add(&record),
                Ok(None) => break,
                Err(error) if self.packets == 0 => return Err(self.refuse(&error)),
                Err(error) => {
                    self.problems.push(format!("{error}; the {} packets before are used", self.packets));
                    break;
                }
            }
        }
        if let Some((record, link)) = self.unsupported {
            self.problems.push(unsupported(record, link));
            if self.dropped.of(Reason::LinkType) == self.packets {
                return Err(UNSUPPORTED_LINK_TYPE);
            }
        }
        Ok(())
    }

    fn read_text(&mut self, text: Result<TextPackets, TextError>) -> Outcome {
        let mut text = match text {
            Ok(text) => text,
            Err(error) => return Err(self.refuse(&error)),
        };
        loop {
            match text.next() {
                Ok(Some(packet)) => {
                    self.packets += 1;
                    let taken = packet.and_then(|(time_ns, segment)| self.take(&segment, segment.ip_len, time_ns));
                    if let Err(reason) = taken {
                        self.dropped.count(reason);
                    }
                }
                Ok(None) => break,
                Err(error) if self.packets == 0 => return Err(self.refuse(&error)),
                Err(error) => {
                    self.problems.push(format!("{error}; the {} packets before are used", self.packets));
                    break;
                }
            }
        }
        self.problems.extend(text.problems());
        self.unsaid_protocol = text.knows_no_protocol();
        Ok(())
    }

    fn refuse(&mut self, error: &dyn Error) -> &'static str {
        self.problems.push(error.to_string());
        "unreadable"
    }

    // Everything from here to the flow and the event is inlined by order: handing a segment from function to function in
    // memory takes as long as all the rest.
    #[inline(always)]
    fn add(&mut self, record: &Record<'_>) {
        self.packets += 1;
        if let Err(reason) = self.take_record(record) {
            self.dropped.count(reason);
            if reason == Reason::LinkType {
                self.unsupported.get_or_insert((record.number, record.link));
            }
        }
    }

    #[inline(always)]
    fn take_record(&mut self, record: &Record<'_>) -> Result<(), Reason> {
        let segment = self.decoder.segment(record.link, record.data, record.orig_len)?;
        let time_ns = record.time_ns.ok_or(Reason::NoTime)?;
        self.take(&segment, record.orig_len, time_ns)
    }

    #[inline(always)]
    fn take(&mut self, segment: &Segment<'_>, frame_len: u32, time_ns: i64) -> Result<(), Reason> {
        if self.decoder.transport == Transport::Udp && is_name_lookup(segment) {
            return Err(Reason::NameLookup);
        }
        // Also packets that carry nothing tell who opened the connection.
        let flow_and_sender = self.flows.add(segment);
        self.collector.add(flow_and_sender, segment, frame_len, time_ns)?;
        self.first_fragments += u64::from(segment.fragment);
        Ok(())
    }

    /// Joins the packets of the client's flows to a trace. Fills in what `stats` says about that.
    fn trace(&mut self, options: &ImportOptions, stats: &mut FileStats) -> Option<(i64, Trace)> {
        let choice = self.flows.choose(&options.client, options.flows);
        stats.client_rule = choice.rule.map(str::to_owned);
        let (start_ns, trace) = self.collector.trace(&choice, &mut self.dropped, stats)?;
        if trace.size().iter().all(|&size| size > 0) {
            stats.warnings.insert("trace without incoming packets".to_owned(), 1);
        }
        Some((start_ns, trace))
    }
}

/// DNS and multicast DNS: they come before a query, and are no part of it.
fn is_name_lookup(datagram: &Segment<'_>) -> bool {
    [datagram.source, datagram.destination].iter().any(|end| matches!(end.port(), 53 | 5353))
}

const UNSUPPORTED_LINK_TYPE: &str = "unsupported link type";

fn unsupported(record: u64, link: LinkType) -> String {
    format!(
        "record {record}: link type {link} is not supported; Ethernet, raw IP, Linux cooked, BSD loopback, PPP and IEEE 802.11 captures are"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails")]

    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// The bundled captures, joined to one of many flows.
    fn capture_of_many_flows() -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/data/sample");
        let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|ext| ext == "pcap"));
        files.sort();
        let mut joined = fs::read(&files[0]).unwrap();
        for path in &files[1..8] {
            joined.extend_from_slice(&fs::read(path).unwrap()[24..]); // without the header
        }
        let path = std::env::temp_dir().join(format!("wfkit-many-flows-{}.pcap", std::process::id()));
        fs::write(&path, joined).unwrap();
        path
    }

    #[test]
    fn a_second_reading_finds_what_there_was_no_room_for() {
        let path = capture_of_many_flows();
        for options in ImportOptions::every_kind() {
            let [whole, bounded] =
                [Events::all(), Events::up_to(3)].map(|events| read_file(&path, "x", &options, events));
            assert_eq!(bounded.trace, whole.trace, "{:?}", options.layer);
            assert_eq!(bounded.stats, whole.stats, "{:?}", options.layer);
            assert_eq!(whole.trace.is_some(), options.layer != Layer::Udp);
        }
        fs::remove_file(path).unwrap();
    }
}
