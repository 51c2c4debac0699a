//! The capture files of the test suites of other packet readers, among them damaged and hostile ones.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::fs;
use std::path::Path;

use wfkit_capture::{FlowScope, ImportOptions, LabelSource, Records, import};
use wfkit_datasets::Layer;

use crate::shared::shared_data;

/// Reads a file to its end or the first error.
fn count(path: &Path) -> (u64, Option<String>) {
    let mut records = match Records::open(path) {
        Ok(records) => records,
        Err(error) => return (0, Some(error.to_string())),
    };
    let mut packets = 0;
    loop {
        match records.next() {
            Ok(Some(_)) => packets += 1,
            Ok(None) => return (packets, None),
            Err(error) => return (packets, Some(error.to_string())),
        }
    }
}

#[test]
fn packet_counts_agree_with_the_reference_reader() {
    let Some(folder) = shared_data("pcap-fixtures") else { return };
    let index = fs::read_to_string(folder.join("FIXTURES.tsv")).unwrap();
    let mut differing = Vec::new();
    let (mut files, mut agreeing, mut not_counted) = (0, 0, 0);
    for line in index.lines() {
        let mut columns = line.split('\t');
        let (path, facts, refusal) = (columns.next().unwrap(), columns.next().unwrap(), columns.next().unwrap());
        let (packets, error) = count(&folder.join(path));
        files += 1;
        match facts.split(',').nth(5).and_then(|packets| packets.parse::<u64>().ok()) {
            Some(expected) if expected == packets => agreeing += 1,
            Some(expected) => differing.push(format!("{path}: {packets} packets, {expected} expected ({error:?})")),
            None => {
                not_counted += 1;
                println!("{path}: {packets} packets ({error:?}); the reference: {refusal:.200}");
            }
        }
    }
    println!("{files} files: {agreeing} agree, {} differ, {not_counted} the reference does not count", differing.len());
    assert_eq!(differing, Vec::<String>::new());
    assert_eq!((files, agreeing, not_counted), (1037, 1013, 24));
}

#[test]
fn an_import_of_all_of_them_counts_every_packet() {
    let Some(folder) = shared_data("pcap-fixtures") else { return };
    // Each file its own class, whatever it is called.
    let labels = LabelSource::Pattern("^(?<class>.*)$".parse().unwrap());
    for layer in [Layer::Frame, Layer::Ip, Layer::Tcp] {
        let options =
            ImportOptions { layer, labels: labels.clone(), flows: FlowScope::All, ..ImportOptions::default() };
        let import = import(std::slice::from_ref(&folder), &options, &|_, _| {}).unwrap();
        let stats = &import.stats;
        assert_eq!(stats.packets, stats.kept + stats.dropped.values().sum::<u64>());
        assert_eq!(stats.files, stats.traces + stats.dropped_traces.values().sum::<u64>());
        assert_eq!((stats.traces, stats.kept), (import.set.len() as u64, import.set.packets() as u64));
        println!("{layer:?}: {} traces, {:?}", stats.traces, stats.dropped_traces);
        println!(
            "{} packets, {} kept, {:?}; {:?}; {:?}",
            stats.packets, stats.kept, stats.dropped, stats.warnings, stats.client_rules
        );
    }
}
