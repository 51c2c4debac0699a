//! What tells classes apart without the traffic: `wfkit dataset audit`, and the warnings of `wfkit evaluate`.

use std::collections::HashMap;

use serde_json::Value;
use wfkit_datasets::{LabelledTrace, TraceKey, TraceSet, write_traces};
use wfkit_metrics::StageReport;
use wfkit_metrics::seed::mix;

use super::support::Folder;

/// A minute, and a moment to begin at.
const MINUTE: i64 = 60_000_000_000;
const MONDAY: i64 = 1_767_600_000_000_000_000;

/// The sample, each trace recorded as `change` says of class, repetition (both from 0) and trace.
fn recorded(folder: &Folder, name: &str, change: impl Fn(i64, i64, &mut LabelledTrace)) {
    let set = folder.traces("traces.parquet").set;
    let (mut classes, mut reps) = (HashMap::new(), HashMap::new());
    let traces = set.traces().iter().map(|one| {
        let next = classes.len() as i64;
        let class = *classes.entry(one.key.class.clone()).or_insert(next);
        let rep: &mut i64 = reps.entry(class).or_default();
        let mut trace = one.clone();
        trace.key.session = None;
        trace.start_ns = None;
        change(class, *rep, &mut trace);
        *rep += 1;
        trace
    });
    let set = TraceSet::new(traces.collect(), set.provenance().clone()).unwrap();
    write_traces(&folder.path(name), &set).unwrap();
}

fn class_after_class(folder: &Folder) {
    recorded(folder, "blocks.parquet", |class, rep, one| one.start_ns = Some(MONDAY + (class * 20 + rep) * MINUTE));
}

fn in_turns(folder: &Folder) {
    let place = |class: i64, rep: i64| rep * 10_000 + (mix(rep as u64, class as u64) % 10_000) as i64;
    recorded(folder, "turns.parquet", |class, rep, one| {
        one.start_ns = Some(MONDAY + place(class, rep) * MINUTE / 1_000)
    });
}

fn audit(report: &StageReport) -> &Value {
    report.privacy.extras.get("audit").unwrap()
}

#[track_caller]
fn shortcut<'a>(audit: &'a Value, name: &str) -> &'a Value {
    let all = audit["shortcuts"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}: {audit}"))
}

#[test]
fn a_set_recorded_class_after_class_is_not_to_be_trusted() {
    let folder = Folder::with_traces();
    class_after_class(&folder);
    let report = folder.report("dataset audit blocks.parquet");
    let found = audit(&report);
    assert_eq!(found["can_be_trusted"], "no", "{found}");
    let order = shortcut(found, "order of recording");
    assert!(order["accuracy"].as_f64().unwrap() > 0.85, "{order}");
    assert!(["beats-the-attack", "as-good-as-the-attack"].contains(&order["standing"].as_str().unwrap()));
    assert!(order["accuracy_95"]["low"].as_f64().unwrap() > found["chance_accuracy"].as_f64().unwrap());
    // Blocks of twenty minutes: the hour tells something, though less.
    assert_eq!(shortcut(found, "hour and weekday (UTC)")["standing"], "above-chance");
    assert_eq!(shortcut(found, "session")["reason"], "not in the file");
    assert_eq!(shortcut(found, "client")["reason"], "not in the file");
    assert!(report.problems.iter().any(|said| said.contains("a shortcut beats the attack")), "{:?}", report.problems);

    let ran = folder.wfkit("dataset audit blocks.parquet").succeeds();
    let first = ran.stdout.lines().next().unwrap();
    assert!(first.starts_with("This set cannot be trusted: a shortcut "), "{first}");
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    assert!(ran.stderr.contains("warning: order of recording alone finds"), "{}", ran.stderr);
    assert!(ran.stderr.contains("record classes in turns"), "{}", ran.stderr);
}

#[test]
fn evaluations_warn_of_shortcuts_on_their_sheet() {
    let folder = Folder::with_traces();
    class_after_class(&folder);
    in_turns(&folder);
    let ran = folder.wfkit("evaluate blocks.parquet --sheet s.md").succeeds();
    let warning = "a shortcut beats the attack or is as good: order of recording alone finds";
    assert!(ran.stderr.contains(warning) && ran.stdout.contains("caution     a shortcut beats the attack"), "{ran:?}");
    assert!(folder.text("s.md").contains(&format!("**Warning: {warning}")), "{}", folder.text("s.md"));
    assert!(folder.text("s.md").contains("## shortcuts"));
    let report = folder.report("evaluate blocks.parquet --sheet s.json");
    let sheet: Value = serde_json::from_str(&folder.text("s.json")).unwrap();
    assert_eq!(&sheet["shortcuts"], report.privacy.extras.get("shortcuts").unwrap());
    assert!(sheet["shortcuts"]["warning"].as_str().unwrap().contains("kfp-size"), "{sheet}");
    assert!(report.problems.iter().any(|said| said.contains(warning)));
    // A feature file keeps when its traces started.
    folder.wfkit("features blocks.parquet --set kfp-size --out f.parquet").succeeds();
    assert!(folder.wfkit("evaluate f.parquet").succeeds().stderr.contains(warning));

    for quiet in
        ["turns.parquet", "traces.parquet --split-by session", "turns.parquet --split-time 2026-01-05T09:00:00Z"]
    {
        let report = folder.report(&format!("evaluate {quiet} --sheet s.md"));
        let shortcuts = report.privacy.extras.get("shortcuts").unwrap();
        assert_eq!(shortcuts.get("warning"), None, "{quiet}: {shortcuts}");
        assert!(!folder.text("s.md").contains("Warning"), "{quiet}");
    }
}

