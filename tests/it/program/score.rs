//! Probabilities of others, scored like our own; folds in a file, for both.

use std::io::Write as _;

use serde_json::Value;
use wfkit_datasets::{LabelledTrace, TraceSet, write_traces};

use super::support::Folder;

/// A folder with traces, their folds, and what two attacks say of them by these folds.
fn folder_with_folds() -> Folder {
    let folder = Folder::with_traces();
    folder.wfkit("dataset split traces.parquet --folds 4 --out folds.csv --seed 3").succeeds();
    for (attack, out) in [("totals", "theirs.csv"), ("kfp-size", "ours.parquet")] {
        folder
            .wfkit(&format!("evaluate traces.parquet --attack {attack} --trees 30 --split-file folds.csv --out {out}"))
            .succeeds();
    }
    folder
}

/// The rows of a CSV file as fields; none of the sample's has a comma in it.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn text(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| row.join(",") + "\n").collect()
}

#[test]
fn probabilities_of_others_get_the_scores_of_our_own() {
    let folder = folder_with_folds();
    let ours =
        folder.report("evaluate traces.parquet --attack totals --trees 30 --split-file folds.csv --against kfp-size");
    let scored = folder.report(
        "score theirs.csv --against ours.parquet --truth traces.parquet --split-file folds.csv --sheet sheet.md --picture p.svg",
    );
    assert_eq!((scored.privacy.accuracy, &*scored.privacy.attack), (ours.privacy.accuracy, "theirs"));
    let part = |report: &wfkit_metrics::StageReport, name: &str| report.privacy.extras.get(name).unwrap().clone();
    for name in ["intervals_95", "reliability", "per_class", "log_loss", "overlap", "split"] {
        assert_eq!(part(&scored, name), part(&ours, name), "{name}");
    }
    assert_eq!(scored.utility.utility, ours.utility.utility);
    // Only the names differ, and the trees of the other attack.
    let test = &part(&scored, "against")[0];
    assert_eq!((&test["first"], &test["second"], &test["folds"]), (&"theirs".into(), &"ours".into(), &4.into()));
    assert!(test["accuracy"]["p_holm"].is_number() && test["log_loss_corrected_t_test"]["p_holm"].is_number());
    assert!(part(&scored, "leakage")["bayes_error"]["by"].is_string());
    let sheet = folder.text("sheet.md");
    assert!(["| theirs |", "| ours |", "| totals |", "| chance |"].iter().all(|line| sheet.contains(line)), "{sheet}");
    assert!(folder.text("p.svg").starts_with("<svg"));

    // Without the folds, the traces count as tested once by one model.
    let alone = folder.report("score theirs.csv ours.parquet --truth traces.parquet");
    assert_eq!(alone.privacy.accuracy, ours.privacy.accuracy);
    assert!(part(&alone, "split").as_str().unwrap().contains("--split-file tells the folds"));
    assert!(part(&alone, "against")[0]["accuracy"]["test"].as_str().unwrap().contains("McNemar"));
    let text = folder.wfkit("score theirs.csv ours.parquet --truth traces.parquet").succeeds().stdout;
    let table: Vec<&str> = text.lines().take(6).collect();
    assert!(table[0].starts_with("attack") && table[2].starts_with("theirs") && table[3].starts_with("ours"), "{text}");
    assert!(table.iter().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("McNemar"), "{text}");
}

