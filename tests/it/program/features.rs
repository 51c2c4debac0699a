//! `wfkit features`: sets, what their columns mean, arrays.

use serde_json::Value;

use super::support::Folder;

#[test]
fn every_set_is_listed_and_described() {
    let folder = Folder::with_traces();
    let listed: Value = serde_json::from_str(&folder.wfkit("features list --format json").succeeds().stdout).unwrap();
    let sets = listed["sets"].as_array().unwrap();
    assert!(sets.len() >= 29, "{}", sets.len());
    for set in sets {
        let name = set["name"].as_str().unwrap();
        let described =
            folder.wfkit(&format!("features describe {name} traces.parquet --format json")).succeeds().stdout;
        let described: Value = serde_json::from_str(&described).unwrap();
        let columns = described["columns"].as_array().unwrap();
        assert!(!columns.is_empty(), "{name}");
        for column in columns {
            assert!(column["name"].as_str().unwrap().starts_with(&format!("{name}.")), "{column}");
            assert!(set["information"].as_array().unwrap().contains(&column["information"]), "{column}");
        }
    }
    assert!(folder.wfkit("features list").succeeds().stdout.contains("requests"));
    let table = folder.wfkit("features describe cumul").succeeds().stdout;
    assert!(table.contains("c_001 .. c_100") && table.contains("104 columns"), "{table}");
    folder.wfkit("features describe").shows_wrong_usage();
    assert!(folder.wfkit("features describe nope").shows_wrong_usage().contains("no feature set is named"));
}

#[test]
fn arrays_have_the_shape_that_was_asked_for_and_the_same_bytes_again() {
    let folder = Folder::with_traces();
    for (channel, length, shape) in [("direction", 100, vec![200, 100]), ("tam", 5, vec![200, 2, 1800])] {
        let command = format!("features tensor traces.parquet --channel {channel} --length {length} --out x.npz");
        let report = folder.report_beside("x.report.json", &command);
        assert_eq!(report.utility.extras.get("shape").unwrap(), &serde_json::json!(shape));
        let before = folder.bytes("x.npz");
        assert!(before.starts_with(b"PK"));
        folder.wfkit(&format!("{command} --threads 1")).succeeds();
        assert!(before == folder.bytes("x.npz"), "{channel}");
    }
    let message = folder.wfkit("features tensor traces.parquet --out x.npy").fails();
    assert!(message.contains("x.npy: arrays are written as .npz"), "{message}");
}
