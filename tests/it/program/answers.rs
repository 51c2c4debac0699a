//! What the terminal shows first, at 80 and 120 columns, and that its numbers are those of the report.

use wfkit_metrics::StageReport;

use super::support::Folder;

/// The line that begins with `name`, and the numbers in it.
fn line(text: &str, name: &str) -> (String, Vec<f64>) {
    let found = text
        .lines()
        .find(|line| line.split_whitespace().next() == Some(name.split(' ').next().unwrap()) && line.starts_with(name));
    let line = found.unwrap_or_else(|| panic!("{name}: not in\n{text}")).to_owned();
    let words = line[name.len()..].split(|c: char| !(c.is_ascii_digit() || c == '.'));
    let numbers = words.filter_map(|word| word.trim_end_matches('.').parse().ok()).collect();
    (line, numbers)
}

fn extra<'a>(report: &'a StageReport, path: &[&str]) -> &'a serde_json::Value {
    let first = report.privacy.extras.get(path[0]).unwrap();
    path[1..].iter().fold(first, |value, name| &value[*name])
}

#[test]
fn an_evaluation_answers_first() {
    let folder = Folder::with_traces();
    let command = "evaluate traces.parquet --attack kfp-size --folds 2";
    let report = folder.report(command);
    for columns in [80, 120] {
        let text = folder.wfkit_at(Some(columns), command).succeeds().stdout;
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.lines().count() <= 14, "{text}");
        let share = format!("{:.0} %", 100.0 * report.privacy.accuracy.unwrap());
        assert!(text.starts_with(&format!("kfp-size names the class of {share} of the traces [")), "{text}");
        let near = |shown: f64, meant: f64| (shown - meant).abs() <= 0.000_51;
        let (told, numbers) = line(&text, "accuracy");
        let ends = extra(&report, &["intervals_95", "accuracy"]);
        let meant = [report.privacy.accuracy.unwrap(), ends["low"].as_f64().unwrap(), ends["high"].as_f64().unwrap()];
        assert!(meant.iter().zip(&numbers).all(|(&meant, &shown)| near(shown, meant)), "{told}: {meant:?}");
        assert!(near(numbers[4], extra(&report, &["trivial", "accuracy"]).as_f64().unwrap()), "{told}");
        assert!(near(line(&text, "ROC-AUC").1[0], report.privacy.roc_auc_macro_ovr.unwrap()), "{text}");
        assert_eq!(line(&text, "tested").1[..2], [200.0, 10.0]);
    }
    let full = folder.wfkit(&format!("{command} --full")).succeeds().stdout;
    assert!(full.contains("top_3_accuracy") && full.lines().count() > 40, "{full}");
    let world = folder.wfkit("evaluate traces.parquet --attack totals --folds 2 --open-world 17").succeeds().stdout;
    assert!(world.contains("open_world."), "what the answer does not tell is not hidden: {world}");
}

#[test]
fn comparisons_are_a_table() {
    let folder = Folder::with_traces();
    let command = "evaluate traces.parquet --attack kfp-size --against totals --against sequence --folds 2";
    let report = folder.report(command);
    for columns in [80, 120] {
        let text = folder.wfkit_at(Some(columns), command).succeeds().stdout;
        assert!(text.lines().all(|line| line.trim_end().chars().count() <= usize::from(columns)), "{text}");
        for one in extra(&report, &["against"]).as_array().unwrap() {
            let (name, accuracy) =
                (one["second"].as_str().unwrap(), one["second_scores"]["accuracy"].as_f64().unwrap());
            let row = text.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
            assert!(row.contains(&format!("{accuracy:.4}")), "{row}");
        }
    }
}

#[test]
fn a_defence_answers_in_eight_lines() {
    let folder = Folder::with_traces();
    let command = "defend traces.parquet --defence tamaraw:cell --out d.parquet --folds 2";
    let report = folder.report(command);
    let overhead =
        report.utility.extras.get("overheads").unwrap()["bandwidth"]["both"]["total"]["value"].as_f64().unwrap();
    for columns in [80, 120] {
        let text = folder.wfkit_at(Some(columns), command).succeeds().stdout;
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.lines().count() <= 12, "{text}");
        let before = extra(&report, &["undefended", "accuracy"]).as_f64().unwrap();
        let (told, numbers) = line(&text, "kfp-size");
        assert!((numbers[0] - before).abs() < 0.000_51, "{told}: {before}");
        assert!((numbers[1] - report.privacy.accuracy.unwrap()).abs() < 0.000_51, "{told}");
        assert!((line(&text, "bytes").1[0] - 1.0 - overhead).abs() < 0.0051, "{text}");
        assert!(text.contains("All of it: --full, or d.report.json"), "{text}");
    }
    assert!(
        folder.wfkit(&format!("{command} --full")).succeeds().stdout.contains("overheads.bandwidth.both.total.value")
    );
}

/// A name that is broken into lines moves no number to another attack.
#[test]
fn numbers_of_a_sweep_stand_beside_their_attack() {
    let folder = Folder::with_traces();
    folder
        .wfkit("sweep traces.parquet --defence front:n-client=100,n-server=150,w-min=1s,w-max=9s --attack totals,kfp-size,sequence --folds 2 --out s")
        .succeeds();
    let command = "sweep traces.parquet --defence front:n-client=100,n-server=150,w-min=1s,w-max=9s --attack totals,kfp-size,sequence --folds 2 --out s";
    let csv = folder.text("s/sweep.csv");
    for columns in [80, 120] {
        let text = folder.wfkit_at(Some(columns), command).succeeds().stdout;
        assert!(text.lines().all(|line| line.trim_end().chars().count() <= usize::from(columns)), "{text}");
        for row in csv.lines().skip(1) {
            // A defence has commas, and is quoted.
            let (_, rest) = row.split_once("\",").unwrap();
            let fields: Vec<&str> = rest.split(',').collect();
            let (attack, accuracy): (&str, f64) = (fields[12], fields[17].parse().unwrap());
            let beside =
                text.lines().filter(|line| line.split_whitespace().any(|word| word.trim_end_matches('*') == attack));
            assert!(
                beside.clone().any(|line| line.contains(&format!("{accuracy:.4}"))),
                "{attack} {accuracy}:\n{text}"
            );
        }
    }
}
