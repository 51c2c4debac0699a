//! `wfkit sweep`: grids, fronts, what is kept, and what goes wrong with one defence.

use std::fs;

use wfkit_metrics::StageReport;

use super::support::Folder;

const COMMAND: &str = "sweep traces.parquet --defence front:ft-1,n-client=5..20/2,n-server=40 --attack totals,kfp-size --draws 2 --folds 3";

/// The sweep without what is measured in wall-clock time.
fn timeless(folder: &Folder, name: &str) -> String {
    let mut report: StageReport = serde_json::from_str(&folder.text(name)).unwrap();
    report.seconds = 0.0;
    report.to_json()
}

#[test]
fn a_sweep_tells_cost_and_protection_of_every_defence() {
    let folder = Folder::with_traces();
    let report = folder.report(&format!(
        "{COMMAND} --defence tamaraw:cell --defence fixed-shape --views kfp-size --published all --out out"
    ));
    let rows = report.privacy.extras.get("defences").unwrap().as_array().unwrap().clone();
    let names: Vec<&str> = rows.iter().map(|row| row["defence"].as_str().unwrap()).collect();
    let expected = [
        "none",
        "front:ft-1,n-client=5,n-server=40",
        "front:ft-1,n-client=20,n-server=40",
        "tamaraw:cell",
        "fixed-shape:largest",
    ];
    assert_eq!(names, expected);
    let draws: Vec<u64> = rows.iter().map(|row| row["draws"].as_u64().unwrap()).collect();
    assert_eq!(draws, [1, 2, 2, 1, 1], "what leaves nothing to chance is drawn once");
    let area = |row: usize, attack: usize| rows[row]["attacks"][attack]["roc_auc"]["mean"].as_f64().unwrap();
    let number = |row: usize, key: &str| rows[row][key]["mean"].as_f64().unwrap();
    // None costs nothing; more padding costs more; one shape for all leaves guessing.
    assert_eq!((number(0, "bandwidth"), number(0, "latency")), (0.0, 0.0));
    assert!(number(1, "bandwidth") > 0.0 && number(2, "bandwidth_out") > number(1, "bandwidth_out"));
    assert!(area(0, 1) > 0.95 && area(4, 1) < 0.6, "{} {}", area(0, 1), area(4, 1));
    let interval = &rows[4]["attacks"][1]["roc_auc"]["interval_95"];
    assert!(interval["low"].as_f64().unwrap() <= 0.5 && interval["high"].as_f64().unwrap() >= 0.5, "{interval}");
    assert_eq!(rows[0]["attacks"][1]["on_front"], true, "nothing costs less than no defence");
    // Totals and the whole are among the attacks; the views beside them.
    let views: Vec<&str> =
        rows[0]["views"].as_array().unwrap().iter().map(|view| view["view"].as_str().unwrap()).collect();
    assert_eq!(views, ["sizes", "times", "order"]);
    assert_eq!(report.privacy.roc_auc_macro_ovr, Some(area(0, 0).max(area(0, 1))));

    let files = folder.files("out");
    assert_eq!(files.iter().filter(|file| !file.starts_with("points/")).collect::<Vec<_>>().len(), 4, "{files:?}");
    let csv = folder.text("out/sweep.csv");
    assert_eq!(csv.lines().count(), 1 + 5 * 5);
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().nth(1).unwrap().split(',').count() == columns, "{csv}");
    let text = folder.text("out/report.md");
    for part in [
        "| 3 | `tamaraw:cell` |",
        "| totals | kfp-size, sizes only |",
        "(foreign)",
        "CCS 2018",
        "- `front`: ft-1: bandwidth 33 %",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let picture = folder.text("out/sweep.svg");
    assert!(picture.contains("strongest attack: ROC-AUC") && picture.contains("published"), "{picture:.3000}");
}

#[test]
fn the_first_draw_is_what_defend_makes() {
    let folder = Folder::with_traces();
    let swept =
        folder.report("sweep traces.parquet --defence front --attack totals --draws 1 --folds 5 --seed 3 --out s");
    let row = &swept.privacy.extras.get("defences").unwrap()[1];
    let defended =
        folder.report("defend traces.parquet --defence front --attack totals --folds 5 --seed 3 --out d.parquet");
    let overheads = defended.utility.extras.get("overheads").unwrap();
    assert_eq!(row["bandwidth"]["mean"], overheads["bandwidth"]["both"]["total"]["value"]);
    assert_eq!(row["attacks"][0]["accuracy"]["mean"].as_f64(), defended.privacy.accuracy);
    assert_eq!(row["utility"]["mean"].as_f64(), defended.utility.utility.score);
}

