//! Shuffled labels: what an attack then finds, it was told.
//!
//! The area under the curve must be around 0.5. How far around, was measured over 40 shuffles of the sample, for seven attacks:
//!
//! | | mean | standard deviation | 0.5 inside the reported 95 % interval |
//! |---|---|---|---|
//! | trained on the first half, tested on the second | 0.500 to 0.510 | 0.029 to 0.037 | 258 of 280, 92 % |
//! | five folds | 0.496 to 0.502 | 0.026 to 0.037 | 272 of 280, 97 % |
//!
//! So nothing leaks. With folds every trace is both learned from and tested, so that one lucky shuffle helps in all folds, and
//! resampling the tested traces does not see that (Y. Bengio, Y. Grandvalet: No unbiased estimator of the variance of k-fold
//! cross-validation, JMLR 5, 2004): 83 % of plain intervals held 0.5, so they are widened. The rule is one on the mean over
//! [`SHUFFLES`] shuffles, within three standard errors of 0.5, and one on how often the interval holds 0.5.

use wfkit_classify::{Attack, AttackOptions, attacks, shuffle_labels};
use wfkit_datasets::{LabelledTrace, Trace, TraceKey, TraceSet, write_traces};
use wfkit_metrics::StageReport;

use super::support::Folder;

const SHUFFLES: u64 = 8;

/// Three standard errors of the mean of eight, at the largest standard deviation in the table.
const BAND: f64 = 3.0 * 0.037 / 2.83;

/// Of eight intervals, at least so many hold 0.5: fewer have a probability of 2 % at 92 % a piece ..
const INSIDE_ONE_SPLIT: usize = 6;
/// .. and of 2 % at 97 %.
const INSIDE_FOLDS: usize = 7;

fn area(report: &StageReport) -> (f64, bool) {
    let area = report.privacy.roc_auc_macro_ovr.unwrap();
    let interval = &report.privacy.extras.get("intervals_95").unwrap()["roc_auc_macro_ovr"];
    let (Some(low), Some(high)) = (interval["low"].as_f64(), interval["high"].as_f64()) else {
        assert_eq!(
            area, 0.5,
            "an attack that has learned to say the same of every trace has no interval, any other has: {interval}"
        );
        return (area, true);
    };
    assert!(low <= area && area <= high);
    (area, low <= 0.5 && 0.5 <= high)
}

fn nothing_leaks(split: &str, at_least_inside: usize) {
    let folder = Folder::with_traces();
    let mut tried = 0;
    for info in attacks() {
        if !Attack::by_name(info.name, &AttackOptions::default()).unwrap().takes_traces() {
            continue;
        }
        let found: Vec<(f64, bool)> = (0..SHUFFLES)
            .map(|seed| {
                let attack = info.name;
                let command =
                    format!("evaluate traces.parquet --shuffle-labels --attack {attack} {split} --seed {seed}");
                area(&folder.report(&command))
            })
            .collect();
        let mean = found.iter().map(|(area, _)| area).sum::<f64>() / SHUFFLES as f64;
        let inside = found.iter().filter(|(_, inside)| *inside).count();
        assert!((mean - 0.5).abs() < BAND, "{}: mean {mean} of {found:?}", info.name);
        assert!(inside >= at_least_inside, "{}: 0.5 is inside {inside} intervals of {found:?}", info.name);
        tried += 1;
    }
    assert_eq!(tried, attacks().len() - 2, "all but the two that take features");
}

#[test]
fn shuffled_labels_tell_nothing_of_later_traces() {
    nothing_leaks("--split-time 2026-11-21T03:11:37Z", INSIDE_ONE_SPLIT);
}

#[test]
fn shuffled_labels_tell_nothing_over_folds() {
    nothing_leaks("--folds 5", INSIDE_FOLDS);
}

/// The rule above would see a leak: here every tested trace has a twin to learn its shuffled label from.
#[test]
fn a_leak_is_found_and_told() {
    let folder = Folder::with_traces();
    let shuffled = shuffle_labels(&folder.traces("traces.parquet").set, 1);
    let twin = |one: &LabelledTrace, add: i64| LabelledTrace {
        key: TraceKey { rep: one.key.rep + add, ..one.key.clone() },
        ..one.clone()
    };
    let twins = shuffled.traces().iter().flat_map(|one| [twin(one, 0), twin(one, 1000)]).collect();
    let set = TraceSet::new(twins, shuffled.provenance().clone()).unwrap();
    write_traces(&folder.path("twins.parquet"), &set).unwrap();
    let refused = folder.wfkit("evaluate twins.parquet --attack totals").fails();
    assert!(refused.contains("have the packets of a training trace"), "{refused}");
    let (area, inside) = area(&folder.report("evaluate twins.parquet --attack totals --allow-duplicates"));
    assert!(area > 0.75 && !inside, "{area}");
}

