//! Files as users of such tools really have them: read right, or refused by name. `tests/fixtures/field-cases/README.md` says which is which.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use wfkit_datasets::formats::ReadError;
use wfkit_datasets::{FileKind, ReadTraces, TraceSet, read_traces};

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/field-cases").join(name)
}

fn read(name: &str) -> ReadTraces {
    read_traces(&case(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// The traces of a file of this content, or what is said of it.
fn written(name: &str, content: impl AsRef<[u8]>) -> Result<ReadTraces, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    read_traces(&path).map_err(|error| error.to_string().replace(&format!("{}: ", path.display()), ""))
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Class, rep and packets.
type Packets = (String, i64, Vec<(u64, i32)>);

/// What matters of a set, however its file was written.
fn packets(set: &TraceSet) -> Vec<Packets> {
    let of = |one: &wfkit_datasets::LabelledTrace| {
        (one.key.class.clone(), one.key.rep, one.trace.packets().collect::<Vec<_>>())
    };
    set.traces().iter().map(of).collect()
}

#[test]
fn a_packet_csv_is_read_however_systems_pack_and_write_it() {
    let good = read("packet-csv/good.csv").set;
    assert_eq!((good.len(), good.packets()), (4, 8));
    for name in ["packet-csv/mac.csv.zip", "packet-csv/semicolon.csv"] {
        assert_eq!(packets(&read(name).set), packets(&good), "{name}");
    }
    let text = fs::read_to_string(case("packet-csv/good.csv")).unwrap();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let semicolons = text.replace(',', ";");
    for (what, content) in [
        ("UTF-8 with a mark", format!("\u{feff}{text}").into_bytes()),
        ("UTF-16", utf16(&text)),
        ("UTF-16 with a mark", utf16(&format!("\u{feff}{text}"))),
        ("UTF-16, the other order", text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        (
            "UTF-16 with semicolons and Windows' line ends",
            utf16(&format!("\u{feff}{}", semicolons.replace('\n', "\r\n"))),
        ),
        ("tabs", text.replace(',', "\t").into_bytes()),
        ("bars", text.replace(',', "|").into_bytes()),
        ("blanks", text.replace(',', ", ").into_bytes()),
        ("decimal commas", semicolons.replace('.', ",").into_bytes()),
        ("decimal commas and tabs", text.replace(',', "\t").replace('.', ",").into_bytes()),
        ("a line that names the separator", format!("sep=;\r\n{semicolons}").into_bytes()),
        ("the line ends of old Macs", text.replace('\n', "\r").into_bytes()),
        (
            "quotes",
            text.lines().map(|line| format!("\"{}\"\n", line.replace(',', "\",\""))).collect::<String>().into_bytes(),
        ),
    ] {
        assert_eq!(packets(&written("t.csv", content).unwrap().set), packets(&good), "{what}");
    }
    let marked = format!("\u{feff}{text}");
    for members in [
        vec![("folder\\good.csv", text.as_bytes()), ("Thumbs.db", b"x".as_slice())],
        vec![("folder/", b"".as_slice()), ("folder/good.CSV", marked.as_bytes()), ("folder/desktop.ini", b"x")],
        vec![("__MACOSX/x/._good.csv", b"x".as_slice()), ("x/.DS_Store", b"x"), ("x/good.csv", text.as_bytes())],
        vec![("good.csv", semicolons.as_bytes())],
    ] {
        assert_eq!(packets(&written("t.zip", zip(&members)).unwrap().set), packets(&good));
    }
}

#[test]
fn what_is_ambiguous_is_refused_with_what_was_found() {
    let text = fs::read(case("packet-csv/good.csv")).unwrap();
    for (content, parts) in [
        (zip(&[("a.csv", &text), ("b.csv", &text)]), vec!["an archive of 2 files (a.csv, b.csv)", "exactly one .csv"]),
        (zip(&[("a.csv", &text), ("README.txt", b"x")]), vec!["an archive of 2 files", "exactly one .csv"]),
        (zip(&[("__MACOSX/a.csv", &text)]), vec!["an archive of 0 files"]),
        (zip(&[("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x")]), vec!["workbook", "save the sheet as CSV"]),
        (
            b"cell_id;rep;direction_size;timestamp\n1;0;514;0,0\n1;0;-1;0,5\n1;0;-1;0.75\n".to_vec(),
            vec!["decimals behind a comma in one row, behind a point in another", "row 4"],
        ),
        (b"cell_id;rep;direction_size;timestamp\n1;0;1,234,567;0\n".to_vec(), vec!["not a number", "`1,234,567`"]),
        (b"cell_id;rep;direction_size;timestamp\n1;0;1,5;0\n".to_vec(), vec!["not a whole number", "`1,5`"]),
        (b"\xff\xfe\0\0c\0\0\0".to_vec(), vec!["UTF-32"]),
    ] {
        let error = written("t.csv", content).unwrap_err();
        assert!(parts.iter().all(|part| error.contains(part)), "{parts:?} not all in {error}");
    }
}

#[test]
fn times_in_another_unit_are_never_silent() {
    let warnings = read("extreme/usecs.csv").warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("usecs.csv: times are implausible"), "{warnings:?}");
    assert!(warnings[0].contains("(class 4, rep 7) lasts 409.7 days") && warnings[0].contains("microseconds"));
    assert_eq!(read("packet-csv/good.csv").warnings, [] as [&str; 0]);
}

#[test]
fn a_class_is_one_however_it_is_written() {
    let names = |name: &str| read(name).set.classes().names().to_vec();
    let five: Vec<String> = (1..=5).map(|class| class.to_string()).collect();
    for name in ["train", "test_int", "test_float", "both"] {
        assert_eq!(names(&format!("class-names/{name}.csv")), five, "{name}");
    }
    assert_eq!(packets(&read("class-names/test_int.csv").set), packets(&read("class-names/test_float.csv").set));
    let twelve: Vec<String> = (1..=12).map(|class| class.to_string()).collect();
    assert_eq!(names("class-names/float12.csv"), twelve);
    let warnings = read("class-names/both.csv").warnings;
    assert!(warnings[0].contains("class 1 is written as `1` and `1.0`"), "{warnings:?}");
    assert_eq!(read("class-names/test_float.csv").warnings, [] as [&str; 0], "one way is no mix");
    let same = "cell_id,rep,direction_size,timestamp\n1,0,5,0\n01,0,5,0\n 1.0 ,1,5,0\n";
    assert!(written("t.csv", same).unwrap_err().contains("trace of a name that another one has"));
}

#[test]
fn columns_that_are_not_ours_do_not_matter() {
    let plain = read("parquet/plain.parquet");
    assert_eq!(plain.set.len(), 6);
    let narrow = read("parquet/size_int16.parquet").set;
    assert_eq!(packets(&narrow)[5], ("c".to_owned(), 1, vec![(0, 100), (50_000_000, -100), (60_000_005, -55)]));
    for (name, unknown) in [("x_date", 1), ("x_decimal", 1)] {
        let other = read(&format!("parquet/{name}.parquet"));
        assert_eq!(packets(&other.set), packets(&narrow), "{name}");
        assert_eq!(other.dropped.get("unknown column").copied().unwrap_or(0), unknown, "{name}");
    }
}

#[test]
fn a_name_that_occurs_again_is_no_continuation() {
    let ReadError::Problems { problems, .. } = read_traces(&case("duplicate-ids/untimed.csv")).unwrap_err() else {
        panic!("these are problems");
    };
    assert_eq!(problems.kinds()[0].kind, "trace of a name that another one has");
    assert_eq!(problems.kinds()[0].examples[0].row, 7);
    // Rows of traces that are mixed in the order of time are one trace each all the same.
    let header = "cell_id,rep,direction_size,timestamp\n";
    let mixed = written("t.csv", format!("{header}1,0,5,0\n2,0,5,0\n1,0,-5,0.1\n2,0,-5,0.1\n1,0,-5,0.2\n")).unwrap();
    assert_eq!((mixed.set.len(), mixed.set.packets()), (2, 5));
    let untimed = written("t.csv", format!("{header}1,0,5,0\n1,0,-5,0\n2,0,5,0\n")).unwrap();
    assert_eq!((untimed.set.len(), untimed.set.packets()), (2, 3));
}

#[test]
fn what_the_field_has_on_disk_is_read_or_refused_by_name() {
    let log = read("formats/gwf_text.log");
    assert_eq!((log.set.len(), log.set.packets()), (3, 6));
    // What each has is tested beside the readers.
    for (name, traces) in [
        ("CW.npz", 9),
        ("X_train_NoDef.pkl", 9),
        ("wang", 9),
        ("wang/0-0", 1),
        ("wangcell", 9),
        ("kfp", 9),
        ("cumul.txt", 3),
        ("doh.json", 1),
        ("burst", 9),
        ("maybenot", 9),
        ("circpad", 9),
        ("nfstream.csv", 1),
    ] {
        let read = read(&format!("formats/{name}"));
        assert_eq!(read.set.len(), traces, "{name}");
        assert!(!read.warnings.iter().any(|told| told.contains("198.51") || told.contains("10.0.0.5")), "{name}");
    }
    let error = read_traces(&case("formats/y_train_NoDef.pkl")).unwrap_err().to_string();
    assert!(error.contains("Python pickle") && error.contains("datasets/README.md has the formats"), "{error}");
}

#[test]
fn every_kind_of_file_is_known_by_its_content() {
    for (content, kind) in [
        ("cell_id,rep,direction_size,timestamp\n", Some(FileKind::Traces)),
        ("capture_id;direction_size;timestamp\n", Some(FileKind::TestFile)),
        ("capture_id,cell_id\n", Some(FileKind::VerificationFile)),
        ("team_id,capture_id,proba_class_1\n", Some(FileKind::AttackFile)),
        ("class,rep,session,a,b\n", Some(FileKind::Probabilities)),
        ("path,class,rep\n", Some(FileKind::Manifest)),
        ("{\n  \"stage\": \"train\",\n  \"tool\": \"wfkit\"}", Some(FileKind::Report)),
        ("wfkitmod", Some(FileKind::Model)),
        ("hello\n", None),
        ("", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, content).unwrap();
        assert_eq!(FileKind::of(&path).unwrap(), kind, "{content}");
        if let Some(kind) = kind.filter(|kind| !matches!(kind, FileKind::Traces | FileKind::TestFile)) {
            let error = read_traces(&path).unwrap_err().to_string();
            assert!(error.contains(&kind.to_string()), "{error}");
        }
    }
}
