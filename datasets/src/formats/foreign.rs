//! What files of other tools and other kinds look like, so that a refusal can say what they are and how to go on.

use super::dialect::Dialect;
use super::problems::shortened;

/// WFlib and others keep directions and times so.
pub(crate) const NUMPY_ARCHIVE: &str =
    "a NumPy archive (.npz) without X and y, in which WFlib and others keep directions times seconds and their classes";

/// What follows the name of what holds traces otherwise.
pub(crate) const HOW: &str = "; datasets/README.md has the formats that are read, and how others become a packet CSV";

/// What the beginning of a file says, whatever its name; nothing of binary data is repeated, and of text the first line alone.
pub(crate) fn describe(start: &[u8]) -> String {
    if start.is_empty() {
        return "an empty file".to_owned();
    }
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        let holds_traces = [PICKLE, NUMPY_ARRAY, HDF5].contains(found);
        return format!("{found}{}", if holds_traces { HOW } else { "" });
    }
    if start.get(257..262) == Some(b"ustar") {
        return "a tar archive; unpack it first: tar xf FILE".to_owned();
    }
    if is_netflow(start) {
        return NO_PACKETS.to_owned();
    }
    if start[0] == 0x80 && start.get(1).is_some_and(|protocol| (2..=5).contains(protocol)) {
        return format!("{PICKLE}{HOW}");
    }
    match Dialect::of(start) {
        Err(found) => return found.to_owned(),
        Ok(dialect) if dialect.is_plain() && start.contains(&0) => return "binary data".to_owned(),
        Ok(dialect) => {
            let header = dialect.header(start);
            if header.iter().any(|name| name.starts_with("splt_")) {
                return format!("flows of NFStream that lack one of splt_direction, splt_ps, splt_piat_ms{HOW}");
            }
        }
    }
    if [b"<!DOCTYPE html".as_slice(), b"<html"].iter().any(|page| starts_with_ignoring_case(start, page)) {
        return "a page of HTML, such as an error that was downloaded".to_owned();
    }
    let text = String::from_utf8_lossy(start);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_start();
    let line = text.lines().next().unwrap_or_default().trim_end();
    if is_packet_text(line, text) {
        return PACKET_TEXT.to_owned();
    }
    if starts_with_ignoring_case(text.as_bytes(), b"@relation") || text.to_ascii_lowercase().contains("\n@attribute") {
        return "an ARFF file of Weka; save it as CSV: the packets of traces are read by a word on their columns (wfkit dataset convert --columns), \
                features with the columns class and rep by wfkit train"
            .to_owned();
    }
    if line.starts_with('{')
        && ["\"id.orig_h\"", "\"flow_id\"", "\"orig_bytes\""].iter().any(|name| text.contains(name))
    {
        return NO_PACKETS.to_owned();
    }
    match of_line(line, text) {
        Some(found) if found.starts_with(JSON_OBJECT) => found.to_owned(),
        Some(found) => format!("{found}{HOW}"),
        None => match table_of(line) {
            Some(names) => format!(
                "a table with the columns {}; say what they hold: wfkit dataset convert FILE --columns \
                 class=COLUMN,rep=COLUMN,time=COLUMN:s,size=COLUMN (--help has more)",
                shortened_list(&names)
            ),
            None => format!("text that starts with `{}`", shortened(line)),
        },
    }
}

const PICKLE: &str = "a Python pickle whose name does not start with X; those of Deep Fingerprinting and Tik-Tok, X_... beside y_..., are read; \
                      others, such as a table of pandas, become a Parquet file by pandas.read_pickle(FILE).to_parquet(..), which runs what \
                      is in the pickle";
const JSON_OBJECT: &str = "JSON of another kind; JSON lines are read, a trace a line: {\"class\": .., \"time\": [seconds], \"size\": [signed bytes]}";
const NUMPY_ARRAY: &str = "a NumPy array (.npy) without the classes of its rows; put both into one file: numpy.savez('x.npz', X=traces, y=classes)";
const HDF5: &str = "an HDF5 file; wfkit.convert of the Python package reads those of GTT23 and CESNET DataZoo, other arrays go into one file by h5py and \
                    numpy.savez('x.npz', X=traces, y=classes)";
const CAPTURE: &str = "a packet capture, which has to be imported first";
const MATLAB: &str = "a MATLAB file; arrays go into one file by scipy.io.loadmat (h5py from version 7.3 on) and numpy.savez('x.npz', X=traces, y=classes)";
const NO_PACKETS: &str = "flows or connections as sums over their packets; traces need the packets: import the capture that they were made of \
                          (wfkit capture import)";
