//! Files that are written as other tools of a competition can read them.

use std::fs;
use std::path::{Path, PathBuf};

use wfkit_competition::{Rules, check_attack, check_defense, read_defense};
use wfkit_datasets::formats::ReadLimits;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/field-cases/packet-csv").join(name)
}

#[test]
fn a_competition_has_commas_since_other_tools_read_its_files() {
    let limits = ReadLimits::UPLOAD;
    let rules = Rules { classes: 2, reps_mean: 2, deviation: 1, min_packets: 1 };
    let told = "written with semicolons between fields, where a competition has commas and UTF-8";
    assert!(check_defense(&case("good.csv"), &rules, &limits, None).unwrap().report.accepted);
    let semicolons = case("semicolon.csv");
    let checked = check_defense(&semicolons, &rules, &limits, None).unwrap().report;
    assert!(!checked.accepted && checked.problems.to_string().contains(told), "{}", checked.problems);
    assert!(read_defense(&semicolons, &limits).unwrap_err().to_string().contains(told));
    let folder = tempfile::tempdir().unwrap();
    let attack = folder.path().join("attack.csv");
    fs::write(&attack, "team_id;capture_id;proba_class_1;proba_class_2\n1;1;0.5;0.5\n").unwrap();
    let checked = check_attack(&attack, &[], &rules, &limits).unwrap().report;
    assert!(!checked.accepted && checked.problems.to_string().contains(told), "{}", checked.problems);
}
