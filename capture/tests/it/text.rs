//! What tshark wrote about a capture, as a second kind of input.

use wfkit_capture::{ImportError, ImportOptions, LabelSource, import};
use wfkit_datasets::Layer;

use crate::build::*;

/// The conversation of the other tests as `tshark -T fields` would tell it.
const TEXT: &str = "\
frame.time_epoch\tip.src\tip.dst\ttcp.srcport\ttcp.dstport\t_ws.col.Protocol\tframe.len\tip.len\ttcp.len
1700000000.000000000\t10.0.0.2\t203.0.113.5\t40000\t443\tTCP\t66\t52\t0
1700000000.001000000\t10.0.0.2\t10.0.0.1\t\t\tDNS\t80\t66\t
1700000000.002000000\t\t\t\t\tARP\t60\t\t
1700000000.005000000\t10.0.0.2\t203.0.113.5\t40000\t443\tTLSv1.3\t166\t152\t100
1700000000.015000000\t203.0.113.5\t10.0.0.2\t443\t40000\tTLSv1.3\t1514\t1500\t1448
1700000000.015000000\t203.0.113.5\t10.0.0.2\t443\t40000\tTLSv1.3\t766\t752\t700
1700000000.030000000\t10.0.0.2\t203.0.113.5\t40000\t443\tTLSv1.3\t102\t88\t36
";

fn at(layer: Layer) -> ImportOptions {
    ImportOptions { layer, ..ImportOptions::default() }
}

#[test]
fn a_text_gives_the_trace_of_its_capture() {
    let folder = folder(&[("a_0.pcap.txt", TEXT.as_bytes()), ("manifest.csv", b"path,class\na_0.pcap.txt,a\n")]);
    let import = import_folder(&folder, &at(Layer::Tcp)).unwrap();
    check_sums(&import.stats);
    let labelled = &import.set.traces()[0];
    assert_eq!(labelled.trace, conversation_trace());
    assert_eq!(labelled.start_ns, Some(CONVERSATION_START));
    let dropped: Vec<_> = import.stats.dropped.iter().map(|(reason, &n)| (reason.as_str(), n)).collect();
    assert_eq!(dropped, [("no payload", 1), ("not IP", 1), ("not TCP", 1)]);
    assert_eq!(import.stats.client_rules["private address"], 1);

    let frames = import_folder(&folder, &at(Layer::Frame)).unwrap();
    assert_eq!(frames.set.traces()[0].trace.size(), [66, 166, -1514, -766, 102]);
}

#[test]
fn texts_are_found_in_folders_by_content() {
    let folder = folder(&[("news/1.csv", TEXT.as_bytes()), ("news/notes.csv", b"a,b\n1,2\n")]);
    let options = ImportOptions { labels: LabelSource::Folders, ..at(Layer::Ip) };
    let import = import_folder(&folder, &options).unwrap();
    assert_eq!((import.stats.files, import.stats.other_files), (1, 1));
    assert_eq!(import.set.traces()[0].trace.size(), [52, 152, -1500, -752, 88]);
}

#[test]
fn a_text_holds_no_records_and_says_so() {
    let folder = folder(&[("a_0.txt", TEXT.as_bytes())]);
    let options = ImportOptions { labels: LabelSource::Pattern("(?<class>a)".parse().unwrap()), ..at(Layer::Tls) };
    match import(&[folder.path().join("a_0.txt")], &options, &|_, _| {}) {
        Err(ImportError::NoTrace { stats }) => {
            assert!(stats.problems[0].contains("no column with sizes of the layer tls: a text about packets has none"));
            assert!(!format!("{stats:?}").contains("203.0.113"), "{stats:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bad_row_is_left_out_and_named() {
    let bad = TEXT.replace("\t752\t700", "\t752\tsome");
    let folder = folder(&[("a_0.cap", bad.as_bytes())]);
    let import = import_folder(&folder, &at(Layer::Tcp)).unwrap();
    check_sums(&import.stats);
    assert_eq!(import.set.traces()[0].trace.size(), [100, -1448, 36]);
    assert_eq!(import.stats.dropped["row cannot be read"], 1);
    let problem = "a_0.cap: row 6, column `tcp.len`: not a whole number of bytes; this row is left out";
    assert_eq!(import.stats.problems, [problem]);
}

#[test]
fn encodings_and_compression_change_nothing() {
    let expected = import_folder(&folder(&[("a_0.cap", TEXT.as_bytes())]), &at(Layer::Tcp)).unwrap();
    let utf16: Vec<u8> =
        format!("\u{feff}{}", TEXT.replace('\n', "\r\n")).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xef, 0xbb, 0xbf], TEXT.as_bytes()].concat();
    let semicolons =
        TEXT.replace('\t', ";").replace('.', ",").replace("10,0,0,", "10.0.0.").replace("203,0,113,", "203.0.113.");
    let semicolons = [
        "frame,time_epoch",
        "ip,src",
        "ip,dst",
        "tcp,srcport",
        "tcp,dstport",
        "_ws,col,Protocol",
        "frame,len",
        "ip,len",
        "tcp,len",
    ]
    .iter()
    .fold(semicolons, |text, name| text.replace(name, &name.replace(',', ".")));
    for bytes in [utf16, marked, semicolons.into_bytes()] {
        let import = import_folder(&folder(&[("a_0.cap", &bytes)]), &at(Layer::Tcp)).unwrap();
        assert_eq!(import.set.traces(), expected.set.traces());
    }
}
