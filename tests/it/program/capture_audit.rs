//! `wfkit capture audit`, on handshakes recorded with OpenSSL and rustls; tshark says which packet has what.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::support::{Folder, Ran};
use crate::shared::shared_data;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("capture/tests/fixtures/tls")
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn audit(name: &str) -> Value {
    let path = fixtures().join(name);
    document(&Folder::new().wfkit(&format!("capture audit {} --format json", path.display())).succeeds())
}

/// The packets of the handshake messages of a TCP stream by what wfkit calls them, as tshark lists them.
type Packets = BTreeMap<&'static str, Value>;

/// By file and TCP stream.
fn by_tshark() -> BTreeMap<(String, u64), Packets> {
    let mut all: BTreeMap<(String, u64), Packets> = BTreeMap::new();
    let text = fs::read_to_string(fixtures().join("expected.tsv")).unwrap();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, packet, stream, port, messages, records, _suite] = columns[..] else { panic!("{line}") };
        let found = all.entry((file.to_owned(), stream.parse().unwrap())).or_default();
        let mut see = |name| {
            found.entry(name).or_insert_with(|| packet.parse::<u64>().unwrap().into());
        };
        let by_server = port.starts_with("443");
        for message in messages.split(',') {
            match message {
                "1" => see("client_hello"),
                "11" => see("certificate"),
                "12" => see("server_key_exchange"),
                "16" => see("client_key_exchange"),
                "2" => see("server_hello"),
                _ => {}
            }
        }
        if records.split(',').any(|record| record == "20") {
            see(if by_server { "server_change_cipher_spec" } else { "client_change_cipher_spec" });
        }
    }
    all
}

#[test]
fn every_packet_number_is_tsharks() {
    let expected = by_tshark();
    assert!(expected.len() >= 7);
    for ((file, stream), packets) in expected {
        let audit = audit(&file);
        let found = &audit["connections"][stream as usize]["packets"];
        for name in [
            "client_hello",
            "server_hello",
            "certificate",
            "server_key_exchange",
            "client_key_exchange",
            "client_change_cipher_spec",
            "server_change_cipher_spec",
        ] {
            // tshark counts the HelloRetryRequest as a ServerHello.
            let name_here = match (name, found["hello_retry_request"].is_u64()) {
                ("server_hello", true) => "hello_retry_request",
                _ => name,
            };
            match packets.get(name) {
                Some(packet) => assert_eq!(&found[name_here], packet, "{file}, connection {stream}: {name}"),
                None => assert!(found[name].is_string(), "{file}, connection {stream}: {name}"),
            }
        }
    }
}

#[test]
fn dhe_dss_is_taken_apart_and_weak() {
    let audit = audit("tls12-dhe-dss.pcap");
    let connection = &audit["connections"][0];
    assert_eq!(connection["version"], "TLS 1.2");
    let suite = json!({
        "name": "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256",
        "id": "0x00a2",
        "key_exchange": "DHE",
        "authentication": "DSS",
        "cipher": "AES-128-GCM",
        "hash": "SHA-256",
    });
    assert_eq!(connection["cipher_suite"], suite);
    assert_eq!((&connection["group"], &connection["verdict"]), (&"prime of 2048 bits".into(), &"weak".into()));
    assert_eq!(connection["reasons"][0]["source"], "RFC 10015");
}

#[test]
fn verdicts_name_their_sources() {
    let verdict = |name: &str| {
        let audit = audit(name);
        let connection = &audit["connections"][0];
        let reason = &connection["reasons"][0]["source"];
        let texts =
            [&connection["version"], &connection["verdict"], reason].map(|v| v.as_str().unwrap_or("").to_owned());
        texts.join(", ")
    };
    assert_eq!(verdict("tls10-ecdhe.pcap"), "TLS 1.0, weak, RFC 8996");
    assert_eq!(verdict("tls12-rsa-cbc.pcap"), "TLS 1.2, weak, RFC 10015");
    assert_eq!(verdict("tls12-fragmented.pcap"), "TLS 1.2, fine, ");
    assert_eq!(verdict("tls13-retry.pcap"), "TLS 1.3, fine, ");
}

#[test]
fn tls_1_3_hides_the_certificate_and_resumption_sends_none() {
    let retry = audit("tls13-retry.pcap");
    let packets = &retry["connections"][0]["packets"];
    assert_eq!((&packets["certificate"], &packets["hello_retry_request"]), (&"encrypted".into(), &6.into()));
    assert_eq!(retry["connections"][0]["group"], "secp384r1");
    let resumed = audit("tls12-resumed.pcap");
    assert_eq!(resumed["connections"][1]["packets"]["certificate"], "not sent");
    assert_eq!(resumed["connections"][1]["packets"]["client_key_exchange"], "not sent");
}

#[test]
fn a_capture_that_starts_midway_is_not_guessed_at() {
    let folder = Folder::new();
    let whole = fs::read(fixtures().join("tls12-dhe-dss.pcap")).unwrap();
    // Without its first packets: 7 takes the hellos away.
    let mut at = 24;
    for _ in 0..7 {
        at += 16 + u32::from_le_bytes(whole[at + 8..at + 12].try_into().unwrap()) as usize;
    }
    folder.write("midway.pcap", [&whole[..24], &whole[at..]].concat());
    let json = document(&folder.wfkit("capture audit midway.pcap --format json").succeeds());
    let connection = &json["connections"][0];
    assert!(connection["packets"].as_object().unwrap().values().all(|sighting| sighting == "not seen"), "{connection}");
    for field in ["version", "cipher_suite", "group", "verdict"] {
        assert_eq!(connection[field], "not seen", "{field}");
    }
    let text = folder.wfkit("capture audit midway.pcap").succeeds().stdout;
    assert!(text.contains("the capture starts after it"), "{text}");
}

#[test]
fn files_that_cannot_be_audited_are_refused_with_the_reason() {
    let folder = Folder::new();
    folder.write("text.pcap", "no capture");
    folder.write("empty.pcap", "");
    assert!(folder.wfkit("capture audit text.pcap").fails().contains("text.pcap: neither pcap nor pcapng"));
    assert!(folder.wfkit("capture audit empty.pcap").fails().contains("empty.pcap: the file is empty"));
    let whole = fs::read(fixtures().join("tls12-dhe-dss.pcap")).unwrap();
    folder.write("cut.pcap", &whole[..whole.len() - 10]);
    let ran = folder.wfkit("capture audit cut.pcap").succeeds();
    assert!(ran.stderr.contains("warning: cut.pcap: record") && ran.stdout.contains("DHE_DSS"), "{ran:?}");
    folder.wfkit("capture audit").shows_wrong_usage();
}

#[test]
fn captures_of_tor_show_records_and_no_handshake() {
    let Some(captures) = shared_data("torpcaps") else { return };
    let folder = Folder::new();
    for rep in 0..5 {
        let path = captures.join(format!("cell_1_rep_{rep}.pcap"));
        let json = document(&folder.wfkit(&format!("capture audit {} --format json", path.display())).succeeds());
        assert_eq!(
            (json["connections"].as_array().unwrap().len(), &json["connections"][0]["verdict"]),
            (1, &"not seen".into())
        );
    }
}
