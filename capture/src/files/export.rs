//! Traces -> captures that other tools can open.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use etherparse::{
    IpFragOffset, IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header, PacketBuilder, TcpHeader, TcpOptionElement,
};
use rayon::prelude::*;
use thiserror::Error;
use wfkit_datasets::{LabelledTrace, Trace, TraceSet};

/// Why traces could not be written as captures.
#[derive(Debug, Error)]
pub enum ExportError {
    /// A file cannot be written.
    #[error("{}: cannot write", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The manifest cannot be written.
    #[error("{}: cannot write", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What went wrong.
        source: csv::Error,
    },
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Files, one a trace.
    pub files: usize,
    /// Entries that were too large for one packet, and were cut into several.
    pub cut: u64,
}

/// Writes one capture a trace into `folder`, which is made where it is not there, and a `manifest.csv` with their labels, so that
/// [`import`](crate::import) at [`Layer::Tcp`](wfkit_datasets::Layer::Tcp) gives the traces back under their keys.
///
/// See [`write_capture`] for what is in a capture. Files are numbered in the order of the set. Traces without a start begin one second after
/// 1970-01-01, and come back with that as their start.
///
/// All files are written beside those that are there, as `NAME.part`, and renamed when the last is whole: a failure changes nothing.
pub fn export(set: &TraceSet, folder: &Path) -> Result<Exported, ExportError> {
    let is_new = !folder.exists();
    fs::create_dir_all(folder).map_err(|source| ExportError::Write { path: folder.to_owned(), source })?;
    let done = export_into(set, folder);
    if done.is_err() {
        remove_parts(set, folder);
        if is_new {
            let _ = fs::remove_dir(folder); // where it is empty
        }
    }
    done
}

/// Writes everything beside what is there, and then puts it in its place.
fn export_into(set: &TraceSet, folder: &Path) -> Result<Exported, ExportError> {
    let written = |path: &Path, done: io::Result<u64>| {
        done.map_err(|source| ExportError::Write { path: path.to_owned(), source })
    };
    let one = |(number, labelled): (usize, &LabelledTrace)| {
        let path = folder.join(file_name(number, labelled));
        let write = |path: &Path| {
            let mut out = BufWriter::new(File::create(path)?);
            let cut = write_capture(&mut out, &labelled.trace, labelled.start_ns.unwrap_or(SECOND as i64))?;
            out.flush().map(|()| cut)
        };
        written(&path, write(&part_of(&path)))
    };
    let cut = set.traces().par_iter().enumerate().map(one).collect::<Result<Vec<u64>, _>>()?;
    let manifest = folder.join(MANIFEST);
    write_manifest(set, &part_of(&manifest))
        .map_err(|source| ExportError::Manifest { path: manifest.clone(), source })?;
    let names = set.traces().iter().enumerate().map(|(number, labelled)| folder.join(file_name(number, labelled)));
    for path in names.chain([manifest]) {
        written(&path, fs::rename(part_of(&path), &path).map(|()| 0))?;
    }
    Ok(Exported { files: cut.len(), cut: cut.iter().sum() })
}

const MANIFEST: &str = "manifest.csv";

/// Where a file is written until all are.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

fn remove_parts(set: &TraceSet, folder: &Path) {
    let names = set.traces().iter().enumerate().map(|(number, labelled)| file_name(number, labelled));
    for name in names.chain([MANIFEST.to_owned()]) {
        // Those that were not written are not there.
        let _ = fs::remove_file(part_of(&folder.join(name)));
    }
}

/// `00012_class_3.pcap`, without what file names cannot have everywhere.
fn file_name(number: usize, labelled: &LabelledTrace) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    let class: String = labelled.key.class.chars().map(plain).take(40).collect();
    format!("{number:05}_{class}_{}.pcap", labelled.key.rep)
}

fn write_manifest(set: &TraceSet, path: &Path) -> csv::Result<()> {
    let mut manifest = csv::Writer::from_path(path)?;
    manifest.write_record(["path", "class", "rep", "session"])?;
    for (number, labelled) in set.traces().iter().enumerate() {
        let session = labelled.key.session.as_deref().unwrap_or_default();
        let (name, rep) = (file_name(number, labelled), labelled.key.rep.to_string());
        manifest.write_record([&name, &labelled.key.class, &rep, session])?;
    }
    Ok(manifest.flush()?)
}

const SECOND: u64 = 1_000_000_000;

/// Payload of one packet at most: what IPv4 can state, less the headers. Anything above 1,460 is what a capture shows of segments that the
/// network card cuts or joins.
const MOST: u32 = 65_535 - (Ipv4Header::MIN_LEN + TcpHeader::MIN_LEN) as u32;

/// What a segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    /// Of the handshake: the first of the client, of the server, and the client's answer.
    Open,
    Accept,
    Opened,
    /// So many bytes of zeros.
    Carries(u32),
}

