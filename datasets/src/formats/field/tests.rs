//! What is right for each format was written down before the readers were.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::formats::{TraceFormat, read_traces};

/// The folder of what the field has on disk.
fn cases() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/field-cases/formats"))
}

/// A page load of 40 cells, every fourth outgoing, 50 ms apart: the cases describe it in every format.
fn is_load(trace: &Trace, cells: usize, bytes: i32, timed: bool) -> bool {
    let size: Vec<i32> = (0..cells).map(|at| if at % 4 == 0 { bytes } else { -bytes }).collect();
    let time = |at: usize| if timed { at as u64 * 50_000_000 } else { 0 };
    trace.size() == size && trace.time_ns().iter().enumerate().all(|(at, &ns)| ns.abs_diff(time(at)) < 2_000)
}

#[test]
fn the_formats_of_the_field_are_read_with_their_signs_and_units() {
    let cases = cases();
    for (name, format, cells, bytes, timed, told) in [
        ("wang", FieldFormat::Wang, 40, 514, true, &[DIRECTIONS][..]),
        ("wangcell", FieldFormat::Cell, 40, 512, true, &[]),
        ("kfp", FieldFormat::Kfp, 40, 514, true, &[DIRECTIONS]),
        ("burst", FieldFormat::Bursts, 40, 512, false, &[NO_TIMES]),
        ("maybenot", FieldFormat::Maybenot, 40, 514, true, &[]),
        ("circpad", FieldFormat::Circpad, 40, 514, true, &[]),
        ("CW.npz", FieldFormat::Npz, 40, 514, true, &[DIRECTIONS]),
        ("X_train_NoDef.pkl", FieldFormat::Pickle, 40, 514, false, &[DIRECTIONS, NO_TIMES]),
    ] {
        let read = read_traces(&cases.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.format, TraceFormat::Field(format), "{name}");
        assert_eq!(read.set.len(), 9, "{name}");
        let keys: Vec<(&str, i64)> =
            read.set.traces().iter().map(|labelled| (&*labelled.key.class, labelled.key.rep)).collect();
        assert_eq!(keys[..4], [("0", 0), ("0", 1), ("0", 2), ("1", 0)], "{name}");
        for labelled in read.set.traces() {
            assert!(is_load(&labelled.trace, cells, bytes, timed), "{name}: {:?}", labelled.trace);
        }
        let layer = read.set.provenance().layer;
        assert_eq!(layer, if name == "burst" { Layer::Unknown } else { Layer::Cell }, "{name}");
        assert!(read.dropped.is_empty(), "{name}: {:?}", read.dropped);
        let expected: Vec<String> =
            told.iter().map(|what| format!("{}: 9 {what}", cases.join(name).display())).collect();
        assert_eq!(read.warnings, expected, "{name}");
    }
}

#[test]
fn sizes_of_texts_keep_their_sign_and_unit() {
    let cases = cases();
    let read = |name: &str| read_traces(&cases.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")).set;
    let packets = |set: &crate::TraceSet| set.traces()[0].trace.packets().collect::<Vec<_>>();
    let cumul = read("cumul.txt");
    assert_eq!(cumul.traces()[0].key.class, "https://example.org");
    assert_eq!(packets(&cumul), [(0, 600), (50_000_000, -1500)], "incoming is positive there");
    assert_eq!(cumul.traces()[0].start_ns, Some(1_700_000_000_000_000_000));
    let doh = read("doh.json");
    assert_eq!((&*doh.traces()[0].key.class, packets(&doh)), ("1", vec![(0, 100), (0, -300)]));
    let flows = read("nfstream.csv");
    assert_eq!((&*flows.traces()[0].key.class, packets(&flows)), ("TLS", vec![(0, 60), (12_000_000, -1500)]));
}

fn at(name: &str, content: &[u8]) -> Result<crate::formats::ReadTraces, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    read_traces(&path)
}

