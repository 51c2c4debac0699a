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
        return "a tar archive; unpack it first".to_owned();
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
                return format!("flows of NFStream, one a row (splt_direction, splt_ps, splt_piat_ms){HOW}");
            }
        }
    }
    if [b"<!DOCTYPE html".as_slice(), b"<html"].iter().any(|page| starts_with_ignoring_case(start, page)) {
        return "a page of HTML, such as an error that was downloaded".to_owned();
    }
    let text = String::from_utf8_lossy(start);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_start();
    let line = text.lines().next().unwrap_or_default().trim_end();
    match of_line(line, text) {
        Some(found) => format!("{found}{}", if found == JSON { "" } else { HOW }),
        None => format!("text that starts with `{}`", shortened(line)),
    }
}

const PICKLE: &str = "a Python pickle whose name does not start with X; those of Deep Fingerprinting and Tik-Tok, X_... beside y_..., are read";
const JSON: &str = "JSON of another kind";
const NUMPY_ARRAY: &str = "a NumPy array (.npy)";
const HDF5: &str = "an HDF5 file";
const CAPTURE: &str = "a packet capture, which has to be imported first";

const MAGIC: [(&[u8], &str); 25] = [
    (&[0xd4, 0xc3, 0xb2, 0xa1], CAPTURE),
    (&[0xa1, 0xb2, 0xc3, 0xd4], CAPTURE),
    (&[0x4d, 0x3c, 0xb2, 0xa1], CAPTURE),
    (&[0xa1, 0xb2, 0x3c, 0x4d], CAPTURE),
    (&[0x0a, 0x0d, 0x0d, 0x0a], CAPTURE),
    (b"\x93NUMPY", NUMPY_ARRAY),
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"ARROW1", "an Arrow file; write it as Parquet"),
    (b"FEA1", "a Feather file; write it as Parquet"),
    (b"PARE", "an encrypted Parquet file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xfd7zXZ\0", "an xz archive of something else"),
    (&[0x1f, 0x8b], "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "a zstd archive; unpack it first"),
    (&[0x04, 0x22, 0x4d, 0x18], "an LZ4 archive; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "a workbook of a spreadsheet; save the sheet as CSV"),
    (b"MATLAB", "a MATLAB file"),
    (b"version https://git-lfs", "a pointer of Git LFS; the file itself is still to be fetched (git lfs pull)"),
    (b"cnumpy", PICKLE),
    (b"(lp", PICKLE),
    (b"(dp", PICKLE),
];

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
            () => JSON,
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
        _ if commas.len() > 1 && commas.iter().all(|field| number(field).is_some()) => {
            Some("numbers between commas without a header, as F-BLEAU takes them")
        }
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
            ("id,src_ip,splt_direction,splt_ps,splt_piat_ms\n", "NFStream"),
            ("1,2.5,3\n", "F-BLEAU"),
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
        ] {
            assert!(describe(start).contains(name));
        }
    }
}
