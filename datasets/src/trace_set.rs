//! Labelled traces and where they come from.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use wfkit_metrics::{ClassMap, Volume, class_order};

use crate::{Counting, PacketColumn, Trace, canonical_class, hex};

/// What identifies a trace in its set: class, session and repetition together are unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TraceKey {
    /// The class (label).
    pub class: String,
    /// Which repetition of the class.
    pub rep: i64,
    /// What was captured together (a day, a circuit, a client, a run), where that is known.
    pub session: Option<String>,
}

impl fmt::Display for TraceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class {}, rep {}", self.class, self.rep)?;
        match &self.session {
            Some(session) => write!(f, ", session {session}"),
            None => Ok(()),
        }
    }
}

impl TraceKey {
    /// The order of a set: by class (as [`class_order`]), session, rep.
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        class_order(&self.class, &other.class)
            .then_with(|| self.session.cmp(&other.session))
            .then_with(|| self.rep.cmp(&other.rep))
    }
}

/// A trace with its label.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledTrace {
    /// Class, rep and session.
    pub key: TraceKey,
    /// The load that this is a copy of, such as one of several defended realisations; none where it is no copy. Traces of one origin are
    /// never on both sides of a split.
    pub origin: Option<String>,
    /// What an unmonitored trace shows, as which page of the background; none for monitored classes, and where it is not known.
    pub page: Option<String>,
    /// When the first packet was captured, Unix time in ns UTC, where that is known.
    pub start_ns: Option<i64>,
    /// The packets.
    pub trace: Trace,
}

impl LabelledTrace {
    /// A trace that is a copy of nothing, and of no page of a background.
    pub fn new(key: TraceKey, start_ns: Option<i64>, trace: Trace) -> Self {
        Self { key, origin: None, page: None, start_ns, trace }
    }

    /// What copies of this trace have as their origin: its own where it is a copy itself, else the first 16 hexadecimal digits of the hash
    /// of its packets, so that the same load has the same origin whatever it is called.
    pub fn origin_of_copies(&self) -> String {
        self.origin.clone().unwrap_or_else(|| self.trace.short_hash())
    }
}

/// Which size the sizes of a trace are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Link-layer frame length.
    Frame,
    /// IP total length.
    Ip,
    /// TCP payload length; packets without payload are not part of the trace.
    Tcp,
    /// TLS record length.
    Tls,
    /// One entry a Tor cell, of its length where that is known.
    Cell,
    /// UDP payload length; packets without payload are not part of the trace.
    Udp,
    /// Not known, as after reading a format that does not say.
    Unknown,
}

impl Layer {
    /// All that can be chosen.
    pub const KNOWN: [Self; 6] = [Self::Frame, Self::Ip, Self::Tcp, Self::Tls, Self::Cell, Self::Udp];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Ip => "ip",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Cell => "cell",
            Self::Udp => "udp",
            Self::Unknown => "unknown",
        }
    }

    /// Which size it is, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Frame => "Link-layer frame length",
            Self::Ip => "IP total length",
            Self::Tcp => "TCP payload length; packets without payload are left out",
            Self::Tls => "TLS record length",
            Self::Cell => "Tor cells, as found in TLS records",
            Self::Udp => "UDP payload length",
            Self::Unknown => "Not known",
        }
    }
}

/// Where a set comes from: what the Parquet metadata keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Which size the sizes are.
    pub layer: Layer,
    /// Where the traffic was observed, such as `client link`.
    pub vantage: String,
    /// Names of the source files (no folders: they belong to the machine, not to the data).
    pub sources: Vec<String>,
    /// Name and version of the tool that made the set.
    pub tool: String,
    /// Whether TCP streams were put in order, each byte once, before their packets counted; none where that is not known or means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reassembly: Option<bool>,
    /// The defences applied, in order, each as it would be written on the command line.
    pub defenses: Vec<String>,
    /// What counts as a packet and with which size, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counting: Option<Box<Counting>>,
    /// What is known of packets beside times and sizes, of some of the traces at least: the columns that a Parquet file gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packet_columns: Vec<PacketColumn>,
}

