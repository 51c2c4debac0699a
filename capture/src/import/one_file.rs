//! One capture file -> one trace.

use std::error::Error;
use std::path::Path;

use wfkit_datasets::Trace;

use crate::files::records::{CaptureFormat, Record, RecordError, Records, TimeUnit, UnitFound};
use crate::files::text::{TextError, TextPackets, open_text};
use crate::import::clock::{Corrected, Corrections, Runs};
use crate::import::collector::Collector;
use crate::import::copies::{Copies, Sample};
use crate::import::events::Events;
use crate::import::flows::{Choice, FlowTable, Known, Pair, PeerRule, Rules};
use crate::import::options::ImportOptions;
use crate::import::stats::{Dropped, FileStats, Reason};
use crate::packet::endpoint::Endpoint;
use crate::packet::{Decoder, LinkType, Segment, Transport};

/// What came of a file.
pub(crate) struct FileTrace {
    pub(crate) stats: FileStats,
    /// The trace and when its first packet was captured, Unix time in ns; `None` where `stats.no_trace` says why.
    pub(crate) trace: Option<(i64, Trace)>,
    /// What the file tells others of the same import.
    pub(crate) findings: FoundInFile,
    /// It is a text, which tells of each packet by itself.
    pub(crate) is_text: bool,
}

/// Who talked to whom in a file.
#[derive(Debug, Default)]
pub(crate) struct FoundInFile {
    pub(crate) main_pair: Option<Pair>,
    /// Who the client is, is a guess.
    pub(crate) is_guess: bool,
    /// The peers of the client, those with most payload first.
    pub(crate) peers: Vec<Endpoint>,
}

/// How many events are kept of a file until it is known which flows make the trace, 16 bytes each. A file with more is
/// read a second time, since it may be larger than the memory.
const MOST_EVENTS: usize = 1 << 22;

/// How many packets are kept to be put in the order of their times.
const MOST_HELD: usize = 1 << 22;

/// What a second reading of a file has to know. Most files need none.
#[derive(Debug, Default)]
struct Plan {
    unit: Option<TimeUnit>,
    corrections: Corrections,
    without_copies: bool,
    /// What the first reading found out.
    problems: Vec<String>,
}

impl Plan {
    fn is_needed(&self) -> bool {
        self.unit.is_some() || self.corrections.are_needed() || self.without_copies
    }
}

/// Reads the trace of a capture file, or of a text about one. `name` is for the statistics, `known` what other captures
/// tell.
///
/// A file that is damaged somewhere gives the trace of the packets before that, and a problem. Where times make no sense or
/// packets were captured twice, the file is read again.
pub(crate) fn trace_of(path: &Path, name: &str, options: &ImportOptions, known: &Known) -> FileTrace {
    // Not so what comes through a pipe: it is there once.
    match path.is_file() {
        true => read_file(path, name, options, known, MOST_EVENTS),
        false => {
            let (mut reading, outcome) =
                Reading::of_records(Records::open(path), options, Events::all(), Plan::default());
            if outcome.is_ok()
                && (reading.collector.has_odd_times()
                    || !matches!(reading.unit, UnitFound::Stated)
                    || reading.sample.has_copies())
            {
                reading.problems.push(
                    "its times or packets captured twice ask for a second reading, which a stream does not have: save it to a \
                     file and import that"
                        .to_owned(),
                );
                return reading.finish(Err(NEEDS_A_FILE), name, options, known);
            }
            reading.finish(outcome, name, options, known)
        }
    }
}

const NEEDS_A_FILE: &str = "stream that is to be read twice";

fn read_file(path: &Path, name: &str, options: &ImportOptions, known: &Known, most_events: usize) -> FileTrace {
    let (mut reading, mut outcome) = read_once(path, options, Events::up_to(most_events), Plan::default());
    let plan = reading.plan(path, options);
    if plan.is_needed() {
        (reading, outcome) = read_once(path, options, Events::up_to(most_events), plan);
    }
    if reading.collector.has_too_many() {
        let choice = reading.flows.choose(&options.rules(known));
        (reading, outcome) = read_once(path, options, Events::of(&choice), reading.plan);
    }
    reading.finish(outcome, name, options, known)
}