#[test]
fn what_is_wrong_is_named_with_its_row() {
    for (name, content, expected) in [
        (
            "3-1.cell",
            "0.0\t512\n0.1\t-512\n0.05\t512\n",
            "row 3, column packet: `0.05 512`: a time before the one above it",
        ),
        ("3-1", "0.0\t1\n0.1\tx\n", "row 2, column direction or size"),
        ("3-1", "0.0\t1\n0.1\t0\n", "row 2, column packet"),
        ("3-1.log", "0,s,514\n5,q,514\n", "row 2, column event: `q`"),
        ("shop", "0.0\t1\n0.1\t-1\n", "CLASS-REP"),
        ("flows.csv", "splt_direction,splt_ps,splt_piat_ms\n[0],[60],[0]\n", "application_name is missing"),
        ("3_1.txt", "[(0.0, 1), (nan, -1)]", "not a list of (seconds, direction) pairs"),
    ] {
        let error = at(name, content.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn a_number_alone_is_an_unmonitored_page() {
    let read = at("812.cell", b"0.5\t512\n0.6\t-512\n").unwrap();
    let labelled = &read.set.traces()[0];
    assert_eq!((&*labelled.key.class, labelled.key.rep, labelled.page.as_deref()), ("unmonitored", 812, Some("812")));
    assert_eq!(labelled.trace.time_ns(), [0, 100_000_000]);
    assert!(read.warnings[0].contains("pages that nobody watches"), "{:?}", read.warnings);
}

#[test]
fn json_lines_say_what_they_are() {
    let text = "{\"class\": \"a\", \"time\": [0.0, 0.5], \"size\": [600, -1448]}\n{\"class\": 7, \"rep\": 3, \"time_ns\": [5, 9], \"size\": [1, -1]}\n";
    let set = at("x.jsonl", text.as_bytes()).unwrap().set;
    let of = |row: usize| {
        let labelled = &set.traces()[row];
        (&*labelled.key.class, labelled.key.rep, labelled.trace.packets().collect::<Vec<_>>())
    };
    assert_eq!(of(0), ("7", 3, vec![(0, 1), (4, -1)]), "bytes are bytes, also where they are 1");
    assert_eq!(of(1), ("a", 0, vec![(0, 600), (500_000_000, -1448)]));
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "[-0-9a-z.,:\\[\\]() \"{}\t\n]{0,200}", name in "[a-z0-9]{1,3}-[0-9]{1,3}") {
        for start in ["", "[(", "0.0\t1\n", "0,s,5\n", "{\"class\":1,\"size\":", "a 1 2 0:1:2 ", "5 circpad_x\n", "512 512 512 512 "] {
            let _ = at(&name, format!("{start}{text}").as_bytes());
        }
    }
}

/// Traces of cells, whose classes may have separators of their own.
fn any_set() -> impl Strategy<Value = crate::TraceSet> {
    let trace = proptest::collection::vec((0..3_000_000_000u64, any::<bool>()), 1..20).prop_map(|packets| {
        let time_ns = packets.iter().scan(0, |now, (gap, _)| {
            *now += gap;
            Some(*now)
        });
        let mut time_ns: Vec<u64> = time_ns.collect();
        let first = time_ns[0];
        time_ns.iter_mut().for_each(|ns| *ns -= first);
        Trace::new(time_ns, packets.iter().map(|&(_, out)| if out { 514 } else { -514 }).collect()).unwrap()
    });
    let labelled = |(class, trace): (String, Trace)| (class, trace);
    proptest::collection::vec(("[a-c]{1,2}[-_.]?[a-c]{0,2}", trace).prop_map(labelled), 1..8).prop_map(|all| {
        let traces = (0..).zip(all).map(|(rep, (class, trace))| {
            let class = crate::canonical_class(&class).into_owned();
            LabelledTrace::new(crate::TraceKey { class, rep, session: None }, None, trace)
        });
        crate::TraceSet::new(traces.collect(), crate::Provenance::new(Layer::Cell, vec![])).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_is_written_is_read_back(set in any_set()) {
        for format in FieldFormat::WRITTEN {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x");
            write_field_traces(&path, &set, format, false).unwrap();
            let read = read_traces(&path).unwrap();
            prop_assert_eq!(read.format, TraceFormat::Field(format));
            let traces = |set: &crate::TraceSet| -> Vec<(String, Trace)> {
                set.traces().iter().map(|labelled| (labelled.key.class.clone(), labelled.trace.clone())).collect()
            };
            prop_assert_eq!(traces(&read.set), traces(&set), "{}", format.name());
            if format.is_folder() {
                let reps = |set: &crate::TraceSet| set.traces().iter().map(|labelled| labelled.key.rep).collect::<Vec<_>>();
                prop_assert_eq!(reps(&read.set), reps(&set));
                let error = write_field_traces(&path, &set, format, false).unwrap_err().to_string();
                prop_assert!(error.contains("is there already"), "{}", error);
            }
        }
    }
}

#[test]
fn sizes_are_not_lost_unasked() {
    let trace = Trace::new(vec![0, 5], vec![600, -1448]).unwrap();
    let key = |class: &str, rep| crate::TraceKey { class: class.into(), rep, session: None };
    let set = |class: &str| {
        let traces = vec![LabelledTrace::new(key(class, 1), Some(1_700_000_000_123_000_000), trace.clone())];
        crate::TraceSet::new(traces, crate::Provenance::new(Layer::Tcp, vec![])).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    for format in [FieldFormat::Wang, FieldFormat::Kfp, FieldFormat::Circpad] {
        let error = write_field_traces(&path, &set("a"), format, false).unwrap_err().to_string();
        assert!(error.contains("--lose-sizes") && !path.exists(), "{error}");
    }
    write_field_traces(&path, &set("a"), FieldFormat::Wang, true).unwrap();
    assert_eq!(std::fs::read_to_string(path.join("a-1")).unwrap(), "0\t1\n0.000000005\t-1\n");
    for (class, format) in [("a/b", FieldFormat::Cell), ("a b", FieldFormat::Cumul), ("..", FieldFormat::Maybenot)] {
        assert!(write_field_traces(&folder.path().join("y"), &set(class), format, false).is_err(), "{class}");
    }
    let cumul = folder.path().join("z");
    write_field_traces(&cumul, &set("a"), FieldFormat::Cumul, false).unwrap();
    assert_eq!(std::fs::read_to_string(&cumul).unwrap(), "a 1700000000123 2 0:-600 0.000005:1448\n");
    assert!(write_field_traces(&cumul, &set("a"), FieldFormat::Doh, false).unwrap_err().to_string().contains("are"));
}
