//! `wfkit capture info`: what is in capture files.

use std::fs;

use serde_json::Value;
use wfkit_datasets::sample;

use super::support::{Folder, Ran};
use crate::shared::shared_data;

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[test]
fn one_file_is_told_about_as_table_and_json() {
    let folder = Folder::new();
    folder.captures("c", &[17], 3..4);
    let text = folder.wfkit("capture info c/cell_17_rep_3.pcap").succeeds().stdout;
    for part in ["pcap, microseconds", "101 (raw IP)", "96", "client told by", "not in it: no payload"] {
        assert!(text.contains(part), "{part} not in\n{text}");
    }
    let json = document(&folder.wfkit("capture info c/cell_17_rep_3.pcap --format json").succeeds());
    let file = &json["files"][0];
    assert_eq!((&json["stage"], &json["totals"]["files"]), (&"capture info".into(), &1.into()));
    assert_eq!((&file["file"], &file["snap_len"]), (&"c/cell_17_rep_3.pcap".into(), &"96".into()));
    let left_out: u64 = file["left_out"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(file["packets"].as_u64().unwrap(), file["trace_packets"].as_u64().unwrap() + left_out);
}

#[test]
fn the_trace_that_is_promised_is_the_one_that_is_imported() {
    let folder = Folder::new();
    folder.captures("c", &[17, 95], 0..3);
    folder.wfkit("capture import c --out t.parquet").succeeds();
    let set = folder.traces("t.parquet").set;
    let files = folder.files("c").into_iter().map(|name| format!("c/{name}")).collect::<Vec<_>>();
    let json = document(&folder.wfkit(&format!("capture info {} --format json", files.join(" "))).succeeds());
    let promised: u64 = json["files"].as_array().unwrap().iter().map(|f| f["trace_packets"].as_u64().unwrap()).sum();
    assert_eq!(promised, set.packets() as u64);
    assert_eq!(json["totals"]["files"], 6);
}

#[test]
fn a_bad_file_does_not_keep_the_others_from_being_told_about() {
    let folder = Folder::new();
    folder.captures("c", &[17], 3..4);
    folder.write("text.pcap", "no capture");
    folder.write("empty.pcap", "");
    folder.write("cut.pcap", &folder.bytes("c/cell_17_rep_3.pcap")[..3000]);
    let files = "text.pcap c/cell_17_rep_3.pcap empty.pcap cut.pcap missing.pcap";
    let ran = folder.wfkit(&format!("capture info {files}"));
    assert!(ran.stderr.contains("error: 3 of 5 capture files cannot be read"), "{ran:?}");
    for part in
        ["text.pcap: neither pcap nor pcapng", "empty.pcap: the file is empty", "missing.pcap: cannot be opened"]
    {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    let ran = folder.wfkit(&format!("capture info {files} --format json"));
    let json = document(&ran);
    assert_eq!(json["totals"]["unreadable"], 3);
    assert_eq!(json["files"][0]["error"], "neither pcap nor pcapng");
    assert!(json["files"][1].get("error").is_none());
    let problem = json["files"][3]["problems"][0].as_str().unwrap();
    assert!(problem.starts_with("record 33: cut at byte 3000"), "{problem}");
}

#[test]
fn the_sample_shows_no_address() {
    let folder = Folder::new();
    let file = sample().join("cell_17_rep_3.pcap");
    for command in ["info", "audit"] {
        for format in ["text", "json"] {
            let ran = folder.wfkit(&format!("capture {command} {} --format {format}", file.display())).succeeds();
            for secret in ["198.18", "198.19", "9001"] {
                assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{secret}: {ran:?}");
            }
        }
    }
}

#[test]
fn packets_are_those_of_the_reference_reader() {
    let Some(fixtures) = shared_data("pcap-fixtures") else { return };
    let index = fs::read_to_string(fixtures.join("FIXTURES.tsv")).unwrap();
    let expected = index.lines().map(|line| {
        let mut columns = line.split('\t');
        let (path, facts) = (columns.next().unwrap(), columns.next().unwrap());
        (path, facts.split(',').nth(5).and_then(|packets| packets.parse::<u64>().ok()))
    });
    let expected: Vec<(&str, Option<u64>)> = expected.collect();
    let paths: Vec<String> = expected.iter().map(|(path, _)| fixtures.join(path).display().to_string()).collect();
    let folder = Folder::new();
    let json = document(&folder.wfkit(&format!("capture info {} --format json", paths.join(" "))));
    let mut agreeing = 0;
    for ((path, expected), file) in expected.iter().zip(json["files"].as_array().unwrap()) {
        let packets = file["packets"].as_u64().unwrap_or(0);
        assert!(expected.is_none_or(|expected| expected == packets), "{path}: {packets}, not {expected:?}");
        agreeing += u64::from(expected.is_some());
    }
    assert_eq!((expected.len(), agreeing), (1037, 1013));
}

#[test]
fn a_folder_has_its_total_first_and_a_line_a_file() {
    let folder = Folder::new();
    folder.write("c/nothing.pcap", "");
    folder.captures("c/below", &[17], 0..2);
    folder.write("c/notes.txt", "no capture");
    let ran = folder.wfkit_at(Some(80), "capture info c");
    let text = &ran.stdout;
    let lines: Vec<&str> = text.lines().collect();
    // In one line or in two, where there are 80 columns.
    let total = text.split("format:").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(total.starts_with("3 files, ") && total.contains("1 cannot be read"), "{text}");
    assert_eq!(text.matches("below/cell_17_rep_").count(), 2, "{text}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
    let row = lines.iter().find(|line| line.contains("cell_17_rep_0")).unwrap();
    assert_eq!(row.split_whitespace().count(), 6, "file, packets, bytes, seconds, cut, in trace: {row}");
    assert!(ran.stderr.contains("error: 1 of 3 capture files cannot be read"), "{ran:?}");

    folder.write("empty/readme", "");
    assert!(folder.wfkit("capture info empty").fails().contains("there is no capture in this folder"));
}
