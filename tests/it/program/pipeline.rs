//! Stage after stage from files alone, each with its report.

use std::collections::BTreeMap;

use wfkit_datasets::{Layer, ReadTraces, Trace, TraceSet, read_probabilities};
use wfkit_metrics::StageReport;

use super::support::Folder;

fn count(report: &StageReport, name: &str) -> u64 {
    *report.counts.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", report.counts))
}

fn scores(report: &StageReport) -> (f64, f64) {
    (report.privacy.accuracy.unwrap(), report.privacy.roc_auc_macro_ovr.unwrap())
}

/// Accuracy on 40 test traces: over folds of all 200 it is 0.88, here less by at most three standard errors.
const LEAST_OF_40: f64 = 0.72;

/// A moment by which half of the sample had started.
const HALF_TIME: &str = "2026-11-21T03:11:37Z";

#[test]
fn captures_become_traces_with_a_report_beside_them() {
    let folder = Folder::new();
    let report = folder.report_beside("t.report.json", "capture import SAMPLE --out t.parquet");
    assert_eq!((report.stage.as_str(), report.seed), ("capture", 0));
    assert_eq!(["files", "traces", "classes", "packets"].map(|name| count(&report, name)), [200, 200, 10, 17_679]);
    assert_eq!(
        count(&report, "packets read"),
        17_679 + report.dropped["packets: no payload"] + report.dropped["packets: retransmitted"]
    );
    assert_eq!(report.privacy.attack, "totals");

    let ReadTraces { set, dropped, .. } = folder.traces("t.parquet");
    assert_eq!((set.len(), set.packets(), set.provenance().layer, dropped.len()), (200, 17_679, Layer::Tcp, 0));
    assert_eq!(set.classes().names(), ["17", "48", "50", "51", "54", "67", "80", "92", "95", "99"]);
}

#[test]
fn every_layer_and_every_way_to_name_the_client_imports() {
    let folder = Folder::new();
    let bytes_per_packet = |options: &str| {
        folder.wfkit(&format!("capture import SAMPLE {options} --out t.parquet")).succeeds();
        let set = folder.traces("t.parquet").set;
        let bytes: f64 = set.volumes().iter().map(|volume| volume.in_bytes.abs() + volume.out_bytes).sum();
        (bytes / set.packets() as f64).round()
    };
    let tcp = bytes_per_packet("--layer tcp");
    let (ip, frame) = (bytes_per_packet("--layer ip"), bytes_per_packet("--layer frame"));
    assert_eq!(frame, ip, "raw IP has no link header");
    assert!(ip < tcp, "acknowledgements count at the IP layer: {ip} {tcp}");
    assert_eq!(bytes_per_packet("--client port:9001"), tcp);
    assert_eq!(bytes_per_packet("--label ^cell_(?<class>[0-9]+)_rep_(?<rep>[0-9]+)"), tcp);
}

#[test]
fn traces_keep_every_packet_through_every_format() {
    let folder = Folder::with_traces();
    let info = folder.report("dataset info traces.parquet");
    assert_eq!(["traces", "sessions", "traces without session"].map(|name| count(&info, name)), [200, 32, 0]);
    let original = folder.traces("traces.parquet").set;
    // CSV has no sessions, which are part of the order of a set.
    let packets = |set: &TraceSet| -> BTreeMap<(String, i64), Trace> {
        set.traces().iter().map(|one| ((one.key.class.clone(), one.key.rep), one.trace.clone())).collect()
    };
    for name in ["c.csv", "c.csv.zip", "c.parquet"] {
        folder.report_beside("c.report.json", &format!("dataset convert traces.parquet --out {name}"));
        let converted = folder.traces(name).set;
        assert!(packets(&converted) == packets(&original), "{name}");
        let again = folder.report(&format!("dataset validate {name}"));
        assert_eq!(count(&again, "packets"), 17_679, "{name}");
    }
    assert!(folder.traces("c.parquet").set == original);
}

