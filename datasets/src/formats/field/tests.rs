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
fn every_format_stands_in_the_tables_of_the_docs_with_sign_unit_and_what_is_lost() {
    let docs = |file: &str| std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (list, handbook) = (docs("README.md"), docs("../docs/src/reference/formats.md"));
    let (read, written) = handbook.split_once("| written |").unwrap();
    let cells = |table: &str, format: FieldFormat| -> Vec<Vec<String>> {
        let rows = table.lines().filter(|line| line.starts_with('|'));
        let rows = rows.map(|row| row.split('|').skip(1).map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
        rows.filter(|cells| cells[0].contains(&format!("`{}`", format.name()))).collect()
    };
    for format in FieldFormat::ALL {
        assert!(list.contains(&format!("| `{}` |", format.name())), "datasets/README.md lacks {}", format.name());
        let rows = cells(read, format);
        assert!(!rows.is_empty(), "the handbook lacks {}", format.name());
        // Name, sign, times, sizes, what is lost, and nothing behind the last bar.
        assert!(rows.iter().all(|row| row.len() == 6 && row[..5].iter().all(|cell| !cell.is_empty())), "{rows:?}");
    }
    for format in FieldFormat::WRITTEN {
        assert_eq!(cells(written, format).len(), 1, "the handbook does not say what {} loses", format.name());
    }
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
fn texts_in_another_encoding_are_the_same_traces() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("0-0", "0.0\t1\n0.1\t-1\n0.3\t-1\n"),
        ("0-1.jsonl", "{\"class\": \"a\", \"time\": [0, 0.1], \"size\": [5, -6]}\n"),
        ("1-0", "[(0.0, 1), (0.1, -1)]\n"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let plain = read_traces(&path).unwrap();
        for big_endian in [false, true] {
            let unit = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
            std::fs::write(&path, units.flat_map(unit).collect::<Vec<u8>>()).unwrap();
            let read = read_traces(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((read.set.traces(), read.format), (plain.set.traces(), plain.format), "{name}");
        }
        // Half of a character is no text.
        let mut cut = vec![0xff, 0xfe];
        cut.extend(text.encode_utf16().chain([0xd800]).flat_map(u16::to_le_bytes));
        std::fs::write(&path, cut).unwrap();
        assert!(read_traces(&path).unwrap_err().to_string().contains("not UTF-16, as which it begins"), "{name}");
    }
}

#[test]
fn a_column_that_is_meant_occurs_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "site,visit,site,t,len\na,1,x,0,5\n").unwrap();
    let map: ColumnMap = "class=site,rep=visit,time=t:s,size=len".parse().unwrap();
    let error = crate::formats::read_all_traces_by(&[path], &map, &wfkit_metrics::Silent).unwrap_err().to_string();
    assert!(error.contains("two columns are called site"), "{error}");
}

#[test]
fn a_class_has_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    for class in ["\"\"", "\" \"", "null", "[1]"] {
        std::fs::write(&path, format!("{{\"class\": {class}, \"time\": [0], \"size\": [5]}}\n")).unwrap();
        let error = read_traces(&path).unwrap_err().to_string();
        assert!(error.contains("row 1, column class") && error.contains("neither a name nor a number"), "{error}");
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
fn other_spellings_of_a_format_are_the_same_traces() {
    for (name, content, expected) in [
        ("3-1.log", "0,sn,\n5000000,rn,\n", vec![(0, 514), (5_000_000, -514)]),
        (
            "3-1.trace",
            "0000 connection_ap_handshake_send_begin\n10 circpad_cell_event_nonpadding_sent\n15 circpad_cell_event_padding_received\n",
            vec![(0, 514), (5, -514)],
        ),
        ("3_1.txt", "[\n(0.0, 1),\n(0.5, -1)\n]\n", vec![(0, 514), (500_000_000, -514)]),
        ("3_1.txt", " [ (0, 40), (1, -60) ]", vec![(0, 40), (1_000_000_000, -60)]),
        (
            "3_1.txt",
            "[(np.float64(0.0), np.int64(1)), (np.float64(0.5), np.int64(-1))]",
            vec![(0, 514), (500_000_000, -514)],
        ),
    ] {
        let read = at(name, content.as_bytes()).unwrap_or_else(|error| panic!("{content}: {error}"));
        assert_eq!(keys_and_packets(&read.set), [("3", 1, expected)], "{content}");
    }
    let error = at("3_1.txt", b"[(np.float64(x), 1)]").unwrap_err().to_string();
    assert!(error.contains("not a list of (seconds, direction) pairs"), "{error}");
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
        (
            "flows.csv",
            "splt_direction,splt_ps,splt_piat_ms\n[0],[60],[0]\n",
            "missing: class or label or APP or application_name",
        ),
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
        // F-BLEAU has no classes but numbers.
        for format in FieldFormat::WRITTEN.into_iter().filter(|&format| format != FieldFormat::FBleau) {
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

/// Class, rep and packets.
type Packets<'a> = (&'a str, i64, Vec<(u64, i32)>);

fn keys_and_packets(set: &crate::TraceSet) -> Vec<Packets<'_>> {
    let of = |labelled| -> Packets<'_> {
        let LabelledTrace { key, trace, .. }: &LabelledTrace = labelled;
        (&key.class, key.rep, trace.packets().collect())
    };
    set.traces().iter().map(of).collect()
}