fn read_once(path: &Path, options: &ImportOptions, events: Events, plan: Plan) -> (Reading, Outcome) {
    match open_text(path, options.layer) {
        None => Reading::of_records(Records::open(path), options, events, plan),
        Some(text) => Reading::of_text(text, options, events),
    }
}

/// The same of a capture in memory, for fuzzing.
pub(crate) fn trace_of_bytes(bytes: &[u8], options: &ImportOptions) -> FileTrace {
    let records = || Records::from_bytes(bytes.to_vec());
    let (mut reading, mut outcome) = Reading::of_records(records(), options, Events::all(), Plan::default());
    let plan = reading.plan_of(records, options);
    if plan.is_needed() {
        (reading, outcome) = Reading::of_records(records(), options, Events::all(), plan);
    }
    reading.finish(outcome, "fuzzed", options, &Known::default())
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
    /// Looks for copies, which ask for a second reading.
    sample: Sample,
    unit: UnitFound,
    /// Every packet of the file has a time, be it one that makes no sense.
    states_times: bool,
    plan: Plan,
    copies: Copies,
    held: Vec<Held>,
    is_text: bool,
}

/// A packet that waits to be put in the order of times.
struct Held {
    time_ns: i64,
    flow_and_sender: (usize, usize),
    frame_len: u32,
    segment: Segment<'static>,
    payload: Box<[u8]>,
}

impl Reading {
    fn of_records(
        records: Result<Records, RecordError>,
        options: &ImportOptions,
        events: Events,
        plan: Plan,
    ) -> (Self, Outcome) {
        let mut reading = Self::new(options, events, plan);
        let outcome = reading.read(records);
        reading.take_held();
        reading.collector.finish(&mut reading.dropped);
        (reading, outcome)
    }

    fn of_text(text: Result<TextPackets, TextError>, options: &ImportOptions, events: Events) -> (Self, Outcome) {
        // There are no sequence numbers in a text, which tells of each packet by itself.
        let options = ImportOptions { reassembly: false, ..options.clone() };
        let mut reading = Self { is_text: true, ..Self::new(&options, events, Plan::default()) };
        let outcome = reading.read_text(text);
        reading.collector.finish(&mut reading.dropped);
        (reading, outcome)
    }

    /// What a second reading of the file has to know.
    fn plan(&self, path: &Path, options: &ImportOptions) -> Plan {
        self.plan_of(|| Records::open(path), options)
    }

    fn plan_of(&self, records: impl Fn() -> Result<Records, RecordError>, options: &ImportOptions) -> Plan {
        let mut plan = Plan { without_copies: self.sample.has_copies(), ..Plan::default() };
        if let UnitFound::Other(unit, problem) = &self.unit {
            plan.unit = Some(*unit);
            plan.problems.push(problem.clone());
        }
        if self.collector.has_odd_times() || plan.unit.is_some() {
            if let Ok(records) = records() {
                plan.corrections = corrections(records, plan.unit, options);
            }
            plan.problems.extend(plan.corrections.problems());
        }
        plan
    }

    fn finish(mut self, outcome: Outcome, name: &str, options: &ImportOptions, known: &Known) -> FileTrace {
        let mut stats = FileStats { file: name.to_owned(), ..FileStats::default() };
        let mut findings = FoundInFile::default();
        let trace = match outcome {
            Err(refusal) => {
                stats.no_trace = Some(refusal.to_owned());
                // What was read before the file was refused is of no use: its times are not known.
                let unused = self.packets - self.dropped.all();
                self.dropped.count_many(Reason::NoTime, unused);
                None
            }
            Ok(()) => self.trace(&options.rules(known), &mut stats, &mut findings),
        };
        stats.packets = self.packets;
        stats.dropped = self.dropped.by_name();
        if self.first_fragments > 0 {
            stats
                .warnings
                .insert("first of several fragments, counted with its own length".to_owned(), self.first_fragments);
        }
        if self.unsaid_protocol {
            stats.warnings.insert("text without a column that tells TCP from others: all packets count".to_owned(), 1);
        }
        let copies = self.dropped.of(Reason::Duplicate);
        if copies > 0 {
            let share = 100 * copies / self.packets.max(1);
            self.problems.push(format!(
                "{share} % of the packets are copies of others within 2 ms, as where two interfaces of a host are captured; each \
                 packet counts once"
            ));
        }
        stats.problems = self.plan.problems;
        stats.problems.extend(self.problems);
        FileTrace { stats, trace, findings, is_text: self.is_text }
    }

