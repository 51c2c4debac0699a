//! Copies of one load, and pages of a background, are never on both sides: of folds, files, bags and models.

use std::collections::BTreeSet;

use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, write_traces};
use wfkit_metrics::seed::mix;

use super::support::Folder;

/// Classes of the noise, loads of each, copies of each load.
const CLASSES: u64 = 6;
const LOADS: u64 = 12;
const COPIES: u64 = 5;

/// Noise of which nothing tells the class, in `copies` nearly equal copies: every packet of a copy differs from the load's by a byte or two and a
/// millisecond or five.
fn noise(seed: u64, copies: u64, origins: bool) -> TraceSet {
    let one = |class: u64, load: u64, copy: u64| {
        let of_load = |i: u64| mix(mix(mix(seed, class), load), i);
        let of_copy = |i: u64| mix(of_load(i), 1000 + copy);
        let packets = 30 + of_load(999) % 60;
        let mut time_ns = 0;
        let (mut times, mut sizes) = (vec![0], vec![100 + (of_load(0) % 500) as i32]);
        for i in 1..packets {
            time_ns += (of_load(i) % 50) * 1_000_000 + (of_copy(i) % 5) * 1_000_000;
            let size = 200 + (of_load(i) >> 8) % 1000 + of_copy(i) % 3;
            times.push(time_ns);
            sizes.push(if (of_load(i) >> 20) % 4 == 0 { size as i32 } else { -(size as i32) });
        }
        let key = TraceKey { class: format!("c{class}"), rep: (load * copies + copy) as i64, session: None };
        let origin = origins.then(|| format!("load {class}/{load}"));
        LabelledTrace { origin, ..LabelledTrace::new(key, None, Trace::new(times, sizes).unwrap()) }
    };
    let traces = (0..CLASSES)
        .flat_map(|class| (0..LOADS).flat_map(move |load| (0..copies).map(move |copy| (class, load, copy))));
    let traces = traces.map(|(class, load, copy)| one(class, load, copy)).collect();
    TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
}

fn folder_with_noise() -> Folder {
    let folder = Folder::new();
    write_traces(&folder.path("copies.parquet"), &noise(1, COPIES, true)).unwrap();
    write_traces(&folder.path("forgotten.parquet"), &noise(1, COPIES, false)).unwrap();
    let copies = noise(1, COPIES, true);
    let of_page = |one: &LabelledTrace| LabelledTrace { page: one.origin.clone(), origin: None, ..one.clone() };
    let pages = TraceSet::new(copies.traces().iter().map(of_page).collect(), copies.provenance().clone()).unwrap();
    write_traces(&folder.path("pages.parquet"), &pages).unwrap();
    folder
}

/// What three standard errors of an area of noise of so many loads are, about.
const NOISE: f64 = 0.15;

#[test]
fn copies_of_noise_stay_noise_over_folds() {
    let folder = folder_with_noise();
    // Where the copies are forgotten, every tested one has siblings to learn from: this is what must not happen.
    let forgotten = folder.report("evaluate forgotten.parquet --attack kfp-size --folds 4 --trees 40");
    assert!(forgotten.privacy.roc_auc_macro_ovr.unwrap() > 0.9);
    for attack in ["kfp-size", "kfp-knn", "wang-knn", "alignment", "best"] {
        let trees = if ["wang-knn", "alignment"].contains(&attack) { "" } else { "--trees 40" };
        let report = folder.report(&format!("evaluate copies.parquet --attack {attack} --folds 4 {trees}"));
        let area = report.privacy.roc_auc_macro_ovr.unwrap();
        assert!((area - 0.5).abs() < NOISE, "{attack}: {area}");
        assert_eq!(report.counts["tested traces"], CLASSES * LOADS * COPIES);
        assert_eq!(report.counts["tested loads"], CLASSES * LOADS);
        assert_eq!(report.counts["tested traces that were learned from"], 0);
        let log_loss = report.privacy.extras.get("log_loss").and_then(|loss| loss.as_f64());
        if let (Some(log_loss), "best") = (log_loss, attack) {
            let chance = (CLASSES as f64).ln();
            assert!(log_loss < 1.25 * chance, "calibrated on siblings: {log_loss}, chance is {chance}");
        }
    }
}

