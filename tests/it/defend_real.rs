//! Every defence over page loads and queries that others recorded, and what the attacks find where all looks the same.
//!
//! `cargo test --release --workspace --test it defend_real -- --nocapture` prints what each preset costs.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use wfkit_capture::{ImportOptions, import};
use wfkit_classify::{Attack, AttackOptions, Samples, evaluate};
use wfkit_datasets::splits::stratified_k_fold;
use wfkit_datasets::{Groups, LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, read_traces};
use wfkit_defend::{DefendOptions, DefenseSpec, OverheadOptions, RatioSummary, defend, defend_with, list};
use wfkit_metrics::{ScoreOptions, Scores};

use crate::shared::shared_data;

fn spec(text: &str) -> DefenseSpec {
    text.parse().unwrap()
}

/// Learns from the set itself where it learns: what it costs is asked, not what it gives away.
fn fitted(text: &str, set: &TraceSet) -> DefenseSpec {
    let spec = spec(text);
    if spec.needs_training() { spec.fit(set.clone()) } else { spec }
}

/// Every preset, and RegulaTor scaled to the traces by its rule.
fn specs(set: &TraceSet) -> Vec<String> {
    let presets = list().iter().flat_map(|d| d.presets.iter().map(move |p| format!("{}:{}", d.name, p.name)));
    let scale = set.packets() as f64 / set.len() as f64 / 2101.0;
    let scaled = ["light", "heavy"].map(|preset| format!("regulator:{preset},scale={scale:.3}"));
    presets.chain(scaled).collect()
}

/// Every invariant is checked on every trace, those too that take a second run.
#[expect(clippy::print_stdout, reason = "the table is what a reader of the test asks for")]
fn print_costs(name: &str, set: &TraceSet) {
    let (packets, bytes) =
        (set.packets(), set.traces().iter().map(|t| t.trace.in_bytes() + t.trace.out_bytes()).sum::<u64>());
    println!("{name}: {} traces, {packets} packets, {bytes} bytes\n", set.len());
    println!(
        "| defence | bandwidth % | without tail | median | latency % | mean delay ms |\n|---|---:|---:|---:|---:|---:|"
    );
    let value = |ratio: &RatioSummary| ratio.total.map_or(f64::NAN, |total| 100.0 * total.value);
    for text in specs(set) {
        let options = DefendOptions { seed: 1, verify: true, ..DefendOptions::default() };
        let defended = match defend_with(set, &fitted(&text, set), &options) {
            Ok(defended) => defended,
            Err(error) => {
                assert!(error.to_string().contains("pads sizes"), "{text}: {error}");
                continue;
            }
        };
        let overheads = defended.overheads(&OverheadOptions { bootstrap: 0, seed: 0 });
        let median = overheads.bandwidth.both.median.map_or(f64::NAN, |median| 100.0 * median.value);
        println!(
            "| {text} | {:.1} | {:.1} | {median:.1} | {:.1} | {:.1} |",
            value(&overheads.bandwidth.both),
            value(&overheads.bandwidth_without_tail.both),
            value(&overheads.latency),
            overheads.delay.mean_s.map_or(f64::NAN, |mean| 1e3 * mean.value),
        );
    }
}

/// The first `most` of each class.
fn few(set: &TraceSet, layer: Layer, most: usize) -> TraceSet {
    let mut taken = std::collections::HashMap::new();
    let mut first = |labelled: &&LabelledTrace| {
        let taken = taken.entry(labelled.key.class.clone()).or_insert(0);
        *taken += 1;
        *taken <= most
    };
    let traces = set.traces().iter().filter(&mut first).cloned().collect();
    TraceSet::new(traces, Provenance::new(layer, vec![])).unwrap()
}

#[test]
fn every_preset_keeps_the_invariants_on_page_loads() {
    let Some(folder) = shared_data("explainwf") else { return };
    let log = read_traces(&folder.join("run1").join("wget2-traces.log.xz")).unwrap();
    print_costs("page loads", &few(&log.set, Layer::Cell, 2));
}

#[test]
fn every_preset_keeps_the_invariants_on_queries() {
    let Some(folder) = shared_data("torpcaps") else { return };
    let set = import(&[folder], &ImportOptions::default(), &|_, _| {}).unwrap().set;
    print_costs("queries", &few(&set, set.provenance().layer, 2));
}