#[test]
fn a_sweep_goes_on_where_it_was_and_threads_do_not_matter() {
    let folder = Folder::with_traces();
    folder.wfkit(&format!("{COMMAND} --out one --threads 1")).succeeds();
    folder.wfkit(&format!("{COMMAND} --out two --threads 2")).succeeds();
    assert_eq!(folder.files("one"), folder.files("two"));
    for file in folder.files("one") {
        match file.as_str() {
            "sweep.json" => assert_eq!(timeless(&folder, "one/sweep.json"), timeless(&folder, "two/sweep.json")),
            _ => assert_eq!(folder.bytes(&format!("one/{file}")), folder.bytes(&format!("two/{file}")), "{file}"),
        }
    }
    // Kept measurements are believed: this is how the test knows that they are read.
    let points: Vec<String> = folder.files("one").into_iter().filter(|file| file.starts_with("points/")).collect();
    let of =
        |what: &str| points.iter().find(|file| folder.text(&format!("one/{file}")).contains(what)).unwrap().clone();
    let totals = of("\"of\": \"totals shown all of none");
    let changed = folder.text(&format!("one/{totals}")).replace("\"tested\": 200", "\"tested\": 12345");
    folder.write(&format!("one/{totals}"), changed);
    // One was being written, one is gone.
    let damaged = of("\"of\": \"kfp-size shown all of front:ft-1,n-client=5");
    folder.write(&format!("one/{damaged}"), "{\"of\": \"kf");
    fs::remove_file(folder.path(&format!("one/{}", of("\"of\": \"cost of front:ft-1,n-client=20")))).unwrap();
    folder.wfkit(&format!("{COMMAND} --out one")).succeeds();
    assert!(folder.text("one/sweep.csv").contains(",totals,all,12345,"));
    folder.wfkit(&format!("{COMMAND} --out one --fresh")).succeeds();
    assert_eq!(timeless(&folder, "one/sweep.json"), timeless(&folder, "two/sweep.json"));
    // Another seed is another measurement.
    folder.wfkit(&format!("{COMMAND} --out one --seed 1")).succeeds();
    assert_ne!(folder.bytes("one/sweep.csv"), folder.bytes("two/sweep.csv"));
}

#[test]
fn a_defence_that_fails_does_not_stop_the_others() {
    let folder = Folder::with_traces();
    folder.write("plan.txt", "# defences\nconstant-rate,rho=1us   # too many slots\n\npad:mtu\n");
    let ran = folder.wfkit("sweep traces.parquet --plan plan.txt --attack totals --folds 2 --out out");
    assert!(format!("{ran:?}").contains("exit status Some(1)"), "{ran:?}");
    assert!(ran.stderr.contains("1 of 2 defences could not be measured: constant-rate:buflo,rho=1us"), "{ran:?}");
    assert!(ran.stdout.contains("pad:mtu"), "{ran:?}");
    assert!(folder.text("out/report.md").contains("Not measured"));
    assert_eq!(folder.text("out/sweep.csv").lines().count(), 3);
}

#[test]
fn copies_are_trained_on_and_sessions_kept_apart() {
    let folder = Folder::with_traces();
    let options = "--attack totals --split-by session --folds 2 --draws 1";
    let once = folder.report(&format!("sweep traces.parquet --defence front {options} --out a"));
    let copies = folder.report(&format!("sweep traces.parquet --defence front {options} --replicas 3 --out b"));
    let row = |report: &StageReport, key: &str| report.privacy.extras.get("defences").unwrap()[1][key].clone();
    assert_eq!(row(&once, "attacks")[0]["tested"], 200);
    assert_eq!(row(&copies, "attacks")[0]["tested"], 200, "the first copy of each");
    assert_ne!(row(&once, "attacks"), row(&copies, "attacks"));
    assert!(once.privacy.extras.get("split").unwrap().as_str().unwrap().contains("whole sessions"));
}

