//! One capture file -> one trace.

use std::path::Path;

use wfkit_datasets::Trace;

use crate::collector::Collector;
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
    let mut reading = Reading::new(options);
    let trace = match reading.read(records) {
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
        Self {
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

    fn refuse(&mut self, error: &RecordError) -> &'static str {
        self.problems.push(error.to_string());
        "unreadable"
    }

    fn add(&mut self, record: &Record<'_>) {
        self.packets += 1;
        if let Err(reason) = self.take(record) {
            self.dropped.count(reason);
            if reason == Reason::LinkType {
                self.unsupported.get_or_insert((record.number, record.link));
            }
        }
    }

    fn take(&mut self, record: &Record<'_>) -> Result<(), Reason> {
        let segment = Segment::from_frame(record.link, record.data, record.orig_len)?;
        let time_ns = record.time_ns.ok_or(Reason::NoTime)?;
        // Also packets that carry nothing tell who opened the connection.
        let flow_and_sender = self.flows.add(&segment);
        self.collector.add(flow_and_sender, &segment, record.orig_len, time_ns)?;
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

const UNSUPPORTED_LINK_TYPE: &str = "unsupported link type";

fn unsupported(record: u64, link: LinkType) -> String {
    format!(
        "record {record}: link type {link} is not supported; Ethernet, raw IP, Linux cooked, BSD loopback, PPP and IEEE 802.11 captures are"
    )
}