impl Provenance {
    /// Provenance of a set from `sources`, undefended, seen at the client's link, made by this version of wfkit.
    pub fn new(layer: Layer, sources: Vec<String>) -> Self {
        Self {
            layer,
            vantage: "client link".to_owned(),
            sources,
            tool: concat!("wfkit ", env!("CARGO_PKG_VERSION")).to_owned(),
            reassembly: None,
            defenses: Vec::new(),
            counting: None,
            packet_columns: Vec::new(),
        }
    }

    /// Takes in where the traces of another set come from that join these.
    pub(crate) fn extend(&mut self, other: Self) {
        self.sources.extend(other.sources);
        self.packet_columns.extend(other.packet_columns);
        self.packet_columns.sort_unstable();
        self.packet_columns.dedup();
        if self.counting != other.counting {
            self.counting = None;
        }
    }
}

/// Counts repetitions anew from 1 in classes whose sessions share some, of rows in set order; these classes.
pub fn renumber<T>(
    rows: &mut [T],
    key: impl Fn(&T) -> &TraceKey,
    key_mut: impl Fn(&mut T) -> &mut TraceKey,
) -> Vec<String> {
    let mut renumbered = Vec::new();
    for class in rows.chunk_by_mut(|a, b| key(a).class == key(b).class) {
        let mut seen = HashSet::new();
        if class.iter().any(|row| !seen.insert(key(row).rep)) {
            renumbered.push(key(&class[0]).class.clone());
            class.iter_mut().zip(1..).for_each(|(row, rep)| key_mut(row).rep = rep);
        }
    }
    renumbered
}

/// Labelled traces in the order of their keys, each key once.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSet {
    traces: Vec<LabelledTrace>,
    provenance: Provenance,
}

/// Why labelled traces are not a set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TraceSetError {
    /// Two traces have the same class, session and rep.
    #[error("two traces have the key ({0})")]
    DuplicateKey(TraceKey),
}

impl TraceSet {
    /// Gives classes their [canonical names](crate::canonical_class), sorts the traces by key and checks that no key occurs twice. A set
    /// may be empty.
    pub fn new(mut traces: Vec<LabelledTrace>, provenance: Provenance) -> Result<Self, TraceSetError> {
        for labelled in &mut traces {
            if let canonical = canonical_class(&labelled.key.class)
                && canonical != labelled.key.class
            {
                labelled.key.class = canonical.into_owned();
            }
        }
        traces.sort_by(|a, b| a.key.order(&b.key));
        match traces.windows(2).find(|pair| pair[0].key == pair[1].key) {
            Some(pair) => Err(TraceSetError::DuplicateKey(pair[0].key.clone())),
            None => Ok(Self { traces, provenance }),
        }
    }

    /// The traces, in key order.
    pub fn traces(&self) -> &[LabelledTrace] {
        &self.traces
    }

    /// The traces by themselves, in key order.
    pub fn into_traces(self) -> Vec<LabelledTrace> {
        self.traces
    }

    /// Where they come from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Number of traces.
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// Whether there is no trace.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// Number of packets in all traces.
    pub fn packets(&self) -> usize {
        self.traces.iter().map(|t| t.trace.len()).sum()
    }

    /// The classes that occur, in class order.
    pub fn classes(&self) -> ClassMap {
        ClassMap::from_labels(self.traces.iter().map(|t| &t.key.class))
    }

    /// What each trace costs its user, in set order.
    pub fn volumes(&self) -> Vec<Volume> {
        self.traces.iter().map(|t| volume(&t.trace)).collect()
    }

    /// The traces of both sets, with the provenance of this one and the sources of both.
    pub fn join(mut self, other: Self) -> Result<Self, TraceSetError> {
        self.traces.extend(other.traces);
        self.provenance.extend(other.provenance);
        Self::new(self.traces, self.provenance)
    }

