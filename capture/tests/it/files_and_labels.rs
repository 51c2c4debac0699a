//! Which files are read, and what they are called.

use std::path::Path;
use std::sync::Mutex;

use wfkit_capture::{ImportError, ImportOptions, LabelSource, Selection, import};

use crate::build::*;

fn capture() -> Vec<u8> {
    Pcap::of(Link::Raw).bytes(&frames(&conversation(), Link::Raw))
}

fn by_pattern(pattern: &str) -> ImportOptions {
    ImportOptions { labels: LabelSource::Pattern(pattern.parse().unwrap()), ..ImportOptions::default() }
}

fn keys(import: &wfkit_capture::Import) -> Vec<String> {
    import.set.traces().iter().map(|trace| trace.key.to_string()).collect()
}

#[test]
fn captures_are_found_by_content_in_folders_of_any_depth() {
    let capture = capture();
    let folder = folder(&[
        ("b_1.pcap", &capture),
        ("deep/er/a_1.cap", &capture),
        ("no ending", &capture),
        ("README.md", b"text"),
        ("empty", b""),
    ]);
    let import = import_folder(&folder, &by_pattern(r"(?<class>[a-z]+)(?:_\d)?(?:\.p?cap)?$")).unwrap();
    check_sums(&import.stats);
    assert_eq!(keys(&import), ["class a, rep 0", "class b, rep 0", "class ending, rep 0"]);
    assert_eq!(import.stats.other_files, 2);
    let files: Vec<_> = import.stats.by_file.iter().map(|file| file.file.as_str()).collect();
    assert_eq!(files, ["b_1.pcap", "deep/er/a_1.cap", "no ending"]);
    assert_eq!(import.set.provenance().sources, ["a_1.cap", "b_1.pcap", "no ending"]);
}

#[test]
fn a_bad_file_is_a_problem_of_its_own() {
    let wrong_link = Pcap { link: 189, ..Pcap::of(Link::Raw) }.bytes(&frames(&conversation(), Link::Raw));
    let folder = folder(&[
        ("a_0.pcap", &capture()),
        ("a_1.pcap", b"a text\n"),
        ("a_2.pcap", b""),
        ("a_3.pcap", &wrong_link),
        ("a_4.pcap.zst", &[0x28, 0xb5, 0x2f, 0xfd]),
        ("a_5.pcap", b"PK\x03\x04"),
        ("a_6.pcap.gz", &[0x1f, 0x8b, 8, 0]),
        ("what.pcap", &capture()),
    ]);
    let import = import_folder(&folder, &ImportOptions::default()).unwrap();
    check_sums(&import.stats);
    assert_eq!(keys(&import), ["class a, rep 0"]);
    let dropped: Vec<_> = import.stats.dropped_traces.iter().map(|(reason, &n)| (reason.as_str(), n)).collect();
    assert_eq!(dropped, [("no label in the name", 1), ("unreadable", 5), ("unsupported link type", 1)]);
    assert_eq!(
        import.stats.problems,
        [
            r"what.pcap: the name does not match the label pattern; say what of it is the class, for shop-monday.pcap such as --label '(?<class>[^/]+)-(?<session>[^/]+)\.', or --label folders",
            "a_1.pcap: neither pcap nor pcapng",
            "a_2.pcap: the file is empty",
            "a_3.pcap: record 1: link type 189 (Linux USB) is not supported; Ethernet, raw IP, Linux cooked, BSD \
             loopback, PPP and IEEE 802.11 captures are",
            "a_4.pcap.zst: record 0: the file cannot be read or unpacked further",
            "a_5.pcap: neither pcap nor pcapng, but a zip archive: unpack it with `unzip`",
            "a_6.pcap.gz: record 0: the file cannot be read or unpacked further",
        ]
    );
}

#[test]
fn without_any_trace_there_is_an_error() {
    let error = import_folder(&folder(&[]), &ImportOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "no trace: no capture file (0 other files)");
    let error = import_folder(&folder(&[("a_0.pcap", b"text")]), &ImportOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "no trace: 1 files (unreadable: 1); a_0.pcap: neither pcap nor pcapng");
    let error = import(&["does/not/exist".into()], &ImportOptions::default(), &|_, _| {}).unwrap_err();
    assert!(matches!(&error, ImportError::Path { path, .. } if path == Path::new("does/not/exist")), "{error}");
}

