//! `wfkit report`, and `wfkit plot` of traces, probabilities and reports.

use wfkit_metrics::StageReport;

use super::support::Folder;

/// A column of a CSV; fields may be quoted, and have no quotes in them.
fn column(csv: &str, name: &str) -> Vec<String> {
    fn fields(line: &str) -> Vec<String> {
        let parts = line.split('"').enumerate();
        // Commas between quotes, in every second part, separate nothing.
        let joined: String =
            parts.map(|(at, part)| if at % 2 == 1 { part.replace(',', "\u{1}") } else { part.to_owned() }).collect();
        joined.split(',').map(|field| field.replace('\u{1}', ",")).collect()
    }
    let mut lines = csv.lines();
    let at = fields(lines.next().unwrap()).iter().position(|head| head == name).unwrap();
    lines.map(|line| fields(line)[at].clone()).collect()
}

fn numbers(csv: &str, name: &str) -> Vec<f64> {
    column(csv, name).iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn a_run_becomes_one_page_that_says_what_its_reports_say() {
    let folder = Folder::new();
    folder.captures("captures", &[17, 48, 50], 1..8);
    folder.wfkit("run captures --out out --folds 2 --defence pad:mtu --defence front:n=20").succeeds();
    let said = folder.wfkit("report out").succeeds().stdout;
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    let page = folder.text("out/report.html").replace('\u{a0}', " ");
    let classify: StageReport = serde_json::from_str(&folder.text("out/model.report.json")).unwrap();
    let share = format!("{:.0} %", 100.0 * classify.privacy.accuracy.unwrap());
    let sentence = format!("the attack kfp-size names the class of {share} of the traces");
    assert!(page.contains(&sentence), "{sentence}\n{said}");
    for part in [
        "When what was sent",
        "Bytes over time",
        "How large packets are",
        "What is taken for what, kfp-size",
        "Visits found against false alarms, kfp-size",
        "Right against sure, kfp-size",
        "ROC-AUC of each class, kfp-size",
        "Cost against protection",
        "wfkit run captures --seed 0 --attack kfp-size --client auto --defence pad:mtu --defence front:n=20 --flows main --folds 2 --layer tcp",
        &classify.inputs[0].sha256,
    ] {
        assert!(page.contains(part), "{part}");
    }
    // Padding is known where the defence, simulated again, gives what is in the file.
    assert_eq!(page.matches("of it padding").count(), 2, "{said}");
    assert!(!said.contains("left out"), "{said}");
    assert_eq!(folder.wfkit("report out --out again.html").succeeds().stdout.lines().next(), said.lines().next());
    assert_eq!(folder.text("again.html"), folder.text("out/report.html"), "the same folder, another page");
}

#[test]
fn a_folder_with_anything_else_says_what_is_left_out() {
    let folder = Folder::with_traces();
    assert!(
        folder.wfkit("report .").fails().contains("there is no stage report in it; wfkit run --out DIR writes them")
    );
    assert!(folder.wfkit("report nowhere").fails().contains("nowhere: no folder"));
    folder.wfkit("evaluate traces.parquet --attack totals --folds 2 --out p.parquet").succeeds();
    folder.write("broken.report.json", "{");
    folder.write("notes.json", "{}");
    folder.write("other.parquet", "PAR1 but no more");
    let said = folder.wfkit("report . --out x.html").succeeds().stdout.replace('\n', " ");
    let page = folder.text("x.html");
    for told in [
        "broken.report.json is left out, since it is no stage report",
        "other.parquet is left out: no table that wfkit knows.",
        "the attack totals names the class of",
    ] {
        assert!(said.contains(told) && page.contains(told), "{told}: {said}");
    }
    assert!(!page.contains("notes.json"), "what is not called a report is none");
    assert!(page.contains("What is taken for what, totals") && page.contains("Bytes over time"));
}

#[test]
fn pictures_of_traces_have_the_bytes_of_the_traces() {
    let folder = Folder::with_traces();
    let set = folder.traces("traces.parquet").set;
    let one = set.traces().iter().find(|one| one.key.class == "50").unwrap();
    let bytes = (one.trace.in_bytes() + one.trace.out_bytes()) as f64;
    folder.wfkit("plot waterfall traces.parquet --class 50 --defence front:n=50 --out w.csv").succeeds();
    let csv = folder.text("w.csv");
    let sum = |trace: &str, kind: &str| {
        let (names, kinds) = (column(&csv, "trace"), column(&csv, "kind"));
        let bytes = numbers(&csv, "bytes");
        (0..bytes.len()).filter(|&row| names[row] == trace && kinds[row] == kind).map(|row| bytes[row]).sum::<f64>()
    };
    assert_eq!((sum("as it was", "not told apart"), sum("front:ft-1,n=50", "data")), (bytes, bytes));
    assert!(sum("front:ft-1,n=50", "padding") > 0.0);

    folder.wfkit("plot cumulative traces.parquet --class 50 --out c.csv").succeeds();
    assert_eq!(numbers(&folder.text("c.csv"), "incoming_bytes").last(), Some(&(one.trace.in_bytes() as f64)));
    folder.wfkit("plot sizes traces.parquet --out s.csv").succeeds();
    assert_eq!(numbers(&folder.text("s.csv"), "packets").iter().sum::<f64>(), set.packets() as f64);
    // The report of a table does not replace that of a file with another ending.
    assert!(folder.path("s.csv.report.json").exists() && !folder.path("s.report.json").exists());
}

#[test]
fn pictures_of_scores_have_the_scores_of_the_report() {
    let folder = Folder::with_traces();
    let report = folder.report("evaluate traces.parquet --attack kfp-size --folds 2 --few-shot 1,5 --out p.parquet");
    let plot = |kind: &str, of: &str| {
        folder.wfkit(&format!("plot {kind} {of} --out {kind}.csv")).succeeds();
        folder.wfkit(&format!("plot {kind} {of} --out {kind}.json")).succeeds();
        let vega: serde_json::Value = serde_json::from_str(&folder.text(&format!("{kind}.json"))).unwrap();
        let csv = folder.text(&format!("{kind}.csv"));
        assert_eq!(vega["data"]["values"].as_array().unwrap().len(), csv.lines().count() - 1, "{kind}");
        csv
    };
    let confusion = plot("confusion", "p.parquet");
    let (own, decided, traces) =
        (column(&confusion, "class"), column(&confusion, "taken_for"), numbers(&confusion, "traces"));
    let right: f64 = (0..own.len()).filter(|&row| own[row] == decided[row]).map(|row| traces[row]).sum();
    assert_eq!((traces.iter().sum::<f64>(), right / 200.0), (200.0, report.privacy.accuracy.unwrap()));
    let areas = numbers(&plot("classes", "p.parquet"), "roc_auc");
    let mean = areas.iter().sum::<f64>() / areas.len() as f64;
    assert!((mean - report.privacy.roc_auc_macro_ovr.unwrap()).abs() < 1e-4, "{mean}");
    assert_eq!(numbers(&plot("reliability", "p.parquet"), "traces").iter().sum::<f64>(), 200.0);
    assert!(numbers(&plot("roc", "p.parquet"), "true_positive_rate").is_sorted());
    assert_eq!(numbers(&plot("curve", "p.report.json"), "x"), [1.0, 5.0]);
    folder.wfkit("defend traces.parquet --defence pad:mtu --out d.parquet").succeeds();
    assert_eq!(column(&plot("frontier", "d.report.json"), "defence"), ["no defence", "pad:mtu"]);
    let explained = folder.wfkit("features explain traces.parquet --set totals --format json").succeeds().stdout;
    folder.write("explained.json", explained);
    assert!(column(&plot("importance", "explained.json"), "name").iter().any(|name| name == "volume"));
    let matrix = folder
        .wfkit("evaluate --matrix traces.parquet d.parquet --attack totals --folds 2 --allow-duplicates --format json")
        .succeeds()
        .stdout;
    folder.write("m.json", matrix);
    assert_eq!(column(&plot("matrix", "m.json"), "trained_on"), ["traces", "traces", "d", "d"]);
}

#[test]
fn what_cannot_be_drawn_is_told_with_what_to_do() {
    let folder = Folder::with_traces();
    folder.wfkit("evaluate traces.parquet --attack totals --folds 2 --out p.parquet").succeeds();
    for (arguments, told) in [
        ("roc p.parquet --out x.pdf", "pictures are written as .svg, .png, .csv or .json (Vega-Lite)"),
        ("roc traces.parquet --out x.svg", "traces.parquet"),
        ("matrix p.report.json --out x.svg", "wfkit evaluate TRACES --matrix session"),
        ("importance p.report.json --out x.svg", "wfkit features explain TRACES"),
        ("curve traces.parquet --out x.svg", "traces.parquet"),
        ("waterfall traces.parquet --class nobody --out x.svg", "no trace"),
        ("cumulative traces.parquet --class nobody --out x.svg", "class nobody: the file has no such class"),
        ("waterfall traces.parquet --defence k-anonymous,k=2 --out x.svg", "wfkit defend --fit-on"),
    ] {
        let message = folder.wfkit(&format!("plot {arguments}")).fails();
        assert!(message.contains(told), "{arguments}: {message}");
        assert!(!folder.path("x.svg").exists(), "{arguments}");
    }
}