/// Writes a trace as a pcap capture (nanoseconds, Ethernet, IPv4) of one TCP connection: the handshake, then a segment an entry, its payload as
/// long as the entry is large, all zeros. Answers how many entries were larger than a packet can be (65,495 bytes) and were cut.
///
/// Client and server are 192.0.2.1 and 192.0.2.2 (TEST-NET-1 of RFC 5737). Sequence numbers, acknowledgements (of everything that came before)
/// and checksums are right; nobody sends a bare acknowledgement or closes the connection, since a trace does not tell when. The
/// handshake is at the time of the first entry. `start_ns` is Unix time; a start that pcap cannot state (before 1970, after 2106) is one
/// second after 1970-01-01.
pub fn write_capture(out: &mut impl Write, trace: &Trace, start_ns: i64) -> io::Result<u64> {
    let latest = (u64::from(u32::MAX) * SECOND).saturating_sub(trace.duration_ns());
    let start_ns = u64::try_from(start_ns).ok().filter(|start| *start <= latest).unwrap_or(SECOND);
    // Magic number of nanoseconds, version 2.4, no time zone, no accuracy, no packet is longer, Ethernet.
    for word in [0xa1b2_3c4d_u32, 2 | 4 << 16, 0, 0, 262_144, 1] {
        out.write_all(&word.to_le_bytes())?;
    }
    let mut connection = Connection { sent: [0, 0], number: 0, frame: Vec::new() };
    for (from, segment) in [(CLIENT, Segment::Open), (SERVER, Segment::Accept), (CLIENT, Segment::Opened)] {
        connection.write(out, start_ns, from, segment)?;
    }
    let mut cut = 0;
    for (time_ns, size) in trace.packets() {
        let from = if size > 0 { CLIENT } else { SERVER };
        let mut left = size.unsigned_abs();
        cut += u64::from(left > MOST);
        while left > 0 {
            let payload = left.min(MOST);
            connection.write(out, start_ns + time_ns, from, Segment::Carries(payload))?;
            left -= payload;
        }
    }
    Ok(cut)
}

/// Ends of the connection.
const CLIENT: usize = 0;
const SERVER: usize = 1;
const PORT: [u16; 2] = [49_152, 9_001];

/// The payload of the largest segment.
static ZEROS: [u8; MOST as usize] = [0; MOST as usize];

/// A TCP connection from its first packet.
struct Connection {
    /// Sequence numbers that each end has used.
    sent: [u32; 2],
    /// Of the next packet.
    number: u16,
    frame: Vec<u8>,
}

