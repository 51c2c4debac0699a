//! Evaluations in other worlds, the score sheet and the picture, through the program.

use super::support::Folder;

#[test]
fn one_command_measures_every_world() {
    let folder = Folder::with_traces();
    let classes = folder.traces("traces.parquet").set.classes();
    let class = classes.names()[0].clone();
    let report = folder.report(&format!(
        "evaluate traces.parquet --attack totals --folds 3 --trees 30 --calibrate temperature --against cumul-forest \
         --open-world 0{class} --base-rate 0.5,0.01 --one-vs-rest --few-shot 1,3 --early 50,100 --drift \
         --sheet sheet.md --picture reliability.svg"
    ));
    let told = |name: &str| report.privacy.extras.get(name).unwrap_or_else(|| panic!("{name} is missing")).clone();
    assert_eq!(told("open_world")["unmonitored_class"], class);
    assert_eq!(told("open_world")["at_base_rates"].as_array().unwrap().len(), 2);
    assert_eq!(told("one_vs_rest")["pages"], classes.len());
    let curve: Vec<u64> =
        told("few_shot").as_array().unwrap().iter().map(|row| row["traces_a_class"].as_u64().unwrap()).collect();
    assert_eq!(curve, [1, 3]);
    assert_eq!(told("early").as_array().unwrap().len(), 2);
    let read = folder.traces("traces.parquet");
    let sessions = read.set.traces().iter().filter_map(|t| t.key.session.clone());
    let sessions = sessions.collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(told("drift")["pairs"].as_array().unwrap().len(), sessions * (sessions - 1) / 2);
    assert_eq!(told("drift")["curve"].as_array().unwrap().len(), sessions - 1);
    assert!(told("against")[0]["accuracy_mcnemar"]["p_value"].as_f64().unwrap() <= 1.0);
    let compared = told("against")[0].clone();
    assert!(compared["accuracy"]["p_holm"].as_f64() >= compared["accuracy"]["p_value"].as_f64());
    let verdict = compared["told"].as_str().unwrap();
    assert!(["better: ", "worse: ", "no difference shown: "].iter().any(|is| verdict.starts_with(is)), "{verdict}");
    let leakage = told("leakage");
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let attacks = [report.privacy.accuracy.unwrap(), number(&compared["second_scores"]["accuracy"])];
    for accuracy in attacks {
        assert!(number(&leakage["bayes_error"]["estimate"]) <= 1.0 - accuracy + 1e-12, "{leakage}");
    }
    // Two attacks, and the nearest and k nearest neighbours in the features of each.
    assert_eq!(leakage["bayes_error"]["tried"].as_array().unwrap().len(), 6);
    assert!(number(&leakage["information"]["at_least_bits_by_error"]) > 0.0, "{leakage}");
    let sizes = leakage["nearest_neighbours"][0]["by_training_size"].as_array().unwrap();
    assert!(sizes.len() > 2 && sizes.windows(2).all(|two| number(&two[0]["train"]) < number(&two[1]["train"])));
    assert!(told("leakage")["caution"].as_str().unwrap().contains("too few to rely on"));
    assert_eq!(told("calibration"), "temperature");
    assert_eq!(report.unexplained_nulls(), [""; 0]);
    let sheet = folder.text("sheet.md");
    assert!(["| chance |", "| totals |", "| cumul-forest |"].iter().all(|line| sheet.contains(line)), "{sheet}");
    let parts = [
        "## against",
        "## open world",
        "## one vs rest",
        "## few shot",
        "## early",
        "## drift",
        "## leakage",
        "## reliability",
    ];
    assert!(parts.iter().all(|part| sheet.contains(part)), "{sheet}");
    assert!(folder.text("reliability.svg").starts_with("<svg"));
}

#[test]
fn a_model_does_not_score_its_own_training_traces() {
    let folder = Folder::with_traces();
    folder.wfkit("train traces.parquet --attack totals --out m.wfm").succeeds();
    let report = folder.report("predict m.wfm traces.parquet --out p.parquet");
    assert_eq!(report.privacy.accuracy, None);
    assert!(report.privacy.reason.unwrap().contains("were learned from"));
    let allowed = folder.report("predict m.wfm traces.parquet --out p.parquet --allow-duplicates");
    assert!(allowed.privacy.accuracy.unwrap() > 0.9);
}

#[test]
fn attacks_are_listed_with_source_cost_and_use() {
    let folder = Folder::new();
    let listed: serde_json::Value =
        serde_json::from_str(&folder.wfkit("attacks --format json").succeeds().stdout).unwrap();
    let listed = listed.as_array().unwrap();
    assert!(["best", "kfp-knn", "cumul"].iter().all(|name| listed.iter().any(|attack| attack["name"] == *name)));
    assert!(listed.iter().all(|attack| ["source", "cost", "purpose"].iter().all(|part| attack[*part].is_string())));
}

#[test]
fn wrong_worlds_are_refused() {
    let folder = Folder::with_traces();
    folder.wfkit("evaluate traces.parquet --early 0").shows_wrong_usage();
    folder.wfkit("evaluate traces.parquet --calibrate sigmoid").shows_wrong_usage();
    folder.wfkit("evaluate traces.parquet --base-rate 0.5").shows_wrong_usage();
    let error = folder.wfkit("evaluate traces.parquet --attack totals --open-world nowhere").fails();
    assert!(error.contains("--open-world nowhere"), "{error}");
}
