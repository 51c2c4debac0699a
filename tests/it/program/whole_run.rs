//! `wfkit run`: everything at once on the bundled sample.

use serde_json::Value;

use super::support::{Folder, stage_report};

#[test]
fn a_run_without_input_leaves_every_output_and_no_address() {
    let folder = Folder::new();
    let ran = folder.wfkit("run --format json").succeeds();

    let mut expected: Vec<String> = ["features.parquet", "features.report.json", "model.report.json", "model.wfm"]
        .into_iter()
        .chain(["probabilities.parquet", "run.report.json"])
        .chain(["traces.croissant.json", "traces.parquet", "traces.report.json"])
        .map(str::to_owned)
        .collect();
    for defence in ["pad-mtu", "front-ft-1", "tamaraw-cell"] {
        let endings = ["croissant.json", "manifest.json", "parquet", "report.json"];
        expected.extend(endings.map(|ending| format!("defended/{defence}.{ending}")));
    }
    for defence in ["none", "pad-mtu", "front-ft-1", "tamaraw-cell"] {
        let round = ["attack.csv.zip", "classes.csv", "defence.csv.zip", "score.report.json", "team_1_test.csv.zip"];
        let round = round.into_iter().chain(["team_1_train.csv.zip", "team_1_verif.csv.zip"]);
        expected.extend(round.map(|name| format!("competition/{defence}/{name}")));
    }
    expected.push("pipeline.toml".to_owned());
    expected.sort();
    assert_eq!(folder.files("out"), expected);

    assert_eq!(folder.text("out/run.report.json"), ran.stdout);
    let report = stage_report("run", &ran.stdout);
    assert!(report.privacy.roc_auc_macro_ovr > Some(0.97) && report.privacy.accuracy > Some(0.8));
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    let stages = run["stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    let defend = ["defend"; 3].iter();
    let score = ["competition score"; 4].iter();
    assert_eq!(
        names,
        ["capture", "features", "classify"].iter().chain(defend).chain(score).copied().collect::<Vec<_>>()
    );
    for stage in stages {
        stage_report("a stage of the run", &stage.to_string());
        let measured = |name: &str| stage["privacy"][name].as_f64().is_some_and(|score| (0.0..=1.0).contains(&score));
        assert!(measured("roc_auc_macro_ovr") && measured("accuracy"), "{stage}");
    }
    for name in expected.iter().filter(|name| name.ends_with(".report.json") && *name != "run.report.json") {
        let stage: Value = serde_json::from_str(&folder.text(&format!("out/{name}"))).unwrap();
        assert!(stages.contains(&stage), "{name} is none of the stages");
    }

    let attacks = stages[2]["privacy"]["attacks"].as_array().unwrap();
    let accuracy = |name: &str| attacks.iter().find(|one| one["attack"] == name).unwrap()["accuracy"].as_f64();
    assert!(accuracy("kfp-size") > accuracy("totals"), "sizes and times must say more than totals: {attacks:?}");
    assert!(attacks.iter().all(|one| one["accuracy"].as_f64() > one["chance_accuracy"].as_f64()), "{attacks:?}");
    for defend in &stages[3..6] {
        let undefended = &defend["privacy"]["undefended"]["accuracy"];
        assert!(defend["privacy"]["accuracy"].as_f64() < undefended.as_f64(), "{}", defend["utility"]["defence"]);
    }

    // All hosts of the sample are in 198.18.0.0/15.
    let addresses = |text: &[u8]| text.windows(7).any(|seven| seven == b"198.18." || seven == b"198.19.");
    assert!(!addresses(ran.stdout.as_bytes()) && !addresses(ran.stderr.as_bytes()));
    for name in folder.files("out") {
        assert!(!addresses(&folder.bytes(&format!("out/{name}"))), "{name} holds an address");
    }
    let text = folder.wfkit("run --out text --defence pad:mtu").succeeds();
    assert!(!addresses(text.stdout.as_bytes()) && !addresses(text.stderr.as_bytes()));
}

#[test]
fn a_run_on_one_class_says_why_nothing_is_measured() {
    let folder = Folder::new();
    folder.captures("one", &[17], 0..6);
    let ran = folder.wfkit("run one --format json").succeeds();
    let report = stage_report("run", &ran.stdout);
    assert_eq!(report.privacy.roc_auc_macro_ovr, None);
    assert_eq!(report.privacy.reason.as_deref(), Some("one class only (17): nothing to tell apart"));
    assert!(!folder.path("out/model.wfm").exists());
    assert_eq!(folder.traces("out/defended/tamaraw-cell.parquet").set.len(), 6);
}

#[test]
fn a_run_takes_traces_instead_of_captures() {
    let folder = Folder::with_traces();
    let ran = folder.wfkit("run traces.parquet --attack cumul --defence front --folds 3 --format json").succeeds();
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    let names: Vec<&str> = run["stages"].as_array().unwrap().iter().map(|s| s["stage"].as_str().unwrap()).collect();
    assert_eq!(names, ["dataset", "features", "classify", "defend", "competition score", "competition score"]);
    assert_eq!(folder.traces("out/traces.parquet").set, folder.traces("traces.parquet").set);
}
