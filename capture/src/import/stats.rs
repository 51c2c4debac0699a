//! What an import did with every file and packet.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use wfkit_datasets::Findings;
use wfkit_metrics::{PrivacyReport, Summary, Utility, Volume, VolumeSummary};

use crate::import::select::LeftOut;

/// What an import did with every file and packet. Nothing is dropped that is not counted here:
/// `files == traces + dropped_traces.values().sum()` and `packets == kept + dropped.values().sum()`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportStats {
    /// Capture files found.
    pub files: u64,
    /// Files that gave a trace.
    pub traces: u64,
    /// Files that gave none, by reason.
    pub dropped_traces: BTreeMap<String, u64>,
    /// Files in the given folders that are no captures, by content and by name; not part of `files`.
    pub other_files: u64,
    /// Packets read from the files that were opened.
    pub packets: u64,
    /// Packets that are in a trace, or whose bytes are.
    pub kept: u64,
    /// Packets that are not, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// What was kept but deserves a look, by kind.
    pub warnings: BTreeMap<String, u64>,
    /// What was found in the TCP streams of the traces, by kind, where they were put in order.
    pub streams: BTreeMap<String, u64>,
    /// Number of files by the rule that told who the client is.
    pub client_rules: BTreeMap<String, u64>,
    /// Number of labelled files by where their label comes from.
    pub labels: BTreeMap<String, u64>,
    /// How some names were read, one of each shape: `news_3.pcap -> class news, rep 3`.
    pub names_read: Vec<String>,
    /// What to say of the labels as a whole: that a part of the classes looks like a session, and the pattern that makes one of it.
    pub label_doubt: Option<String>,
    /// One sentence a problem, each starting with the file it is about. Without addresses or payload.
    pub problems: Vec<String>,
    /// The same for each file that was opened, in path order.
    pub by_file: Vec<FileStats>,
}

impl ImportStats {
    /// What was read and left out, for a report, of traces that cost so much, have so many packets each and give away this; how many there are is still
    /// to be counted.
    pub fn findings(&self, volumes: &[Volume], lengths: &[usize], privacy: PrivacyReport) -> Findings {
        let mut findings = Findings::new(Utility::of(volumes), privacy);
        for (name, n) in [("files", self.files), ("other files", self.other_files), ("packets read", self.packets)] {
            findings.counts.insert(name.to_owned(), n);
        }
        let warnings = self.warnings.iter().map(|(kind, n)| (format!("warning: {kind}"), *n));
        let rules = self.client_rules.iter().map(|(rule, n)| (format!("client by {rule}"), *n));
        let labels = self.labels.iter().map(|(source, n)| (format!("label by {source}"), *n));
        let streams = self.streams.iter().map(|(kind, n)| (format!("stream: {kind}"), *n));
        findings.counts.extend(warnings.chain(streams).chain(rules).chain(labels));
        findings.dropped = self.left_out();
        findings.problems.extend(self.problems.iter().cloned());
        let packets = lengths.iter().map(|&packets| packets as f64);
        let extras = &mut findings.utility.extras;
        extras.set("volumes", VolumeSummary::of(volumes)).set("packets", Summary::of(packets));
        findings
    }

    /// How many packets and traces were left out, by reason.
    pub fn left_out(&self) -> BTreeMap<String, u64> {
        let packets = self.dropped.iter().map(|(reason, n)| (format!("packets: {reason}"), *n));
        let traces = self.dropped_traces.iter().map(|(reason, n)| (format!("traces: {reason}"), *n));
        packets.chain(traces).collect()
    }

    /// How many labelled files there are beside those of [`names_read`](Self::names_read).
    pub fn more_names(&self) -> u64 {
        self.labels.values().sum::<u64>().saturating_sub(self.names_read.len() as u64)
    }

    /// What is wrong with files, then what of each deserves a look.
    pub fn everything_odd(&self) -> Vec<String> {
        let of_file = |file: &FileStats| -> Vec<String> {
            file.warnings.iter().map(|(kind, n)| format!("{}: {n} x {kind}", file.file)).collect()
        };
        self.problems.iter().cloned().chain(self.by_file.iter().flat_map(of_file)).collect()
    }
}

impl ImportStats {
    /// Adds the packets and problems of a file that was opened.
    pub(crate) fn add_file(&mut self, file: FileStats) {
        self.packets += file.packets;
        self.kept += file.kept;
        add(&mut self.dropped, &file.dropped);
        add(&mut self.warnings, &file.warnings);
        add(&mut self.streams, &file.streams);
        if let Some(rule) = &file.client_rule {
            *self.client_rules.entry(rule.clone()).or_default() += 1;
        }
        match &file.no_trace {
            None => self.traces += 1,
            Some(reason) => self.drop_trace(reason),
        }
        self.problems.extend(file.problems.iter().map(|problem| format!("{}: {problem}", file.file)));
        self.by_file.push(file);
    }