impl Connection {
    fn write(&mut self, out: &mut impl Write, time_ns: u64, from: usize, segment: Segment) -> io::Result<()> {
        let opens = matches!(segment, Segment::Open | Segment::Accept);
        let payload = if let Segment::Carries(payload) = segment { payload } else { 0 };
        let mut tcp = TcpHeader::new(PORT[from], PORT[1 - from], self.sent[from], u16::MAX);
        tcp.syn = opens;
        tcp.psh = matches!(segment, Segment::Carries(_));
        if segment != Segment::Open {
            (tcp.ack, tcp.acknowledgment_number) = (true, self.sent[1 - from]);
        }
        if opens {
            // Segments of 1,460 bytes as usual; a window of 65,535 x 2^14 bytes, which is never full without acknowledgements.
            let options = [
                TcpOptionElement::MaximumSegmentSize(1_460),
                TcpOptionElement::WindowScale(14),
                TcpOptionElement::Noop,
            ];
            tcp.set_options(&options).expect("8 bytes of options fit");
        }
        let address = |end: usize| [192, 0, 2, end as u8 + 1];
        let ip = Ipv4Header {
            identification: self.number,
            dont_fragment: true,
            fragment_offset: IpFragOffset::ZERO,
            time_to_live: 64,
            protocol: IpNumber::TCP,
            source: address(from),
            destination: address(1 - from),
            ..Ipv4Header::default()
        };
        // Locally administered addresses.
        let hardware = |end: usize| [2, 0, 0, 0, 0, end as u8 + 1];
        self.frame.clear();
        PacketBuilder::ethernet2(hardware(from), hardware(1 - from))
            .ip(IpHeaders::Ipv4(ip, Ipv4Extensions::default()))
            .tcp_header(tcp)
            .write(&mut self.frame, &ZEROS[..payload as usize])
            .expect("a segment of MOST bytes at most fits into a packet, and a packet into memory");

        let length = self.frame.len() as u32;
        let (seconds, nanoseconds) = ((time_ns / SECOND) as u32, (time_ns % SECOND) as u32);
        for word in [seconds, nanoseconds, length, length] {
            out.write_all(&word.to_le_bytes())?;
        }
        out.write_all(&self.frame)?;
        self.number = self.number.wrapping_add(1);
        self.sent[from] = self.sent[from].wrapping_add(payload + u32::from(opens));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::{Layer, Provenance, TraceKey};

    use super::*;
    use crate::{ImportOptions, import};

    fn set(traces: Vec<(&str, i64, Option<&str>, Trace)>) -> TraceSet {
        let labelled = |(class, rep, session, trace): (&str, i64, Option<&str>, Trace)| {
            LabelledTrace::new(
                TraceKey { class: class.to_owned(), rep, session: session.map(str::to_owned) },
                Some(1_700_000_000_123_456_789),
                trace,
            )
        };
        let traces = traces.into_iter().map(labelled).collect();
        TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    fn imported(folder: &Path) -> TraceSet {
        import(&[folder.to_owned()], &ImportOptions::default(), &|_, _| {}).unwrap().set
    }

    fn any_trace() -> impl Strategy<Value = Trace> {
        let size = prop_oneof![4 => 1..3_000_i32, 1 => 60_000..=65_495_i32];
        let packet = (prop_oneof![Just(0), 0..2 * SECOND], size, any::<bool>());
        prop::collection::vec(packet, 1..30).prop_map(|packets| {
            let mut time = 0;
            let times = packets.iter().enumerate().map(|(at, (gap, ..))| {
                time += if at == 0 { 0 } else { *gap };
                time
            });
            let sizes = packets.iter().map(|&(_, size, outgoing)| if outgoing { size } else { -size });
            Trace::new(times.collect(), sizes.collect()).unwrap()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn an_export_is_imported_as_it_was(a in any_trace(), b in any_trace()) {
            let folder = tempfile::tempdir().unwrap();
            let set = set(vec![("news/x, \"y\"", 1, None, a), ("ü", -3, Some("monday"), b)]);
            let exported = export(&set, folder.path()).unwrap();
            prop_assert_eq!(exported, Exported { files: 2, cut: 0 });
            let imported = imported(folder.path());
            prop_assert_eq!(imported.traces(), set.traces());
        }
    }

    #[test]
    fn what_no_packet_holds_is_cut_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let trace = Trace::new(vec![0, 5], vec![100, -200_000]).unwrap();
        assert_eq!(export(&set(vec![("a", 0, None, trace)]), folder.path()).unwrap().cut, 1);
        let imported = imported(folder.path());
        let trace = &imported.traces()[0].trace;
        assert_eq!(trace.size(), [100, -65_495, -65_495, -65_495, -3_515]);
        assert_eq!(trace.time_ns(), [0, 5, 5, 5, 5]);
    }

    /// The ones' complement sum of 16-bit words (RFC 1071) of an even number of bytes, and of `start`.
    fn sum(bytes: &[u8], start: u32) -> u16 {
        let words = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
        let mut sum = words.fold(start, |sum, word| sum + word);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn headers_are_those_of_the_standards() {
        let mut bytes = Vec::new();
        write_capture(&mut bytes, &Trace::new(vec![0], vec![3]).unwrap(), 1_000_000_002).unwrap();
        let record = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((record(0), record(20), record(24), record(28)), (0xa1b2_3c4d, 1, 1, 2));
        let mut at = 24;
        let mut frames = Vec::new();
        while at < bytes.len() {
            let length = record(at + 8) as usize;
            frames.push(&bytes[at + 16..at + 16 + length]);
            at += 16 + length;
        }
        let lengths: Vec<usize> = frames.iter().map(|frame| frame.len()).collect();
        assert_eq!(lengths, [62, 62, 54, 57]);
        for frame in &frames {
            // A header with its checksum sums to all ones.
            assert_eq!(sum(&frame[14..34], 0), 0xffff);
            let mut segment = frame[34..].to_vec();
            let pseudo = 6 + segment.len() as u32;
            segment.resize(segment.len().next_multiple_of(2), 0);
            assert_eq!(sum(&segment, u32::from(sum(&frame[26..34], pseudo))), 0xffff);
        }
        let numbers = |frame: &[u8]| [38, 42].map(|at| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap()));
        assert_eq!([0, 1, 2, 3].map(|at| numbers(frames[at])), [[0, 0], [0, 1], [1, 1], [1, 1]]);
    }

    #[test]
    fn a_failure_leaves_what_was_there_and_nothing_else() {
        let trace = || Trace::new(vec![0], vec![5]).unwrap();
        let set = set(vec![("a", 0, None, trace()), ("b", 0, None, trace())]);
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        export(&set, &new).unwrap();
        let old = fs::read(new.join("00000_a_0.pcap")).unwrap();
        // A folder stands where the part of the manifest is to be written.
        fs::create_dir_all(new.join("manifest.csv.part/x")).unwrap();
        let other = self::set(vec![("a", 0, None, Trace::new(vec![0], vec![77]).unwrap())]);
        assert!(export(&other, &new).is_err());
        assert_eq!(fs::read(new.join("00000_a_0.pcap")).unwrap(), old);
        let names = fs::read_dir(&new).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        assert_eq!(names, ["00000_a_0.pcap", "00001_b_0.pcap", "manifest.csv", "manifest.csv.part"]);
    }

    #[test]
    fn starts_that_pcap_cannot_state_are_replaced() {
        for start in [-1, i64::MAX] {
            let mut bytes = Vec::new();
            write_capture(&mut bytes, &Trace::new(vec![0, 7], vec![3, -4]).unwrap(), start).unwrap();
            assert_eq!(bytes[24..32], [1, 0, 0, 0, 0, 0, 0, 0]);
        }
    }
}
