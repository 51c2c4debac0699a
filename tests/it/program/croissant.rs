//! Descriptions of data sets in the Croissant format. `tests/croissant/check` reads them with MLCommons' own library.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wfkit_datasets::TraceParts;

use super::support::*;

fn described(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&folder.text(name)).unwrap()
}

#[test]
fn every_data_set_has_its_description_beside_it() {
    let folder = Folder::new();
    folder.wfkit("capture import SAMPLE --out a.parquet").succeeds();
    folder.wfkit("dataset convert a.parquet --out b.csv").succeeds();
    folder.wfkit("dataset convert a.parquet --out c.csv.zip").succeeds();
    folder.wfkit("defend a.parquet --defence pad:mtu --attack totals --draws-train 1 --out d.parquet").succeeds();
    folder.wfkit("dataset sample a.parquet --traces-each 5 --out e.parquet").succeeds();
    folder.wfkit("dataset filter a.parquet --min-packets 100 --out f.parquet").succeeds();
    folder.wfkit("dataset retime a.parquet --rtt 80ms --out g.parquet").succeeds();
    folder.wfkit("dataset relabel a.parquet --monitored 17,95 --out h.parquet").succeeds();
    folder.wfkit("dataset split a.parquet --out parts").succeeds();
    folder.wfkit("sessions make a.parquet --out i.parquet").succeeds();
    for name in [
        "a.parquet",
        "b.csv",
        "c.csv.zip",
        "d.parquet",
        "e.parquet",
        "f.parquet",
        "g.parquet",
        "h.parquet",
        "i.parquet",
        "parts/train.parquet",
        "parts/test.parquet",
    ] {
        let beside = format!("{}.croissant.json", name.split('.').next().unwrap());
        let text = folder.text(&beside);
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["conformsTo"], "http://mlcommons.org/croissant/1.0");
        let file = &json["distribution"][0];
        let bytes = folder.bytes(name);
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&file["sha256"], &file["contentSize"]), (&digest.into(), &format!("{} B", bytes.len()).into()));
        assert_eq!(file["contentUrl"], name.rsplit('/').next().unwrap());
        // The licence of the bundled captures goes with what is made of them.
        assert_eq!(json["license"], "https://creativecommons.org/publicdomain/zero/1.0/", "{name}");
        assert!(!text.contains(folder.path(".").parent().unwrap().to_str().unwrap()), "{text}");
        let fields: Vec<&str> = json["recordSet"][0]["field"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["name"].as_str().unwrap())
            .collect();
        match TraceParts::open(&folder.path(name)).unwrap() {
            Some(parts) => assert_eq!(fields, parts.columns().collect::<Vec<_>>(), "{name}"),
            None => assert_eq!(fields, ["cell_id", "rep", "direction_size", "timestamp"], "{name}"),
        }
    }
    let words = described(&folder, "d.croissant.json")["description"].as_str().unwrap().to_owned();
    assert!(words.contains("200 traces of 10 classes") && words.contains("Defended by pad:mtu"), "{words}");
    assert_eq!(described(&folder, "c.croissant.json")["distribution"][1]["containedIn"]["@id"], "c.csv.zip");
    let train = described(&folder, "parts/train.croissant.json")["description"].as_str().unwrap().to_owned();
    assert!(train.contains("160 traces"), "{train}");

    // The same again, and not where it is not wanted; other outputs have none.
    let before = folder.text("a.croissant.json");
    folder.wfkit("capture import SAMPLE --out a.parquet --threads 1").succeeds();
    assert_eq!(folder.text("a.croissant.json"), before);
    folder.wfkit("dataset convert a.parquet --out none.parquet --no-croissant").succeeds();
    folder.wfkit("features a.parquet --set totals --out features.parquet").succeeds();
    folder.wfkit("competition export a.parquet --out round.csv.zip --classes 10 --reps 20").succeeds();
    for name in ["none", "features", "round"] {
        assert!(!folder.path(&format!("{name}.croissant.json")).exists(), "{name}");
    }
    // What nobody says the licence of has none.
    folder.write("own.csv", "cell_id,rep,direction_size,timestamp\na,1,5,0\nb,1,5,0\n");
    folder.wfkit("dataset convert own.csv --out own.parquet").succeeds();
    assert_eq!(described(&folder, "own.croissant.json")["license"], Value::Null);
    folder.wfkit("dataset convert own.csv a.parquet --out both.csv").fails();
}

#[test]
fn a_run_is_made_again_with_its_descriptions_or_without() {
    let folder = Folder::with_traces();
    for (out, more) in [("with", ""), ("without", " --no-croissant")] {
        let run = format!("run traces.parquet --defence pad:mtu --attack totals --out {out}{more}");
        folder.wfkit(&run).succeeds();
        assert_eq!(folder.path(&format!("{out}/traces.croissant.json")).exists(), more.is_empty());
        assert_eq!(folder.path(&format!("{out}/defended/pad-mtu.croissant.json")).exists(), more.is_empty());
        folder.wfkit(&format!("rerun {out}")).succeeds();
        folder.wfkit(&format!("report {out}")).succeeds();
    }
}

#[test]
fn no_description_outlives_the_file_that_it_is_of() {
    let folder = Folder::with_traces();
    folder.wfkit("dataset convert traces.parquet --out a.parquet").succeeds();
    folder.wfkit("dataset convert traces.parquet --out a.parquet --no-croissant").succeeds();
    assert!(folder.path("a.croissant.json").exists(), "the same bytes are described by it");
    folder.wfkit("dataset sample traces.parquet --traces-each 3 --out a.parquet --no-croissant").succeeds();
    assert!(!folder.path("a.croissant.json").exists());
    folder.wfkit("dataset convert traces.parquet --out a.parquet").succeeds();
    folder.wfkit("features traces.parquet --set totals --out a.parquet").succeeds();
    assert!(!folder.path("a.croissant.json").exists(), "features have none");
    folder.wfkit("dataset convert traces.parquet --out a.parquet").succeeds();
    folder.write("a.croissant.json", folder.text("a.croissant.json").replacen('{', "{\"creator\": \"me\",", 1));
    let run = folder.wfkit("dataset sample traces.parquet --traces-each 3 --out a.parquet --no-croissant");
    assert!(run.succeeds().stderr.contains("describes another file than a.parquet is now, and stays"));
    assert!(folder.text("a.croissant.json").contains("creator"));
}
