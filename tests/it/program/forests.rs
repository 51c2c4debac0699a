//! Options of forests, through every command that grows them.

use super::support::Folder;

/// What the header of a model file says of how its trees grew.
fn params(folder: &Folder, model: &str) -> serde_json::Value {
    let bytes = folder.bytes(model);
    let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[24..24 + length]).unwrap();
    header["forest"].clone()
}

const OPTIONS: &str =
    "--class-weight balanced --max-depth 9 --min-samples-leaf 2 --max-leaf-nodes 12 --splits histogram --trees 20";

#[test]
fn options_of_forests_reach_the_trees() {
    let folder = Folder::with_traces();
    folder.wfkit("train traces.parquet --attack totals --out plain.wfm").succeeds();
    folder.wfkit(&format!("train traces.parquet --attack totals {OPTIONS} --out shaped.wfm")).succeeds();
    let (plain, shaped) = (params(&folder, "plain.wfm"), params(&folder, "shaped.wfm"));
    assert_eq!((&plain["max_depth"], &plain["max_leaf_nodes"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!((&plain["splits"], &plain["class_weights"]), (&"exact".into(), &"equal".into()));
    assert_eq!((&shaped["max_depth"], &shaped["max_leaf_nodes"]), (&9.into(), &12.into()));
    assert_eq!((&shaped["min_samples_leaf"], &shaped["trees"]), (&2.into(), &20.into()));
    assert_eq!((&shaped["splits"], &shaped["class_weights"]), (&"histogram".into(), &"balanced".into()));
    folder.wfkit("predict shaped.wfm traces.parquet --out p.parquet").succeeds();

    let report = folder.report(&format!("evaluate traces.parquet --attack totals --folds 3 {OPTIONS}"));
    let fold = &report.privacy.extras.get("folds").unwrap()[0];
    // Of 20 trees with at most 12 leaves, so 23 nodes.
    assert!(fold["nodes"].as_u64().unwrap() <= 20 * 23, "{fold}");
    assert!(report.privacy.accuracy.unwrap() > 0.5);
}

#[test]
fn options_of_forests_that_make_no_sense_are_refused() {
    let folder = Folder::with_traces();
    for wrong in ["--max-leaf-nodes 1", "--max-depth 0", "--min-samples-leaf 0", "--splits some", "--class-weight all"]
    {
        folder.wfkit(&format!("train traces.parquet {wrong} --out m.wfm")).shows_wrong_usage();
    }
    let error = folder.wfkit("train traces.parquet --attack cumul --splits histogram --out m.wfm").fails();
    assert!(error.contains("limits and splits of trees are for wfkit's own forests"), "{error}");
    let help = folder.wfkit("train --help").succeeds().stdout;
    assert!(help.contains("--max-leaf-nodes") && help.contains("grow best first"), "{help}");
}