#[test]
fn a_split_shares_nothing() {
    let folder = Folder::with_traces();
    for (options, test_traces) in [("--test-percent 20", 40), ("--split-by session", 0), ("--split-time HALF", 0)] {
        let options = options.replace("HALF", HALF_TIME);
        let report =
            folder.report_beside("s/split.report.json", &format!("dataset split traces.parquet {options} --out s"));
        let (train, test) = (folder.traces("s/train.parquet").set, folder.traces("s/test.parquet").set);
        assert_eq!(train.len() + test.len(), 200);
        assert_eq!(count(&report, "traces to test on"), test.len() as u64);
        assert!(test_traces == 0 || test.len() == test_traces);
        assert!(train.traces().iter().all(|one| test.traces().iter().all(|other| one.key != other.key)));
        if options.contains("session") {
            assert!(
                train.traces().iter().all(|one| test.traces().iter().all(|two| one.key.session != two.key.session))
            );
        }
        if options.contains("time") {
            let last = train.traces().iter().map(|one| one.start_ns).max();
            assert!(last < test.traces().iter().map(|one| one.start_ns).min());
        }
    }
}

#[test]
fn a_model_learned_from_traces_predicts_traces() {
    let folder = Folder::with_traces();
    folder.wfkit("dataset split traces.parquet --out s").succeeds();
    let trained = folder.report_beside("m.report.json", "train s/train.parquet --attack kfp-size --out m.wfm");
    assert_eq!((count(&trained, "traces"), count(&trained, "classes")), (160, 10));
    let mut answers = Vec::new();
    for name in ["p.parquet", "p.csv", "p.csv.zip"] {
        let report = folder.report_beside("p.report.json", &format!("predict m.wfm s/test.parquet --out {name}"));
        let (accuracy, auc) = scores(&report);
        assert!(accuracy > LEAST_OF_40 && auc > 0.95, "{accuracy} {auc}");
        answers.push(read_probabilities(&folder.path(name)).unwrap());
    }
    assert_eq!((answers[0].probabilities.len(), answers[0].probabilities.classes().len()), (40, 10));
    assert_eq!((&answers[0], &answers[0]), (&answers[1], &answers[2]));

    // `evaluate` does the same in one step.
    let files = "--train s/train.parquet --test s/test.parquet";
    let report = folder.report_beside("e.report.json", &format!("evaluate {files} --attack kfp-size --out e.parquet"));
    assert_eq!(count(&report, "tested traces that were learned from"), 0);
    let keys = read_probabilities(&folder.path("e.parquet")).unwrap().keys;
    assert_eq!(keys, answers[0].keys);
}

#[test]
fn a_model_learned_from_features_predicts_features() {
    let folder = Folder::with_traces();
    folder.wfkit("dataset split traces.parquet --out s").succeeds();
    for part in ["train", "test"] {
        let command = format!("features s/{part}.parquet --set kfp-size,cumul --out {part}.parquet");
        let report = folder.report_beside(&format!("{part}.report.json"), &command);
        assert_eq!(count(&report, "non-finite columns"), 0);
        assert!(report.privacy.extras.get("feature_auc").is_some());
    }
    for attack in ["forest", "extra-trees"] {
        folder.report_beside("m.report.json", &format!("train train.parquet --attack {attack} --trees 50 --out m.wfm"));
        let report = folder.report_beside("p.report.json", "predict m.wfm test.parquet --out p.csv");
        let (accuracy, auc) = scores(&report);
        assert!(accuracy > LEAST_OF_40 && auc > 0.95, "{attack}: {accuracy} {auc}");
        let evaluated = folder.report(&format!("evaluate train.parquet --attack {attack} --folds 4"));
        assert_eq!((evaluated.privacy.attack.as_str(), count(&evaluated, "tested traces")), (attack, 160));
    }
}

