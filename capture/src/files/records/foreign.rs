//! Files that are something else, by how they start.

use super::bytes::u32_at;

/// A format that is no pcap and no pcapng.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// What it is, behind "this is".
    pub(crate) what: &'static str,
    /// What to do.
    pub(crate) advice: &'static str,
    /// Whether packets are in it.
    pub(crate) is_capture: bool,
}

/// How much of a file is looked at.
pub(super) const LOOKED_AT: usize = 512;

const EDITCAP: &str = "convert it with `editcap -F pcap IN OUT.pcap`";
const AGAIN: &str = "get the capture itself again";
const NOT_THIS: &str = "packets are not in it";

/// Captures of other tools, by their first bytes.
const CAPTURES: &[(&[u8], &str)] = &[
    (b"snoop\0\0\0", "a snoop capture"),
    (b"RTSS", "a capture of Microsoft Network Monitor 1"),
    (b"GMBU", "a capture of Microsoft Network Monitor"),
    (b"\x7fver", "a Peek (OmniPeek) capture"),
    (b"TRSNIFF data", "a Sniffer capture"),
    (b"XCP\0", "a NetXRay capture"),
    (b"iptrace 1.0", "an iptrace capture"),
    (b"iptrace 2.0", "an iptrace capture"),
    (b"ObserverPktBuffer", "an Observer capture"),
    (b"btsnoop\0", "a btsnoop capture (Bluetooth)"),
    (b"\x54\x52\x00\x64\x00", "an HP-UX nettl capture"),
    (b"\x05VNF", "a Visual Networks capture"),
    (b"\xaa\xaa\xaa\xaa", "a 5View capture"),
    (b"\x00\x00\x02\x00\x12\x05\x00\x10", "a Tektronix K12 capture"),
    (b"\x1c\x00\x01\xac", "an IXIA capture"),
    (b"\x1c\x00\x01\xab", "an IXIA capture"),
    (b"\xac\x01\x00\x1c", "an IXIA capture"),
    (b"\xab\x01\x00\x1c", "an IXIA capture"),
    (b"\xa1\xe2\xcb\x12", "a Navtel capture"),
    (b"\x12\xcb\xe2\xa1", "a Navtel capture"),
];

/// Everything else.
const OTHERS: &[(&[u8], &str, &str)] = &[
    (b"BZh", "compressed with bzip2", "unpack it with `bunzip2`"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4", "unpack it with `lz4 -d`"),
    (b"\x02\x21\x4c\x18", "compressed with LZ4", "unpack it with `lz4 -d`"),
    (b"LZIP", "compressed with lzip", "unpack it with `lzip -d`"),
    (b"\x89LZO", "compressed with lzop", "unpack it with `lzop -d`"),
    (b"\x1f\x9d", "compressed with compress", "unpack it with `uncompress`"),
    (b"\x5d\x00\x00", "compressed with LZMA", "unpack it with `unlzma`"),
    (b"\xff\x06\x00\x00sNaPpY", "compressed with Snappy", "unpack it with `snzip -d`"),
    (b"PK\x03\x04", "a zip archive", "unpack it with `unzip`"),
    (b"PK\x05\x06", "an empty zip archive", AGAIN),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it with `7z x`"),
    (b"Rar!\x1a\x07", "a rar archive", "unpack it with `unrar x`"),
    (b"MSCF", "a cabinet archive", "unpack it with `cabextract`"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file", "get the file with `git lfs pull`"),
    (b"%PDF", "a PDF document", NOT_THIS),
    (b"SQLite format 3\0", "an SQLite database", NOT_THIS),
    (b"PAR1", "a Parquet file", "traces in it are read as a trace file, not imported as a capture"),
    (b"ARROW1", "an Arrow file", "write it as Parquet"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", NOT_THIS),
    (b"\x93NUMPY", "a NumPy array", NOT_THIS),
    (b"\x80\x02", "a Python pickle", NOT_THIS),
    (b"\x80\x03", "a Python pickle", NOT_THIS),
    (b"\x80\x04", "a Python pickle", NOT_THIS),
    (b"\x80\x05", "a Python pickle", NOT_THIS),
    (b"\x89PNG", "a PNG picture", NOT_THIS),
    (b"\xff\xd8\xff", "a JPEG picture", NOT_THIS),
    (b"GIF8", "a GIF picture", NOT_THIS),
    (b"\x7fELF", "a program", NOT_THIS),
    (b"MZ", "a program", NOT_THIS),
    (b"#!", "a script", NOT_THIS),
    (b"<?xml", "an XML document", "of what tshark writes only `-T fields` is read; give the capture itself"),
    (b"{", "JSON", "of what tshark writes only `-T fields` is read; give the capture itself"),
    (b"[", "JSON", "of what tshark writes only `-T fields` is read; give the capture itself"),
    (b"\x00\x00\x00\x00\x00\x00\x00\x00", "zeros where a header should be", AGAIN),
];

impl Foreign {
    /// What a file that starts with `head` is; `None` where nothing is known of it.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        if let Some(what) = CAPTURES.iter().find(|(magic, _)| head.starts_with(magic)).map(|&(_, what)| what) {
            return Some(Self { what, advice: EDITCAP, is_capture: true });
        }
        let other = |what, advice| Some(Self { what, advice, is_capture: false });
        let text = head.trim_ascii_start();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
        let is_page = [b"<!doctype html".as_slice(), b"<html", b"<head"]
            .iter()
            .any(|start| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)));
        if is_page {
            return other("a web page, not the file behind the link", "download the capture itself");
        }
        if let Some(&(_, what, advice)) =
            OTHERS.iter().find(|(magic, ..)| text.starts_with(magic) || head.starts_with(magic))
        {
            return other(what, advice);
        }
        if head.get(257..262) == Some(b"ustar") {
            return other("a tar archive", "unpack it with `tar xf`");
        }
        // Formats without a magic number, by what their headers have to hold.
        let capture = |what| Some(Self { what, advice: EDITCAP, is_capture: false });
        if is_packet_logger(head) {
            capture("a capture of Apple PacketLogger, as it seems")
        } else if is_erf(head) {
            capture("an ERF capture, as it seems")
        } else if is_peek_classic(head) {
            capture("a classic Peek (EtherPeek) capture, as it seems")
        } else {
            None
        }
    }
}

