//! `wfkit features`: sets, what their columns mean, arrays.

use serde_json::Value;
use wfkit_classify::shuffle_labels;
use wfkit_datasets::{LabelledTrace, Trace, TraceKey, TraceSet, write_traces};

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
            assert!(column["meaning"].as_str().is_some_and(|line| !line.is_empty()), "{column}");
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

#[test]
fn what_gives_traces_away_is_told_for_all_classes_and_for_one() {
    let folder = Folder::with_traces();
    let command = "features explain traces.parquet --set kfp-size,totals --trees 40 --picture x.svg";
    let report = folder.report(command);
    let explanation = report.privacy.extras.get("explanation").unwrap();
    let features = explanation["features"].as_array().unwrap();
    assert_eq!((features.len(), explanation["groups"].as_array().unwrap().len()), (185, 4));
    let importances: Vec<f64> = features.iter().map(|feature| feature["importance"].as_f64().unwrap()).collect();
    assert!(importances.is_sorted_by(|a, b| a >= b) && importances[0] > 0.01, "{importances:?}");
    assert!(features.iter().all(|feature| (0.5..=1.0).contains(&feature["auc"].as_f64().unwrap())));
    assert!(report.privacy.accuracy.unwrap() > 0.7);
    let picture = folder.text("x.svg");
    assert_eq!(picture.matches("<rect class=\"fa\"").count(), 4 + 20);
    assert!(picture.contains(features[0]["name"].as_str().unwrap()));

    let table = folder.wfkit(&format!("{command} --top 3 --threads 1")).succeeds().stdout;
    assert!(table.contains("182 more: --top") && table.contains("What gives the classes away"), "{table}");
    let of_one = folder.report("features explain traces.parquet --set totals --class 17 --repeats 1");
    let explanation = of_one.privacy.extras.get("explanation").unwrap();
    assert_eq!((&explanation["class"], &explanation["traces"]), (&"17".into(), &20.into()));
    let message = folder.wfkit("features explain traces.parquet --set totals --class nobody").fails();
    assert!(message.contains("there is no class \"nobody\""), "{message}");
    folder.wfkit("features explain traces.parquet").shows_wrong_usage();
}

/// Controls of the importances: labels that were shuffled, and two classes that one size alone tells apart.
#[test]
fn importance_is_found_where_it_was_planted_and_nowhere_in_shuffled_labels() {
    let folder = Folder::with_traces();
    let set = folder.traces("traces.parquet").set;
    write_traces(&folder.path("shuffled.parquet"), &shuffle_labels(&set, 1)).unwrap();
    let groups = |file: &str| {
        let report = folder.report(&format!("features explain {file} --set kfp-size"));
        let explanation = report.privacy.extras.get("explanation").unwrap().clone();
        let largest = |part: &str| {
            let all = explanation[part].as_array().unwrap();
            all.iter().map(|one| one["importance"].as_f64().unwrap().abs()).fold(0.0, f64::max)
        };
        let first = explanation["features"][0]["name"].as_str().unwrap().to_owned();
        (largest("groups"), largest("features"), first)
    };
    let (real, _, _) = groups("traces.parquet");
    let (group, feature, _) = groups("shuffled.parquet");
    assert!(group < 0.1 * real && feature < 0.01, "{group} and {feature}, where {real} is real");

    let planted = set.traces().iter().map(|one| {
        let mut size = one.trace.size().to_vec();
        // The first size is all that tells one half of the traces from the other: a statistic of sizes, or a count of one.
        let is_marked = one.key.rep % 2 == 0;
        size[0] = if is_marked { 60_000 } else { 1 };
        let class = if is_marked { "marked" } else { "plain" }.to_owned();
        let key = TraceKey { class, session: Some(one.key.class.clone()), ..one.key.clone() };
        LabelledTrace { key, trace: Trace::new(one.trace.time_ns().to_vec(), size).unwrap(), ..one.clone() }
    });
    let planted = TraceSet::new(planted.collect(), set.provenance().clone()).unwrap();
    write_traces(&folder.path("planted.parquet"), &planted).unwrap();
    let (_, feature, first) = groups("planted.parquet");
    assert!(feature > 0.02 && first.contains("size"), "{first}: {feature}");
}

#[test]
fn sets_are_joined_by_plus_or_comma_wherever_they_are_named() {
    let folder = Folder::with_traces();
    for (joined, out) in [("totals+cumul", "a"), ("totals,cumul", "b")] {
        folder.wfkit(&format!("features traces.parquet --set {joined} --out {out}.parquet --quiet")).succeeds();
        folder.wfkit(&format!("train traces.parquet --attack {joined} --trees 5 --out {out}.wfm --quiet")).succeeds();
        folder.wfkit(&format!("features describe {joined}")).succeeds();
    }
    assert_eq!(folder.bytes("a.parquet"), folder.bytes("b.parquet"));
    assert_eq!(folder.bytes("a.wfm"), folder.bytes("b.wfm"));
    let sweep = "sweep traces.parquet --defence pad:mtu --attack totals,totals+cumul --folds 2 --out s --quiet";
    folder.wfkit(sweep).succeeds();
    assert!(folder.text("s/sweep.csv").contains("totals,cumul"), "two attacks, one of two sets");
}