#[test]
fn an_attack_is_measured_by_folds_by_sessions_and_by_time() {
    let folder = Folder::with_traces();
    let time = format!("--split-time {HALF_TIME}");
    for (split, tested) in [("", 200), ("--folds 10", 200), ("--split-by session", 200), (&time, 100)] {
        let report = folder.report(&format!("evaluate traces.parquet --attack kfp-size {split}"));
        assert_eq!(count(&report, "tested traces"), tested, "{split}");
        let (accuracy, auc) = scores(&report);
        let trivial = report.privacy.extras.get("trivial").unwrap()["accuracy"].as_f64().unwrap();
        assert!(accuracy > trivial && auc > 0.97, "{split}: {accuracy} {auc}, trivial {trivial}");
        let intervals = &report.privacy.extras.get("intervals_95").unwrap()["accuracy"];
        assert!(intervals["low"].as_f64() < Some(accuracy) && Some(accuracy) < intervals["high"].as_f64());
    }
}

#[test]
fn other_forests_are_a_second_opinion() {
    let folder = Folder::with_traces();
    for backend in ["native", "smartcore", "linfa"] {
        let command = format!("evaluate traces.parquet --attack totals --backend {backend} --trees 40");
        let (accuracy, _) = scores(&folder.report(&command));
        assert!((0.7..0.9).contains(&accuracy), "{backend}: {accuracy}");
    }
    let refused = folder.wfkit("train traces.parquet --attack totals --backend linfa --out m.wfm").fails();
    assert!(refused.contains("not reproducible: such a model cannot be saved"), "{refused}");
}

#[test]
fn a_defence_costs_bytes_and_hides_something() {
    let folder = Folder::with_traces();
    let command = "defend traces.parquet --defence tamaraw:cell --out d.parquet";
    let report = folder.report_beside("d.report.json", command);
    let undefended = report.privacy.extras.get("undefended").unwrap()["accuracy"].as_f64().unwrap();
    assert!(scores(&report).0 < undefended - 0.3);
    let overheads = report.utility.extras.get("overheads").unwrap();
    assert!(overheads["bandwidth"]["both"]["total"]["value"].as_f64() > Some(1.0));
    let defended = folder.traces("d.parquet").set;
    assert_eq!((defended.len(), count(&report, "packets")), (200, defended.packets() as u64));
    // What an observer sees is measured as any other traces are.
    let observed = folder.report("evaluate d.parquet --attack kfp-size --allow-duplicates");
    assert_eq!(scores(&observed), scores(&report));
}

/// The kit of the bundled sample, scored by its own README; and what other hosts get of its traces.
#[test]
fn the_kit_of_a_competition_and_what_other_hosts_get() {
    let folder = Folder::new();
    let kit = folder.report_beside("kit/kit.report.json", "competition kit --out kit");
    assert_eq!((count(&kit, "train traces"), count(&kit, "test traces")), (140, 60));
    assert!(folder.wfkit("competition kit --out kit").fails().contains("exists"));
    folder.wfkit("train kit/practice/team_0_train.csv.zip --attack kfp-size --out m.wfm").succeeds();
    let command =
        "predict m.wfm kit/practice/team_0_test.csv.zip --competition --team-id 0 --classes 10 --out a.csv.zip";
    folder.wfkit(command).succeeds();
    let files = "--attack a.csv.zip --verif kit/practice/team_0_verif.csv.zip";
    let scored = folder.report(&format!("competition score {files} --defence kit/data/traces.csv.zip"));
    assert!(scores(&scored).0 > LEAST_OF_40);

    folder.wfkit("competition split kit/data/traces.csv.zip --team-id 3 --test 60 --kaggle --out hosted").succeeds();
    let solution = folder.text("hosted/solution.csv");
    assert_eq!(solution.lines().count(), 61);
    assert_eq!(solution.matches("Public").count(), 30);
    assert_eq!(folder.text("hosted/sample_submission.csv").lines().count(), 61);

    let days = "--opens 2026-12-01 --last 2026-12-15 --ends 2026-12-31";
    let bundle = "competition bundle kit/data/traces.csv.zip --codabench --test 60 --out b.zip";
    folder.wfkit(&format!("{bundle} {days}")).succeeds();
    assert!(folder.files("b.parts").contains(&"team_1_verif.csv.zip".to_owned()));
    assert!(folder.wfkit(&format!("{bundle} {days}")).fails().contains("b.parts exists"));
    let wrong = folder.wfkit(&format!("{bundle} --opens 2026-12-01 --last 2026-11-30 --ends 2026-12-31")).fails();
    assert!(wrong.contains("each must be later"), "{wrong}");
}