    fn new(options: &ImportOptions, events: Events, plan: Plan) -> Self {
        Self {
            decoder: options.decoder(),
            flows: FlowTable::default(),
            collector: Collector::new(options, events),
            packets: 0,
            dropped: Dropped::default(),
            first_fragments: 0,
            unsupported: None,
            unsaid_protocol: false,
            problems: Vec::new(),
            sample: Sample::default(),
            unit: UnitFound::Stated,
            states_times: false,
            copies: Copies::default(),
            held: Vec::new(),
            is_text: false,
            plan,
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
        if let Some(unit) = self.plan.unit {
            records.read_in(unit);
        }
        self.states_times = matches!(records.format(), CaptureFormat::Pcap { .. });
        let is_first = !self.plan.is_needed();
        loop {
            match records.next() {
                Ok(Some(record)) if is_first => self.add(&record),
                Ok(Some(record)) => self.add_as_planned(&record),
                Ok(None) => break,
                Err(error) if self.packets == 0 => return Err(self.refuse(&error)),
                Err(error) => {
                    self.problems.push(format!("{error}; the {} packets before are used", self.packets));
                    break;
                }
            }
        }
        self.unit = records.unit();
        match &self.unit {
            UnitFound::Some(problem) => self.problems.push(problem.clone()),
            UnitFound::None(problem) => {
                self.problems.push(problem.clone());
                return Err("impossible times");
            }
            UnitFound::Stated | UnitFound::Other(..) => {}
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
        self.sample.see(self.packets, record);
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
        let time_ns = match record.time_ns {
            Some(time_ns) => time_ns,
            None if self.states_times => self.collector.instead_of_senseless()?,
            None => return Err(Reason::NoTime),
        };
        self.take(&segment, record.orig_len, time_ns)
    }

    #[inline(always)]
    fn take(&mut self, segment: &Segment<'_>, frame_len: u32, time_ns: i64) -> Result<(), Reason> {
        if self.decoder.transport == Transport::Udp && is_name_lookup(segment) {
            self.note_asker(segment);
            return Err(Reason::NameLookup);
        }
        // Also packets that carry nothing tell who opened the connection.
        let flow_and_sender = self.flows.add(segment);
        self.collector.add(flow_and_sender, segment, frame_len, time_ns)?;
        self.first_fragments += u64::from(segment.fragment);
        Ok(())
    }

    #[cold]
    fn note_asker(&mut self, datagram: &Segment<'_>) {
        let [source, destination] = [datagram.source, datagram.destination];
        match (source.port(), destination.port()) {
            (53, _) => self.flows.add_asker(destination.ip()),
            (_, 53) => self.flows.add_asker(source.ip()),
            _ => {}
        }
    }

    /// Takes a record in a second reading, which knows what to make of it.
    #[cold]
    fn add_as_planned(&mut self, record: &Record<'_>) {
        self.packets += 1;
        if let Err(reason) = self.take_as_planned(record) {
            self.dropped.count(reason);
            if reason == Reason::LinkType {
                self.unsupported.get_or_insert((record.number, record.link));
            }
        }
    }

    fn take_as_planned(&mut self, record: &Record<'_>) -> Result<(), Reason> {
        let segment = self.decoder.segment(record.link, record.data, record.orig_len)?;
        if self.plan.without_copies && self.copies.is_copy(record) {
            return Err(Reason::Duplicate);
        }
        if record.time_ns.is_none() && !self.states_times {
            return Err(Reason::NoTime);
        }
        let corrected = record.time_ns.map(|time_ns| self.plan.corrections.apply(record.number, time_ns));
        let Some(Corrected::Time(time_ns)) = corrected else {
            let time_ns = self.collector.instead_of_senseless()?;
            return self.take(&segment, record.orig_len, time_ns);
        };
        let is_held =
            self.plan.corrections.in_time_order && self.collector.puts_in_order() && self.held.len() < MOST_HELD;
        if !is_held {
            return self.take(&segment, record.orig_len, time_ns);
        }
        let flow_and_sender = self.flows.add(&segment);
        self.first_fragments += u64::from(segment.fragment);
        self.held.push(Held {
            time_ns,
            flow_and_sender,
            frame_len: record.orig_len,
            segment: Segment { payload: &[], ..segment },
            payload: segment.payload.into(),
        });
        Ok(())
    }

    /// Takes what was held in the order of its times, at one time in that of the file.
    fn take_held(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        held.sort_by_key(|held| held.time_ns);
        for Held { time_ns, flow_and_sender, frame_len, segment, payload } in held {
            let segment = Segment { payload: &payload, ..segment };
            if let Err(reason) = self.collector.add(flow_and_sender, &segment, frame_len, time_ns) {
                self.dropped.count(reason);
            }
        }
    }

    /// Joins the packets of the client's flows to a trace. Fills in what `stats` and `findings` say about that.
    fn trace(&mut self, rules: &Rules<'_>, stats: &mut FileStats, findings: &mut FoundInFile) -> Option<(i64, Trace)> {
        let choice = self.flows.choose(rules);
        stats.client_rule = choice.verdict.map(|verdict| verdict.rule.to_owned());
        let traced = self.collector.trace(&choice, &mut self.dropped, stats);
        let Choice { verdict, main_pair, peers, .. } = choice;
        let guess = verdict.filter(|verdict| verdict.is_guess);
        *findings = FoundInFile { main_pair, is_guess: guess.is_some(), peers };
        let Some((start_ns, trace)) = traced else {
            if main_pair.is_none() && *rules.peer != PeerRule::Main && self.packets > 0 {
                stats.no_trace = Some("no flow to the peer that is meant".to_owned());
            }
            return None;
        };
        if let Some(verdict) = guess {
            let kind = format!("client that is only guessed, by {}: --client tells who it is", verdict.rule);
            stats.warnings.insert(kind, 1);
        }
        let (outgoing, incoming) =
            (trace.size().iter().any(|&size| size > 0), trace.size().iter().any(|&size| size < 0));
        for (is_there, direction) in [(incoming, "incoming"), (outgoing, "outgoing")] {
            if !is_there {
                stats.warnings.insert(format!("trace without {direction} packets"), 1);
            }
        }
        Some((start_ns, trace))
    }
}

/// Takes a capture apart where its times jump.
fn corrections(mut records: Records, unit: Option<TimeUnit>, options: &ImportOptions) -> Corrections {
    if let Some(unit) = unit {
        records.read_in(unit);
    }
    let decoder = options.decoder();
    let (mut flows, mut runs) = (FlowTable::default(), Runs::default());
    // Damage is told by the reading.
    while let Ok(Some(record)) = records.next() {
        let Some(time_ns) = record.time_ns else { continue };
        let segment = decoder.segment(record.link, record.data, record.orig_len).ok();
        runs.add(record.number, time_ns, segment.as_ref().map(|segment| (flows.add(segment), segment)));
    }
    runs.corrections()
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

    use wfkit_datasets::Layer;

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
            let [whole, bounded] = [usize::MAX, 3].map(|most| read_file(&path, "x", &options, &Known::default(), most));
            assert_eq!(bounded.trace, whole.trace, "{:?}", options.layer);
            assert_eq!(bounded.stats, whole.stats, "{:?}", options.layer);
            assert_eq!(whole.trace.is_some(), options.layer != Layer::Udp);
        }
        fs::remove_file(path).unwrap();
    }
}