/// A table with a row a packet, and how it becomes traces.
pub(super) const ROW_A_PACKET: &str = "a table with a row a packet; write it as text, pandas.read_parquet(FILE).to_csv('packets.csv', index=False), and say what its \
                                       columns hold: wfkit dataset convert packets.csv --columns class=..,rep=..,time=..:s,size=.. --out traces.parquet";

/// What a file is that is no table of text, from how it begins; none where it may be one.
pub(super) fn no_text(start: &[u8]) -> Option<String> {
    if start.starts_with(b"PAR1") {
        let found = "a Parquet file, where columns of text are named; write it as text: pandas.read_parquet(FILE).to_csv('packets.csv', index=False)";
        return Some(found.to_owned());
    }
    MAGIC.iter().any(|(magic, _)| start.starts_with(magic)).then(|| describe(start))
}

/// What packets look like where a tool printed them.
pub(crate) const PACKET_TEXT: &str = "packets in text, as tshark, Wireshark and tcpdump print them; wfkit capture import and wfkit dataset convert make traces of them";

const MAGIC: [(&[u8], &str); 44] = [
    (&[0xd4, 0xc3, 0xb2, 0xa1], CAPTURE),
    (&[0xa1, 0xb2, 0xc3, 0xd4], CAPTURE),
    (&[0x4d, 0x3c, 0xb2, 0xa1], CAPTURE),
    (&[0xa1, 0xb2, 0x3c, 0x4d], CAPTURE),
    (&[0x0a, 0x0d, 0x0d, 0x0a], CAPTURE),
    (b"\x93NUMPY", NUMPY_ARRAY),
    (b"MATLAB", MATLAB),
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"ARROW1", "an Arrow file (Feather); write it as Parquet: pandas.read_feather(FILE).to_parquet(..)"),
    (b"\xff\xff\xff\xff", "an Arrow stream; write it as Parquet: polars.read_ipc_stream(FILE).write_parquet(..)"),
    (b"FEA1", "a Feather file of the first version; write it as Parquet: pandas.read_feather(FILE).to_parquet(..)"),
    (b"ORC", "an ORC file; write it as Parquet: pandas.read_orc(FILE).to_parquet(..)"),
    (b"Obj\x01", "an Avro file; write it as Parquet: polars.read_avro(FILE).write_parquet(..)"),
    (b"PARE", "an encrypted Parquet file; write it without encryption"),
    (
        b"SQLite format 3\0",
        "an SQLite database; write a table of it as Parquet: pandas.read_sql(QUERY, CONNECTION).to_parquet(..)",
    ),
    (b"DUCK", "a DuckDB database; write a table of it as Parquet: COPY TABLE TO 'x.parquet'"),
    (b"\xfd7zXZ\0", "an xz archive of something else; unpack it first: unxz FILE"),
    (&[0x1f, 0x8b], "a gzip archive; unpack it first: gunzip FILE"),
    (b"BZh", "a bzip2 archive; unpack it first: bunzip2 FILE"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "a zstd archive; unpack it first: unzstd FILE"),
    (&[0x04, 0x22, 0x4d, 0x18], "an LZ4 archive; unpack it first: unlz4 FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first: 7z x FILE"),
    (b"Rar!", "a RAR archive; unpack it first: unrar x FILE"),
    (b"!<arch>", "an archive of ar; unpack it first: ar x FILE"),
    (b"%PDF", "a PDF document, which holds no data"),
    (b"\x89PNG", "a picture, which holds no data"),
    (b"\xff\xd8\xff", "a picture, which holds no data"),
    (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0", "a workbook of a spreadsheet; save the sheet as CSV"),
    (b"RDX2\n", "data of R; write it as Parquet or CSV: write.csv(DATA, FILE)"),
    (b"RDX3\n", "data of R; write it as Parquet or CSV: write.csv(DATA, FILE)"),
    (b"X\n\0\0", "data of R; write it as Parquet or CSV: write.csv(DATA, FILE)"),
    (b"version https://git-lfs", "a pointer of Git LFS; the file itself is still to be fetched (git lfs pull)"),
    (b"/annex/objects/", "a pointer of git-annex; the file itself is still to be fetched (git annex get)"),
    (b"cnumpy", PICKLE),
    (b"ccopy_reg", PICKLE),
    (b"cpandas", PICKLE),
    (b"(lp", PICKLE),
    (b"(dp", PICKLE),
    (&[0x0c, 0xa5], NO_PACKETS), // nfcapd
    (&[0xa5, 0x0c], NO_PACKETS),
    (b"#separator", NO_PACKETS), // Zeek
    (b"\xce\xfa\xed\xfe", "a program"),
    (b"SNOOP", "a capture of another tool than pcap; wfkit capture info says which"),
];

