//! What is in a capture file, without making a trace of it.

mod survey;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::files::records::{CaptureFormat, Record, RecordError, Records, UnitFound};
use crate::import::client::ClientRule;
use crate::import::flows::{FlowScope, Known, PeerRule, Rules};
use crate::import::stats::{Dropped, Reason};
use crate::packet::{LinkType, Segment};
use crate::tls::audit::{Followed, MAX_FLOWS, Sighting};

pub use survey::{CaptureSurvey, CaptureTotals, SurveyError, SurveyedFile};

/// What is in a capture file. Tells no address and no payload.
///
/// Memory is the buffer of the file and what is known of 65,536 flows: segments of flows that begin when so many are
/// tracked, and those after it, are counted in `segments_not_tracked` and no more is said of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CaptureInfo {
    /// Such as `pcap, microseconds` or `pcapng, 1 section, 2 interfaces`.
    pub format: String,
    /// Packets by link type, such as `1 (Ethernet)`; one of a pcap file without packets is here with 0.
    pub link_types: BTreeMap<String, u64>,
    /// The snap length, such as `96`, `none`, or `not one for all`.
    pub snap_len: String,
    /// Packets read.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Their bytes in the file.
    pub captured_bytes: u64,
    /// Packets with fewer bytes in the file than on the wire.
    pub cut_packets: u64,
    /// Time of the earliest packet, Unix time in ns; 0 where there is none.
    pub start_ns: i64,
    /// From the earliest packet to the latest, in ns.
    pub span_ns: u64,
    /// TCP segments that can be read.
    pub tcp_segments: u64,
    /// TCP flows: pairs of an address and a port at either end.
    pub flows: u64,
    /// TCP segments of which no more is known, because 65,536 flows were tracked already.
    pub segments_not_tracked: u64,
    /// The rule that tells who the client is, such as `SYN` or `private address`; `unknown` where none does.
    pub client_rule: String,
    /// Connections with TLS.
    pub tls_connections: u64,
    /// Those of which the capture shows a ClientHello or ServerHello.
    pub tls_handshakes: u64,
    /// Packets with payload in the flows between the client and its main peer: what an import makes its trace of by itself,
    /// after it has taken out what was sent twice.
    pub trace_packets: u64,
    /// Why an import makes no trace of the file; empty where it makes one.
    pub no_trace: String,
    /// Packets that are not in that trace, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// What deserves a look, by kind.
    pub warnings: BTreeMap<String, u64>,
    /// One sentence a problem; the file is not read beyond damage.
    pub problems: Vec<String>,
}

/// Looks into a capture file; `-` is the standard input.
///
/// A file that is damaged somewhere is told about up to there, with a problem.
///
/// # Errors
/// Where nothing of the file can be read.
pub fn capture_info(path: &Path) -> Result<CaptureInfo, RecordError> {
    info_of(Records::open(path)?)
}

pub(crate) fn info_of(mut records: Records) -> Result<CaptureInfo, RecordError> {
    let mut so_far = InfoSoFar::default();
    so_far.links.extend(records.link().map(|link| (link, 0)));
    let mut snap_lens = Vec::new();
    loop {
        let packets = so_far.info.packets;
        match records.next() {
            Ok(Some(record)) => so_far.add(&record),
            Ok(None) => break,
            Err(error) if packets == 0 => return Err(error),
            Err(error) => {
                so_far.info.problems.push(format!("{error}; the {packets} packets before were read"));
                break;
            }
        }
        // A section of pcapng may have another than the one before.
        let snap_len = records.snap_len();
        if snap_lens.last() != Some(&snap_len) && snap_lens.len() < 2 {
            snap_lens.push(snap_len);
        }
    }
    so_far.info.problems.extend(match records.unit() {
        UnitFound::Stated => None,
        UnitFound::Other(_, problem) | UnitFound::Some(problem) | UnitFound::None(problem) => Some(problem),
    });
    so_far.info.format = format_name(records.format());
    so_far.info.snap_len = match snap_lens.as_slice() {
        [] => snap_len_name(records.snap_len()),
        [one] => snap_len_name(*one),
        _ => snap_len_name(None),
    };
    Ok(so_far.finish())
}

/// What is known while packets are read.
#[derive(Default)]
struct InfoSoFar {
    info: CaptureInfo,
    links: BTreeMap<LinkType, u64>,
    dropped: Dropped,
    followed: Followed,
    /// Segments with payload, by flow.
    with_payload: Vec<u64>,
    not_tracked_with_payload: u64,
    /// Earliest, latest and last time.
    times: Option<[i64; 3]>,
    backwards: u64,
    without_time: u64,
    fragments: u64,
    unsupported: Option<(u64, LinkType)>,
}

