//! What tshark, Wireshark and tcpdump print about a capture gives the trace of the capture.

use std::path::{Path, PathBuf};

use wfkit_capture::{Import, ImportError, ImportOptions, import, is_packet_text};
use wfkit_datasets::{Counting, Layer, PacketColumn};

fn printed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/printed").join(name)
}

fn of(path: &Path, layer: Layer) -> Result<Import, ImportError> {
    let client = "198.18.0.20/32".parse().unwrap();
    // A text has no sequence numbers by which segments could be put in order.
    let options = ImportOptions { layer, client, reassembly: false, ..ImportOptions::default() };
    import(&[path.to_owned()], &options, &|_, _| {})
}

#[test]
fn every_way_of_printing_gives_the_trace_of_the_capture() {
    let capture = printed("17_0.pcap");
    assert!(!is_packet_text(&capture) && !is_packet_text(&printed("")));
    for (name, packets, layers) in [
        ("fields", 16, &[Layer::Frame, Layer::Ip, Layer::Tcp][..]),
        ("json", 4, &[Layer::Frame, Layer::Ip, Layer::Tcp]),
        ("json-fields", 16, &[Layer::Frame, Layer::Ip, Layer::Tcp]),
        ("ek", 4, &[Layer::Frame, Layer::Ip, Layer::Tcp]),
        ("ek-fields", 16, &[Layer::Frame, Layer::Ip, Layer::Tcp]),
        ("wireshark", 16, &[Layer::Frame]),
        ("tcpdump", 16, &[Layer::Tcp]),
        ("tcpdump-quiet", 16, &[Layer::Tcp]),
        ("tcpdump-verbose", 16, &[Layer::Ip, Layer::Tcp]),
    ] {
        let folder = printed(name);
        assert!(is_packet_text(&folder), "{name}");
        for &layer in layers {
            let expected = of(&capture, layer).unwrap().set;
            let found = of(&folder, layer).unwrap_or_else(|error| panic!("{name}, {layer:?}: {error}"));
            assert_eq!(found.stats.packets, packets, "{name}");
            let (found_trace, expected) = (&found.set.traces()[0], &expected.traces()[0]);
            assert_eq!(found_trace.key, expected.key, "{name}");
            let n = found_trace.trace.len();
            // Of what prints all that it knows the first packets alone are here.
            assert!(n > 0 && (packets < 16 || n == expected.trace.len()), "{name}, {layer:?}: {n}");
            assert_eq!(found_trace.trace.size(), &expected.trace.size()[..n], "{name}, {layer:?}");
            assert_eq!(found_trace.trace.time_ns(), &expected.trace.time_ns()[..n], "{name}, {layer:?}");
            let said = format!("{:?}", found.stats);
            assert!(!said.contains("198.18"), "{name}: {said}");
            let reassembly = (layer == Layer::Tcp).then_some(false);
            assert_eq!(found.set.provenance().reassembly, reassembly);
            assert_eq!(found.set.provenance().counting.as_deref(), Counting::of(layer, reassembly).as_ref());
        }
    }
}

#[test]
fn what_a_text_does_not_have_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let text = |content: &str, layer| {
        let path = folder.path().join("17_0.txt");
        std::fs::write(&path, content).unwrap();
        of(&path, layer).unwrap_err().to_string()
    };
    let named = "1700000000.5 IP client.lan.5555 > host.example.https: Flags [S], length 0\n";
    assert!(text(named, Layer::Tcp).contains("print addresses: tcpdump -n"), "{}", text(named, Layer::Tcp));
    let timeless = "IP 198.18.0.20.5555 > 198.18.0.5.443: Flags [S], length 0\n";
    assert!(text(timeless, Layer::Tcp).contains("tcpdump -tt"));
    let lines = "1700000000.5 IP 198.18.0.20.5555 > 198.18.0.5.443: Flags [P.], length 7\n";
    let error = text(lines, Layer::Frame);
    assert!(error.contains("needs one of frame.len") && error.contains("for --layer tcp it has some"), "{error}");
    assert!(!error.contains("198.18"), "{error}");
    let wireshark = std::fs::read_to_string(printed("wireshark/17_0.csv")).unwrap();
    assert!(text(&wireshark, Layer::Tcp).contains("for --layer frame it has some"));
}

#[test]
fn the_flags_of_tcp_tell_who_opened_the_connection() {
    // Neither address is private, and the one that received more is the server.
    let text = "frame.time_epoch\tip.src\tip.dst\tip.proto\ttcp.srcport\ttcp.dstport\ttcp.flags\ttcp.len\n\
                1.0\t198.18.0.9\t198.18.0.5\t6\t7000\t7001\t0x0002\t0\n1.1\t198.18.0.5\t198.18.0.9\t6\t7001\t7000\t0x0012\t0\n\
                1.2\t198.18.0.9\t198.18.0.5\t6\t7000\t7001\t0x0018\t9000\n1.3\t198.18.0.5\t198.18.0.9\t6\t7001\t7000\t0x0018\t5\n";
    let single = text.replace("tcp.flags", "tcp.flags.syn\ttcp.flags.ack");
    let single = single.replace("0x0002", "1\t0").replace("0x0012", "1\t1").replace("0x0018", "0\t1");
    for text in [text.to_owned(), single] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("17_0.tsv");
        std::fs::write(&path, text).unwrap();
        let options = ImportOptions { reassembly: false, ..ImportOptions::default() };
        let import = import(&[path], &options, &|_, _| {}).unwrap();
        assert_eq!(import.set.traces()[0].trace.size(), [9000, -5]);
        assert!(import.stats.warnings.is_empty(), "{:?}", import.stats.warnings);
    }
}

#[test]
fn captures_tell_flows_and_protocols_where_that_is_wanted() {
    let capture = printed("17_0.pcap");
    let plain = of(&capture, Layer::Tcp).unwrap().set;
    assert_eq!(plain.traces()[0].trace.columns().count(), 0);
    let options = |packet_columns| ImportOptions { reassembly: false, packet_columns, ..ImportOptions::default() };
    let both = options(vec![PacketColumn::Proto, PacketColumn::Flow, PacketColumn::Proto]);
    let told = import(std::slice::from_ref(&capture), &both, &|_, _| {}).unwrap().set;
    assert_eq!(told.provenance().packet_columns, [PacketColumn::Flow, PacketColumn::Proto]);
    let trace = &told.traces()[0].trace;
    assert!(trace.column(PacketColumn::Proto).unwrap().iter().all(|&proto| proto == 6));
    let flows = trace.column(PacketColumn::Flow).unwrap();
    assert_eq!((flows.len(), flows[0]), (trace.len(), 0));
    let error = import(&[capture], &options(vec![PacketColumn::CellCmd]), &|_, _| {}).unwrap_err().to_string();
    assert_eq!(error, "captures do not tell the cell_cmd of packets; flow and proto are what they tell");
}
