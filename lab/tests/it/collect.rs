//! Sets that are really recorded.

use std::collections::HashMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use wfkit_capture::Records;
use wfkit_lab::pages::{PagesConfig, Site};
use wfkit_lab::secretstroll::Map;
use wfkit_lab::{NetworkConfig, Node, Row};

use crate::program::{LAB, can_run, has_chromium, lab, text};

pub(crate) fn rows(set: &Path) -> Vec<Row> {
    let Ok(text) = fs::read_to_string(set.join("manifest.csv")) else { return Vec::new() };
    let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
    csv::Reader::from_reader(whole.as_bytes()).into_deserialize().map(Result::unwrap).collect()
}

pub(crate) fn start(folder: &Path) -> Child {
    let mut command = Command::new(LAB);
    command.arg("collect").arg(folder.join("plan.toml")).arg("--out").arg(folder.join("set")).env("TMPDIR", folder);
    let said = fs::OpenOptions::new().create(true).append(true).open(folder.join("said")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap()
}

pub(crate) fn said(folder: &Path) -> String {
    fs::read_to_string(folder.join("said")).unwrap()
}

pub(crate) fn look_at(path: &Path, row: &Row, client: Ipv4Addr, guard: Ipv4Addr, port: u16) {
    assert_eq!(row.dropped, 0);
    assert_eq!(packets_of_pair(path, client, guard, port), (row.packets, Some(row.start_ns)));
}

/// How many packets a capture has, all of the two, and when the first came.
fn packets_of_pair(path: &Path, client: Ipv4Addr, guard: Ipv4Addr, port: u16) -> (u64, Option<i64>) {
    let (packets, start_ns, _) = pair_in(path, client, guard, port);
    (packets, start_ns)
}

/// The same, and bytes of TCP payload, both ways, each once: on a busy machine TCP sends much again.
pub(crate) fn pair_in(path: &Path, client: Ipv4Addr, guard: Ipv4Addr, port: u16) -> (u64, Option<i64>, u64) {
    let mut records = Records::open(path).unwrap();
    let (mut packets, mut sent, mut got, mut start_ns) = (0, 0, 0, None);
    // Of every connection and direction: its first sequence number, and the range around it that was seen.
    let mut streams: HashMap<[u16; 2], (u32, i32, i32)> = HashMap::new();
    while let Some(record) = records.next().unwrap() {
        let ip = &record.data[14..];
        let ends = [&ip[12..16], &ip[16..20]].map(|at| Ipv4Addr::new(at[0], at[1], at[2], at[3]));
        let ports = [&ip[20..22], &ip[22..24]].map(|at| u16::from_be_bytes([at[0], at[1]]));
        assert_eq!(ip[9], 6, "only TCP");
        match (ends, ports) {
            (ends, [_, to]) if ends == [client, guard] && to == port => sent += 1,
            (ends, [from, _]) if ends == [guard, client] && from == port => got += 1,
            other => panic!("{}: {other:?}", path.display()),
        }
        assert!(client == guard || record.orig_len <= 1514, "what a wire carries; loopback carries more");
        start_ns = start_ns.or(record.time_ns);
        let total = u64::from(u16::from_be_bytes([ip[2], ip[3]]));
        let payload = total - 20 - u64::from(ip[20 + 12] >> 4) * 4;
        packets += 1;
        let sequence = u32::from_be_bytes(ip[24..28].try_into().unwrap());
        let (first, low, high) = streams.entry(ports).or_insert((sequence, 0, 0));
        let at = sequence.wrapping_sub(*first) as i32;
        if payload > 0 {
            (*low, *high) = (at.min(*low), (at + payload as i32).max(*high));
        }
    }
    assert!(sent > 5 && got > 5);
    let payload = streams.values().map(|(_, low, high)| (high - low) as u64).sum();
    (packets, start_ns, payload)
}

/// Without Tor the peer is the server, and what drifts from session to session can be told from the outside: the delay of links by the
/// time of requests, points that close and open by their number.
#[test]
fn direct_queries_drift_as_the_plan_says() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let set = folder.join("set");
    let plan = folder.join("plan.toml");
    let text_of_plan = "classes = [7, 8, 9]\nreps = 1\nsessions = 2\nroute = \"direct\"\n[network]\nrelays = 3\nclients = 2\njitter = 2\n\
                        loss = 0.002\n[drift]\ndatabase = 0.5\nnoise = [0, 1]\ndelay = [0, 10]\n";
    fs::write(&plan, text_of_plan).unwrap();
    let output = lab(folder, &["collect", plan.to_str().unwrap(), "--out", set.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("1 clients made"), "{}", text(&output));
    let nodes = NetworkConfig { clients: 2, relays: 3, ..NetworkConfig::default() }.nodes().unwrap();
    let address = |name: &str| nodes.iter().find(|node: &&Node| node.name == name).unwrap().address;
    let rows = rows(&set);
    assert_eq!(rows.len(), 6);
    let first = Map::synthetic(0);
    let mut changed = 0;
    for row in &rows {
        assert_eq!((row.guard.as_str(), row.circuit_seconds, row.client.as_str()), ("service0", 0.0, "client0"));
        look_at(&set.join(&row.path), row, address("client0"), address("service0"), 8080);
        let (map, noise, delay_ms) =
            if row.session == "s0" { (first.clone(), 0, 0.0) } else { (first.later(1, 0.5, 0), 1, 10.0) };
        assert_eq!((row.database, row.noise, row.delay_ms), (map.differs_from(&first), noise, delay_ms));
        let class = row.class.parse().unwrap();
        assert_eq!(row.requests as usize, 1 + map.cell(class).len(), "{row:?}");
        changed += usize::from(map.cell(class).len() != first.cell(class).len());
        // Two links, there and back; once for the connection and once for the request.
        assert!(row.seconds >= f64::from(row.requests) * 2.0 * 4.0 * delay_ms / 1000.0, "{row:?}");
    }
    assert!(changed > 0, "the drift of this seed changes how many points one of the cells has");
}

#[test]
fn plans_are_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    let refused = |content: &str| {
        fs::write(&plan, content).unwrap();
        let out = folder.path().join("set");
        let output = lab(folder.path(), &["collect", plan.to_str().unwrap(), "--out", out.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(!out.exists());
        text(&output)
    };
    assert!(refused("reps = 0").contains("reps = 0"));
    assert!(refused("[defence]\ncount = 2").contains("count = 2: a cell has"));
}

/// Pages through Tor: the document and all it refers to, over one circuit, and pages of the background once; each also as the guard and
/// the application see it.
#[test]
fn pages_are_loaded_and_recorded() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let set = folder.join("set");
    let plan = "workload = \"pages\"\nclasses = 2\nreps = 2\nunmonitored = 3\nseed = 1\nvantages = [\"guard\", \"socks\"]\nnoise = 1\nnetwork.relays = 4\nnetwork.clients = 4\n";
    fs::write(folder.join("plan.toml"), plan).unwrap();
    assert!(start(folder).wait().unwrap().success(), "{}", said(folder));
    let rows = rows(&set);
    assert!(rows.iter().all(|row| row.client != "client3"), "it only makes noise");
    let mut classes: Vec<_> = rows.iter().map(|row| row.class.as_str()).collect();
    classes.sort_unstable();
    assert_eq!(classes, ["1", "1", "2", "2", "3", "4", "5"]);
    let site = Site::new(1, PagesConfig::default().scale);
    let nodes = NetworkConfig { clients: 4, relays: 4, ..NetworkConfig::default() }.nodes().unwrap();
    let address = |name: &str| nodes.iter().find(|node: &&Node| node.name == name).unwrap().address;
    for row in &rows {
        let page = site.page(row.class.parse().unwrap());
        let least = 1 + page.resources.len() as u32;
        assert!((least..=least + page.slots).contains(&row.requests), "{row:?}, {page:?}");
        let (client, guard) = (address(&row.client), address(&row.guard));
        look_at(&set.join(&row.path), row, client, guard, 9001);
        packets_of_pair(&set.join("guard").join(&row.path), client, guard, 9001);
        packets_of_pair(&set.join("socks").join(&row.path), Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, 9050);
    }
    let labels = |name: &str| fs::read_to_string(set.join(name).join("manifest.csv")).unwrap();
    assert_eq!((labels("guard").lines().count(), labels("guard")), (1 + rows.len(), labels("socks")));
}

/// Pages that Chromium loads: the same requests as the program's own, and nobody but the guard is on the client's link meanwhile (a recording
/// with anybody else on it would be made again), nobody but the server behind the exit.
#[test]
fn a_browser_loads_pages_and_asks_nobody_else() {
    if !can_run() || !has_chromium() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let set = folder.join("set");
    let plan = "workload = \"pages\"\nclasses = 2\nreps = 1\nseed = 1\nroute = \"exit\"\nvantages = [\"exit\"]\nnetwork.relays = 3\nnetwork.clients = 1\n";
    let file = folder.join("plan.toml");
    fs::write(&file, plan).unwrap();
    let output = lab(folder, &["collect", file.to_str().unwrap(), "--browser", "--out", set.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    let nodes = NetworkConfig { clients: 1, relays: 3, ..NetworkConfig::default() }.nodes().unwrap();
    let address = |name: &str| nodes.iter().find(|node: &&Node| node.name == name).unwrap().address;
    let site = Site::new(1, PagesConfig::default().scale);
    let rows = rows(&set);
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let page = site.page(row.class.parse().unwrap());
        let least = 1 + page.resources.len() as u32;
        assert!((least..=least + page.slots).contains(&row.requests), "{row:?}, {page:?}");
        look_at(&set.join(&row.path), row, address("client0"), address(&row.guard), 9001);
        let (_, _, there) = pair_in(&set.join("exit").join(&row.path), address("exit0"), address("service0"), 8080);
        assert!(there > row.answer_bytes, "{there} for {row:?}");
    }
}

/// Pages out of an exit, over HTTP/2: the exit's link shows the same load without Tor's cells, and without what a second application of the client
/// loads meanwhile, which the client's own link has, too.
#[test]
fn pages_behind_an_exit_are_seen_there_too() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let set = folder.join("set");
    let plan = "workload = \"pages\"\nclasses = 2\nreps = 1\nseed = 1\nroute = \"exit\"\nvantages = [\"exit\"]\nbeside = 0.5\npages.http = 2\nnetwork.relays = 3\nnetwork.clients = 1\n";
    let file = folder.join("plan.toml");
    fs::write(&file, plan).unwrap();
    let output = lab(folder, &["collect", file.to_str().unwrap(), "--out", set.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("second applications of clients loaded") && !said.contains("loaded 0 pages"), "{said}");
    let nodes = NetworkConfig { clients: 1, relays: 3, ..NetworkConfig::default() }.nodes().unwrap();
    let address = |name: &str| nodes.iter().find(|node: &&Node| node.name == name).unwrap().address;
    let rows = rows(&set);
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert!(row.guard.starts_with("relay"), "{row:?}");
        look_at(&set.join(&row.path), row, address("client0"), address(&row.guard), 9001);
        let (_, _, there) = pair_in(&set.join("exit").join(&row.path), address("exit0"), address("service0"), 8080);
        let (_, _, here) = pair_in(&set.join(&row.path), address("client0"), address(&row.guard), 9001);
        assert!(
            there > row.answer_bytes && here > there,
            "cells are longer than what they carry: {here} and {there} for {row:?}"
        );
    }
}

/// Chats over Tor: whatever is asked twice has one origin, in the manifest and in those of other vantage points.
#[test]
fn chats_are_recorded_with_the_question_they_are_about() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let set = folder.join("set");
    let plan = "workload = \"chat\"\nclasses = 2\nreps = 3\nunmonitored = 1\nvantages = [\"guard\"]\nchat.prompts = 2\nchat.scale = 0.05\n\
                defence.padding = 256\nnetwork.relays = 3\nnetwork.clients = 2\n";
    fs::write(folder.join("plan.toml"), plan).unwrap();
    assert!(start(folder).wait().unwrap().success(), "{}", said(folder));
    let nodes = NetworkConfig { clients: 2, relays: 3, ..NetworkConfig::default() }.nodes().unwrap();
    let address = |name: &str| nodes.iter().find(|node: &&Node| node.name == name).unwrap().address;
    let rows = rows(&set);
    let mut origins: Vec<_> =
        rows.iter().map(|row| (row.class.as_str(), row.rep, row.origin.as_deref().unwrap())).collect();
    origins.sort_unstable();
    let expected = [("1", 0, 0), ("1", 1, 1), ("1", 2, 0), ("2", 0, 0), ("2", 1, 1), ("2", 2, 0), ("3", 0, 0)];
    let expected: Vec<_> = expected
        .iter()
        .map(|(class, rep, question)| (*class, *rep, format!("topic {class} question {question}")))
        .collect();
    let expected: Vec<_> = expected.iter().map(|(class, rep, origin)| (*class, *rep, origin.as_str())).collect();
    assert_eq!(origins, expected);
    let there = fs::read_to_string(set.join("guard/manifest.csv")).unwrap();
    for row in &rows {
        assert_eq!((row.requests, row.answer_bytes % 256), (1, 0), "{row:?}");
        look_at(&set.join(&row.path), row, address(&row.client), address(&row.guard), 9001);
        packets_of_pair(&set.join("guard").join(&row.path), address(&row.client), address(&row.guard), 9001);
        let origin = row.origin.as_deref().unwrap();
        let label = format!("{},{},{},{},{origin}", row.path, row.class, row.rep, row.session);
        assert!(there.lines().any(|line| line == label), "{label} in\n{there}");
    }
}