#[test]
fn a_manifest_in_the_folder_labels_its_files() {
    let capture = capture();
    let manifest = "\u{feff}session,path,class,notes,rep,origin\nmonday,x.pcap,news,\"a, b\",7,prompt 3\n,sub/y.pcap,news,,,\n\
                    tuesday,gone.pcap,news,,1,\ntuesday,gone too.pcap,news,,2,\n";
    let folder = folder(&[
        ("manifest.csv", manifest.as_bytes()),
        ("x.pcap", &capture),
        ("sub/y.pcap", &capture),
        ("extra_1.pcap", &capture),
    ]);
    let import = import_folder(&folder, &ImportOptions::default()).unwrap();
    check_sums(&import.stats);
    assert_eq!(keys(&import), ["class news, rep 0", "class news, rep 7, session monday"]);
    let origins: Vec<_> = import.set.traces().iter().map(|labelled| labelled.origin.as_deref()).collect();
    assert_eq!(origins, [None, Some("prompt 3")]);
    assert_eq!(import.stats.labels["manifest.csv"], 2);
    assert_eq!(import.stats.dropped_traces["not in the manifest"], 1);
    assert_eq!(
        import.stats.problems,
        [
            "extra_1.pcap: not in manifest.csv",
            "manifest.csv: 2 rows name files that do not exist, the first is row 3 (`gone.pcap`)",
        ]
    );

    // The same for a file of the folder, and for a manifest that is elsewhere.
    let file = import_paths(&[folder.path().join("x.pcap")], &ImportOptions::default());
    assert_eq!(keys(&file), ["class news, rep 7, session monday"]);
    let elsewhere = crate::build::folder(&[(
        "labels.csv",
        format!("path,class\n{},sport\n", folder.path().join("x.pcap").display()).as_bytes(),
    )]);
    let labels = LabelSource::Manifest(elsewhere.path().join("labels.csv"));
    let import = import_paths(&[folder.path().join("x.pcap")], &ImportOptions { labels, ..ImportOptions::default() });
    assert_eq!(keys(&import), ["class sport, rep 0"]);
}

fn import_paths(paths: &[std::path::PathBuf], options: &ImportOptions) -> wfkit_capture::Import {
    import(paths, options, &|_, _| {}).unwrap()
}

#[test]
fn a_manifest_that_makes_no_sense_is_refused() {
    let capture = capture();
    let error = |manifest: &str| {
        let folder = folder(&[("manifest.csv", manifest.as_bytes()), ("x.pcap", &capture)]);
        let error = import_folder(&folder, &ImportOptions::default()).unwrap_err().to_string();
        error.rsplit_once("manifest.csv: ").unwrap().1.to_owned()
    };
    assert_eq!(
        error("path,klass\n"),
        "no column `class`; it needs path and class, and may have rep, session and origin"
    );
    assert_eq!(error("path,class,rep\nx.pcap,a,one\n"), "row 1, column `rep`: `one` is not a whole number");
    assert_eq!(error("path,class\nx.pcap,\n"), "row 1, column `class`: `` is not a class");
    assert_eq!(error("path,class\nx.pcap,a\n./x.pcap,b\n"), "rows 1 and 2 are both about `./x.pcap`");
}

#[test]
fn two_files_with_one_label_are_an_error() {
    let capture = capture();
    let folder = folder(&[("monday/a_1.pcap", &capture), ("tuesday/a_1.pcap", &capture)]);
    let error = import_folder(&folder, &ImportOptions::default()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("monday/a_1.pcap and ") && text.contains("tuesday/a_1.pcap are both class a, rep 1"),
        "{text}"
    );
    let import = import_folder(&folder, &by_pattern(r"^(?<session>\w+)/(?<class>\w+)_(?<rep>\d+)")).unwrap();
    assert_eq!(keys(&import), ["class a, rep 1, session monday", "class a, rep 1, session tuesday"]);
}

#[test]
fn a_file_that_is_given_twice_is_read_once() {
    let folder = folder(&[("a_1.pcap", &capture())]);
    let paths = [folder.path().to_owned(), folder.path().join("a_1.pcap")];
    assert_eq!(import_paths(&paths, &ImportOptions::default()).set.len(), 1);
}

#[test]
fn progress_counts_every_file() {
    let capture = capture();
    let folder = folder(&[("a_1.pcap", &capture), ("a_2.pcap", &capture), ("a_3.pcap", b"text")]);
    let calls = Mutex::new(Vec::new());
    import(&[folder.path().to_owned()], &ImportOptions::default(), &|done, total| {
        calls.lock().unwrap().push((done, total));
    })
    .unwrap();
    let mut calls = calls.into_inner().unwrap();
    calls.sort_unstable();
    assert_eq!(calls, [(1, 3), (2, 3), (3, 3)]);
}

#[test]
fn folders_may_be_classes_and_sessions() {
    let folder = folder(&[
        ("monday/news/x.pcap", &capture()),
        ("monday/news/y.pcap", &capture()),
        ("tuesday/news/x.pcap", &capture()),
        ("mail/z.pcap", &capture()),
        ("loose.pcap", &capture()),
    ]);
    let options = ImportOptions { labels: LabelSource::Folders, ..ImportOptions::default() };
    let import = import_folder(&folder, &options).unwrap();
    check_sums(&import.stats);
    assert_eq!(
        keys(&import),
        [
            "class mail, rep 0",
            "class news, rep 0, session monday",
            "class news, rep 1, session monday",
            "class news, rep 0, session tuesday"
        ]
    );
    assert_eq!(import.stats.dropped_traces["no label in the folder names"], 1);
    assert!(import.stats.problems[0].starts_with("loose.pcap: it is in no folder of its own"));
}

#[test]
fn what_a_selection_leaves_out_is_counted() {
    let folder = folder(&[("a_0.pcap", &capture()), ("a_1.pcap", &capture())]);
    let select = Selection { min_packets: 5, ..Selection::default() };
    match import_folder(&folder, &ImportOptions { select, ..ImportOptions::default() }) {
        Err(ImportError::NoTrace { stats }) => {
            check_sums(&stats);
            assert_eq!(stats.dropped_traces["fewer packets than asked for"], 2);
        }
        other => panic!("{other:?}"),
    }
}