#[test]
fn what_a_tree_did_not_see_it_saw_no_copy_of() {
    let folder = folder_with_noise();
    let judged = |file: &str| {
        let report = folder.report(&format!("train {file} --attack kfp-size --trees 60 --out m.wfm"));
        report.privacy.roc_auc_macro_ovr.unwrap()
    };
    assert!(judged("forgotten.parquet") > 0.9, "siblings in the bag tell");
    for file in ["copies.parquet", "pages.parquet"] {
        let area = judged(file);
        assert!((area - 0.5).abs() < NOISE, "{file}: {area}");
    }
}

#[test]
fn feature_files_keep_origins() {
    let folder = folder_with_noise();
    folder.wfkit("features copies.parquet --set kfp-core --out f.parquet").succeeds();
    let report = folder.report("evaluate f.parquet --attack forest --folds 4 --trees 40");
    let area = report.privacy.roc_auc_macro_ovr.unwrap();
    assert!((area - 0.5).abs() < NOISE, "{area}");
    assert_eq!(report.counts["tested loads"], CLASSES * LOADS);
}

#[test]
fn features_of_the_same_loads_are_no_test() {
    let folder = Folder::with_traces();
    folder.wfkit("features traces.parquet --set kfp-core --out f.parquet").succeeds();
    let refused = folder.wfkit("evaluate --train f.parquet --test f.parquet --attack forest").fails();
    assert!(refused.contains("have the packets of a training trace"), "{refused}");
    folder.wfkit("train f.parquet --attack forest --trees 10 --out m.wfm").succeeds();
    let report = folder.report("predict m.wfm f.parquet --out p.parquet");
    assert!(report.privacy.reason.unwrap().contains("were learned from"));
}

#[test]
fn files_of_a_split_share_no_load() {
    let folder = folder_with_noise();
    let report = folder.report("dataset split copies.parquet --test-percent 25 --out parts");
    let origins = |name: &str| -> BTreeSet<String> {
        folder.traces(name).set.traces().iter().filter_map(|t| t.origin.clone()).collect()
    };
    let (train, test) = (origins("parts/train.parquet"), origins("parts/test.parquet"));
    assert_eq!((train.len() + test.len()) as u64, CLASSES * LOADS);
    assert!(train.is_disjoint(&test));
    assert_eq!(report.counts["test traces with a twin to train on"], 0);
    // Copies that meet in two files are refused, whatever their names.
    let half = noise(1, 2, true);
    let renamed: Vec<LabelledTrace> = half
        .traces()
        .iter()
        .map(|one| LabelledTrace { key: TraceKey { rep: one.key.rep + 5000, ..one.key.clone() }, ..one.clone() })
        .collect();
    let renamed = TraceSet::new(renamed, half.provenance().clone()).unwrap();
    write_traces(&folder.path("others.parquet"), &renamed).unwrap();
    let refused = folder.wfkit("evaluate --train copies.parquet --test others.parquet --attack totals").fails();
    assert!(refused.contains("are copies of a load that was trained on"), "{refused}");
}

#[test]
fn shuffled_labels_go_by_load() {
    let folder = folder_with_noise();
    let report = folder.report("evaluate copies.parquet --attack kfp-size --folds 4 --trees 40 --shuffle-labels");
    let area = report.privacy.roc_auc_macro_ovr.unwrap();
    assert!((area - 0.5).abs() < NOISE, "{area}");
}