    /// Moves what a selection left out from the kept to the dropped: traces, and what they consist of where that is
    /// packets. Records and cells are counted apart.
    pub(crate) fn leave_out(&mut self, left_out: LeftOut, of_packets: bool) {
        self.traces -= left_out.traces.values().sum::<u64>();
        add(&mut self.dropped_traces, &left_out.traces);
        if of_packets {
            self.kept -= left_out.packets.values().sum::<u64>();
            add(&mut self.dropped, &left_out.packets);
        } else {
            let of_records = left_out.packets.into_iter().map(|(reason, n)| (format!("left out: {reason}"), n));
            add(&mut self.streams, &of_records.collect());
        }
    }

    /// Counts a file that gave no trace.
    pub(crate) fn drop_trace(&mut self, reason: &str) {
        *self.dropped_traces.entry(reason.to_owned()).or_default() += 1;
    }
}

fn add(sums: &mut BTreeMap<String, u64>, parts: &BTreeMap<String, u64>) {
    for (reason, n) in parts {
        *sums.entry(reason.clone()).or_default() += n;
    }
}

/// What an import did with one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStats {
    /// The file, relative to the folder that was given.
    pub file: String,
    /// Packets read.
    pub packets: u64,
    /// Packets that are in the trace, or whose bytes are.
    pub kept: u64,
    /// Packets that are not, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// What was kept but deserves a look, by kind.
    pub warnings: BTreeMap<String, u64>,
    /// What was found in the TCP streams of the trace, by kind, where they were put in order.
    pub streams: BTreeMap<String, u64>,
    /// The rule that told who the client is, where one did.
    pub client_rule: Option<String>,
    /// Why the file gave no trace, where it gave none.
    pub no_trace: Option<String>,
    /// One sentence a problem.
    pub problems: Vec<String>,
}

/// Why a packet is in no trace. A packet counts under the first reason that holds, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    LinkType,
    Encrypted,
    Aggregate,
    NotIp,
    HeaderCut,
    NotTcp,
    NotUdp,
    NameLookup,
    Fragment,
    ImpossibleLength,
    UnreadableRow,
    NoTime,
    Duplicate,
    NoPayload,
    KeepAlive,
    Retransmitted,
    BeforeStart,
    ClientUnknown,
    OtherFlow,
    NotTls,
}

impl Reason {
    pub(crate) const ALL: [Self; 20] = [
        Self::LinkType,
        Self::Encrypted,
        Self::Aggregate,
        Self::NotIp,
        Self::HeaderCut,
        Self::NotTcp,
        Self::NotUdp,
        Self::NameLookup,
        Self::Fragment,
        Self::ImpossibleLength,
        Self::UnreadableRow,
        Self::NoTime,
        Self::Duplicate,
        Self::NoPayload,
        Self::KeepAlive,
        Self::Retransmitted,
        Self::BeforeStart,
        Self::ClientUnknown,
        Self::OtherFlow,
        Self::NotTls,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinkType => "unsupported link type",
            Self::Encrypted => "encrypted 802.11 frame",
            Self::Aggregate => "aggregated 802.11 frame",
            Self::NotUdp => "not UDP",
            Self::NameLookup => "DNS",
            Self::NoTime => "no usable time",
            Self::UnreadableRow => "row cannot be read",
            Self::Duplicate => "captured twice",
            Self::BeforeStart => "before the start of its stream",
            Self::NotIp => "not IP",
            Self::HeaderCut => "header cut",
            Self::NotTcp => "not TCP",
            Self::Fragment => "fragment",
            Self::ImpossibleLength => "impossible length",
            Self::NoPayload => "no payload",
            Self::KeepAlive => "keep-alive",
            Self::Retransmitted => "retransmitted",
            Self::ClientUnknown => "client unknown",
            Self::OtherFlow => "other flow",
            Self::NotTls => "not TLS",
        })
    }
}

/// Dropped packets by [`Reason`]: an array, because it is counted up for every other packet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dropped([u64; Reason::ALL.len()]);

impl Dropped {
    pub(crate) fn count(&mut self, reason: Reason) {
        self.0[reason as usize] += 1;
    }

    pub(crate) fn count_many(&mut self, reason: Reason, n: u64) {
        self.0[reason as usize] += n;
    }

    pub(crate) fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    pub(crate) fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn by_name(&self) -> BTreeMap<String, u64> {
        let counts = Reason::ALL.iter().map(|&reason| (reason.to_string(), self.of(reason)));
        counts.filter(|&(_, n)| n > 0).collect()
    }
}
