//! One capture file -> one trace.

use std::error::Error;
use std::io::Read;
use std::path::Path;

use wfkit_datasets::{Layer, Trace};

use crate::collector::Collector;
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

/// Reads the trace of a capture file, or of a text about one. `name` is for the statistics.
///
/// A file that is damaged somewhere gives the trace of the packets before that, and a problem.
pub(crate) fn trace_of(path: &Path, name: &str, options: &ImportOptions) -> FileTrace {
    match open_text(path, options.layer) {
        None => trace_of_records(Records::open(path), name, options),
        Some(text) => {
            // There are no sequence numbers in a text, which tells of each packet by itself.
            let options = ImportOptions { reassembly: false, ..options.clone() };
            finish(Reading::new(&options), name, &options, |reading| reading.read_text(text))
        }
    }
}

/// The same of a capture that was opened, or could not be.
pub(crate) fn trace_of_records(
    records: Result<Records, RecordError>,
    name: &str,
    options: &ImportOptions,
) -> FileTrace {
    finish(Reading::new(options), name, options, |reading| reading.read(records))
}

fn finish(
    mut reading: Reading,
    name: &str,
    options: &ImportOptions,
    read: impl FnOnce(&mut Reading) -> Result<(), &'static str>,
) -> FileTrace {
    let mut stats = FileStats { file: name.to_owned(), ..FileStats::default() };
    let trace = match read(&mut reading) {
        Err(refusal) => {
            stats.no_trace = Some(refusal.to_owned());
            None
        }
        Ok(()) => reading.trace(options, &mut stats),
    };
    stats.packets = reading.packets;
    stats.dropped = reading.dropped.by_name();
    if reading.first_fragments > 0 {
        stats
            .warnings
            .insert("first of several fragments, counted with its own length".to_owned(), reading.first_fragments);
    }
    stats.problems = reading.problems;
    FileTrace { stats, trace }
}

struct Reading {
    decoder: Decoder,
    flows: FlowTable,
    collector: Collector,
    packets: u64,
    dropped: Dropped,
    first_fragments: u64,
    unsupported: Option<(u64, LinkType)>,
    problems: Vec<String>,
}

impl Reading {
    fn new(options: &ImportOptions) -> Self {
        let transport = if options.layer == Layer::Udp { Transport::Udp } else { Transport::Tcp };
        Self {
            decoder: Decoder { transport, inner: options.inner },
            flows: FlowTable::default(),
            collector: Collector::new(options),
            packets: 0,
            dropped: Dropped::default(),
            first_fragments: 0,
            unsupported: None,
            problems: Vec::new(),
        }
    }

    /// Reads all packets. An error says why the file gives no trace whatever was read of it.
    fn read(&mut self, records: Result<Records, RecordError>) -> Result<(), &'static str> {
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

    fn read_text(&mut self, text: Result<TextPackets<Box<dyn Read + Send>>, TextError>) -> Result<(), &'static str> {
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
                Ok(None) => return Ok(()),
                Err(error) if self.packets == 0 => return Err(self.refuse(&error)),
                Err(error) => {
                    self.problems.push(format!("{error}; the {} packets before are used", self.packets));
                    return Ok(());
                }
            }
        }
    }

    fn refuse(&mut self, error: &dyn Error) -> &'static str {
        self.problems.push(error.to_string());
        "unreadable"
    }

    #[inline]
    fn add(&mut self, record: &Record<'_>) {
        self.packets += 1;
        if let Err(reason) = self.take_record(record) {
            self.dropped.count(reason);
            if reason == Reason::LinkType {
                self.unsupported.get_or_insert((record.number, record.link));
            }
        }
    }

    #[inline]
    fn take_record(&mut self, record: &Record<'_>) -> Result<(), Reason> {
        let segment = self.decoder.segment(record.link, record.data, record.orig_len)?;
        let time_ns = record.time_ns.ok_or(Reason::NoTime)?;
        self.take(&segment, record.orig_len, time_ns)
    }

    #[inline]
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
        self.collector.finish(&mut self.dropped);
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