#[test]
fn a_set_recorded_in_turns_is_to_be_trusted() {
    let folder = Folder::with_traces();
    in_turns(&folder);
    for (name, missing) in [("turns.parquet", "session, client"), ("traces.parquet", "client")] {
        let report = folder.report(&format!("dataset audit {name}"));
        let found = audit(&report);
        assert_eq!(found["can_be_trusted"], "yes", "{name}: {found}");
        assert!(found["verdict"].as_str().unwrap().ends_with(&format!("Not in the file: {missing}.")), "{found}");
        assert_eq!(shortcut(found, "order of recording")["standing"], "at-chance", "{name}");
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        assert!(found["twins"].as_array().unwrap().iter().all(|twins| twins["share"] == 0.0));
    }
}

#[test]
fn totals_are_those_of_the_attack_of_that_name() {
    let folder = Folder::with_traces();
    let report = folder.report("dataset audit traces.parquet --attack totals");
    let totals = shortcut(audit(&report), "totals");
    assert_eq!(totals["accuracy"].as_f64(), report.privacy.accuracy);
    assert_eq!(totals["accuracy_95"], report.privacy.extras.get("intervals_95").unwrap()["accuracy"]);
    assert_eq!(totals["standing"], "as-good-as-the-attack");
    let again = folder.report("dataset audit traces.parquet --attack totals --threads 1");
    assert_eq!(audit(&again), audit(&report));
}

#[test]
fn sessions_of_one_class_each_give_it_away() {
    let folder = Folder::with_traces();
    recorded(&folder, "alone.parquet", |class, rep, one| one.key.session = Some(format!("s{class}-{}", rep % 4)));
    let report = folder.report("dataset audit alone.parquet");
    let found = audit(&report);
    assert_eq!(found["can_be_trusted"], "no");
    let session = shortcut(found, "session");
    assert!(session["accuracy"].as_f64().unwrap() > 0.95, "{session}");
    assert_eq!(shortcut(found, "order of recording")["reason"], "not in the file");
    // A session of its own for every trace tells nothing of others, whatever it is called.
    recorded(&folder, "own.parquet", |class, rep, one| one.key.session = Some(format!("s{class}-{rep}")));
    let report = folder.report("dataset audit own.parquet");
    assert_eq!(shortcut(audit(&report), "session")["standing"], "at-chance");
}

#[test]
fn what_cannot_be_said_is_not_said() {
    let folder = Folder::with_traces();
    recorded(&folder, "nothing.parquet", |_, _, _| ());
    let first_line = |file: &str| {
        let ran = folder.wfkit(&format!("dataset audit {file}")).succeeds();
        ran.stdout.lines().take(2).collect::<Vec<_>>().join(" ")
    };
    assert!(first_line("nothing.parquet").contains("neither start times nor sessions are in the file"));
    let set = folder.traces("traces.parquet").set;
    let of = |class: &str| (0..set.len()).filter(|&row| set.traces()[row].key.class == class).collect::<Vec<_>>();
    write_traces(&folder.path("one.parquet"), &set.select(&of("17"))).unwrap();
    write_traces(&folder.path("two.parquet"), &set.select(&[0, set.len() - 1])).unwrap();
    for (file, reason) in [("one.parquet", "one class only (17)"), ("two.parquet", "5 folds of 2 traces")] {
        let report = folder.report(&format!("dataset audit {file}"));
        assert_eq!(audit(&report)["can_be_trusted"], "cannot be said");
        assert!(audit(&report)["reason"].as_str().unwrap().contains(reason), "{}", audit(&report));
        assert!(first_line(file).contains(reason), "{}", first_line(file));
    }
    let message = folder.wfkit("dataset audit traces.parquet --attack forest").fails();
    assert!(message.contains("feature matrix"), "{message}");
    folder.wfkit("dataset audit traces.parquet --attack nope").shows_wrong_usage();
}

#[test]
fn traces_without_a_start_are_left_out_of_what_needs_one() {
    let folder = Folder::with_traces();
    recorded(&folder, "some.parquet", |class, rep, one| {
        one.start_ns = (rep >= 5).then(|| MONDAY + (class * 20 + rep) * MINUTE);
    });
    let report = folder.report("dataset audit some.parquet");
    let order = shortcut(audit(&report), "order of recording");
    assert_eq!(order["traces"], 150);
    assert!(order["accuracy"].as_f64().unwrap() > 0.8, "{order}");
    assert_eq!(shortcut(audit(&report), "totals")["traces"], 200);
}

#[test]
fn twins_are_counted_and_warned_of() {
    let folder = Folder::with_traces();
    let set = folder.traces("traces.parquet").set;
    let twin = LabelledTrace { key: TraceKey { rep: 1000, ..set.traces()[0].key.clone() }, ..set.traces()[0].clone() };
    let traces = set.traces().iter().cloned().chain([twin]).collect();
    write_traces(&folder.path("twins.parquet"), &TraceSet::new(traces, set.provenance().clone()).unwrap()).unwrap();
    let report = folder.report("dataset audit twins.parquet --attack totals");
    let found = audit(&report);
    assert_eq!((&found["can_be_trusted"], &found["twins"][0]["traces"]), (&"with care".into(), &2.into()));
    assert!(report.problems.iter().any(|said| said.contains("2 have an exact twin")), "{:?}", report.problems);
}
