//! Defence files of any set.

use wfkit_competition::{Rules, export_defense, read_defense};
use wfkit_datasets::formats::ReadLimits;
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};

use crate::fixture::{Folder, RULES, SETS, path, problems};

const SMALL: Rules = Rules { classes: 3, reps_mean: 2, deviation: 2, min_packets: 1 };

fn set(keys: &[(&str, i64, Option<&str>)]) -> TraceSet {
    let labelled = |(at, &(class, rep, session)): (usize, &(&str, i64, Option<&str>))| {
        LabelledTrace::new(
            TraceKey { class: class.into(), rep, session: session.map(str::to_owned) },
            None,
            Trace::new(vec![0, 5 + at as u64], vec![100, -1 - at as i32]).unwrap(),
        )
    };
    TraceSet::new(keys.iter().enumerate().map(labelled).collect(), Provenance::new(Layer::Tls, vec![])).unwrap()
}

#[test]
fn numbered_classes_stay_and_every_nanosecond_comes_back() {
    let folder = Folder::new();
    let file = folder.path().join("defence.csv.zip");
    let whole = read_defense(&path(SETS[0], "defence_input.csv"), &ReadLimits::UPLOAD).unwrap();
    let export = export_defense(&whole, &file, &RULES).unwrap();
    assert!(export.report.accepted);
    assert_eq!((export.classes_file, export.renumbered.len()), (None, 0));
    assert_eq!(read_defense(&file, &ReadLimits::UPLOAD).unwrap().traces(), whole.traces());

    let bytes = std::fs::read(&file).unwrap();
    export_defense(&whole, &file, &RULES).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn other_classes_are_numbered_in_class_order_beside_the_file() {
    let folder = Folder::new();
    let file = folder.path().join("defence.csv");
    let named = set(&[
        ("10", 1, None),
        ("10", 2, None),
        ("b, \"c\"", 1, None),
        ("a", 4, None),
        ("a", -7, None),
        ("b, \"c\"", 2, None),
    ]);
    let export = export_defense(&named, &file, &SMALL).unwrap();
    assert!(export.report.accepted, "{}", export.report.problems);
    let classes = std::fs::read_to_string(export.classes_file.unwrap()).unwrap();
    assert_eq!(classes, "cell_id,class\n1,10\n2,a\n3,\"b, \"\"c\"\"\"\n");
    let keys: Vec<String> = read_defense(&file, &ReadLimits::UPLOAD)
        .unwrap()
        .traces()
        .iter()
        .map(|labelled| labelled.key.to_string())
        .collect();
    assert_eq!(
        keys,
        ["class 1, rep 1", "class 1, rep 2", "class 2, rep -7", "class 2, rep 4", "class 3, rep 1", "class 3, rep 2"]
    );
}

#[test]
fn repetitions_that_sessions_share_are_renumbered_and_named() {
    let folder = Folder::new();
    let file = folder.path().join("defence.csv");
    let sessions = set(&[
        ("1", 4, Some("monday")),
        ("1", 4, Some("tuesday")),
        ("2", 7, Some("monday")),
        ("2", 9, Some("tuesday")),
        ("3", 1, None),
    ]);
    let export = export_defense(&sessions, &file, &SMALL).unwrap();
    assert_eq!(export.renumbered, ["1"]);
    assert!(export.report.accepted, "{}", export.report.problems);
    let written = read_defense(&file, &ReadLimits::UPLOAD).unwrap();
    let reps: Vec<i64> = written.traces().iter().map(|labelled| labelled.key.rep).collect();
    assert_eq!(reps, [1, 2, 7, 9, 1]);
    assert_eq!(written.traces()[1].trace, sessions.traces()[1].trace);
}

#[test]
fn what_the_rules_refuse_is_written_and_said() {
    let folder = Folder::new();
    let file = folder.path().join("defence.csv");
    let export = export_defense(&set(&[("1", 1, None), ("4", 1, None)]), &file, &SMALL).unwrap();
    // 4 is not one of 1 to 3, so both are numbered.
    assert_eq!(std::fs::read_to_string(export.classes_file.unwrap()).unwrap(), "cell_id,class\n1,1\n2,4\n");
    assert_eq!(problems(&export.report), ["1 x class without a trace in cell_id, row 0: 3"]);
    assert!(file.exists());
}