/// 1995 to 2100, Unix time in seconds.
fn is_time(seconds: u32) -> bool {
    (788_918_400..=4_102_444_800).contains(&seconds)
}

/// Records of a length, a time in seconds and microseconds, and a type.
fn is_packet_logger(head: &[u8]) -> bool {
    if head.len() < 13 {
        return false;
    }
    [true, false].into_iter().any(|big_endian| {
        // The little-endian version has the halves of the time the other way round.
        let (seconds, micros) = if big_endian { (4, 8) } else { (8, 4) };
        let [len, seconds, other_seconds, micros, other_micros] =
            [0, seconds, micros, micros, seconds].map(|at| u32_at(head, at, big_endian));
        let has_time = (is_time(seconds) && micros < 1_000_000) || (is_time(other_seconds) && other_micros < 1_000_000);
        (9..65_536).contains(&len) && has_time && matches!(head[12], 0..=0x0b | 0xfb..=0xff)
    })
}

/// Records of a time in 2^-32 s, a type, flags and two lengths.
fn is_erf(head: &[u8]) -> bool {
    if head.len() < 16 {
        return false;
    }
    let record_len = usize::from(u16::from_be_bytes([head[10], head[11]]));
    let wire_len = u16::from_be_bytes([head[14], head[15]]);
    let is_record = |at: usize| {
        head.get(at..at + 9).is_none_or(|next| is_time(u32_at(next, 4, false)) && matches!(next[8] & 0x7f, 1..=48))
    };
    is_record(0) && (24..=10_240).contains(&record_len) && wire_len > 0 && is_record(record_len)
}

/// A version, a status, lengths and dates, and zeros.
fn is_peek_classic(head: &[u8]) -> bool {
    head.len() >= 64
        && matches!(head[0], 5..=7)
        && u32_at(head, 2, true) >= 64
        && u32_at(head, 6, true) > 0
        && head[22..50].iter().all(|&byte| byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_how_they_start() {
        let what = |head: &[u8]| Foreign::of(head).map_or("", |found| found.what);
        assert_eq!(what(b"snoop\0\0\0\0\0\0\x02"), "a snoop capture");
        assert_eq!(what(b"BZh91AY&SY"), "compressed with bzip2");
        assert_eq!(what(b"\n <!DOCTYPE HTML><html>"), "a web page, not the file behind the link");
        assert_eq!(what(b"\xef\xbb\xbf<html lang>"), "a web page, not the file behind the link");
        assert_eq!(what(b"\x89LZO\0"), "compressed with lzop");
        assert_eq!(what(b" [{\"_index\": 1}]"), "JSON");
        assert_eq!(what(b"version https://git-lfs.github.com/spec/v1"), "a Git LFS pointer, not the file");
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(what(&tar), "a tar archive");
        assert_eq!(what(b"no capture at all\n"), "");
        assert_eq!(what(b""), "");
        for (magic, name) in CAPTURES {
            assert_eq!(what(magic), *name);
        }
    }

    #[test]
    fn formats_without_a_magic_number() {
        let what = |head: &[u8]| Foreign::of(head).map_or("", |found| found.what);
        let [mut log, mut erf, mut peek] = [[0; 64]; 3];
        log[3] = 20;
        log[4..8].copy_from_slice(&1_700_000_000_u32.to_be_bytes());
        log[8..12].copy_from_slice(&999_999_u32.to_be_bytes());
        log[12] = 3;
        assert!(what(&log).contains("PacketLogger"));
        erf[4..8].copy_from_slice(&1_700_000_000_u32.to_le_bytes());
        (erf[8], erf[11], erf[15]) = (2, 80, 60);
        assert!(what(&erf).contains("ERF"));
        (peek[0], peek[4], peek[9]) = (7, 1, 9);
        assert!(what(&peek).contains("Peek"));
    }
}
