//! Trained here and tested there: the matrix of sessions and of files, and drift.

use serde_json::Value;
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, write_traces};
use wfkit_metrics::seed::mix;

use super::support::Folder;

/// Loads of four classes, each of its own size; `shift` moves all of them, in classes.
fn made(
    session: &str,
    classes: std::ops::Range<u64>,
    loads: u64,
    shift: f64,
    start_ns: Option<i64>,
) -> Vec<LabelledTrace> {
    let one = |class: u64, load: u64| {
        let lot = |i: u64| mix(mix(mix(session.len() as u64 + u64::from(session.as_bytes()[0]), class), load), i);
        let size = 2_000.0 + 4_000.0 * (class as f64 + shift) + (lot(1) % 800) as f64;
        let times =
            [0, 20_000_000, 21_000_000].map(|time: u64| if time == 0 { 0 } else { time + lot(time) % 9_000_000 });
        let mut times = times.to_vec();
        times.sort_unstable();
        let sizes = vec![200 + (lot(2) % 90) as i32, -(size as i32), -(40 + (lot(3) % 60) as i32)];
        let key = TraceKey { class: format!("c{class}"), rep: load as i64, session: Some(session.to_owned()) };
        let start = start_ns.map(|start| start + 1_000_000_000 * load as i64);
        LabelledTrace::new(key, start, Trace::new(times, sizes).unwrap())
    };
    classes.flat_map(|class| (0..loads).map(move |load| (class, load))).map(|(class, load)| one(class, load)).collect()
}

fn write(folder: &Folder, name: &str, traces: Vec<LabelledTrace>) {
    let set = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap();
    write_traces(&folder.path(name), &set).unwrap();
}

fn cell<'a>(matrix: &'a Value, train: &str, test: &str) -> &'a Value {
    let cells = matrix["cells"].as_array().unwrap();
    cells.iter().find(|cell| cell["train"] == train && cell["test"] == test).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn files_that_are_shifted_show_across_and_not_within() {
    let folder = Folder::new();
    write(&folder, "near.parquet", made("a", 0..4, 12, 0.0, None));
    write(&folder, "far.parquet", made("b", 0..4, 12, 1.0, None));
    let command = "evaluate --matrix near.parquet far.parquet --attack totals --trees 30";
    let ran = folder.wfkit(&format!("{command} --picture matrix.svg --sheet sheet.md")).succeeds();
    let first = ran.stdout.lines().next().unwrap();
    assert!(first.starts_with("within one file accuracy ") && first.contains("]; across files ."), "{first}");
    let table: Vec<&str> = ran.stdout.lines().take_while(|line| !line.starts_with('─')).collect();
    assert!(table.iter().all(|line| line.chars().count() <= 80) && table.len() == 5, "{table:#?}");

    let report = folder.report(command);
    let matrix = report.privacy.extras.get("matrix").unwrap();
    assert_eq!(matrix["told"], *first);
    assert_eq!(matrix["names"], serde_json::json!(["near", "far"]));
    for (train, test, place) in
        [("near", "near", "within"), ("far", "far", "within"), ("near", "far", "across"), ("far", "near", "across")]
    {
        let cell = cell(matrix, train, test);
        assert_eq!(cell["where"], place);
        let accuracy = number(&cell["accuracy"]);
        assert!(if train == test { accuracy > 0.95 } else { accuracy < 0.5 }, "{cell}");
        let interval = &cell["accuracy_95"];
        assert!(number(&interval["low"]) <= accuracy && accuracy <= number(&interval["high"]), "{cell}");
        assert_eq!((number(&cell["n"]), number(&cell["origins"])), (48.0, 48.0));
        let rates = ["at_recall_50", "at_recall_80", "at_recall_95"].map(|at| number(&cell["false_positive_rate"][at]));
        assert!(rates.is_sorted() && if train == test { rates[2] < 0.05 } else { rates[2] > 0.2 }, "{cell}");
        assert!(cell["roc_auc_macro_ovr"].is_number() && cell["log_loss"].is_number());
    }
    assert_eq!(report.privacy.accuracy, matrix["across"]["accuracy"].as_f64(), "transfer is the test that counts");
    assert_eq!(report.inputs.len(), 2);
    let picture = folder.text("matrix.svg");
    let within = format!(">{:.2}<", number(&cell(matrix, "near", "near")["accuracy"]));
    assert!([first, &within, "tested on", "near\tfar\t48\t"].iter().all(|text| picture.contains(text)), "{picture}");
    let sheet = folder.text("sheet.md");
    assert!(sheet.contains("## matrix") && sheet.contains("| trained on \\ tested on | near | far |"), "{sheet}");
}