#[test]
fn flows_are_read_from_text_and_parquet_under_all_of_their_names() {
    // The case says so in its own first row: four flows of two classes.
    let read = read_traces(&cases().join("cesnet_ppi.parquet")).unwrap();
    assert_eq!((read.format, read.set.len()), (TraceFormat::Field(FieldFormat::Cesnet), 4));
    assert!(read.set.traces().iter().all(|labelled| labelled.trace.size()[0] > 0), "a client speaks first");
    let expected = [("web", 0, vec![(0, 100), (12_500_000, -200)]), ("web", 1, vec![(0, 7)])];
    for (text, format) in [
        ("APP,PPI\nweb,\"[[0, 12.5], [1, -1], [100, 200]]\"\nweb,\"[[0, 0], [1, 0], [7, 0]]\"\n", FieldFormat::Cesnet),
        ("ppi;label\n[[0 12.5] [1 -1] [100 200] [0 1]];web\n[[0] [1] [7] [0]];web\n", FieldFormat::Cesnet),
        (
            "label,splt_piat_ms,splt_ps,splt_direction\nweb,\"[0, 12.5, -1]\",\"[100, 200, -1]\",\"[0, 1, -1]\"\nweb,[0],[7],[0]\n",
            FieldFormat::NfStream,
        ),
        (
            "id,application_name,splt_direction,splt_ps,splt_ipt\n1,web,\"[0, 0, 1]\",\"[100, 0, 200]\",\"[0, 2.5, 10]\"\n2,web,[0],[7],[0]\n",
            FieldFormat::NfStream,
        ),
    ] {
        let read = at("flows.csv", text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read.format, TraceFormat::Field(format), "{text}");
        assert_eq!(keys_and_packets(&read.set), expected, "{text}");
    }
    for (text, told) in [
        ("APP,PPI\nweb,\"[[0], [2], [100]]\"\n", "row 2, column PPI: `2`: none of 1, -1 and 0, which pads"),
        ("APP,PPI\nweb,\"[[0], [1]]\"\n", "`2 lists`: not lists of times, directions and sizes"),
        ("APP,PPI\nweb,\"[[0, 1], [1], [100]]\"\n", "the three lists differ in length"),
        ("APP,PPI\nweb,soon\n", "row 2, column PPI: `soon`: not a list of numbers"),
        (
            "site,PPI\nweb,[]\n",
            "missing: class or label or APP or application_name or app for the class; there are site, PPI",
        ),
    ] {
        let error = at("flows.csv", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
    let dropped = at("flows.csv", b"APP,PPI\nweb,[]\n,\"[[0],[1],[5]]\"\nweb,\"[[0],[1],[5]]\"\n").unwrap().dropped;
    assert_eq!(dropped, [("flow without a class".to_owned(), 1), ("flow without packets".to_owned(), 1)].into());
}

#[test]
fn flows_of_ipfixprobe_are_read_however_they_were_logged() {
    // As the pages of the plugin pstats and of NEMEA's logger have it: the first packets of a flow from its client on, bars between them, moments in UTC.
    let typed = "ipaddr DST_IP,uint16 DST_PORT,string LABEL,int8* PPI_PKT_DIRECTIONS,uint8* PPI_PKT_FLAGS,uint16* PPI_PKT_LENGTHS,time* PPI_PKT_TIMES\n\
        192.0.2.1,80,web,[1|-1|1],[2|18|24],[60|52|126],[2021-03-03T15:57:34.458000|2021-03-03T15:57:34.523000|2021-03-03T15:57:34.523000]\n\
        192.0.2.1,80,web,[1|1|-1],[2|16|24],[0|7|9],[2021-03-03T15:57:27.855000|2021-03-03T15:57:27.901000|2021-03-03T15:57:28]\n";
    let expected =
        [("web", 0, vec![(0, 60), (65_000_000, -52), (65_000_000, 126)]), ("web", 1, vec![(0, 7), (99_000_000, -9)])];
    let untyped = typed.replace("uint16* ", "").replace("uint8* ", "").replace("int8* ", "").replace("time* ", "");
    let untyped = untyped.replace("ipaddr ", "").replace("uint16 ", "").replace("string ", "");
    let small = ["DIRECTIONS", "LENGTHS", "TIMES"].iter().fold(untyped.replace("LABEL", "class"), |text, name| {
        text.replace(&format!("PPI_PKT_{name}"), &format!("PPI_PKT_{name}").to_lowercase())
    });
    let of_pandas = "PPI_PKT_LENGTHS,PPI_PKT_TIMES,PPI_PKT_DIRECTIONS,APP\n\
        \"[60, 52, 126]\",\"['2021-03-03 15:57:34.458', '2021-03-03 15:57:34.523Z', '2021-03-03 15:57:34.523']\",\"[1, -1, 1]\",web\n\
        \"[7, 9, 0]\",\"['2021-03-03T15:57:27.901', '2021-03-03T15:57:28', '2021-03-03T15:57:29']\",\"[1, -1, 0]\",web\n";
    for text in [typed, &untyped, &small, of_pandas, &untyped.replace(',', ";")] {
        let read = at("flows.csv", text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read.format, TraceFormat::Field(FieldFormat::Ipfixprobe), "{text}");
        assert_eq!(keys_and_packets(&read.set), expected, "{text}");
        let starts: Vec<Option<i64>> = read.set.traces().iter().map(|labelled| labelled.start_ns).collect();
        assert_eq!(starts, [Some(1_614_787_054_458_000_000), Some(1_614_787_047_901_000_000)]);
    }
    assert_eq!(at("flows.csv", typed.as_bytes()).unwrap().dropped, [("packet of size 0".to_owned(), 1)].into());
    let row = |lists: &str| format!("class,PPI_PKT_DIRECTIONS,PPI_PKT_LENGTHS,PPI_PKT_TIMES\nweb,{lists}\n");
    for (text, told) in [
        (row("[1],[5],[soon]"), "row 2, column PPI_PKT_TIMES: `soon`: no time such as 2021-03-03T15:57:34.458 (UTC)"),
        (row("[1],[5],[1614787054]"), "`1614787054`: no time such as"),
        (row("[1|1],[5],[2021-03-03T15:57:34]"), "`1, 2 and 1`: the three lists differ in length"),
        (row("[2],[5],[2021-03-03T15:57:34]"), "`2`: none of 1, -1 and 0, which pads"),
        (row("[1],[x],[2021-03-03T15:57:34]"), "column PPI_PKT_LENGTHS: `[x]`: not a list of numbers"),
        (typed.replace("LABEL", "TLS_SNI"), "class=TLS_SNI,time=PPI_PKT_TIMES[]:iso"),
    ] {
        let error = at("flows.csv", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told) && !error.contains("192.0.2.1"), "{text}: {error}");
    }
    let back =
        row("[1|1],[5|6],[2021-03-03T15:57:34|2021-03-03T15:57:33]\nweb,[],[],[]\nweb,[1],[5],[2021-03-03T15:57:34]");
    let dropped = at("flows.csv", back.as_bytes()).unwrap().dropped;
    assert_eq!(dropped, [("flow whose times go back".to_owned(), 1), ("flow without packets".to_owned(), 1)].into());
}

fn named(format: FieldFormat, content: &str) -> Result<crate::formats::ReadTraces, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("examples.csv");
    std::fs::write(&path, content).unwrap();
    crate::formats::read_all_traces_as(&[path], Some(format), &wfkit_metrics::Silent)
}

