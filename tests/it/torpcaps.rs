//! Real captures of queries through a private Tor network.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use wfkit_capture::{Import, ImportOptions, import};
use wfkit_datasets::Layer;

use crate::shared::shared_data;

/// A row of the manifest that came with the captures.
struct Row {
    class: String,
    rep: i64,
    session: String,
    start_s: f64,
    seconds: f64,
    packets: u64,
    reply_bytes: u64,
}

fn manifest(text: &str) -> BTreeMap<String, Row> {
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "path,class,rep,session,guard,start_unix,seconds,n_poi,reply_bytes,packets,kernel_drops"
    );
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let row = Row {
            class: fields[1].to_owned(),
            rep: fields[2].parse().unwrap(),
            session: fields[3].to_owned(),
            start_s: fields[5].parse().unwrap(),
            seconds: fields[6].parse().unwrap(),
            packets: fields[9].parse().unwrap(),
            reply_bytes: fields[8].parse().unwrap(),
        };
        (fields[0].to_owned(), row)
    };
    lines.map(row).collect()
}

#[test]
fn every_capture_becomes_a_trace_as_its_manifest_says() {
    let Some(folder) = shared_data("torpcaps") else { return };
    let rows = manifest(&fs::read_to_string(folder.join("manifest.csv")).unwrap());
    let begin = Instant::now();
    let Import { set, stats } = import(&[folder], &ImportOptions::default(), &|_, _| {}).unwrap();
    println!(
        "{} files in {:.2?}: {:?}",
        stats.files,
        begin.elapsed(),
        (&stats.dropped, &stats.warnings, &stats.client_rules)
    );

    assert_eq!((stats.files, stats.traces, set.len(), rows.len()), (3228, 3228, 3228, 3228));
    assert_eq!(set.classes().len(), 100);
    assert_eq!(stats.problems, Vec::<String>::new());
    assert_eq!(stats.labels, BTreeMap::from([("manifest.csv".to_owned(), 3228)]));
    assert_eq!(stats.client_rules, BTreeMap::from([("port".to_owned(), 3228)]));
    // Sent again are last segments of a reply whose acknowledgement took long (tail loss probes).
    let dropped = [("no payload".to_owned(), 207_213), ("retransmitted".to_owned(), 65)];
    assert_eq!(stats.dropped, BTreeMap::from(dropped));
    assert_eq!(stats.packets, stats.kept + stats.dropped.values().sum::<u64>());

    let mut beginning_with_incoming = 0;
    for labelled in set.traces() {
        let key = &labelled.key;
        let file = format!("cell_{}_rep_{}.pcap", key.class, key.rep);
        let row = &rows[&file];
        assert_eq!((&key.class, key.rep, key.session.as_ref()), (&row.class, row.rep, Some(&row.session)));
        let trace = &labelled.trace;
        // The capture begins some ms before the query and ends 0.25 s after the reply.
        let after_start_s = labelled.start_ns.unwrap() as f64 / 1e9 - row.start_s;
        assert!((-0.05..0.5).contains(&after_start_s), "{file}: starts {after_start_s} s after the query");
        let seconds = trace.duration_ns() as f64 / 1e9;
        assert!((seconds - row.seconds).abs() < 0.5, "{file}: {seconds} s, the query took {} s", row.seconds);
        beginning_with_incoming += usize::from(trace.size()[0] < 0);
        assert!(trace.in_bytes() > row.reply_bytes, "{file}: {} bytes of {} came", trace.in_bytes(), row.reply_bytes);
    }
    // A query begins with an upload; in four captures a late cell of the query before comes first.
    assert_eq!(beginning_with_incoming, 4);
    for file in &stats.by_file {
        assert_eq!(file.packets, rows[&file.file].packets, "{}", file.file);
    }
}

/// The TLS records of this data are written by Tor, which fills each with whole cells.
#[test]
fn every_record_is_a_whole_number_of_cells() {
    let Some(folder) = shared_data("torpcaps") else { return };
    let options = ImportOptions { layer: Layer::Cell, ..ImportOptions::default() };
    let Import { set, stats } = import(&[folder], &options, &|_, _| {}).unwrap();
    assert_eq!((stats.traces, set.packets()), (3228, 436_852));
    let found = [
        ("TLS record", 296_268),
        ("TLS record estimated", 181), // behind the 44 bytes of payload that were captured of their segments
        ("cell", 436_852),
        ("record of application data", 296_087),
        ("record of whole cells", 296_087),
        ("segment retransmitted", 65),
    ];
    assert_eq!(stats.streams, found.map(|(what, n)| (what.to_owned(), n)).into());
    assert!(set.traces().iter().all(|labelled| labelled.trace.size().iter().all(|size| size.abs() == 514)));
}

#[test]
fn outgoing_is_what_goes_to_the_port_of_the_guard() {
    let Some(folder) = shared_data("torpcaps") else { return };
    let by_itself = import(std::slice::from_ref(&folder), &ImportOptions::default(), &|_, _| {}).unwrap();
    let told = ImportOptions { client: "port:9001".parse().unwrap(), ..ImportOptions::default() };
    let told = import(&[folder], &told, &|_, _| {}).unwrap();
    assert_eq!(by_itself.set, told.set);
    assert_eq!(told.stats.client_rules, BTreeMap::from([("given port".to_owned(), 3228)]));
}