#[test]
fn sessions_are_compared_in_the_order_of_their_times() {
    let folder = Folder::new();
    let hour = 3_600_000_000_000;
    let all = [("z", 0), ("m", 1), ("a", 2)].map(|(name, at)| made(name, 0..4, 8, 0.0, Some(at * hour)));
    write(&folder, "t.parquet", all.concat());
    for command in ["evaluate t.parquet --matrix session", "evaluate --matrix session t.parquet"] {
        let report = folder.report(&format!("{command} --attack totals --trees 20 --folds 4"));
        let matrix = report.privacy.extras.get("matrix").unwrap();
        assert_eq!(matrix["names"], serde_json::json!(["z", "m", "a"]));
        assert!(matrix["cells"].as_array().unwrap().iter().all(|cell| number(&cell["accuracy"]) > 0.9));
        assert_eq!((number(&matrix["across"]["n"]), number(&matrix["within"]["n"])), (192.0, 96.0));
        assert_eq!(report.counts["cells with a score"], 9);
    }

    let drift = |file: &str| {
        let report = folder.report(&format!("evaluate {file} --attack totals --trees 20 --drift"));
        report.privacy.extras.get("drift").unwrap().clone()
    };
    let timed = drift("t.parquet");
    assert_eq!(timed["order"], "their first traces");
    let tested = |drift: &Value| -> Vec<(u64, String, u64)> {
        let pair = |pair: &Value| {
            (
                pair["train_sessions"].as_u64().unwrap(),
                pair["test_session"].as_str().unwrap().to_owned(),
                pair["trained_on"].as_u64().unwrap(),
            )
        };
        drift["pairs"].as_array().unwrap().iter().map(pair).collect()
    };
    assert_eq!(tested(&timed), [(1, "m".to_owned(), 32), (1, "a".to_owned(), 32), (2, "a".to_owned(), 64)]);
    assert_eq!(number(&timed["pairs"][1]["seconds_later"]), 7200.0);
    assert_eq!((timed["curve"][0]["pairs"].as_u64(), timed["curve"][1]["pairs"].as_u64()), (Some(2), Some(1)));
    assert!(timed["curve"][0]["accuracy_95"]["low"].is_number());

    let untimed = all.concat().into_iter().map(|one| LabelledTrace { start_ns: None, ..one }).collect();
    write(&folder, "untimed.parquet", untimed);
    let untimed = drift("untimed.parquet");
    assert!(untimed["order"].as_str().unwrap().starts_with("their names: not every trace"));
    assert_eq!(tested(&untimed)[0].1, "m", "after a, before z");
}

#[test]
fn what_cannot_be_compared_says_what_to_do() {
    let folder = Folder::new();
    write(&folder, "one.parquet", made("monday", 0..3, 6, 0.0, None));
    let nameless = made("x", 0..3, 6, 0.0, None).into_iter().map(|mut one| {
        one.key.session = None;
        one
    });
    write(&folder, "nameless.parquet", nameless.collect());
    let says = |command: &str, parts: &[&str]| {
        let error = folder.wfkit(command).fails();
        assert!(parts.iter().all(|part| error.contains(part)), "{command}: {error}");
    };
    says(
        "evaluate one.parquet --matrix session",
        &["found 1 (monday)", "--matrix A.parquet B.parquet", "wfkit evaluate TRACES"],
    );
    says("evaluate one.parquet --drift", &["--drift needs two sessions", "found 1 (monday)"]);
    says("evaluate nameless.parquet --matrix session", &["no trace says which", "capture import --label"]);
    says("evaluate --matrix one.parquet", &["compared with nothing", "evaluate one.parquet --matrix session"]);
    says("evaluate --matrix session", &["wfkit evaluate TRACES --matrix session"]);
    says("evaluate one.parquet --matrix nameless.parquet", &["wfkit evaluate --matrix A.parquet B.parquet"]);
    folder.wfkit("evaluate one.parquet --matrix session --out p.csv").shows_wrong_usage();
    folder.wfkit("evaluate one.parquet --any-layer").shows_wrong_usage();

    // The same traces under another name: nothing is left to test, unless asked for.
    folder.write("again.parquet", folder.bytes("one.parquet"));
    says(
        "evaluate --matrix one.parquet again.parquet --attack totals",
        &["18 tested traces were learned from", "--allow-duplicates"],
    );
    let report =
        folder.report("evaluate --matrix one.parquet again.parquet --attack totals --trees 20 --allow-duplicates");
    assert!(report.privacy.accuracy.unwrap() > 0.95);
}