#[test]
fn examples_of_f_bleau_are_sizes_where_that_is_said() {
    let read = named(FieldFormat::FBleau, "0, 600, -1448, 0\n1, 5.0, 0, 0\n0, -7, 8, 9\n").unwrap();
    let expected =
        [("0", 0, vec![(0, 600), (0, -1448)]), ("0", 1, vec![(0, -7), (0, 8), (0, 9)]), ("1", 0, vec![(0, 5)])];
    assert_eq!(keys_and_packets(&read.set), expected);
    assert!(read.warnings[0].contains("have no times"), "{:?}", read.warnings);
    let error = |content| named(FieldFormat::FBleau, content).unwrap_err().to_string();
    assert!(error("1, 0.5, 2\n").contains("this line holds features, not packets"));
    assert!(error("a, 5\n").contains("column class: `a`: not a whole number from 0 on"));
    assert!(error("1, 5, 0, 6\n").contains("packet 1"));
    let asked = at("examples.csv", b"0,600,-1448\n").unwrap_err().to_string();
    assert!(asked.contains("wfkit dataset convert --from f-bleau"), "{asked}");
}

#[test]
fn streams_of_a_chat_come_in() {
    let one = r#"{"prompt": "how", "data_lengths": [90, 40], "time_diffs": [0.0, 0.25]}"#;
    for text in [format!("[{one}]"), format!("{one}\n"), format!("[\n  {one}\n]")] {
        let read = at("chat.json", text.as_bytes()).unwrap();
        assert_eq!(read.format, TraceFormat::Field(FieldFormat::Chat));
        assert_eq!(keys_and_packets(&read.set), [("how", 0, vec![(0, -90), (250_000_000, -40)])]);
        assert!(read.warnings[0].contains("what came in alone"), "{:?}", read.warnings);
    }
    let error = at("chat.json", one.replace("0.25", "-1").as_bytes()).unwrap_err().to_string();
    assert!(error.contains("column time_diffs: `-1`: no time that passes"), "{error}");
    let error = at("chat.json", one.replace("90, ", "").as_bytes()).unwrap_err().to_string();
    assert!(error.contains("`1 and 2`: not as many gaps as lengths"), "{error}");
}

