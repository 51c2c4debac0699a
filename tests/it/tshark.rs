//! Imports against what tshark says of the same captures: packets, sizes, directions and times.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wfkit_capture::{ImportOptions, LabelSource, import};
use wfkit_datasets::{Layer, Trace};

use crate::shared::shared_data;

const VECTORS: &str = "tests/vectors/tshark/expected.json";

/// A capture with headers that contradict the frames they are in.
const DAMAGED: &str = "pcap-fixtures/gopacket_gopacket/layers/testdata/linux_sll_oversized_addr.pcapng";

/// Half of it was captured twice: the same identifications, 0.1 ms apart.
const COPIED: &str = "pcap-fixtures/the-tcpdump-group_tcpdump/tests/pptp.pcap";

fn trace(path: &Path, layer: Layer, reassembly: bool, server_port: &Value) -> Trace {
    let options = ImportOptions {
        layer,
        reassembly,
        client: format!("port:{server_port}").parse().unwrap(),
        labels: LabelSource::Pattern("^(?<class>.*)$".parse().unwrap()),
        ..ImportOptions::default()
    };
    import(&[PathBuf::from(path)], &options, &|_, _| {}).unwrap().set.traces()[0].trace.clone()
}

fn summary(trace: &Trace) -> Value {
    let mut digest = Sha256::new();
    for (time_ns, size) in trace.time_ns().iter().zip(trace.size()) {
        digest.update(time_ns.to_le_bytes());
        digest.update(size.to_le_bytes());
    }
    let sha256: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "packets": trace.len(),
        "out_bytes": trace.out_bytes(),
        "in_bytes": trace.in_bytes(),
        "sha256": sha256,
    })
}

/// The differences are in the README beside the expected values, one by one.
#[test]
fn packets_sizes_directions_and_times_are_tsharks() {
    let (Some(fixtures), Some(_)) = (shared_data("pcap-fixtures"), shared_data("torpcaps")) else { return };
    let root = fixtures.parent().unwrap();
    let expected: Value = serde_json::from_str(&fs::read_to_string(VECTORS).unwrap()).unwrap();
    let captures = expected["captures"].as_object().unwrap();
    assert_eq!(captures.len(), 40);
    let mut differing = Vec::new();
    for (name, expected) in captures {
        let path = root.join(name);
        let port = &expected["server_port"];
        for (layer, key) in [(Layer::Frame, "frame"), (Layer::Ip, "ip"), (Layer::Tcp, "tcp")] {
            let found = summary(&trace(&path, layer, false, port));
            if found != expected[key] {
                differing.push(format!("{name} {key}: {found} here, tshark {}", expected[key]));
            }
        }
        let whole = trace(&path, Layer::Tcp, true, port);
        let found = json!({ "out_bytes": whole.out_bytes(), "in_bytes": whole.in_bytes() });
        if found != expected["reassembled"] {
            differing.push(format!("{name} reassembled: {found} here, tshark {}", expected["reassembled"]));
        }
    }
    println!("{}", differing.join("\n"));
    let names: Vec<&str> = differing.iter().map(|line| line.split(':').next().unwrap()).collect();
    let damaged = ["frame", "ip", "tcp", "reassembled"].map(|layer| format!("{DAMAGED} {layer}"));
    let copied = ["frame", "ip", "tcp"].map(|layer| format!("{COPIED} {layer}"));
    assert_eq!(names, [damaged.as_slice(), &copied].concat());
}