    /// The first trace that is a copy of the same load as one before it.
    pub fn another_copy(&self) -> Option<&LabelledTrace> {
        let mut seen = HashSet::new();
        self.origins()
            .into_iter()
            .zip(&self.traces)
            .find(|(origin, _)| !seen.insert(origin.clone()))
            .map(|(_, one)| one)
    }

    /// One copy of each load, the first in set order, and how many others were left out.
    pub fn one_copy_each(&self) -> (Self, usize) {
        let mut seen = HashSet::new();
        let origins = self.origins();
        let rows: Vec<usize> = (0..self.len()).filter(|&row| seen.insert(origins[row].clone())).collect();
        (self.select(&rows), self.len() - rows.len())
    }

    /// The same traces, which no longer tell what they are copies of.
    pub fn without_origins(mut self) -> Self {
        self.traces.iter_mut().for_each(|labelled| labelled.origin = None);
        self
    }

    /// The same traces, where classes whose sessions share repetitions have theirs counted anew from 1, in set order; and these classes.
    pub fn renumbered(mut self) -> (Self, Vec<String>) {
        let renumbered = renumber(&mut self.traces, |labelled| &labelled.key, |labelled| &mut labelled.key);
        (self, renumbered)
    }

    /// What each trace is a copy of: its origin, and what copies of it would have as theirs where it has none but others have. Without
    /// any, every row stands for itself.
    fn origins(&self) -> Vec<String> {
        let any = self.traces.iter().any(|labelled| labelled.origin.is_some());
        let of =
            |(row, labelled): (usize, &LabelledTrace)| if any { labelled.origin_of_copies() } else { row.to_string() };
        self.traces.iter().enumerate().map(of).collect()
    }

    /// SHA-256, in hexadecimal, over the labels and packets of all traces: equal for sets with the same traces, however they are stored and in
    /// whatever order, and whatever is told of where they come from.
    ///
    /// Each trace is hashed as the JSON list of class, rep, session and page (as Python's `json.dumps` writes it), its times (ns, 64 bits each, little
    /// endian) and its sizes (32 bits each); the sorted hashes, joined, are hashed.
    pub fn digest(&self) -> String {
        let mut digests: Vec<[u8; 32]> = self.traces.iter().map(digest_of_trace).collect();
        digests.sort_unstable();
        hex(&Sha256::digest(digests.concat()))
    }

    /// The same over which trace is in which fold: behind the hash of each trace stands its fold (16 bits, little endian; benchmarks count from 1), before
    /// they are sorted.
    ///
    /// # Panics
    /// If there are not as many folds as traces.
    pub fn digest_of_folds(&self, fold_of: &[u16]) -> String {
        assert_eq!(fold_of.len(), self.len(), "a fold for each trace");
        let with_fold =
            |(trace, fold): (&LabelledTrace, &u16)| [digest_of_trace(trace).as_slice(), &fold.to_le_bytes()].concat();
        let mut digests: Vec<Vec<u8>> = self.traces.iter().zip(fold_of).map(with_fold).collect();
        digests.sort_unstable();
        hex(&Sha256::digest(digests.concat()))
    }

    /// The traces at `rows`, as a set of their own with the same provenance.
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows.dedup();
        let traces = rows.into_iter().map(|row| self.traces[row].clone()).collect();
        Self { traces, provenance: self.provenance.clone() }
    }
}

/// See [`TraceSet::digest`].
fn digest_of_trace(labelled: &LabelledTrace) -> [u8; 32] {
    let LabelledTrace { key, page, trace, .. } = labelled;
    let text = |text: &String| ascii(&serde_json::Value::from(text.as_str()).to_string());
    let or_null = |field: &Option<String>| field.as_ref().map_or_else(|| "null".to_owned(), text);
    let mut hasher = Sha256::new();
    hasher.update(format!("[{}, {}, {}, {}]", text(&key.class), key.rep, or_null(&key.session), or_null(page)));
    hasher.update(trace.time_ns().iter().flat_map(|time| time.to_le_bytes()).collect::<Vec<u8>>());
    hasher.update(trace.size().iter().flat_map(|size| size.to_le_bytes()).collect::<Vec<u8>>());
    hasher.finalize().into()
}

