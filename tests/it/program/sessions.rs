//! `wfkit sessions`: sessions of several pages, glued or not, and what is found in them.

use serde_json::Value;

use super::support::Folder;

#[test]
fn pages_are_found_unless_other_traffic_is_between_them() {
    let folder = Folder::with_traces();
    folder.wfkit("dataset split traces.parquet --test-percent 50 --out parts").succeeds();
    for part in ["train", "test"] {
        let made = format!("sessions make parts/{part}.parquet --pages 2..4 --dwell 5s..20s --out {part}.parquet");
        let report = folder.report_beside(&format!("{part}.report.json"), &made);
        let pages: Value = serde_json::from_str(&folder.text(&format!("{part}.pages.json"))).unwrap();
        let of_sessions = pages.as_array().unwrap();
        let all: usize = of_sessions.iter().map(|session| session["pages"].as_array().unwrap().len()).sum();
        assert_eq!((report.counts["traces"], report.counts["pages"]), (of_sessions.len() as u64, all as u64));
        assert_eq!(report.dropped["loads that were left over"], 100 - all as u64);
        let glue = format!("defend {part}.parquet --defence glue --fit-on parts/train.parquet --attack totals");
        folder.wfkit(&format!("{glue} --out {part}-glue.parquet")).succeeds();
    }
    let scores = |arguments: &str| {
        let report = folder.report(&format!("sessions attack --attack totals {arguments}"));
        report.privacy.extras.get("sessions").unwrap().clone()
    };
    let plain = scores("--train train.parquet --test test.parquet");
    let glued = scores(
        "--train train-glue.parquet --test test-glue.parquet --pages train.pages.json test.pages.json --within 25",
    );
    let found = |scores: &Value| scores["starts_found_given_number"].as_f64().unwrap();
    assert!(found(&plain) > 0.9 && found(&glued) < found(&plain) - 0.1, "{plain:#} {glued:#}");
    let recognised = |scores: &Value, name: &str| scores[name].as_f64().unwrap();
    assert!(recognised(&plain, "recognised") <= recognised(&plain, "recognised_given_starts") + 0.05);

    let missing = folder.wfkit("sessions attack --train train-glue.parquet --test test.parquet").fails();
    assert!(missing.contains("train-glue.pages.json: cannot read"), "{missing}");
    let swapped =
        "sessions attack --train train.parquet --test test.parquet --pages parts/train.parquet test.pages.json";
    assert!(folder.wfkit(swapped).fails().contains("cannot read"));
    for wrong in ["--pages 0", "--pages 4..2", "--dwell 3s..1s", "--dwell 3"] {
        folder.wfkit(&format!("sessions make traces.parquet --out s.parquet {wrong}")).shows_wrong_usage();
    }
    let few = folder.wfkit("sessions make traces.parquet --pages 300 --out s.parquet").fails();
    assert!(few.contains("200 page loads do not make a session of 300"), "{few}");
}