#[test]
fn every_way_to_write_the_same_probabilities_scores_the_same() {
    let folder = folder_with_folds();
    let expected = folder.report("score theirs.csv --truth traces.parquet").privacy;
    let score = |file: &str, truth: &str| {
        let report = folder.report(&format!("score {file} --truth {truth}"));
        let (loss, same) = (report.privacy.extras.get("log_loss"), expected.extras.get("log_loss"));
        assert_eq!((report.privacy.accuracy, loss), (expected.accuracy, same), "{file} {truth}");
        report
    };
    let all = rows(&folder.text("theirs.csv"));
    let turned: Vec<Vec<String>> = all.iter().map(|row| row.iter().rev().cloned().collect()).collect();
    folder.write("turned.csv", text(&turned));
    score("turned.csv", "traces.parquet");
    let mut shuffled = all.clone();
    shuffled[1..].reverse();
    shuffled[0].iter_mut().skip(3).for_each(|class| *class = format!("proba_class_0{class}.0"));
    folder.write("shuffled.csv", text(&shuffled));
    let report = score("shuffled.csv", "traces.parquet");
    assert!(report.problems.iter().any(|told| told.contains("columns are named `proba_class_` and a class")));
    let semicolons = text(&all).replace(',', ";").replace('.', ",");
    folder.write("spreadsheet.csv", semicolons);
    score("spreadsheet.csv", "traces.parquet");
    // pandas numbers the rows, and classes are floats where a column was joined.
    let number = |(row, fields): (usize, &Vec<String>)| {
        let first = if row == 0 { String::new() } else { (row - 1).to_string() };
        let class = if row == 0 { fields[0].clone() } else { format!("{}.0", fields[0]) };
        [vec![first, class], fields[1..].to_vec()].concat()
    };
    folder.write("pandas.csv", text(&all.iter().enumerate().map(number).collect::<Vec<_>>()));
    score("pandas.csv", "traces.parquet");
    // A table of the truth, and the folds, tell classes too; features tell what rows are copies of.
    let keys: Vec<Vec<String>> = all.iter().map(|row| row[..3].to_vec()).collect();
    folder.write("truth.csv", text(&keys));
    let report = score("theirs.csv", "truth.csv");
    assert_eq!(report.utility.utility.score, None);
    score("theirs.csv", "folds.csv");
    folder.wfkit("features traces.parquet --set totals --out features.parquet").succeeds();
    score("theirs.csv", "features.parquet");
    // Without keys, rows are taken in order, and that is said.
    let bare: Vec<Vec<String>> = all.iter().map(|row| row[3..].to_vec()).collect();
    folder.write("bare.csv", text(&bare));
    let report = score("bare.csv", "traces.parquet");
    assert!(
        report.problems[0]
            .contains("rows are taken for the traces of traces.parquet in their order, the first for (class")
    );
    let numbers: Vec<f64> = bare[1..].iter().flatten().map(|field| field.parse().unwrap()).collect();
    let shape = [all.len() - 1, bare[0].len()];
    folder.write("p.npy", npy("<f8", &shape, &numbers.iter().flat_map(|p| p.to_le_bytes()).collect::<Vec<_>>()));
    let report = score("p.npy", "traces.parquet");
    assert!(report.problems.iter().any(|told| told.contains("columns have no names")), "{:?}", report.problems);
    folder.write("p.npz", npz(&all, &numbers));
    assert!(score("p.npz", "traces.parquet").problems.is_empty());
}