/// JSON without letters beyond ASCII, as Python writes it.
fn ascii(json: &str) -> String {
    let escaped = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    json.chars().map(escaped).collect()
}

/// What one trace costs its user.
pub fn volume(trace: &Trace) -> Volume {
    Volume {
        in_bytes: trace.in_bytes() as f64,
        out_bytes: trace.out_bytes() as f64,
        seconds: trace.duration_ns() as f64 / 1e9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(class: &str, rep: i64, session: Option<&str>) -> LabelledTrace {
        let key = TraceKey { class: class.into(), rep, session: session.map(str::to_owned) };
        LabelledTrace::new(key, None, Trace::new(vec![0], vec![1]).unwrap())
    }

    #[test]
    fn a_set_is_in_key_order_whatever_the_input_order() {
        let provenance = Provenance::new(Layer::Tcp, vec![]);
        let traces = vec![labelled("10", 1, None), labelled("2", 2, Some("b")), labelled("2", 3, Some("a"))];
        let set = TraceSet::new(traces, provenance).unwrap();
        let keys: Vec<String> = set.traces().iter().map(|t| t.key.to_string()).collect();
        assert_eq!(keys, ["class 2, rep 3, session a", "class 2, rep 2, session b", "class 10, rep 1"]);
    }

    #[test]
    fn classes_have_one_name_however_they_are_written() {
        let traces = vec![labelled(" 1", 1, None), labelled("1.0", 2, None), labelled("01", 3, None)];
        let set = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap();
        assert_eq!(set.classes().names(), ["1"]);
        let twice = vec![labelled("1", 1, None), labelled("1.0", 1, None)];
        assert!(TraceSet::new(twice, Provenance::new(Layer::Tcp, vec![])).is_err());
    }

    #[test]
    fn copies_are_found_and_one_of_each_is_left() {
        let copy = |rep, origin: Option<&str>| {
            let mut one = labelled("a", rep, None);
            one.origin = origin.map(str::to_owned);
            one
        };
        let set = |traces| TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap();
        let copies = set(vec![copy(1, Some("x")), copy(2, Some("y")), copy(3, Some("x"))]);
        assert_eq!(copies.another_copy().unwrap().key.rep, 3);
        let (one_each, left_out) = copies.one_copy_each();
        assert_eq!((one_each.len(), left_out, one_each.another_copy()), (2, 1, None));
        assert_eq!(copies.without_origins().another_copy(), None);
        let undefended = copy(1, None);
        let of_it = copy(2, Some(&undefended.origin_of_copies()));
        assert!(set(vec![undefended, of_it]).another_copy().is_some(), "the load itself is one of its copies");
        assert_eq!(set(vec![copy(1, None), copy(2, None)]).another_copy(), None, "the same packets are no copies");
    }

    #[test]
    fn repetitions_that_sessions_share_are_counted_anew() {
        let traces = vec![labelled("a", 1, Some("x")), labelled("a", 1, Some("y")), labelled("b", 7, Some("x"))];
        let (set, renumbered) = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap().renumbered();
        let reps: Vec<i64> = set.traces().iter().map(|labelled| labelled.key.rep).collect();
        assert_eq!((reps, renumbered), (vec![1, 2, 7], vec!["a".to_owned()]));
    }

    #[test]
    fn a_key_occurs_once() {
        let traces = vec![labelled("a", 1, None), labelled("a", 1, None)];
        let error = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap_err();
        assert_eq!(error.to_string(), "two traces have the key (class a, rep 1)");
    }
}