#[test]
fn a_class_that_was_not_learned_there_is_counted_and_not_scored() {
    let folder = Folder::new();
    write(&folder, "all.parquet", made("a", 0..4, 8, 0.0, None));
    write(&folder, "few.parquet", made("b", 0..3, 8, 0.0, None));
    // A single load cannot be learned and tested.
    let mut lonely = made("c", 0..3, 8, 0.0, None);
    lonely.extend(made("c", 3..4, 1, 0.0, None));
    write(&folder, "lonely.parquet", lonely);
    let report =
        folder.report("evaluate --matrix all.parquet few.parquet lonely.parquet --attack totals --trees 30 --folds 4");
    let matrix = report.privacy.extras.get("matrix").unwrap();
    for (train, test, n, left_out) in [
        ("all", "few", 24, 0),
        ("few", "all", 24, 8),
        ("lonely", "all", 32, 0),
        ("all", "lonely", 25, 0),
        ("few", "lonely", 24, 1),
        ("lonely", "lonely", 24, 1),
        ("few", "few", 24, 0),
    ] {
        let cell = cell(matrix, train, test);
        assert_eq!(
            (cell["n"].as_u64(), cell["left_out_class_not_trained_on"].as_u64()),
            (Some(n), Some(left_out)),
            "{cell}"
        );
    }
    assert_eq!(matrix["parts"][1]["missing_classes"], serde_json::json!(["c3"]));
    let printed =
        folder.wfkit("evaluate --matrix all.parquet few.parquet --attack totals --trees 10").succeeds().stdout;
    assert!(printed.contains("8 tests are in no score"), "{printed}");
}

#[test]
fn all_attacks_stand_in_one_table() {
    let folder = Folder::with_traces();
    let command = "evaluate traces.parquet --attack all --folds 2";
    let ran = folder.wfkit(&format!("{command} --trees 20 --sheet sheet.md --threads 2 --format json")).succeeds();
    assert!(ran.stderr.contains("not all options apply to them, so they run as published"), "{}", ran.stderr);
    let report = super::support::stage_report(command, &ran.stdout);
    let all = report.privacy.extras.get("attacks").unwrap();
    let table = all["table"].as_array().unwrap();
    let names: Vec<&str> = table.iter().map(|row| row["attack"].as_str().unwrap()).collect();
    assert!(
        ["best", "alignment", "cumul", "wang-knn", "boosting", "totals"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    assert!(!names.contains(&"forest") && all["failed"].as_array().unwrap().is_empty());
    let losses: Vec<f64> = table.iter().map(|row| number(&row["log_loss"])).collect();
    assert!(losses.is_sorted(), "{losses:?}");
    assert_eq!((all["reference"].as_str(), report.privacy.attack.as_str()), (Some(names[0]), names[0]));
    assert!(all["chosen"].as_str().unwrap().contains("after the look"));
    assert!(
        table[0]["p_log_loss"].is_null()
            && table[1..].iter().all(|row| row["p_log_loss"].is_number() && row["p_accuracy"].is_number())
    );
    assert!(table.iter().all(|row| row["accuracy_95"].is_object()
        && number(&row["train_cpu_seconds"]) > 0.0
        && number(&row["predict_cpu_ms_a_trace"]) >= 0.0));
    let sheet = folder.text("sheet.md");
    assert!(sheet.contains("## attacks") && sheet.contains("| wang-knn |"), "{sheet}");

    folder.wfkit("features traces.parquet --set totals --out f.parquet").succeeds();
    let printed = folder.wfkit("evaluate f.parquet --attack all --folds 2").succeeds().stdout;
    let lines: Vec<&str> = printed.lines().take_while(|line| !line.starts_with('─')).collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    assert!(
        lines.iter().any(|line| line.starts_with("forest "))
            && lines.iter().any(|line| line.starts_with("extra-trees "))
    );
    let refused = folder.wfkit("train traces.parquet --attack all --out m.wfm").shows_wrong_usage();
    assert!(
        refused.contains("a model file holds one") && refused.contains("evaluate TRACES --attack all"),
        "{refused}"
    );
    assert!(
        folder.wfkit("evaluate f.parquet --attack all --against forest").fails().contains("--against adds nothing")
    );
}