impl InfoSoFar {
    fn add(&mut self, record: &Record<'_>) {
        let info = &mut self.info;
        info.packets += 1;
        info.bytes += u64::from(record.orig_len);
        info.captured_bytes += record.data.len() as u64;
        info.cut_packets += u64::from(record.data.len() < record.orig_len as usize);
        *self.links.entry(record.link).or_default() += 1;
        if let Some(time_ns) = record.time_ns {
            let [first, latest, last] = self.times.unwrap_or([time_ns; 3]);
            self.backwards += u64::from(time_ns < last);
            self.times = Some([first.min(time_ns), latest.max(time_ns), time_ns]);
        } else {
            self.without_time += 1;
        }
        if let Err(reason) = self.segment(record) {
            self.dropped.count(reason);
            if reason == Reason::LinkType {
                self.unsupported.get_or_insert((record.number, record.link));
            }
        }
    }

    /// An error says why the packet is in no trace, whatever its flow.
    fn segment(&mut self, record: &Record<'_>) -> Result<(), Reason> {
        let segment = Segment::from_frame(record.link, record.data, record.orig_len)?;
        self.info.tcp_segments += 1;
        self.fragments += u64::from(segment.fragment);
        let flow = self.followed.add(record.number, &segment);
        if record.time_ns.is_none() {
            return Err(Reason::NoTime);
        }
        if segment.payload_len == 0 {
            return Err(Reason::NoPayload);
        }
        let Some(flow) = flow else {
            self.not_tracked_with_payload += 1;
            return Ok(());
        };
        if self.with_payload.len() <= flow {
            self.with_payload.resize(flow + 1, 0);
        }
        self.with_payload[flow] += 1;
        Ok(())
    }

    fn finish(self) -> CaptureInfo {
        let Self { mut info, mut dropped, followed, times, .. } = self;
        if let Some([first, latest, _]) = times {
            (info.start_ns, info.span_ns) = (first, latest.abs_diff(first));
        }
        info.flows = followed.flows as u64;
        info.segments_not_tracked = followed.segments_not_tracked;
        let known = Known::default();
        let choice = followed.table.choose(&Rules {
            client: &ClientRule::Auto,
            scope: FlowScope::Main,
            peer: &PeerRule::Main,
            known: &known,
        });
        info.client_rule = choice.verdict.map_or("unknown", |verdict| verdict.rule).to_owned();
        for (fate, &packets) in choice.fates.iter().zip(&self.with_payload) {
            match fate {
                Ok(_) => info.trace_packets += packets,
                Err(reason) => (0..packets).for_each(|_| dropped.count(*reason)),
            }
        }
        if let Some((record, link)) = self.unsupported {
            info.problems.push(format!("record {record}: link type {link} is not supported"));
        }
        if info.segments_not_tracked > 0 {
            let found = info.segments_not_tracked;
            info.problems.push(format!("more than {MAX_FLOWS} flows: {found} segments were only counted"));
        }
        info.no_trace = why_none(&info, &dropped);
        info.left_out = dropped.by_name();
        if self.not_tracked_with_payload > 0 {
            info.left_out.insert("flow not tracked".to_owned(), self.not_tracked_with_payload);
        }

        let (connections, more) = followed.watch.finish();
        let has_hello = |sighting: Sighting| sighting != Sighting::NotSeen;
        let shown = connections.iter().map(|connection| connection.packets);
        info.tls_handshakes =
            shown.filter(|packets| has_hello(packets.client_hello) || has_hello(packets.server_hello)).count() as u64;
        info.tls_connections = connections.len() as u64 + more;

        let mut warn = |kind: &str, n: u64| {
            if n > 0 {
                info.warnings.insert(kind.to_owned(), n);
            }
        };
        warn("packet earlier than the one before", self.backwards);
        warn("first of several fragments", self.fragments);
        warn("packet without a usable time", self.without_time);
        info.link_types = self.links.into_iter().map(|(link, packets)| (link.to_string(), packets)).collect();
        info
    }
}

/// Why an import makes no trace, the most telling reason; empty where it makes one.
fn why_none(info: &CaptureInfo, dropped: &Dropped) -> String {
    if info.trace_packets > 0 {
        return String::new();
    }
    if info.packets == 0 {
        return "no packets".to_owned();
    }
    let most = Reason::ALL.into_iter().rev().max_by_key(|&reason| dropped.of(reason));
    match most.map(|reason| (reason, dropped.of(reason))) {
        Some((reason, packets)) if packets > 0 => format!("no packets left; of {packets}: {reason}"),
        _ => "no packets left".to_owned(),
    }
}

fn format_name(format: CaptureFormat) -> String {
    let plural = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    match format {
        CaptureFormat::Pcap { nanoseconds: true } => "pcap, nanoseconds".to_owned(),
        CaptureFormat::Pcap { nanoseconds: false } => "pcap, microseconds".to_owned(),
        CaptureFormat::PcapNg { sections, interfaces } => {
            format!("pcapng, {}, {}", plural(sections, "section"), plural(interfaces, "interface"))
        }
    }
}

fn snap_len_name(snap_len: Option<u32>) -> String {
    match snap_len {
        None => "not one for all".to_owned(),
        Some(0) => "none".to_owned(),
        Some(bytes) => bytes.to_string(),
    }
}
