//! One capture file -> one trace.

use std::path::Path;

use wfkit_datasets::{Layer, Trace};

use crate::flows::FlowTable;
use crate::import::ImportOptions;
use crate::packet::{LinkType, Segment};
use crate::records::{Record, RecordError, Records};
use crate::stats::{Dropped, FileStats, Reason};

/// What came of a file.
pub(crate) struct FileTrace {
    pub(crate) stats: FileStats,
    /// The trace and when its first packet was captured, Unix time in ns; `None` where `stats.no_trace` says why.
    pub(crate) trace: Option<(i64, Trace)>,
}

/// Reads the trace of a capture file. `name` is for the statistics.
///
/// A file that is damaged somewhere gives the trace of the packets before that, and a problem.
pub(crate) fn trace_of(path: &Path, name: &str, options: &ImportOptions) -> FileTrace {
    trace_of_records(Records::open(path), name, options)
}

/// The same of a capture that was opened, or could not be.
pub(crate) fn trace_of_records(
    records: Result<Records, RecordError>,
    name: &str,
    options: &ImportOptions,
) -> FileTrace {
    let mut stats = FileStats { file: name.to_owned(), ..FileStats::default() };
    let mut reading = Reading::default();
    let trace = match reading.read(records, options.layer) {
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

/// A packet that may become part of the trace, in 16 bytes.
struct Event {
    time_ns: i64,
    flow: u32,
    /// Positive from the first end of the flow to the second.
    size: i32,
}

#[derive(Default)]
struct Reading {
    flows: FlowTable,
    events: Vec<Event>,
    packets: u64,
    dropped: Dropped,
    first_fragments: u64,
    unsupported: Option<(u64, LinkType)>,
    problems: Vec<String>,
}

impl Reading {
    /// Reads all packets. An error says why the file gives no trace whatever was read of it.
    fn read(&mut self, records: Result<Records, RecordError>, layer: Layer) -> Result<(), &'static str> {
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
                Ok(Some(record)) => self.add(&record, layer),
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

    fn refuse(&mut self, error: &RecordError) -> &'static str {
        self.problems.push(error.to_string());
        "unreadable"
    }

    fn add(&mut self, record: &Record<'_>, layer: Layer) {
        self.packets += 1;
        match self.event(record, layer) {
            Ok(event) => self.events.push(event),
            Err(reason) => {
                self.dropped.count(reason);
                if reason == Reason::LinkType {
                    self.unsupported.get_or_insert((record.number, record.link));
                }
            }
        }
    }

    fn event(&mut self, record: &Record<'_>, layer: Layer) -> Result<Event, Reason> {
        let segment = Segment::from_frame(record.link, record.data, record.orig_len)?;
        let time_ns = record.time_ns.ok_or(Reason::NoTime)?;
        let size = match layer {
            Layer::Frame => record.orig_len,
            Layer::Ip => segment.ip_len,
            _ => segment.payload_len,
        };
        let size = i32::try_from(size).map_err(|_| Reason::ImpossibleLength)?;
        // Also packets that carry nothing tell who opened the connection.
        let (flow, sender) = self.flows.add(&segment);
        if size == 0 {
            return Err(if layer == Layer::Tcp { Reason::NoPayload } else { Reason::ImpossibleLength });
        }
        self.first_fragments += u64::from(segment.fragment);
        Ok(Event { time_ns, flow: flow as u32, size: if sender == 0 { size } else { -size } })
    }

    /// Joins the packets of the client's flows to a trace. Fills in what `stats` says about that.
    fn trace(&mut self, options: &ImportOptions, stats: &mut FileStats) -> Option<(i64, Trace)> {
        let choice = self.flows.choose(&options.client, options.flows);
        stats.client_rule = choice.rule.map(str::to_owned);
        let mut packets = Vec::with_capacity(self.events.len());
        for event in std::mem::take(&mut self.events) {
            match choice.fates[event.flow as usize] {
                Ok(client) => packets.push((event.time_ns, if client == 0 { event.size } else { -event.size })),
                Err(reason) => self.dropped.count(reason),
            }
        }
        stats.kept = packets.len() as u64;

        let backwards = packets.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
        if backwards > 0 {
            stats.warnings.insert("packet earlier than the one before, put in order".to_owned(), backwards as u64);
            packets.sort_by_key(|&(time_ns, _)| time_ns); // stable: what came at once stays in order
        }
        let Some(&(start_ns, _)) = packets.first() else {
            stats.no_trace = Some("no packets left".to_owned());
            return None;
        };
        if packets.iter().all(|&(_, size)| size > 0) {
            stats.warnings.insert("trace without incoming packets".to_owned(), 1);
        }
        let (time_ns, size) = packets.iter().map(|&(time_ns, size)| (time_ns.abs_diff(start_ns), size)).unzip();
        let trace =
            Trace::new(time_ns, size).expect("at least one packet, in order from the first one, none of size 0");
        Some((start_ns, trace))
    }
}

const UNSUPPORTED_LINK_TYPE: &str = "unsupported link type";

fn unsupported(record: u64, link: LinkType) -> String {
    format!(
        "record {record}: link type {link} is not supported; Ethernet, raw IP, Linux cooked, BSD loopback, PPP and IEEE 802.11 captures are"
    )
}