#[test]
fn wrong_sweeps_are_told_before_the_work() {
    let folder = Folder::new();
    for (wrong, why) in [
        ("--defence front,n-client=9..1", "it has to go up"),
        ("--defence frost", "there is no defence `frost`"),
        ("--defence front --attack nope", "nope"),
        ("--defence front --published df96", "there are all, bigenough-standard, df-cw, df95"),
        ("--defence front --test-session a --folds 3", "cannot be used with"),
        ("--attack kfp", "--defence"),
    ] {
        let told = folder.wfkit(&format!("sweep none.parquet {wrong} --out out")).shows_wrong_usage();
        assert!(told.contains(why), "{wrong}: {told}");
    }
    assert!(!folder.path("out").exists());
}

#[test]
fn defences_of_paper_and_code_are_compared() {
    let folder = Folder::with_traces();
    let report = folder.report(
        "sweep traces.parquet --variants=front,tamaraw --defence tamaraw:cell --attack totals --draws 2 --folds 2 --out out",
    );
    let pairs = report.privacy.extras.get("paper_and_code").unwrap().as_array().unwrap().clone();
    let codes: Vec<&str> = pairs.iter().map(|pair| pair["code"].as_str().unwrap()).collect();
    let fronts = ["front:ft-1,budget=code", "front:ft-1,budget=maybenot"];
    let tails =
        ["tamaraw:cell,tail=joint", "tamaraw:cell,tail=geometric", "tamaraw:cell,tail=geometric,delays=pessimistic"];
    assert_eq!(codes, [&fronts[..], &tails].concat());
    let bandwidth = |pair: usize, key: &str| pairs[pair]["bandwidth"][key].clone();
    // About half of the padding, and what both rows of the sweep say.
    assert!(bandwidth(1, "interval_95")["low"].as_f64() < bandwidth(1, "difference").as_f64(), "{}", pairs[1]);
    assert!(bandwidth(1, "difference").as_f64().unwrap() / bandwidth(1, "paper").as_f64().unwrap() < -0.3);
    assert!(bandwidth(2, "interval_95").is_null(), "nothing is left to chance");
    assert!(bandwidth(3, "difference").as_f64().unwrap() > 0.0, "at least one more block");
    let rows = report.privacy.extras.get("defences").unwrap().as_array().unwrap().clone();
    assert_eq!(rows.len(), 1 + 1 + 3 + 4, "tamaraw:cell without its default and with it are two");
    assert_eq!(bandwidth(0, "code"), rows[3]["bandwidth"]["mean"]);
    let text = folder.text("out/report.md");
    assert!(text.contains("| `front:ft-1,budget=paper` | `front:ft-1,budget=maybenot` | Maybenot's port"), "{text}");
    let told = folder.wfkit("sweep traces.parquet --variants=jitter --out out").shows_wrong_usage();
    assert!(told.contains("there are all, break-pad, front, tamaraw, wtf-pad"), "{told}");
    let described = folder.wfkit("defend describe front").succeeds().stdout;
    assert!(described.contains("`wfkit sweep TRACES --variants=front --out DIR`"), "{described}");
}

fn plan(name: &str) -> Vec<wfkit_defend::DefenseSpec> {
    let text = fs::read_to_string(format!("{}/benches/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let patterns = text.lines().map(|line| line.split('#').next().unwrap().trim()).filter(|line| !line.is_empty());
    patterns.flat_map(|pattern| wfkit_defend::grid(pattern).unwrap()).collect()
}

#[test]
fn the_plan_of_overheads_names_every_preset_for_cells() {
    let planned: Vec<String> = plan("overheads.txt").iter().map(ToString::to_string).collect();
    // The second engine is held against this one by tests of its own.
    let of_cells = |defense: &&wfkit_defend::DefenseInfo| !defense.needs.sizes && defense.name != "maybenot";
    for defense in wfkit_defend::list().iter().filter(of_cells) {
        for preset in defense.presets {
            let name = format!("{}:{}", defense.name, preset.name);
            assert!(planned.iter().any(|spec| spec.split(',').next() == Some(&name)), "{name}");
        }
    }
}

#[test]
fn the_plan_of_the_table_names_defences_of_cells() {
    let specs = plan("defences.txt");
    assert!(
        specs.len() >= 8 && specs.iter().all(|spec| spec.layers().iter().all(|layer| !layer.defense().needs.sizes))
    );
}