/// Ten classes that totals tell apart, 20 traces each.
fn classes() -> TraceSet {
    let trace = |class: usize, rep: usize| {
        let responses = 5 + 4 * class + rep % 3;
        let times = std::iter::once(0).chain((1..=responses).map(|i| (i * (10 + rep)) as u64 * 1_000_000));
        let sizes = std::iter::once(300 + class as i32).chain(std::iter::repeat_n(-1448, responses));
        let key = TraceKey { class: format!("c{class}"), rep: rep as i64, session: None };
        LabelledTrace::new(key, None, Trace::new(times.collect(), sizes.collect()).unwrap())
    };
    let traces = (0..10).flat_map(|class| (0..20).map(move |rep| trace(class, rep))).collect();
    TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
}

fn scores(attack: &str, set: &TraceSet) -> Scores {
    let labels: Vec<&str> = set.traces().iter().map(|labelled| labelled.key.class.as_str()).collect();
    let folds = stratified_k_fold(&labels, &Groups::of_rows(labels.len()), 5, 0).unwrap().splits;
    let attack = Attack::by_name(attack, &AttackOptions::default()).unwrap();
    let evaluation = evaluate(&attack, Samples::Traces(set), &folds, 0, &|_| {}).unwrap();
    Scores::compute(
        &evaluation.probabilities,
        &evaluation.truth,
        &ScoreOptions { bootstrap: 500, seed: 0, ..ScoreOptions::default() },
    )
    .unwrap()
}

#[test]
fn attacks_guess_where_all_queries_have_one_shape() {
    let set = classes();
    let shaped = defend(&set, &spec("fixed-shape"), 1).unwrap().observe();
    let first = &shaped.traces()[0].trace;
    assert!(shaped.traces().iter().all(|labelled| &labelled.trace == first));
    for attack in ["totals", "kfp-size"] {
        let before = scores(attack, &set);
        assert!(before.accuracy.unwrap() > 0.9, "{attack}: {:?}", before.accuracy);
        let after = scores(attack, &shaped);
        let interval = after.intervals_95.as_ref().unwrap().roc_auc_macro_ovr.unwrap();
        assert!(interval.low <= 0.5 && 0.5 <= interval.high, "{attack}: {interval:?}");
        assert!((after.roc_auc_macro_ovr.unwrap() - 0.5).abs() < 0.05, "{attack}: {:?}", after.roc_auc_macro_ovr);
        assert!(after.accuracy.unwrap() <= 0.15, "{attack}: {:?}", after.accuracy);
    }
}

/// The sets are learned from one half of the traces, and the attack is trained and tested on the other.
#[test]
fn attacks_guess_where_all_classes_are_one_anonymity_set() {
    let all = classes();
    let rows = |odd: bool| -> Vec<usize> { (0..all.len()).filter(|row| (row % 2 == 1) == odd).collect() };
    let (training, set) = (all.select(&rows(false)), all.select(&rows(true)));
    for text in ["k-anonymous,k=10", "palette,k=10,quantile=1", "supersequence,k=10"] {
        let defended = defend(&set, &spec(text).fit(training.clone()), 1).unwrap();
        let misfits = defended.overheads(&OverheadOptions { bootstrap: 0, seed: 0 }).misfit_traces;
        let observed = defended.observe();
        let first = &observed.traces()[0].trace;
        let alike = observed.traces().iter().filter(|labelled| &labelled.trace == first).count();
        assert!(misfits <= 2 && alike + misfits as usize >= set.len(), "{text}: {misfits} misfits, {alike} alike");
        for attack in ["totals", "kfp-size"] {
            let after = scores(attack, &observed);
            let interval = after.intervals_95.as_ref().unwrap().roc_auc_macro_ovr.unwrap();
            assert!(interval.low <= 0.5 && 0.5 <= interval.high, "{text} {attack}: {interval:?}");
            assert!((after.roc_auc_macro_ovr.unwrap() - 0.5).abs() < 0.05, "{text} {attack}");
        }
    }
}

/// A path of two shows less than both, and both show everything.
#[test]
fn an_attacker_of_one_path_sees_less() {
    let set = classes();
    let accuracy = |text: &str| scores("kfp-size", &defend(&set, &spec(text), 1).unwrap().observe()).accuracy.unwrap();
    let one = accuracy("trafficsliver:weighted-random");
    let all = accuracy("trafficsliver:weighted-random,see=5,latency=0s");
    assert!(one < 0.5 && all > 0.9, "{one} {all}");
}