/// Datagrams of NetFlow 5 and 9 and of IPFIX one after the other: the version, and a length or count that makes sense.
fn is_netflow(start: &[u8]) -> bool {
    let &[0, version, high, low, ..] = start else { return false };
    let count = u16::from_be_bytes([high, low]);
    match version {
        5 | 9 => start.len() >= 24 && (1..=256).contains(&count) && start.contains(&0),
        10 => (16..=start.len().max(1500) as u16).contains(&count),
        _ => false,
    }
}

/// What packets look like in the text of a tool: a header of tshark's names or Wireshark's, JSON of tshark, lines of tcpdump.
fn is_packet_text(line: &str, text: &str) -> bool {
    let has = |name: &str| line.contains(name);
    let is_header = (has("frame.time") || has("frame.number") || has("Time") || has("_ws.col.Time"))
        && [
            ("ip.src", "ip.dst"),
            ("ipv6.src", "ipv6.dst"),
            ("Source", "Destination"),
            ("_ws.col.Source", "_ws.col.Destination"),
        ]
        .iter()
        .any(|(source, destination)| has(source) && has(destination));
    let is_json = line.starts_with(['{', '[']) && text.contains("\"_index\"") && text.contains("packets-");
    let is_tcpdump =
        line.contains(" > ") && ["IP ", "IP6 ", "ip: ", "ip6: ", "ethertype "].iter().any(|word| has(word));
    let is_tcpdump = is_tcpdump || (has("IP (tos ") || has("IP6 ("));
    let fields: Vec<&str> = line.split([',', '\t', ';', '|']).collect();
    let is_row = fields.len() == 5
        && fields[0].trim().parse::<f64>().is_ok()
        && fields[1..3].iter().all(|field| field.trim().parse::<std::net::IpAddr>().is_ok());
    is_header || is_json || is_tcpdump || is_row
}

/// The names in a line that seems to be the header of a table, which a word on its columns makes readable.
fn table_of(line: &str) -> Option<Vec<&str>> {
    let fields =
        |separator: char| line.split(separator).map(|field| field.trim().trim_matches('"')).collect::<Vec<_>>();
    let names = [',', ';', '\t', '|'].into_iter().map(fields).max_by_key(Vec::len)?;
    let is_name = |name: &&str| {
        !name.is_empty()
            && name.len() <= 40
            && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || "_-. ()/#:".contains(c))
    };
    (names.len() >= 3 && names.iter().all(is_name)).then_some(names)
}

/// Names in a row, of many the first.
fn shortened_list(names: &[&str]) -> String {
    let more = if names.len() > 12 { ", .." } else { "" };
    names.iter().take(12).copied().collect::<Vec<_>>().join(", ") + more
}

fn starts_with_ignoring_case(start: &[u8], what: &[u8]) -> bool {
    start.get(..what.len()).is_some_and(|start| start.eq_ignore_ascii_case(what))
}

