//! `wfkit plot`: pictures that explain, and their data.

use serde_json::Value;
use wfkit_datasets::{LabelledTrace, TraceKey, TraceSet, write_traces};
use wfkit_metrics::StageReport;

use super::support::Folder;

/// A folder with the traces of the sample and a model of the attack `alignment`.
fn with_model() -> Folder {
    let folder = Folder::with_traces();
    folder.wfkit("train traces.parquet --attack alignment --out model.wfm").succeeds();
    folder
}

fn aligned(report: &StageReport) -> &Value {
    report.privacy.extras.get("alignment").unwrap()
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

#[test]
fn an_alignment_is_shown_as_picture_table_and_steps() {
    let folder = with_model();
    let command = "plot alignment model.wfm traces.parquet --class 17 --out x.svg";
    let report = folder.report_beside("x.svg.report.json", command);
    let found = aligned(&report);
    assert_eq!(
        (&found["class"], &found["trace"]["class"], &found["class_chosen"]),
        (&"17".into(), &"17".into(), &"asked for".into())
    );

    // Steps take every column and every run once, in order, and their evidence adds up.
    let steps = found["steps"].as_array().unwrap();
    let all = |name: &str| steps.iter().flat_map(|step| numbers(&step[name])).collect::<Vec<_>>();
    assert_eq!(all("columns"), (1..=report.counts["columns"]).collect::<Vec<_>>());
    assert_eq!(all("runs"), (1..=report.counts["runs"]).collect::<Vec<_>>());
    let sum = |name: &str| steps.iter().map(|step| step[name].as_f64().unwrap()).sum::<f64>();
    let end = found["end_nats"].as_f64().unwrap();
    assert!((sum("evidence_nats") + end - found["evidence_nats"].as_f64().unwrap()).abs() < 1e-9);
    // The best path is one of all that make the likelihood.
    assert!(sum("nats") + end <= found["log_likelihood"].as_f64().unwrap() + 1e-9);
    assert!(found["next_class"]["log_likelihood"].as_f64().unwrap().is_finite());
    let takes = |step: &Value| (numbers(&step["columns"]).len(), numbers(&step["runs"]).len());
    for step in steps {
        let taken = match step["kind"].as_str().unwrap() {
            "match" => (1, 1),
            "split" => (1, 2),
            "merge" => (2, 1),
            "insertion" => (0, 1),
            "loss" => (1, 0),
            other => panic!("{other}"),
        };
        assert_eq!(takes(step), taken, "{step}");
    }

    let svg = folder.text("x.svg");
    let finding = report.privacy.extras.get("finding").unwrap().as_str().unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.contains("What speaks for class 17"));
    assert!(
        svg.contains(&finding[..30]) && svg.contains("evidence, nats") && svg.contains("lost: a column without run")
    );
    assert_eq!(svg.matches("<title>").count(), steps.len());

    let table = folder.wfkit(command).succeeds().stdout;
    assert!(table.contains("speaks most for class 17") && table.contains("x.svg.report.json"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.lines().count() < 30, "a short table\n{table}");
}

#[test]
fn the_trace_and_the_class_are_those_that_are_meant() {
    let folder = with_model();
    let shown =
        |options: &str| folder.report(&format!("plot alignment model.wfm traces.parquet {options} --out x.svg"));
    let class_of_trace = |report: &StageReport| aligned(report)["trace"]["class"].as_str().unwrap().to_owned();
    // The first trace of the class, however that is written.
    let of_class = shown("--class 17");
    assert_eq!(
        (class_of_trace(&of_class), folder.bytes("x.svg")),
        ("17".to_owned(), {
            shown("--class 017.0");
            folder.bytes("x.svg")
        })
    );
    // By name, by number, and on one thread, the same bytes.
    let named = shown("--trace 017:3 --class 99");
    let (row, picture) = (aligned(&named)["trace"]["row"].as_u64().unwrap(), folder.bytes("x.svg"));
    assert_eq!((&aligned(&named)["trace"]["rep"], &aligned(&named)["class"]), (&3.into(), &"99".into()));
    shown(&format!("--row {row} --class 99 --threads 1"));
    assert_eq!(folder.bytes("x.svg"), picture);
    // Without a class, the one that the model decides for; without anything, the first trace.
    let decided = shown("--trace 17:3");
    let said = decided.privacy.extras.get("verdict").unwrap().as_str().unwrap().to_owned();
    let class = aligned(&decided)["class"].as_str().unwrap();
    assert!(said.contains(&format!("finds class {class} (")), "{said}");
    assert_eq!(aligned(&shown(""))["trace"]["row"], 1);
}

#[test]
fn a_trace_of_several_sessions_is_asked_for() {
    let folder = with_model();
    let set = folder.traces("traces.parquet").set;
    let in_session = |one: &LabelledTrace, session: &str| LabelledTrace {
        key: TraceKey { session: Some(session.to_owned()), class: "a:b".to_owned(), rep: 1 },
        ..one.clone()
    };
    let two = vec![in_session(&set.traces()[0], "mon:1"), in_session(&set.traces()[1], "tue")];
    write_traces(&folder.path("two.parquet"), &TraceSet::new(two, set.provenance().clone()).unwrap()).unwrap();
    let message = folder.wfkit("plot alignment model.wfm two.parquet --trace a:b:1 --out x.svg").fails();
    assert!(message.contains("2 sessions have it; say which: a:b:1:mon:1, a:b:1:tue"), "{message}");
    let report = folder.report("plot alignment model.wfm two.parquet --trace a:b:1:mon:1 --out x.svg");
    assert_eq!(aligned(&report)["trace"]["session"], "mon:1");
    let verdict = report.privacy.extras.get("verdict").unwrap().as_str().unwrap();
    assert!(verdict.contains("does not know its own, a:b"), "{verdict}");
}

#[test]
fn what_cannot_be_shown_is_told_with_the_next_step() {
    let folder = with_model();
    folder.wfkit("train traces.parquet --attack totals --trees 5 --out totals.wfm").succeeds();
    for (arguments, said) in [
        ("totals.wfm traces.parquet --out x.svg", "a model of the attack totals without an alignment"),
        ("totals.wfm traces.parquet --out x.svg", "wfkit train TRACES --attack alignment --out MODEL"),
        ("traces.parquet traces.parquet --out x.svg", "found traces; expected a model"),
        ("missing.wfm traces.parquet --out x.svg", "missing.wfm"),
        ("model.wfm model.wfm --out x.svg", "found a model, which `wfkit predict MODEL TRACES` uses"),
        ("model.wfm traces.parquet --class nobody --out x.svg", "class nobody: the model has no such class"),
        (
            "model.wfm traces.parquet --trace 17:99 --out x.svg",
            "--trace 17:99: not in traces.parquet: class 17 has no trace 99",
        ),
        ("model.wfm traces.parquet --trace nobody:1 --out x.svg", "the file has no such class"),
        ("model.wfm traces.parquet --trace 17 --out x.svg", "CLASS:REP"),
        ("model.wfm traces.parquet --row 201 --out x.svg", "--row 201: traces.parquet has 200 traces, numbered from 1"),
        ("model.wfm traces.parquet --out x.pdf", "x.pdf: pictures are written as .svg or .png"),
        ("model.wfm traces.parquet --out nowhere/x.svg", "nowhere/x.svg: cannot write"),
    ] {
        let message = folder.wfkit(&format!("plot alignment {arguments}")).fails();
        assert!(message.contains(said), "{arguments}: {message}");
    }
    assert!(!folder.path("x.svg").exists());
    folder.wfkit("plot alignment model.wfm traces.parquet").shows_wrong_usage();
    folder.wfkit("plot alignment model.wfm traces.parquet --row 0 --out x.svg").shows_wrong_usage();
    folder.wfkit("plot alignment model.wfm traces.parquet --row 1 --trace 1:1 --out x.svg").shows_wrong_usage();

    // A class that the file has no trace of is shown beside another's.
    let set = folder.traces("traces.parquet").set;
    let of = |class: &str| (0..set.len()).filter(|&row| set.traces()[row].key.class == class).collect::<Vec<_>>();
    write_traces(&folder.path("one.parquet"), &set.select(&of("17"))).unwrap();
    let message = folder.wfkit("plot alignment model.wfm one.parquet --class 99 --out x.svg").fails();
    assert!(message.contains("one.parquet has no trace of it; name a trace by --trace or --row"), "{message}");
    folder.wfkit("plot alignment model.wfm one.parquet --class 99 --row 1 --out x.svg").succeeds();
    assert!(
        folder.wfkit("attacks --format json").succeeds().stdout.contains("wfkit plot alignment"),
        "the attack says what shows it"
    );
}
