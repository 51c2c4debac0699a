//! `wfkit defend verify`: for every invariant a violation planted in a defended set on disk, or in its manifest, is found and named.

use serde_json::{Value, json};
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, write_traces};

use super::support::Folder;

const MS: u64 = 1_000_000;
const FIRST: &str = "class a, rep 0";

type Packets = Vec<(u64, i32)>;

/// Where the violation is planted.
enum Plant {
    /// In the packets of the first trace.
    Packets(fn(&mut Packets)),
    /// In the file, read as a set.
    Set(fn(&TraceSet) -> TraceSet),
    /// In the file, written as CSV.
    Text(fn(&str) -> String),
    /// In the manifest.
    Manifest(fn(&mut Value)),
}

use Plant::{Manifest, Packets as InPackets, Set, Text};

/// The number, which part of it, how the set is defended, what is planted, and which trace is told (none where it is about the set).
type Case = (u8, &'static str, &'static str, Plant, Option<&'static str>);

const CASES: &[Case] = &[
    (1, "conservation", "jitter", InPackets(drop_packet), Some(FIRST)),
    // Padding has more bytes than are lost, so that only a second run shows it.
    (
        1,
        "conservation",
        "front,w-min=100ms,w-max=200ms",
        InPackets(|packets| packets.retain(|&packet| packet != (90 * MS, -700))),
        Some(FIRST),
    ),
    (2, "fifo", "hold:quantise", InPackets(|packets| swap_sizes(packets, 4, 5)), Some(FIRST)),
    (3, "no-time-travel", "hold:quantise", InPackets(|packets| packets[3].0 = 139 * MS), Some(FIRST)),
    (
        4,
        "causality",
        "jitter:uniform,max=40ms,delays=inferred",
        InPackets(|packets| packets[4].0 = 230 * MS),
        Some(FIRST),
    ),
    (5, "marks", "front,size=1B", InPackets(|packets| packets[1].1 *= 888), Some(FIRST)),
    (6, "schedule", "tamaraw", InPackets(|packets| packets[5].0 += 1), Some(FIRST)),
    (6, "times-untouched", "pad:multiple", InPackets(|packets| packets[5].0 += 1), Some(FIRST)),
    (6, "sizes-untouched", "jitter", InPackets(|packets| packets[5].1 -= 1), Some(FIRST)),
    (6, "no-padding", "jitter", InPackets(|packets| packets.insert(1, (1, 77))), Some(FIRST)),
    (7, "link-rate", "link,rate=100kbit/s", InPackets(|packets| packets[3].0 -= 1), Some(FIRST)),
    (8, "shape", "jitter", Text(|csv| with_last_time(csv, "0.001")), None),
    (8, "shape", "jitter", Text(|csv| with_last_time(csv, "NaN")), None),
    (9, "budget", "front,n-client=2,n-server=2", InPackets(|packets| add(packets, [(9, 514); 3])), Some(FIRST)),
    (10, "ends-with-data", "front", InPackets(|packets| packets.push((999_000 * MS, 514))), Some(FIRST)),
    (10, "end", "tamaraw", InPackets(|packets| packets.truncate(packets.len() - 1)), Some(FIRST)),
    // The bytes of another seed: in the file, or said by the manifest.
    (11, "determinism", "jitter", InPackets(|packets| packets[5].0 += 1), Some(FIRST)),
    (11, "determinism", "front,w-min=100ms,w-max=200ms", Manifest(|manifest| manifest["seed"] = json!(2)), Some(FIRST)),
    // The same traces in a file that is not the one that was written.
    (11, "determinism", "front", Set(with_another_source), None),
    (12, "identity", "front,n-client=0,n-server=0", InPackets(|packets| add(packets, [(9, 514)])), Some(FIRST)),
    (13, "composition", "jitter+pad:multiple", Manifest(|manifest| reverse(&mut manifest["layers"])), None),
    (13, "composition", "jitter", Manifest(|manifest| manifest["definition"] = json!("0123456789abcdef")), None),
    (14, "overheads", "front", Manifest(|manifest| manifest["cost"]["bandwidth"] = json!(0.01)), None),
    (14, "overheads", "front", Manifest(|manifest| manifest["packets"] = json!(24)), None),
    (15, "labels", "hold:quantise,tick=10s", Set(other_labels), Some(FIRST)),
    (15, "labels", "decoy", Manifest(|manifest| manifest["training"]["content"] = json!("0123456789abcdef")), None),
];

#[test]
fn a_planted_violation_of_each_invariant_is_found_and_named() {
    for (number, name, spec, plant, trace) in CASES {
        let invariant = format!("I{number} {name}");
        let case = format!("{invariant} under {spec}");
        let folder = Folder::new();
        let cells = *name == "marks";
        write_traces(&folder.path("traces.parquet"), &originals(cells)).unwrap();
        let out = if matches!(plant, Text(_)) { "d.csv" } else { "d.parquet" };
        let (fit, fitted) = match *spec {
            "decoy" => ("--fit-on self", "--fit-on traces.parquet"),
            _ => ("", ""),
        };
        folder.wfkit(&format!("defend traces.parquet --defence {spec} {fit} --attack totals --out {out}")).succeeds();
        let verify = format!("defend verify traces.parquet {out} {fitted}");
        let before = folder.wfkit(&verify).succeeds();
        assert!(!before.stdout.contains("not told by these files") || out == "d.csv", "{case}: {before:?}");

        plant_in(&folder, out, plant);
        let ran = folder.wfkit(&format!("{verify} --format json"));
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        let first = &found["broken"][0];
        assert_eq!((&found["passed"], &first["invariant"]), (&json!(false), &json!(invariant)), "{case}: {found:#}");
        assert_eq!(first["trace"].as_str(), *trace, "{case}: {found:#}");
        let text = folder.wfkit(&verify);
        let named =
            format!("{} breaks {invariant}: ", trace.map_or("the set".to_owned(), |trace| format!("({trace})")));
        assert!(text.stdout.contains(&named), "{case}: {text:?}");
        let error = text.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(error.contains(&named) && format!("{text:?}").contains("exit status Some(1)"), "{case}: {text:?}");
    }
    let numbers: std::collections::BTreeSet<u8> = CASES.iter().map(|case| case.0).collect();
    assert!(numbers.into_iter().eq(1..=15));
}

/// Which invariants files alone tell, and which they do not.
#[test]
fn without_a_manifest_it_is_said_what_cannot_be_told() {
    let folder = Folder::new();
    write_traces(&folder.path("traces.parquet"), &originals(false)).unwrap();
    folder.wfkit("defend traces.parquet --defence front --attack totals --out d.parquet").succeeds();
    std::fs::remove_file(folder.path("d.manifest.json")).unwrap();
    let ran = folder.wfkit("defend verify traces.parquet d.parquet --format json").succeeds();
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["tested"], json!(["I1 conservation", "I3 no-time-travel", "I5 marks", "I8 shape"]));
    let untestable = found["untestable"].as_array().unwrap();
    for invariant in ["I2 fifo", "I4 causality", "I9 budget", "I11 determinism", "I13 composition", "I15 labels"] {
        assert!(untestable.contains(&json!(invariant)), "{invariant}");
    }
    // With it, everything is told; what FRONT does not promise is not claimed to be tested.
    folder.wfkit("defend traces.parquet --defence front --attack totals --out d.parquet").succeeds();
    let ran = folder.wfkit("defend verify traces.parquet d.parquet --format json").succeeds();
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let all = ["tested", "not_promised", "untestable"].map(|list| found[list].as_array().unwrap().len());
    assert_eq!((all.iter().sum::<usize>(), all[2]), (22, 0));
    assert!(found["tested"].as_array().unwrap().contains(&json!("I9 budget")));
    assert!(found["not_promised"].as_array().unwrap().contains(&json!("I4 causality")));
}

