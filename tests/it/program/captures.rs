//! Captures as users have them: dates in names, foreign files among good ones, peers that differ.

use std::fs;
use std::path::Path;

use wfkit_datasets::sample;

use super::support::Folder;

impl Folder {
    /// Copies a folder of the small inputs that users really have.
    fn field_case(&self, name: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/field-cases").join(name);
        for entry in fs::read_dir(&from).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            self.write(&format!("in/{file}"), fs::read(&path).unwrap());
        }
    }
}

#[test]
fn nothing_imported_is_an_error_and_leaves_no_file() {
    for case in ["foreign", "file-names/strftime", "packet-texts/delta"] {
        let folder = Folder::new();
        folder.field_case(case);
        let message = folder.wfkit("capture import in --layer frame --out traces.csv").fails();
        assert!(message.contains("error: "), "{case}: {message}");
        let names: Vec<_> = fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["in"], "{case}");
    }
}

#[test]
fn a_date_is_refused_with_the_pattern_to_give() {
    let folder = Folder::new();
    folder.field_case("file-names/sitedate");
    let message = folder.wfkit("capture import in --out traces.parquet").fails();
    let pattern = message.split('\'').nth(1).unwrap_or_else(|| panic!("{message}"));
    folder.wfkit(&format!("capture import in --out traces.parquet --label {pattern}")).succeeds();
    let set = folder.traces("traces.parquet").set;
    let sessions = set.traces().iter().filter(|one| one.key.session.as_deref() == Some("2024-05-02")).count();
    assert_eq!((set.len(), set.classes().len(), sessions), (6, 2, 2));
}

#[test]
fn the_peer_that_is_meant() {
    let folder = Folder::new();
    folder.field_case("main-peer");
    let named = folder.wfkit("capture import in --out main.csv").succeeds().stderr;
    for (rep, differs) in [(1, false), (2, true), (3, false), (5, true)] {
        assert_eq!(
            named.contains(&format!("site_rep_{rep}.pcap: 1 x main peer that is not the one")),
            differs,
            "{named}"
        );
    }
    assert!(!named.contains("203.0.113"), "{named}");
    folder.wfkit("capture import in --out common.csv --peer common").succeeds();
    let set = folder.traces("common.csv").set;
    assert!(set.traces().iter().all(|one| one.trace.in_bytes() == 49_344));
    folder.wfkit("capture import in --out x.csv --peer nobody").shows_wrong_usage();
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_does_not_stop_the_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    folder.captures("in", &[17, 95], 0..3);
    folder.write("in/locked/cell_17_rep_9.pcap", "nothing");
    for path in ["in/locked/cell_17_rep_9.pcap", "in/locked"] {
        fs::set_permissions(folder.path(path), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let ran = folder.wfkit("capture import in --out traces.csv").succeeds();
    // Who may do everything reads that it is no capture.
    assert!(ran.stderr.contains("in/locked: ") || ran.stderr.contains("locked"), "{}", ran.stderr);
    assert_eq!(folder.traces("traces.csv").set.len(), 6);
    fs::set_permissions(folder.path("in/locked"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn how_names_are_read_is_told_and_sessions_in_classes_are_doubted() {
    let folder = Folder::new();
    for (at, name) in
        ["visit_12h_shop_3", "visit_12h_news_3", "visit_13h_shop_3", "visit_13h_news_3"].iter().enumerate()
    {
        let bytes = std::fs::read(sample().join(format!("cell_17_rep_{at}.pcap"))).unwrap();
        folder.write(&format!("c/{name}.pcap"), bytes);
    }
    let ran = folder.wfkit("capture import c --out t.parquet").succeeds();
    assert!(ran.stderr.contains("visit_12h_news_3.pcap -> class visit_12h_news, rep 3\nand 3 more"), "{ran:?}");
    let pattern = r"(?:^|/)visit[_. -](?<session>[0-9]+h)[_. -](?<class>[^/]+?)[_-](?:rep_)?(?<rep>[0-9]+)\.";
    let fix = format!("say --label '{pattern}': visit_12h_news_3.pcap -> class news, rep 3, session 12h");
    assert!(ran.stderr.contains(&fix), "{ran:?}");
    let report = folder.text("t.report.json");
    assert!(report.contains("4 of 4 classes have a part that looks like a time or a session"), "{report}");

    // What it says works.
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_wfkit"))
        .args(["capture", "import", "--out", "u.parquet", "--quiet", "--label"])
        .arg(pattern)
        .arg(folder.path("c"))
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    let set = folder.traces("u.parquet").set;
    assert_eq!((set.classes().names().join(" "), set.len()), ("news shop".to_owned(), 4));
    assert_eq!(set.traces()[0].key.session.as_deref(), Some("12h"));
}