/// The same packets under another name, in a second collection or another session; and other packets under the same name.
#[test]
fn packets_tell_a_leak_in_every_mode_and_names_do_not() {
    let folder = Folder::with_traces();
    let read = folder.traces("traces.parquet");
    let write = |name: &str, set: &TraceSet| write_traces(&folder.path(name), set).unwrap();
    let traces = || read.set.traces().iter().cloned();
    let with = |traces: Vec<LabelledTrace>| TraceSet::new(traces, read.set.provenance().clone()).unwrap();
    let renamed = |mut one: LabelledTrace| {
        one.key.rep += 1000;
        one
    };
    write("renamed.parquet", &with(traces().map(renamed).collect()));
    let refused = folder.wfkit("evaluate --train traces.parquet --test renamed.parquet --attack totals").fails();
    assert!(refused.contains("have the packets of a training trace"), "{refused}");

    // A nanosecond later, and no packet is the same; nearly all are.
    let later = |one: LabelledTrace| {
        let mut time_ns = one.trace.time_ns().to_vec();
        *time_ns.last_mut().unwrap() += 1;
        LabelledTrace { trace: Trace::new(time_ns, one.trace.size().to_vec()).unwrap(), ..one }
    };
    write("later.parquet", &with(traces().map(later).collect()));
    let refused = folder.wfkit("evaluate --train traces.parquet --test later.parquet --attack totals").fails();
    assert!(refused.contains("same order at nearly the same times"), "{refused}");

    // Other loads under the same names are no leak.
    let slower = |one: LabelledTrace| {
        let time_ns = one.trace.time_ns().iter().map(|time| time * 2).collect();
        let size = one.trace.size().iter().map(|size| size + size.signum()).collect();
        LabelledTrace { trace: Trace::new(time_ns, size).unwrap(), ..one }
    };
    write("slower.parquet", &with(traces().map(slower).collect()));
    let report = folder.report("evaluate --train traces.parquet --test slower.parquet --attack totals --trees 10");
    assert!(report.privacy.accuracy.is_some());

    // Every session a copy of the first.
    let first = read.set.traces()[0].key.session.clone();
    let of_first: Vec<LabelledTrace> = traces().filter(|one| one.key.session == first).collect();
    let in_session = |session: &str, one: &LabelledTrace| {
        let key = TraceKey { session: Some(session.to_owned()), ..one.key.clone() };
        LabelledTrace { key, ..one.clone() }
    };
    let copies = ["a", "b"].into_iter().flat_map(|session| of_first.iter().map(move |one| in_session(session, one)));
    write("copies.parquet", &with(copies.collect()));
    let drift = |options: &str| {
        let command =
            format!("evaluate copies.parquet --attack totals --trees 10 --split-by session --drift {options}");
        folder.wfkit(&format!("{command} --format json"))
    };
    let refused = drift("").fails();
    assert!(refused.contains("have the packets of a training trace"), "{refused}");
    drift("--allow-duplicates").succeeds();
}

/// In a fast network, loads of one page are milliseconds long and alike in their sizes: that is no leak.
#[test]
fn quick_loads_of_one_page_are_no_twins() {
    let folder = Folder::new();
    let mut text = "cell_id,rep,direction_size,timestamp\n".to_owned();
    for (class, rep) in (0..6u64).flat_map(|class| (0..30u64).map(move |rep| (class, rep))) {
        let mut seconds = 0.0;
        for i in 0..12 + class % 3 {
            text += &format!("{class},{rep},{},{seconds:.6}\n", if i % 3 == 0 { 514 } else { -514 });
            seconds += 0.0005 + wfkit_metrics::seed::mix(100 * class + rep, i) as f64 / u64::MAX as f64 * 0.0008;
        }
    }
    folder.write("quick.csv", text);
    folder.wfkit("evaluate quick.csv --attack totals --trees 10").succeeds();
    // One that is the same but for a microsecond is named.
    let set = folder.traces("quick.csv").set;
    let first = &set.traces()[0];
    let time_ns = first.trace.time_ns().iter().map(|&time| time + time.min(1_000)).collect();
    let twin = LabelledTrace {
        key: TraceKey { rep: 99, ..first.key.clone() },
        trace: Trace::new(time_ns, first.trace.size().to_vec()).unwrap(),
        ..first.clone()
    };
    let both = TraceSet::new(set.traces().iter().cloned().chain([twin]).collect(), set.provenance().clone()).unwrap();
    write_traces(&folder.path("twin.parquet"), &both).unwrap();
    let told = folder.wfkit("dataset validate twin.parquet").succeeds().stderr;
    assert!(told.contains("nearly the same packets in (class 0, rep 0), (class 0, rep 99)"), "{told}");
}