/// What files alone show: each fault, how the set is defended, what is found (nothing: it cannot be seen, which is then said in these words).
#[test]
fn faults_in_files_without_a_manifest_are_found_or_said_to_be_unseen() {
    let normal = (90 * MS, -700);
    type Fault = (&'static str, fn(&mut Packets, (u64, i32)));
    let faults: [Fault; 6] = [
        ("dropped", |packets, normal| {
            packets.remove(packets.iter().position(|packet| *packet == normal).unwrap_or(2));
        }),
        ("sent twice", |packets, _| packets.insert(1, packets[1])),
        ("changed places", |packets, normal| {
            let at = packets.iter().position(|packet| *packet == normal).unwrap_or(2);
            let other =
                (at + 1..packets.len()).find(|&i| packets[i].1 < 0 && packets[i].1 != packets[at].1).unwrap_or(at + 1);
            swap_sizes(packets, at, other);
        }),
        ("other direction", |packets, normal| {
            let at = packets.iter().position(|packet| *packet == normal).unwrap_or(2);
            packets[at].1 *= -1;
        }),
        ("sooner", |packets, normal| {
            let at = packets.iter().position(|packet| *packet == normal).unwrap_or(2);
            packets[at].0 -= (packets[at].0 - packets[at - 1].0).min(1);
        }),
        ("cut off", |packets, _| packets.truncate(packets.len() - 1)),
    ];
    // FRONT leaves every packet alone, tamaraw none: its slots are all alike, so that the last of them is all that is missed.
    for (spec, unseen) in [
        ("front,w-min=100ms,w-max=200ms", &["sent twice"][..]),
        (
            "tamaraw:cell,rho-out=1ms,rho-in=1ms",
            &["dropped", "sent twice", "changed places", "other direction", "sooner", "cut off"],
        ),
    ] {
        let folder = Folder::new();
        write_traces(&folder.path("traces.parquet"), &originals(false)).unwrap();
        folder.wfkit(&format!("defend traces.parquet --defence {spec} --attack totals --out d.parquet")).succeeds();
        std::fs::remove_file(folder.path("d.manifest.json")).unwrap();
        let whole = folder.traces("d.parquet").set;
        let fine = folder.wfkit("defend verify traces.parquet d.parquet").succeeds();
        assert!(fine.stdout.contains("as far as these files can show"), "{fine:?}");
        for (fault, change) in faults {
            let mut traces = whole.traces().to_vec();
            let mut packets: Packets = traces[0].trace.packets().collect();
            change(&mut packets, normal);
            let (times, sizes) = packets.into_iter().unzip();
            traces[0].trace = Trace::new(times, sizes).unwrap();
            let set = TraceSet::new(traces, whole.provenance().clone()).unwrap();
            write_traces(&folder.path("f.parquet"), &set).unwrap();
            let ran = folder.wfkit("defend verify traces.parquet f.parquet --format json");
            let found: Value = serde_json::from_str(&ran.stdout).unwrap();
            if unseen.contains(&fault) {
                let said = found["cannot_show"].to_string();
                assert!(found["passed"] == true && said.contains(fault), "{fault} under {spec}: {found:#}");
            } else {
                assert_eq!(found["broken"][0]["trace"].as_str(), Some(FIRST), "{fault} under {spec}: {found:#}");
            }
        }
    }
}

/// Two requests and four responses, two of which come together, of two classes with the same bytes in another order.
fn originals(cells: bool) -> TraceSet {
    let one = |class: &str, rep: i64| {
        let times = [0, 90, 95, 140, 230, 231].map(|ms| ms * MS).to_vec();
        let size = match class {
            "a" => [400, -700, -800, 500, -900, -1000],
            _ => [400, -800, -700, 500, -1000, -900],
        };
        let size = size.map(|size: i32| size + rep as i32 * size.signum());
        let size = size.map(|size| if cells { size.signum() } else { size }).to_vec();
        let key = TraceKey { class: class.to_owned(), rep, session: None };
        LabelledTrace::new(key, Some(1_000 * MS as i64), Trace::new(times, size).unwrap())
    };
    let traces = vec![one("a", 0), one("a", 1), one("b", 0), one("b", 1)];
    TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
}

fn plant_in(folder: &Folder, out: &str, plant: &Plant) {
    match plant {
        Text(change) => folder.write(out, change(&folder.text(out))),
        Manifest(change) => {
            let mut manifest = serde_json::from_str(&folder.text("d.manifest.json")).unwrap();
            change(&mut manifest);
            folder.write("d.manifest.json", manifest.to_string());
        }
        Set(change) => write_traces(&folder.path(out), &change(&folder.traces(out).set)).unwrap(),
        InPackets(change) => {
            let set = folder.traces(out).set;
            let mut traces = set.traces().to_vec();
            let mut packets: Packets = traces[0].trace.packets().collect();
            change(&mut packets);
            let (times, sizes) = packets.into_iter().unzip();
            traces[0].trace = Trace::new(times, sizes).unwrap();
            write_traces(&folder.path(out), &TraceSet::new(traces, set.provenance().clone()).unwrap()).unwrap();
        }
    }
}

fn drop_packet(packets: &mut Packets) {
    packets.remove(2);
}

fn swap_sizes(packets: &mut Packets, a: usize, b: usize) {
    (packets[a].1, packets[b].1) = (packets[b].1, packets[a].1);
}

fn add<const N: usize>(packets: &mut Packets, more: [(u64, i32); N]) {
    packets.splice(1..1, more);
}

/// The CSV with another time in its last row.
fn with_last_time(csv: &str, time: &str) -> String {
    let (rest, _) = csv.trim_end().rsplit_once(',').unwrap();
    format!("{rest},{time}\n")
}

fn reverse(list: &mut Value) {
    list.as_array_mut().unwrap().reverse();
}

fn with_another_source(set: &TraceSet) -> TraceSet {
    let mut provenance = set.provenance().clone();
    provenance.sources.push("another.pcap".to_owned());
    TraceSet::new(set.traces().to_vec(), provenance).unwrap()
}

/// The traces of class b as those of class a, and the other way round.
fn other_labels(set: &TraceSet) -> TraceSet {
    let swapped = |labelled: &LabelledTrace| {
        let class = if labelled.key.class == "a" { "b" } else { "a" };
        LabelledTrace { key: TraceKey { class: class.to_owned(), ..labelled.key.clone() }, ..labelled.clone() }
    };
    TraceSet::new(set.traces().iter().map(swapped).collect(), set.provenance().clone()).unwrap()
}