#[test]
fn a_round_of_the_competition_from_export_to_score() {
    let folder = Folder::with_traces();
    let rules = "--classes 10 --reps 20";
    folder.report_beside("d.report.json", &format!("competition export traces.parquet --out d.csv.zip {rules}"));
    folder.report(&format!("competition check defence d.csv.zip {rules}"));
    // Held against itself it carries all answers; packets of a byte carry none, and every class is named.
    folder.report(&format!("competition check defence d.csv.zip --undefended d.csv.zip --least-share 1 {rules}"));
    let mut dummies = "cell_id,rep,direction_size,timestamp\n".to_owned();
    for (class, rep) in (1..=10).flat_map(|class| (0..20).map(move |rep| (class, rep))) {
        for packet in 0..6 {
            dummies += &match packet {
                0 => format!("{class},{rep},1,0\n"),
                packet => format!("{class},{rep},-1,0.{packet}{rep}\n"),
            };
        }
    }
    folder.write("dummies.csv", dummies);
    let refused = folder.wfkit(&format!("competition check defence dummies.csv --undefended d.csv.zip {rules}"));
    assert!(refused.stderr.contains("error: refused"), "{refused:?}");
    assert!(refused.stderr.contains("cannot have carried the answers: classes 1 to 10"), "{refused:?}");
    let split = folder.report_beside(
        "round/team_7_split.report.json",
        "competition split d.csv.zip --team-id 7 --test 40 --out round",
    );
    assert_eq!((count(&split, "train traces"), count(&split, "test traces")), (160, 40));
    let files = ["team_7_split.report.json", "team_7_test.csv.zip", "team_7_train.csv.zip", "team_7_verif.csv.zip"];
    assert_eq!(folder.files("round"), files);

    folder.wfkit("train round/team_7_train.csv.zip --attack kfp-size --out m.wfm").succeeds();
    let command = "predict m.wfm round/team_7_test.csv.zip --competition --team-id 7 --classes 10 --out a.csv.zip";
    let predicted = folder.report_beside("a.report.json", command);
    assert_eq!(predicted.privacy.accuracy, None, "a test file does not tell the classes");
    folder.report(&format!("competition check attack a.csv.zip --verif round/team_7_verif.csv.zip {rules}"));
    let files = "--attack a.csv.zip --verif round/team_7_verif.csv.zip";
    let scored = folder.report(&format!("competition score {files} --defence d.csv.zip"));
    let extra = |name: &str| scored.privacy.extras.get(name).unwrap().as_f64().unwrap();
    assert!((extra("attack_score") - 10.0 * scores(&scored).1).abs() < 1e-9);
    assert!((extra("total_without_attack") - scored.utility.utility.score.unwrap()).abs() < 1e-9);
    assert!(scores(&scored).0 > LEAST_OF_40);

    let without = folder.report(&format!("competition score {files}"));
    assert_eq!((scores(&without), without.utility.utility.score), (scores(&scored), None));

    let other_rules = folder.wfkit("competition check defence d.csv.zip");
    assert!(other_rules.stderr.contains("90 x class without a trace"), "{other_rules:?}");
}

#[test]
fn tables_are_for_people_and_quiet_means_quiet() {
    let folder = Folder::with_traces();
    let shown = folder.wfkit("dataset info traces.parquet --full").succeeds();
    for word in ["dataset info", "traces", "median_in_bytes", "roc_auc_macro_ovr"] {
        assert!(shown.stdout.contains(word), "no {word} in {}", shown.stdout);
    }
    assert_eq!(shown.stderr, "");
    let quiet = folder.wfkit("competition export traces.parquet --out d.csv --classes 10 --reps 20 --quiet").succeeds();
    assert_eq!(quiet.stderr, "");
}