/// What a first line says.
fn of_line(line: &str, text: &str) -> Option<&'static str> {
    if line.starts_with("[(") || line.starts_with("[[") {
        return Some("a Python list of (seconds, direction) pairs, as the code of k-fingerprinting keeps traces in");
    }
    if line.starts_with(['{', '[']) {
        let has = |name: &str| text.contains(&format!("\"{name}\""));
        return Some(match () {
            () if has("sent") && has("received") && has("order") => {
                "JSON of DNS over HTTPS traces (sent, received, order)"
            }
            () => JSON_OBJECT,
        });
    }
    if line.contains(" circpad_") || line.split_once(' ').is_some_and(|(_, event)| event.starts_with("circpad_")) {
        return Some("a trace of Tor's circuit padding simulator (nanoseconds, event)");
    }
    let number = |field: &str| field.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let commas: Vec<&str> = line.split(',').collect();
    if let [time, event, ..] = commas.as_slice()
        && number(time).is_some()
        && ["s", "r", "sn", "rn", "sp", "rp"].contains(&event.trim())
    {
        return Some("a trace of Maybenot's simulator (nanoseconds, s or r, bytes)");
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_instance = |word: &&str| {
        word.split(':').count() >= 2 && word.rsplit(':').next().is_some_and(|size| number(size).is_some())
    };
    if words.len() > 3 && number(words[1]).is_some() && words[3..].iter().all(is_instance) {
        return Some("instances of CUMUL, one a line (page, milliseconds, count, time:peer:size ..)");
    }
    let numbers: Option<Vec<f64>> = words.iter().map(|word| number(word)).collect();
    match numbers.as_deref() {
        Some([_, direction]) if direction.abs() == 1.0 => {
            Some("a trace of Wang et al. (seconds, tab, 1 out or -1 in), as WTF-PAD and many others write them")
        }
        Some([_, size]) if size.fract() == 0.0 => {
            Some("a trace of cells as Wang et al. write them (seconds, tab, signed size)")
        }
        Some([_, _, _]) => Some("a trace of three numbers a line, without names of columns"),
        Some(numbers) if numbers.len() > 3 && numbers.iter().all(|number| number.fract() == 0.0) => {
            Some("a line of signed sizes or bursts, without times")
        }
        _ if commas.len() > 1 && commas.iter().all(|field| number(field).is_some()) => Some(
            "numbers between commas without a header, as F-BLEAU takes them: a class and what it is seen by; where that is signed sizes: \
                 wfkit dataset convert --from f-bleau",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_field_has_on_disk_is_named() {
        for (start, name) in [
            ("0.0\t1\n0.05\t-1\n", "Wang et al. (seconds"),
            ("0.0 1.0\n", "Wang et al. (seconds"),
            ("1e-05\t-1\n", "Wang et al. (seconds"),
            ("0.0\t512\n0.05\t-512\n", "cells as Wang"),
            ("0.0\t1\t512\n", "three numbers"),
            ("512 -512 -512 -512 512", "signed sizes or bursts"),
            ("[(0.0, 1), (0.05, -1)]", "k-fingerprinting"),
            ("https://example.org 1700000000000 1 0:198.51.100.7:-600 50:198.51.100.7:1500\n", "CUMUL"),
            ("example.org 1700000000000 2 0:-600 50:1500\n", "CUMUL"),
            ("{\"1.pcap\": {\"sent\": [100], \"received\": [300], \"order\": [1, -1]}}", "DNS over HTTPS"),
            ("0,s,514\n", "Maybenot"),
            ("0000000000000000 circpad_cell_event_nonpadding_sent\n", "circuit padding"),
            ("id,src_ip,splt_direction,splt_ps\n", "NFStream"),
            ("1,2.5,3\n", "--from f-bleau"),
            (
                "site,visit,when,bytes\na,1,0,5\n",
                "a table with the columns site, visit, when, bytes; say what they hold",
            ),
            ("@RELATION flows\n@ATTRIBUTE a NUMERIC\n", "ARFF"),
            ("% made by x\n@relation flows\n@attribute a numeric\n", "ARFF"),
            ("#separator \\x09\n#fields\tts\tuid\tid.orig_h\n", "import the capture"),
            ("{\"ts\":1.5,\"uid\":\"C1\",\"id.orig_h\":\"198.51.100.7\",\"orig_bytes\":5}\n", "import the capture"),
            ("[{\"class\": \"a\", \"packets\": []}]", "JSON lines are read"),
            ("frame.time_epoch\tip.src\tip.dst\ttcp.len\n", "wfkit capture import"),
            ("\"No.\",\"Time\",\"Source\",\"Destination\",\"Protocol\",\"Length\",\"Info\"\n", "wfkit capture import"),
            ("1.5,198.51.100.7,198.51.100.8,TCP,66\n", "wfkit capture import"),
            ("1.5 IP 198.51.100.7.443 > 198.51.100.8.5555: Flags [.], length 0\n", "wfkit capture import"),
            ("12:00:00.5 IP (tos 0x0, ttl 64, proto TCP (6), length 52)\n", "wfkit capture import"),
            ("{\"index\":{\"_index\":\"packets-2026-11-21\",\"_type\":\"doc\"}}\n", "wfkit capture import"),
            ("at 198.51.100.7 x\n", "text that starts with `at (address) x`"),
            ("<!DOCTYPE html>\n<html>", "HTML"),
            ("version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            ("(lp0\nI1\n", "pickle"),
            ("hello", "text that starts with `hello`"),
        ] {
            let found = describe(start.as_bytes());
            assert!(found.contains(name) && !found.contains("198.51"), "{start}: {found}");
        }
        for (start, name) in [
            (b"\x80\x04\x95\x9e\x0e".as_slice(), "pickle"),
            (b"\x93NUMPY\x01\0", "NumPy array"),
            (b"\x89HDF\r\n\x1a\n\0", "HDF5"),
            (b"\0\x01\x02", "binary data"),
            (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "scipy.io.loadmat"),
            (b"SQLite format 3\0", "pandas.read_sql"),
            (b"ARROW1\0\0", "pandas.read_feather"),
            (b"\xff\xff\xff\xff\x10\0\0\0", "polars.read_ipc_stream"),
            (&[0, 10, 0, 40, 0x65, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 24], "import the capture"),
            (&[0x0c, 0xa5, 1, 0], "import the capture"),
            (b"\x1f\x8b\x08", "gunzip"),
            (b"ccopy_reg\n", "read_pickle"),
        ] {
            assert!(describe(start).contains(name));
        }
    }
}