/// An archive of arrays: name, type, shape, bytes.
fn npz(arrays: &[(&str, &str, &str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write as _;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, kind, shape, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
        archive.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        archive.write_all(header.as_bytes()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn arrays_are_found_under_the_names_that_the_field_gives_them() {
    let x = vec![1, 0xff, 0, 0xff, 1, 1]; // two rows: out in, in out out
    let ones = |bytes: &[u8]| bytes.to_vec();
    let expected = [("0", 0, vec![(0, 514), (0, -514)]), ("1", 0, vec![(0, -514), (0, 514), (0, 514)])];
    for (what, content) in [
        ("WFlib", npz(&[("X", "|i1", "2, 3", x.clone()), ("y", "|i1", "2,", ones(&[0, 1]))])),
        ("AWF", npz(&[("data", "|i1", "2, 3", x.clone()), ("labels", "|S1", "2,", b"01".to_vec())])),
        ("with a channel", npz(&[("feature", "|i1", "2, 3, 1", x.clone()), ("label", "|i1", "2, 1", ones(&[0, 1]))])),
        ("a column a class", npz(&[("X", "|i1", "2, 3", x.clone()), ("y", "|i1", "2, 2", ones(&[1, 0, 0, 1]))])),
        (
            "parts",
            npz(&[
                ("X_train", "|i1", "1, 3", x[..3].to_vec()),
                ("y_train", "|i1", "1,", ones(&[0])),
                ("X_test", "|i1", "1, 3", x[3..].to_vec()),
                ("y_test", "|i1", "1,", ones(&[1])),
            ]),
        ),
    ] {
        let read = at("x.npz", &content).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(
            (read.format, keys_and_packets(&read.set)),
            (TraceFormat::Field(FieldFormat::Npz), expected.to_vec()),
            "{what}"
        );
        let joined = read.warnings.iter().any(|told| told.contains("traces are of X_train, X_test, joined"));
        assert_eq!(joined, what == "parts", "{what}: {:?}", read.warnings);
    }
    let soft = npz(&[("X", "|i1", "2, 3", x), ("y", "|i1", "2, 2", ones(&[1, 1, 0, 1]))]);
    assert!(at("x.npz", &soft).unwrap_err().to_string().contains("nor one column a class"));
}

#[test]
fn commands_of_padding_cells_are_kept() {
    let text = "5 circpad_cell_event_nonpadding_sent\n9 circpad_cell_event_padding_received\n";
    let set = at("3-1.trace", text.as_bytes()).unwrap().set;
    let column = crate::PacketColumn::RelayCmd;
    assert_eq!(set.traces()[0].trace.column(column), Some([crate::NOT_KNOWN, 10].as_slice()));
    assert_eq!(set.provenance().packet_columns, [column]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn examples_of_f_bleau_are_read_back(
        all in proptest::collection::vec((0..3u32, proptest::collection::vec(prop_oneof![1..=2000i32, -2000..=-1], 1..9)), 1..8),
    ) {
        let traces = (0..).zip(all).map(|(rep, (class, size))| {
            let key = crate::TraceKey { class: class.to_string(), rep, session: None };
            LabelledTrace::new(key, None, Trace::new(vec![0; size.len()], size).unwrap())
        });
        let set = crate::TraceSet::new(traces.collect(), crate::Provenance::new(Layer::Unknown, vec![])).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        write_field_traces(&path, &set, FieldFormat::FBleau, false).unwrap();
        let back = crate::formats::read_all_traces_as(&[path], Some(FieldFormat::FBleau), &wfkit_metrics::Silent).unwrap().set;
        let sizes = |set: &crate::TraceSet| -> Vec<(String, Vec<i32>)> {
            set.traces().iter().map(|one| (one.key.class.clone(), one.trace.size().to_vec())).collect()
        };
        prop_assert_eq!(sizes(&back), sizes(&set));
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

/// A trace with so many packets that its line is longer than what is looked at first.
fn long_set() -> crate::TraceSet {
    let traces = (0..3).map(|rep| {
        let time_ns: Vec<u64> = (0..9_000).map(|at| at * 1_234_567).collect();
        let size = (0..9_000).map(|at| if at % 3 == rep { 514 } else { -514 }).collect();
        let key = crate::TraceKey { class: "7".to_owned(), rep: rep.into(), session: None };
        LabelledTrace::new(key, None, Trace::new(time_ns, size).unwrap())
    });
    crate::TraceSet::new(traces.collect(), crate::Provenance::new(Layer::Cell, vec![])).unwrap()
}

#[test]
fn long_traces_are_told_by_their_content_too() {
    let (folder, set) = (tempfile::tempdir().unwrap(), long_set());
    for format in FieldFormat::WRITTEN.into_iter().filter(|&format| format != FieldFormat::FBleau) {
        let path = folder.path().join(format.name());
        write_field_traces(&path, &set, format, false).unwrap();
        let read = read_traces(&path).unwrap_or_else(|error| panic!("{}: {error}", format.name()));
        assert_eq!(read.format, TraceFormat::Field(format));
        assert_eq!(keys_and_packets(&read.set).len(), 3);
        assert_eq!(read.set.traces()[2].trace, set.traces()[2].trace, "{}", format.name());
    }
    let many = vec!["100"; 9_000].join(", ");
    for indent in ["", "\n  "] {
        let text = format!(
            "{{{indent}\"1.pcap\": {{{indent}\"sent\": [{many}],{indent}\"order\": [{}],{indent}\"received\": []}}}}",
            vec!["1"; 9_000].join(",")
        );
        assert_eq!(at("doh.json", text.as_bytes()).unwrap().set.traces()[0].trace.len(), 9_000);
        let text = format!(
            "{{{indent}\"prompt\": \"a\",{indent}\"data_lengths\": [{many}],{indent}\"time_diffs\": [{many}]}}"
        );
        assert_eq!(at("chat.json", text.as_bytes()).unwrap().format, TraceFormat::Field(FieldFormat::Chat));
    }
    let sizes = vec!["512 -512"; 9_000].join(" ");
    assert_eq!(at("3-1", sizes.as_bytes()).unwrap().format, TraceFormat::Field(FieldFormat::Bursts));
    assert_eq!(at("3-1", b"# seconds, direction\n0.0\t1\n0.5\t-1\n").unwrap().set.traces()[0].trace.len(), 2);
}

#[test]
fn a_size_below_0_beside_a_direction_turns_no_packet_around() {
    for (name, text, told) in [
        ("x.csv", "APP,PPI\nweb,\"[[0, 1], [1, -1], [100, -200]]\"\n", "row 2, column PPI: `-200`: a size below 0"),
        ("x.csv", "label,splt_direction,splt_ps,splt_piat_ms\nweb,[0 1],[100 -200],[0 1]\n", "`-200`: a size below 0"),
        ("3-1.log", "0,s,514\n5,r,-514\n", "row 2, column bytes: `-514`: a size below 0"),
        (
            "3-1.log",
            "0,s,514\n5,r\n",
            "row 2, column bytes: `5,r`: with bytes, where lines above have none, or the other way",
        ),
        ("x.json", "{\"label\": 1, \"data_lengths\": [-90], \"time_diffs\": [0]}", "`-90`: a length below 0"),
        (
            "x.json",
            "{\"1.pcap\": {\"sent\": [1], \"received\": [3], \"order\": [1, 0]}}",
            "`1.pcap: 0`: neither above 0",
        ),
        ("3_1.txt", "[(0.0, 1), (0.5, 0)]", "column pair: `(0.5, 0)`: no direction"),
        ("3-1.log", "0,s,514\n18446744073709551615,r,514\n", "3-1.log: row 2, column packet"),
    ] {
        let error = at(name, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
    let read = at("x.csv", b"APP,PPI\nweb,\"[[0, -1, nan], [1, -1, 1], [100, 200, 3]]\"\n").unwrap();
    assert!(read.warnings[0].contains("2 gaps between packets are below 0 or none"), "{:?}", read.warnings);
    let read = at("x.csv", b"label,application_name,splt_direction,splt_ps,splt_piat_ms\n1,web,[0],[5],[0]\n").unwrap();
    assert!(read.warnings[0].contains("class from the column label, though there is application_name"));
}

#[test]
fn captures_of_one_name_or_of_names_that_are_no_files_stay_apart() {
    let one = "{\"sent\": [100], \"received\": [300], \"order\": [1, -1]}";
    let text = format!("{{\"a.example.org\": {one}, \"a.example.com\": {one}, \"b.pcap\": {one}}}");
    let set = at("x.json", text.as_bytes()).unwrap().set;
    let classes: Vec<&str> = set.traces().iter().map(|labelled| &*labelled.key.class).collect();
    assert_eq!(classes, ["a.example.com", "a.example.org", "b"]);
    let error = at("x.json", format!("{{\"1.pcap\": {one}, \"1.pcap\": {one}}}").as_bytes()).unwrap_err().to_string();
    assert!(error.contains("`1.pcap`: two captures have this name"), "{error}");
}

#[test]
fn what_has_no_packet_is_left_out_and_counted() {
    for (name, text) in [
        ("x.txt", "a 1 2 0:-600 50:1500\nb 1 0\n"),
        ("x.jsonl", "{\"class\":\"a\",\"time\":[0],\"size\":[1]}\n{\"class\":\"b\",\"time\":[],\"size\":[]}\n"),
        (
            "x.json",
            "{\"a.pcap\": {\"sent\": [1], \"received\": [], \"order\": [1]}, \"b.pcap\": {\"sent\": [], \"received\": [], \"order\": []}}",
        ),
    ] {
        let read = at(name, text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((read.set.len(), &read.dropped), (1, &[(WITHOUT_PACKETS.to_owned(), 1)].into()), "{text}");
    }
}

#[test]
fn arrays_that_hold_no_traces_are_told_from_those_that_do() {
    let floats = |numbers: &[f64]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let of = |x: &[f64], y: &[f64]| {
        let shape = format!("{}, {}", y.len(), x.len() / y.len());
        at("x.npz", &npz(&[("X", "<f8", &shape, floats(x)), ("y", "<f8", &format!("{},", y.len()), floats(y))]))
    };
    let error = |x: &[f64], y: &[f64]| of(x, y).unwrap_err().to_string();
    let sizes = error(&[600.0, -40.0, 1500.0, 5.0, 6.0, -7.0, 9.0, -8.0, 1.0], &[0.0, 1.0, 2.0]);
    assert!(
        sizes.contains("2 of 3 rows of X are no traces; row 0 begins with 600, -40, 1500: row whose times go back"),
        "{sizes}"
    );
    let cells = error(&[512.0, -512.0, 512.0, 512.0], &[0.0, 1.0]);
    assert!(cells.contains("all packets in X are 512 or -512: these are sizes"), "{cells}");
    // One packet a row may be at any time, the same one too.
    assert_eq!(of(&[0.0, 0.5, 0.0, -0.5], &[0.0, 1.0]).unwrap().set.packets(), 4);
    assert!(error(&[0.0, 0.0], &[1.0]).contains("row 0 begins with 0, 0: row of zeros"));
    assert!(error(&[1.0, -1.0], &[f64::NAN]).contains("row 0, column y: `NaN`: no class"));
    assert!(error(&[1.0, -1.0, 1.0, 1.0], &[1.0, 0.5]).contains("row 1, column y: `0.5`: no class"));
    // Padded by a table, and of directions that -0 has kept.
    let read = of(&[0.0, -0.5, f64::NAN, -0.0, 0.25, -0.5], &[0.0, 1.0]).unwrap();
    assert_eq!(
        keys_and_packets(&read.set),
        [
            ("0", 0, vec![(0, 514), (500_000_000, -514)]),
            ("1", 0, vec![(0, -514), (250_000_000, 514), (500_000_000, -514)])
        ]
    );
    assert!(read.warnings.iter().any(|told| told.contains(": 1 traces begin with 0")), "{:?}", read.warnings);
    let read = of(&[1.0, -1.0, f64::NAN, 1.0, 1.0, -1.0], &[0.0, 1.0]).unwrap();
    assert_eq!(read.set.traces()[0].trace.size(), [514, -514]);
}

/// An array of two rows, or of any one length, as NumPy pickles it: type, order of bytes, whether columns come first.
fn pickled(kind: &str, order: &str, columns_first: bool, shape: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes =
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01(".to_vec();
    shape.iter().for_each(|&length| bytes.extend([b'K', length]));
    bytes.extend(b"tcnumpy\ndtype\nq\x03X");
    bytes.extend((kind.len() as u32).to_le_bytes());
    bytes.extend(kind.as_bytes());
    bytes.extend(b"K\x00K\x01\x87R(K\x03X\x01\x00\x00\x00");
    bytes.extend(order.as_bytes());
    bytes.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb");
    bytes.push(if columns_first { 0x88 } else { 0x89 });
    bytes.push(b'B');
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes.extend(b"tb.");
    bytes
}

#[test]
fn pickled_arrays_are_of_the_type_that_they_say() {
    let read = |x: &[u8], y: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("X_a.pkl"), x).unwrap();
        std::fs::write(folder.path().join("y_a.pkl"), y).unwrap();
        read_traces(&folder.path().join("X_a.pkl"))
    };
    let expected = [("1", 0, vec![(0, 514), (0, -514)]), ("200", 0, vec![(0, -514), (0, 514)])];
    let numbers = [1.0f64, -1.0, -1.0, 1.0];
    let x = |kind: &str, order: &str, each: fn(f64) -> Vec<u8>| {
        pickled(kind, order, false, &[2, 2], &numbers.map(each).concat())
    };
    let y = pickled("u1", "|", false, &[2], &[1, 200]);
    for (what, x, y) in [
        ("i1", x("i1", "|", |n| vec![n as i8 as u8]), &y),
        ("<f4", x("f4", "<", |n| (n as f32).to_le_bytes().to_vec()), &y),
        (">f8", x("f8", ">", |n| n.to_be_bytes().to_vec()), &y),
        (
            ">i2",
            x("i2", ">", |n| (n as i16).to_be_bytes().to_vec()),
            &pickled("i4", ">", false, &[2], &[0, 0, 0, 1, 0, 0, 0, 200]),
        ),
        (
            "by columns",
            pickled("i1", "|", true, &[2, 2], &[1, 0xff, 0xff, 1]),
            &pickled("u1", "|", false, &[2, 1], &[1, 200]),
        ),
    ] {
        let read = read(&x, y).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(keys_and_packets(&read.set), expected, "{what}");
    }
    // As NumPy 2.4 writes them in protocol 5: `pickle.dumps(numpy.array([[1, -1], [-1, 1]], dtype="<f4"), 5)`, and the same in columns.
    let newest = |order: &[u8]| {
        let head = b"\x80\x05\x95\x86\x00\x00\x00\x00\x00\x00\x00\x8c\x13numpy._core.numeric\x94\x8c\x0b_frombuffer\x94\x93\x94(\x96\x10\x00\x00\x00\x00\x00\x00\x00";
        let data: Vec<u8> = [1.0f32, -1.0, -1.0, 1.0].iter().flat_map(|n| n.to_le_bytes()).collect();
        let tail = b"\x94\x8c\x05numpy\x94\x8c\x05dtype\x94\x93\x94\x8c\x02f4\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01<\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t\x94bK\x02K\x02\x86\x94\x8c\x01";
        [head.as_slice(), &data, tail, order, b"\x94t\x94R\x94."].concat()
    };
    for order in [b"C", b"F"] {
        let read = read(&newest(order), &y).unwrap();
        assert_eq!(keys_and_packets(&read.set), expected);
    }
    let directions = x("i1", "|", |n| vec![n as i8 as u8]);
    let nan = [0.0, f64::NAN].iter().flat_map(|class: &f64| class.to_le_bytes()).collect::<Vec<u8>>();
    for (x, y, told) in [
        (&x("f2", "<", |n| if n > 0.0 { vec![0, 0x3c] } else { vec![0, 0xbc] }), &y, "float16, which has three digits"),
        (
            &directions,
            &pickled("U1", "<", false, &[2], &[97, 0, 0, 0, 98, 0, 0, 0]),
            "a pickle of texts; number the classes",
        ),
        (&directions, &pickled("f8", "<", false, &[2], &nan), "row 1, column y: `NaN`: no class"),
        (&directions, &pickled("i1", "|", false, &[2, 2], &[1, 0, 0, 1]), "expected the class of each"),
        (&directions, &b"\x80\x05N.".to_vec(), "protocol=4"),
    ] {
        let error = read(x, y).unwrap_err().to_string();
        assert!(error.contains(told), "{told}: {error}");
    }
}

#[test]
fn files_of_one_format_are_one_set() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    };
    // Sizes that are those of cells by chance.
    write("sizes/3-1.cell", b"0.0\t512\n0.1\t-512\n");
    let other = write("sizes/3-2.cell", b"0.0\t600\n0.1\t-512\n");
    let read = read_traces(&folder.path().join("sizes")).unwrap();
    assert_eq!((read.set.len(), read.set.provenance().layer), (2, Layer::Unknown));
    let both = crate::formats::read_all_traces(&[other, folder.path().join("sizes/3-1.cell")]).unwrap().set;
    assert_eq!((both.traces(), both.provenance().layer), (read.set.traces(), Layer::Unknown));

    // What is counted is counted on.
    let rows = |y: &[u8]| {
        npz(&[
            ("X", "|i1", &format!("{}, 1", y.len()), vec![1; y.len()]),
            ("y", "|i1", &format!("{},", y.len()), y.to_vec()),
        ])
    };
    let files = [write("a.npz", &rows(&[0, 0, 1])), write("b.npz", &rows(&[0, 2])), write("c.npz", &rows(&[2, 0]))];
    let keys = |set: &crate::TraceSet| -> Vec<(String, i64)> {
        set.traces().iter().map(|labelled| (labelled.key.class.clone(), labelled.key.rep)).collect()
    };
    let expected = [("0", 0), ("0", 1), ("0", 2), ("0", 3), ("1", 0), ("2", 0), ("2", 1)];
    let read = crate::formats::read_all_traces(&files).unwrap();
    assert_eq!(keys(&read.set), expected.map(|(class, rep)| (class.to_owned(), rep)));

    write("twice/3-1.cell", b"0.0\t512\n");
    write("twice/03_1", b"0.0\t512\n");
    let error = read_traces(&folder.path().join("twice")).unwrap_err().to_string();
    assert!(error.contains("03_1 and ") && error.contains("3-1.cell both hold the trace (class 3, rep 1)"), "{error}");
    let error = read_traces(&write("foo.npz", &npz(&[("foo", "|i1", "1,", vec![1])]))).unwrap_err().to_string();
    assert!(error.contains("(its arrays: foo)") && error.contains("numpy.savez"), "{error}");
    let nothing = read_traces(&write("x.csv", b"label,PPI\n1,[]\n2,[]\n")).unwrap();
    assert_eq!(nothing.why_empty(), "there is no trace in it, but 2 x flow without packets");
}