/// Pages that differ much and visits of a page that differ little: whoever has seen a page knows that it is not monitored.
fn background() -> TraceSet {
    let pages = noise(2, 6, true);
    let page = |labelled: &LabelledTrace| LabelledTrace {
        key: TraceKey { session: Some(format!("s{}", labelled.key.rep % 3)), ..labelled.key.clone() },
        page: None,
        origin: None,
        ..labelled.clone()
    };
    // A class a page: the loads of the noise are the pages, their copies the visits.
    let named = pages.traces().iter().map(|labelled| {
        let class = labelled.origin.clone().unwrap().replace("load ", "page ");
        let one = page(labelled);
        LabelledTrace { key: TraceKey { class, ..one.key.clone() }, ..one }
    });
    TraceSet::new(named.collect(), pages.provenance().clone()).unwrap()
}

#[test]
fn pages_of_a_background_are_kept_apart() {
    let folder = Folder::new();
    let set = background();
    write_traces(&folder.path("closed.parquet"), &set).unwrap();
    let monitored: Vec<String> = set.classes().names().iter().take(12).map(|name| format!("{name}\n")).collect();
    folder.write("monitored.txt", monitored.concat());
    // Names with blanks do not go through the command line of this test.
    folder
        .wfkit("dataset relabel closed.parquet --monitored @monitored.txt --unmonitored other --out open.parquet")
        .succeeds();
    let open = folder.traces("open.parquet").set;
    assert_eq!(open.classes().len(), 13);
    let pages: BTreeSet<&String> = open.traces().iter().filter_map(|t| t.page.as_ref()).collect();
    assert_eq!(pages.len() as u64, CLASSES * LOADS - 12);

    let measured = |options: &str| {
        let report = folder.report(&format!(
            "evaluate open.parquet --attack kfp-size --trees 60 --folds 4 --open-world other {options}"
        ));
        report.privacy.extras.get("open_world").unwrap().clone()
    };
    let (apart, shared) = (measured(""), measured("--shared-pages"));
    let rate = |found: &serde_json::Value| found["false_positive_rate"].as_f64().unwrap();
    assert!(rate(&apart) > 2.0 * rate(&shared), "{} and {}", rate(&apart), rate(&shared));
    assert_eq!(apart["pages"]["tested"], CLASSES * LOADS - 12);
    assert_eq!(apart["pages"]["traces_of_pages_trained_on"], 0);
    assert!(shared["pages"]["traces_of_pages_trained_on"].as_u64().unwrap() > 300);
    let thresholds = &apart["thresholds_from_other_folds"];
    assert!(thresholds[0]["false_positive_rate"].is_number() && thresholds[0]["true_positive_rate_95"].is_object());

    // The same by session, where every page is in every session; and a curve over the size of the background.
    let report = folder.report(
        "evaluate open.parquet --attack totals --trees 30 --split-by session --open-world other --background 10,30",
    );
    let open = report.privacy.extras.get("open_world").unwrap();
    assert_eq!(open["pages"]["traces_of_pages_trained_on"], 0);
    let curve = report.privacy.extras.get("background").unwrap();
    assert_eq!(curve[0]["pages_trained_on"], 10);
    assert!(curve[1]["false_positive_rate"].is_number());
}

/// What a set learns from all rows it knows of the tested ones: the file says so, and whoever evaluates it hears it.
#[test]
fn features_that_were_fitted_on_all_rows_say_so() {
    let folder = Folder::with_traces();
    for (set, learns) in [("ngram", true), ("kfp-core", false)] {
        folder.wfkit(&format!("features traces.parquet --set {set} --out f.parquet")).succeeds();
        let ran = folder.wfkit("evaluate f.parquet --attack forest --trees 10 --format json").succeeds();
        assert_eq!(ran.stderr.contains("fitted on all rows: the columns of ngram"), learns, "{}", ran.stderr);
        let report: wfkit_metrics::StageReport = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report.privacy.extras.get("fitted_on_all_rows").is_some(), learns);
    }
}
