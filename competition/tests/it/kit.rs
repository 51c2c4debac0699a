//! What a team gets, and what other hosts get.

use std::collections::BTreeMap;
use std::process::Command;

use wfkit_competition::{
    Baseline, BundleOptions, KitError, Plausibility, Rules, SplitOptions, Verif, bundle_for_codabench, check_attack,
    check_defense, read_captures, read_defense, score, split_for_hosts, write_kit,
};
use wfkit_datasets::TraceSet;
use wfkit_datasets::formats::{ReadLimits, Source};

const RULES: Rules = Rules { classes: 3, reps_mean: 6, deviation: 2, min_packets: 2 };
const OPTIONS: SplitOptions = SplitOptions { team_id: 0, test_traces: 9, seed: 5 };

fn traces() -> TraceSet {
    let mut text = "cell_id,rep,direction_size,timestamp\n".to_owned();
    for (class, rep) in (1..=3).flat_map(|class| (1..=6).map(move |rep| (class, rep))) {
        for packet in 0..6 {
            let size = if packet == 0 { 500 + 10 * class } else { -(700 * class + 13 * rep + packet) };
            let seconds = if packet == 0 { "0".to_owned() } else { format!("0.{packet}{rep}") };
            text += &format!("{class},{rep},{size},{seconds}\n");
        }
    }
    read_defense(Source::bytes("a.csv", text.as_bytes()), &ReadLimits::UPLOAD).unwrap()
}

#[test]
fn the_kit_has_what_its_readme_says_and_its_samples_pass_the_checks() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("kit");
    let kit = write_kit(&traces(), &RULES, &OPTIONS, &out).unwrap();
    assert!(matches!(write_kit(&traces(), &RULES, &OPTIONS, &out), Err(KitError::Exists(_))));
    let readme = std::fs::read_to_string(out.join("README.md")).unwrap();
    assert!(readme.contains("--classes 3 --reps 6 --deviation 2 --min-packets 2") && !readme.contains('@'), "{readme}");
    let in_ticks = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    for name in in_ticks {
        assert!(out.join(name).exists(), "{name}");
    }
    let rules: Rules = serde_json::from_str(&std::fs::read_to_string(out.join("rules.json")).unwrap()).unwrap();
    assert_eq!(rules, RULES);
    let notebook: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("notebook.ipynb")).unwrap()).unwrap();
    assert_eq!(notebook["nbformat"], 4);

    let python = |arguments: &[&str]| {
        let done = Command::new("python3").args(arguments).current_dir(&out).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    python(&["-c", "import zipfile; zipfile.ZipFile('data/traces.csv.zip').extractall('data')"]);
    python(&["defence.py", "data/traces.csv", "defence.csv.zip", "1500"]);
    let limits = &ReadLimits::UPLOAD;
    let checked = check_defense(&out.join("defence.csv.zip"), &RULES, limits, None).unwrap().report;
    assert!(checked.accepted, "{}", checked.problems);
    // As its README has it checked: against the undefended traffic of the kit.
    assert!(readme.contains("check defence defence.csv.zip --undefended data/traces.csv.zip"), "{readme}");
    let undefended = read_defense(&kit.data, limits).unwrap();
    let baseline = Baseline::of(&undefended, Plausibility::default()).unwrap();
    let checked = check_defense(&out.join("defence.csv.zip"), &RULES, limits, Some(&baseline)).unwrap().report;
    assert!(checked.accepted, "{}", checked.problems);
    python(&["attack.py", "practice/", "attack.csv.zip"]);
    let attack = out.join("attack.csv.zip");
    let verifs = [Verif::named(&kit.practice.verif)];
    let attack = check_attack(&attack, &verifs, &RULES, limits).unwrap().accepted().unwrap();
    let defense = check_defense(&kit.data, None, limits, None).unwrap().accepted().unwrap();
    let scored = score(Some(&attack), Some(&defense)).unwrap();
    assert!(scored.roc_auc_macro_ovr.unwrap() > 0.9, "{scored:?}");
}

#[test]
fn the_rules_that_traces_keep() {
    let set = traces();
    assert_eq!(Rules::fitting(&set), Rules { classes: 3, reps_mean: 6, deviation: 1, min_packets: 5 });
    let fewer = set.select(&(1..set.len()).collect::<Vec<_>>());
    let rules = Rules::fitting(&fewer);
    assert_eq!((rules.reps_mean, rules.deviation, rules.reps()), (5, 2, 4..=6));
    let folder = tempfile::tempdir().unwrap();
    write_kit(&fewer, &rules, &OPTIONS, &folder.path().join("kit")).unwrap();
}

#[test]
fn traces_that_the_rules_refuse_are_no_kit_and_leave_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("kit");
    let refused = write_kit(&traces(), &Rules::default(), &OPTIONS, &out);
    assert!(matches!(refused, Err(KitError::Refused(_))), "{refused:?}");
    assert!(!out.exists());
}

fn rows(path: &std::path::Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    lines.map(|line| names.iter().cloned().zip(line).collect()).collect()
}