/// An array as NumPy writes it.
fn npy(kind: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().map(|length| format!("{length},")).collect();
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The table as arrays, its rows backwards.
fn npz(all: &[Vec<String>], numbers: &[f64]) -> Vec<u8> {
    let (n, classes) = (all.len() - 1, &all[0][3..]);
    let backwards = || all[1..].iter().rev();
    let texts = |texts: Vec<&str>| {
        let width = texts.iter().map(|text| text.chars().count()).max().unwrap();
        let padded = texts.iter().flat_map(|text| {
            text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width).flat_map(u32::to_le_bytes)
        });
        npy(&format!("<U{width}"), &[texts.len()], &padded.collect::<Vec<u8>>())
    };
    let whole = |numbers: Vec<i64>| npy("<i8", &[n], &numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>());
    let p = numbers.chunks(classes.len()).rev().flatten().flat_map(|p| p.to_le_bytes()).collect::<Vec<_>>();
    let place = |row: &Vec<String>| classes.iter().position(|class| *class == row[0]).unwrap() as i64;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, array) in [
        ("p", npy("<f8", &[n, classes.len()], &p)),
        ("classes", texts(classes.iter().map(String::as_str).collect())),
        ("y", whole(backwards().map(place).collect())),
        ("rep", whole(backwards().map(|row| row[1].parse().unwrap()).collect())),
        ("session", texts(backwards().map(|row| row[2].as_str()).collect())),
    ] {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn what_is_wrong_with_probabilities_is_named_with_file_row_and_next_step() {
    let folder = folder_with_folds();
    let all = rows(&folder.text("theirs.csv"));
    let fails = |file: &str, content: String| {
        folder.write(file, content);
        folder.wfkit(&format!("score {file} --truth traces.parquet")).fails()
    };
    let changed = |change: &dyn Fn(&mut Vec<Vec<String>>)| {
        let mut rows = all.clone();
        change(&mut rows);
        fails("p.csv", text(&rows))
    };
    let has = |message: String, parts: &[&str]| {
        assert!(message.contains("p.csv: ") && parts.iter().all(|part| message.contains(part)), "{message}");
    };
    has(
        changed(&|rows| drop(rows.drain(5..8))),
        &["3 of 200 traces of traces.parquet have no row: (class 17, rep ", "--partial scores the others alone"],
    );
    has(
        changed(&|rows| rows.push(rows[4].clone())),
        &["row 202, column rep: (class 17", "row 5 is about this trace already"],
    );
    has(
        changed(&|rows| rows[3][1] = "999".to_owned()),
        &["1 of 200 rows are of no trace of traces.parquet: (class 17, rep 999"],
    );
    has(changed(&|rows| rows[3][4] = "NaN".to_owned()), &["1 x not a number in column 48: row 4 `NaN`"]);
    has(changed(&|rows| rows[3][4] = "-0.1".to_owned()), &["row 4, column 48: -0.1: no probability", "softmax"]);
    let sum = |rows: &mut Vec<Vec<String>>| rows[3].iter_mut().skip(3).for_each(|p| *p = "0.09".to_owned());
    has(changed(&sum), &["row 4, column (sum): 0.", "divide each row by its sum"]);
    has(
        changed(&|rows| rows[0][3] = "seventeen".to_owned()),
        &["no column for 1 of 10 classes of the truth: `17`", "columns that are no class of it: `seventeen`"],
    );
    has(changed(&|rows| rows[0][3] = "48.0".to_owned()), &["the columns `48.0` and `48` name one class, 48"]);
    has(changed(&|rows| rows[3].truncate(5)), &["1 x wrong number of fields: row 4"]);
}

#[test]
fn rows_that_cannot_be_joined_are_told() {
    let folder = folder_with_folds();
    let all = rows(&folder.text("theirs.csv"));
    let bare: Vec<Vec<String>> = all[..150].iter().map(|row| row[3..].to_vec()).collect();
    folder.write("bare.csv", text(&bare));
    let message = folder.wfkit("score bare.csv --truth traces.parquet").fails();
    assert!(message.contains("149 rows for 200 traces of traces.parquet, and no columns class and rep"), "{message}");
    // A class that says otherwise than the truth shows that the order is another.
    let mut classes: Vec<Vec<String>> = all.iter().map(|row| [&row[..1], &row[3..]].concat()).collect();
    classes[1..].reverse();
    folder.write("classes.csv", text(&classes));
    let message = folder.wfkit("score classes.csv --truth traces.parquet").fails();
    assert!(message.contains("row 2, column class: 99: trace 1 of traces.parquet is of class 17"), "{message}");
    // Other kinds of files are called by their name.
    for (file, found) in [
        ("traces.parquet", "found traces"),
        ("folds.csv", "found folds"),
        ("folds.report.json", "found a stage report"),
    ] {
        let message = folder.wfkit(&format!("score {file} --truth traces.parquet")).fails();
        assert!(message.contains(found), "{file}: {message}");
    }
    let message = folder.wfkit("score theirs.csv --truth theirs.svg").fails();
    assert!(message.contains("theirs.svg"), "{message}");
    folder.wfkit("score theirs.csv").shows_wrong_usage();
    // Some traces of several files.
    folder.write("half.csv", text(&all[..101]));
    let report = folder.report("score theirs.csv half.csv --truth traces.parquet --partial --split-file folds.csv");
    assert_eq!((report.counts["scored traces"], report.dropped["no row in every file"]), (100, 100));
}

#[test]
fn folds_are_the_same_for_everybody_who_reads_them() {
    let folder = folder_with_folds();
    let read: Vec<Vec<String>> = rows(&folder.text("folds.csv"));
    assert_eq!(read[0], ["class", "rep", "session", "fold", "together"]);
    assert_eq!(read.len(), 201);
    let of_fold = |fold: &str| read[1..].iter().filter(|row| row[3] == fold).count();
    assert_eq!(["1", "2", "3", "4"].map(of_fold), [50; 4]);
    assert!(read[1..].iter().all(|row| row[4] == "origin+page"));
    folder.wfkit("dataset split traces.parquet --folds 4 --out again.csv --seed 3 --threads 1").succeeds();
    assert_eq!(folder.bytes("again.csv"), folder.bytes("folds.csv"));
    // By the same seed, they are those that a cross-validation makes.
    let by_file = folder.report("evaluate traces.parquet --attack totals --split-file folds.csv --seed 3");
    let by_seed = folder.report("evaluate traces.parquet --attack totals --folds 4 --seed 3");
    assert_eq!(by_file.privacy.extras.get("intervals_95"), by_seed.privacy.extras.get("intervals_95"));
    // Sessions stay together where asked for.
    folder.wfkit("dataset split traces.parquet --folds 3 --groups session --out s.parquet").succeeds();
    let report = folder.report("evaluate traces.parquet --attack totals --split-file s.parquet");
    let overlap: &Value = report.privacy.extras.get("overlap").unwrap();
    assert_eq!(overlap["same_session"], 0);
    folder.wfkit("dataset split traces.parquet --folds 3 --split-by session --out t.parquet").succeeds();
    assert_eq!(folder.bytes("s.parquet"), folder.bytes("t.parquet"));
    folder
        .wfkit("dataset split traces.parquet --folds 3 --split-time 2026-01-01T00:00:00Z --out x")
        .shows_wrong_usage();
    folder.wfkit("dataset split traces.parquet --groups session --out x").shows_wrong_usage();
    folder.wfkit("evaluate traces.parquet --split-file folds.csv --folds 3").shows_wrong_usage();
}

#[test]
fn folds_that_part_what_belongs_together_are_refused_unless_they_say_so() {
    let folder = folder_with_folds();
    let set = folder.traces("traces.parquet").set;
    // Each pair of neighbours is a load and its copy.
    let pair = |(row, one): (usize, &LabelledTrace)| LabelledTrace {
        origin: Some(format!("load {}", row / 2)),
        ..one.clone()
    };
    let copies = TraceSet::new(set.traces().iter().enumerate().map(pair).collect(), set.provenance().clone()).unwrap();
    write_traces(&folder.path("copies.parquet"), &copies).unwrap();
    let evaluate = |folds: &str| folder.wfkit(&format!("evaluate copies.parquet --attack totals --split-file {folds}"));
    let message = evaluate("folds.csv").fails();
    assert!(
        message.contains("folds.csv: (class 17, rep ") && message.contains("shows the same load, in fold"),
        "{message}"
    );
    assert!(message.contains("dataset split --folds keeps them together"), "{message}");
    let message = folder.wfkit("score theirs.csv --truth copies.parquet --split-file folds.csv").fails();
    assert!(message.contains("the same load"), "{message}");
    let told = folder.text("folds.csv").replace("origin+page", "nothing");
    folder.write("told.csv", told);
    let ran = evaluate("told.csv").succeeds();
    assert!(ran.stderr.contains("are copies of a load that was trained on: the scores are too high"), "{}", ran.stderr);
    folder.wfkit("dataset split copies.parquet --folds 4 --out good.csv").succeeds();
    evaluate("good.csv").succeeds();
    folder.wfkit("dataset split copies.parquet --folds 4 --groups nothing --out nothing.csv").succeeds();
    assert!(folder.text("nothing.csv").contains(",nothing\n"));
    // Folds of other traces are no folds of these.
    let short: String = folder.text("folds.csv").lines().take(150).map(|line| format!("{line}\n")).collect();
    folder.write("short.csv", short);
    let message = folder.wfkit("evaluate traces.parquet --attack totals --split-file short.csv").fails();
    assert!(message.contains("51 of 200 traces of traces.parquet have no row: (class "), "{message}");
    let message = folder.wfkit("evaluate traces.parquet --attack totals --split-file theirs.csv").fails();
    assert!(message.contains("theirs.csv: column fold is missing"), "{message}");
}