#[test]
fn other_hosts_get_a_solution_and_a_sample_of_an_upload() {
    let folder = tempfile::tempdir().unwrap();
    let hosted = split_for_hosts(&traces(), &OPTIONS, folder.path()).unwrap();
    let (solution, sample) = (rows(&hosted.solution), rows(&hosted.sample));
    assert_eq!((solution.len(), sample.len(), hosted.public + hosted.private), (9, 9, 9));
    let truth = wfkit_competition::read_truth(&hosted.split.verif, &ReadLimits::OWN).unwrap();
    let test = read_captures(&hosted.split.test, &ReadLimits::OWN).unwrap();
    assert_eq!(test.len(), 9);
    for row in &solution {
        let own = &truth[&row["capture_id"].parse::<i64>().unwrap()];
        for class in 1..=3 {
            let expected = if class.to_string() == *own { "1" } else { "0" };
            assert_eq!(row[&format!("proba_class_{class}")], expected);
        }
    }
    let public = solution.iter().filter(|row| row["Usage"] == "Public").count();
    assert_eq!(public, hosted.public);
    assert!(public.abs_diff(hosted.private) <= 1);
    for row in &sample {
        assert!(!row.contains_key("Usage"));
        let sum: f64 = (1..=3).map(|class| row[&format!("proba_class_{class}")].parse::<f64>().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}

#[test]
fn a_bundle_for_codabench_scores_as_we_do() {
    let folder = tempfile::tempdir().unwrap();
    let (parts, out) = (folder.path().join("parts"), folder.path().join("bundle.zip"));
    let about = BundleOptions {
        title: "Race: \"one\"".into(),
        dates: ["12-1-2026".into(), "12-15-2026".into(), "12-31-2026".into()],
    };
    let bundle = bundle_for_codabench(&traces(), &OPTIONS, &about, &parts, &out).unwrap();
    assert!(bundle_for_codabench(&traces(), &OPTIONS, &about, &parts, &out).is_err(), "nothing is written over");
    assert_eq!(bundle.public + bundle.private, 9);
    let unpacked = folder.path().join("bundle");
    zip::ZipArchive::new(std::fs::File::open(&out).unwrap()).unwrap().extract(&unpacked).unwrap();
    let yaml = std::fs::read_to_string(unpacked.join("competition.yaml")).unwrap();
    assert!(yaml.contains("title: \"Race: \\\"one\\\"\"\n"), "{yaml}");
    // All that it names is there.
    for line in yaml.lines().filter_map(|line| line.split_once(": ")) {
        let (key, value) = (line.0.trim().trim_start_matches("- "), line.1);
        if ["image", "terms", "file", "reference_data", "scoring_program", "public_data", "starting_kit"].contains(&key)
        {
            assert!(unpacked.join(value).exists(), "{key}: {value}");
        }
    }
    let python = |arguments: &[&str]| {
        let done = Command::new("python3").args(arguments).current_dir(&unpacked).output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    assert_eq!(python(&["starting_kit/attack.py", "public_data", "attack.csv.zip"]), (true, String::new()));
    for half in ["public", "private"] {
        let input = unpacked.join(half);
        std::fs::create_dir_all(input.join("res")).unwrap();
        std::fs::create_dir_all(input.join("ref")).unwrap();
        std::fs::copy(unpacked.join("attack.csv.zip"), input.join("res/attack.csv.zip")).unwrap();
        for file in ["truth.csv", "captures.csv"] {
            std::fs::copy(unpacked.join("reference_data").join(half).join(file), input.join("ref").join(file)).unwrap();
        }
        let done = python(&["scoring_program/score.py", half, "output"]);
        assert_eq!(done, (true, String::new()));
        let theirs: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(unpacked.join("output/scores.json")).unwrap()).unwrap();
        // Ours of the same rows alone.
        let truth = std::fs::read_to_string(input.join("ref/truth.csv")).unwrap();
        let known: Vec<&str> = truth.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        let mut archive = zip::ZipArchive::new(std::fs::File::open(unpacked.join("attack.csv.zip")).unwrap()).unwrap();
        let text = std::io::read_to_string(archive.by_index(0).unwrap()).unwrap();
        let rows =
            text.lines().filter(|line| line.starts_with("team_id") || known.contains(&line.split(',').nth(1).unwrap()));
        let own = rows.map(|line| line.to_owned() + "\n").collect::<String>();
        let source = Source::bytes("attack.csv", own.as_bytes());
        let truth = Verif::of_team(0, input.join("ref/truth.csv"));
        let attack = check_attack(source, &[truth], None, &ReadLimits::UPLOAD).unwrap().accepted().unwrap();
        let ours = score(Some(&attack), None).unwrap();
        let close = |name: &str, ours: f64| {
            let theirs = theirs[name].as_f64().unwrap();
            assert!((theirs - ours).abs() < 1e-12, "{half} {name}: {theirs}, {ours}");
        };
        close("roc_auc", ours.roc_auc_macro_ovr.unwrap());
        close("accuracy", ours.accuracy.unwrap());
        close("attack_score", ours.attack_score);
    }
    // What is wrong with an upload is said by row.
    std::fs::remove_file(unpacked.join("public/res/attack.csv.zip")).unwrap();
    std::fs::write(
        unpacked.join("public/res/a.csv"),
        "team_id,capture_id,proba_class_1,proba_class_2,proba_class_3\n0,-1,1,0,0\n",
    )
    .unwrap();
    let (ok, said) = python(&["scoring_program/score.py", "public", "output"]);
    assert!(!ok && said.contains("row 2: there is no capture -1"), "{said}");
}
