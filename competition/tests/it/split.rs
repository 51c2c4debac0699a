//! No trace in two sets, the count exact, every class on both sides.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use proptest::prelude::*;
use wfkit_competition::{
    DefenseSplitError, SplitOptions, SplitReport, UNKNOWN_CLASS, Verif, capture_ids, read_captures, read_defense,
    read_truth, split,
};
use wfkit_datasets::formats::{KeyColumn, ReadLimits, read_packet_csv};
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};

use crate::fixture::{Folder, SETS, path, results};

const LIMITS: ReadLimits = ReadLimits::UPLOAD;

fn options(test_traces: usize, seed: u64) -> SplitOptions {
    SplitOptions { team_id: 7, test_traces, seed }
}

/// One trace for each pair of class and content, its packets decided by the content.
fn set(traces: &[(usize, u32)]) -> TraceSet {
    let labelled = |(at, &(class, content)): (usize, &(usize, u32))| {
        LabelledTrace::new(
            TraceKey { class: class.to_string(), rep: at as i64, session: None },
            None,
            Trace::new(vec![0, 1000 + u64::from(content)], vec![514, -514]).unwrap(),
        )
    };
    TraceSet::new(traces.iter().enumerate().map(labelled).collect(), Provenance::new(Layer::Tls, vec![])).unwrap()
}

fn hashes(set: &TraceSet) -> Vec<[u8; 32]> {
    set.traces().iter().map(|labelled| labelled.trace.content_hash()).collect()
}

/// Reads the three files and checks all that holds of any split. Returns the number of contents on both sides.
fn check(whole: &TraceSet, report: &SplitReport, test_traces: usize) -> usize {
    let train = read_defense(&report.train, &LIMITS).unwrap();
    let test = read_captures(&report.test, &LIMITS).unwrap();
    let truth = read_truth(&report.verif, &LIMITS).unwrap();

    assert_eq!((test.len(), train.len()), (test_traces, whole.len() - test_traces), "the count is exact");
    let ids: HashSet<i64> = capture_ids(&train).into_iter().chain(capture_ids(&test)).collect();
    assert_eq!(ids.len(), whole.len(), "no id twice");
    assert!(test.traces().iter().all(|labelled| labelled.key.class == UNKNOWN_CLASS));

    // With the truth, both together are the whole: every trace once, with its class.
    let content = |class: &str, labelled: &LabelledTrace| (class.to_owned(), labelled.trace.content_hash());
    let mut found: Vec<_> = train.traces().iter().map(|labelled| content(&labelled.key.class, labelled)).collect();
    found.extend(test.traces().iter().map(|labelled| content(&truth[&labelled.key.rep], labelled)));
    let mut meant: Vec<_> = whole.traces().iter().map(|labelled| content(&labelled.key.class, labelled)).collect();
    found.sort();
    meant.sort();
    assert_eq!(found, meant);

    let classes = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
    let all = classes(whole.classes().names().to_vec());
    assert_eq!(classes(train.classes().names().to_vec()), all, "every class to train on");
    assert_eq!(classes(truth.into_values().collect()), all, "every class to test on");

    let train: HashSet<_> = hashes(&train).into_iter().collect();
    hashes(&test).iter().filter(|hash| train.contains(*hash)).count()
}

proptest! {
    #[test]
    fn no_trace_is_in_two_sets(reps in proptest::collection::vec(2..9usize, 1..12), more in 0..1000usize, seed: u64) {
        let traces: Vec<(usize, u32)> =
            (1..).zip(&reps).flat_map(|(class, &reps)| std::iter::repeat_n(class, reps)).zip(0..).collect();
        let (classes, most) = (reps.len(), traces.len() - reps.len());
        let test_traces = classes + more % (most - classes + 1);
        let folder = Folder::new();
        let whole = set(&traces);
        let report = split(&whole, &options(test_traces, seed), folder.path()).unwrap();
        prop_assert_eq!(check(&whole, &report, test_traces), 0);
        prop_assert_eq!((report.twins, report.twins_in_train), (0, 0));
    }

    #[test]
    fn twins_are_parted_only_where_they_must_and_never_silently(
        contents in proptest::collection::vec(0..30u32, 12..60), seed: u64,
    ) {
        let traces: Vec<(usize, u32)> = (0..).map(|at| at % 4 + 1).zip(contents).collect();
        let folder = Folder::new();
        let whole = set(&traces);
        let report = split(&whole, &options(6, seed), folder.path()).unwrap();
        prop_assert_eq!(check(&whole, &report, 6), report.twins_in_train);
    }
}

#[test]
fn the_first_implementation_left_test_traces_in_the_train_set_and_this_does_not() {
    for name in SETS {
        let theirs = [path(name, "split_asis_train.csv"), path(name, "split_asis_test.csv")];
        // Ids collide there, so that two traces run into one: not every entry is a trace.
        let keys = [KeyColumn::integer("cell_id"), KeyColumn::integer("rep")];
        let table = read_packet_csv(&theirs[0], &keys, &LIMITS).unwrap();
        let train: HashSet<_> =
            table.traces.iter().filter_map(|packets| Some(packets.trace.as_ref()?.content_hash())).collect();
        let test = hashes(&read_captures(&theirs[1], &LIMITS).unwrap());
        let leaked = test.iter().filter(|hash| train.contains(*hash)).count();
        assert_eq!(results(name)["split_asis"]["test_captures_also_in_train_identically"], leaked);

        let whole = read_defense(&path(name, "defence_input.csv"), &LIMITS).unwrap();
        for seed in 0..20 {
            let folder = Folder::new();
            let report = split(&whole, &options(8, seed), folder.path()).unwrap();
            assert_eq!(check(&whole, &report, 8), 0);
            assert_eq!((report.classes, report.train_traces, report.test_traces), (4, 16, 8));
        }
    }
}

#[test]
fn identical_traces_stay_on_one_side() {
    // Each class has a pair of twins, one pair across classes, and four traces of their own.
    let mut traces = Vec::new();
    for class in 1..=10 {
        traces.extend([(class, class as u32), (class, class as u32)]);
        traces.extend((0..4).map(|own| (class, 100 * class as u32 + own)));
    }
    traces.extend([(1, 7777), (2, 7777)]);
    let whole = set(&traces);
    let mut with_twins_in_test = 0;
    for seed in 0..30 {
        let folder = Folder::new();
        let report = split(&whole, &options(20, seed), folder.path()).unwrap();
        assert_eq!(check(&whole, &report, 20), 0);
        assert_eq!((report.twins, report.twins_in_train), (22, 0));
        let test = hashes(&read_captures(&report.test, &LIMITS).unwrap());
        with_twins_in_test += usize::from(test.iter().collect::<HashSet<_>>().len() < test.len());
    }
    assert!(with_twins_in_test > 15, "twins are tested like any other");
}

#[test]
fn a_defense_that_makes_all_traces_identical_is_split_and_reported() {
    let whole = set(&[(1, 0), (1, 0), (1, 0), (2, 0), (2, 0), (2, 0)]);
    let folder = Folder::new();
    let report = split(&whole, &options(3, 0), folder.path()).unwrap();
    assert_eq!(check(&whole, &report, 3), 3);
    assert_eq!((report.twins, report.twins_in_train), (6, 3));
}

#[test]
fn the_seed_the_team_and_every_label_decide_the_bytes() {
    let whole = read_defense(&path(SETS[0], "defence_input.csv"), &LIMITS).unwrap();
    let bytes = |set: &TraceSet, options: SplitOptions| {
        let folder = Folder::new();
        let report = split(set, &options, folder.path()).unwrap();
        [report.train, report.test, report.verif].map(|path| std::fs::read(path).unwrap())
    };
    let first = bytes(&whole, options(8, 1));
    assert_eq!(bytes(&whole, options(8, 1)), first);
    // The order of the rows of the upload does not.
    assert_eq!(bytes(&read_defense(&path(SETS[1], "defence_input.csv"), &LIMITS).unwrap(), options(8, 1)), first);
    assert_ne!(bytes(&whole, options(8, 2)), first);
    assert_ne!(bytes(&whole, SplitOptions { team_id: 8, ..options(8, 1) }), first);

    // Another label of one trace gives all others other ids, so ids tell nothing to one who knows the seed alone.
    let mut traces = whole.traces().to_vec();
    traces[0].key.class = "2".into();
    traces[0].key.rep = 99;
    let relabelled = TraceSet::new(traces, whole.provenance().clone()).unwrap();
    let ids = |set: &TraceSet| {
        let folder = Folder::new();
        let report = split(set, &options(8, 1), folder.path()).unwrap();
        capture_ids(&read_captures(&report.test, &LIMITS).unwrap())
    };
    assert!(ids(&whole).iter().all(|id| !ids(&relabelled).contains(id)));
}

#[test]
fn every_trace_is_as_likely_tested() {
    let traces: Vec<(usize, u32)> = (0..24).map(|at| (at as usize / 6 + 1, at)).collect();
    let whole = set(&traces);
    let mut tested: BTreeMap<[u8; 32], u32> = BTreeMap::new();
    for seed in 0..300 {
        let folder = Folder::new();
        let report = split(&whole, &options(8, seed), folder.path()).unwrap();
        for hash in hashes(&read_captures(&report.test, &LIMITS).unwrap()) {
            *tested.entry(hash).or_default() += 1;
        }
    }
    // 8 of 24 traces 300 times: 100 each, 8 standard deviations either way are 35 to 165; 5 are 59 to 141.
    assert_eq!(tested.len(), 24);
    assert!(tested.values().all(|count| (59..=141).contains(count)), "{:?}", tested.values());
}

#[test]
fn files_are_as_the_competition_names_and_sorts_them() {
    let whole = read_defense(&path(SETS[0], "defence_input.csv"), &LIMITS).unwrap();
    let folder = Folder::new();
    let out = folder.path().join("round 1/team");
    let report = split(&whole, &options(8, 3), &out).unwrap();
    assert_eq!(Verif::named(&report.verif).team_id, Some(7));
    for (path, name, header) in [
        (&report.train, "team_7_train.csv", "cell_id,rep,direction_size,timestamp"),
        (&report.test, "team_7_test.csv", "capture_id,direction_size,timestamp"),
        (&report.verif, "team_7_verif.csv", "capture_id,cell_id"),
    ] {
        assert_eq!(path, &out.join(format!("{name}.zip")));
        let text = unzipped(path, name);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(header));
        // By the ids, then by time: by all columns but size.
        let key = |line: &str| {
            let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
            let ids = if header.starts_with("cell_id") { 2 } else { 1 };
            let last = if header.ends_with("timestamp") { fields[fields.len() - 1] } else { 0.0 };
            [&fields[..ids], &[last]].concat()
        };
        let keys: Vec<Vec<f64>> = lines.map(key).collect();
        assert!(keys.is_sorted(), "{name}");
    }
}

fn unzipped(path: &Path, member: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    std::io::read_to_string(archive.by_name(member).unwrap()).unwrap()
}

#[test]
fn what_cannot_be_split_is_refused() {
    let folder = Folder::new();
    let refused = |traces: &[(usize, u32)], test| split(&set(traces), &options(test, 0), folder.path()).unwrap_err();
    let four = [(1, 0), (1, 1), (2, 2), (2, 3)];
    assert!(split(&set(&four), &options(2, 0), folder.path()).is_ok());
    assert_eq!(
        refused(&four, 1).to_string(),
        "1 test traces cannot cover 2 classes; with --test 2 there is one of each"
    );
    assert_eq!(
        refused(&four, 3).to_string(),
        "3 of 4 traces in the test set leave too few to train on all of 2 classes; --test may be 2 at most"
    );
    assert!(matches!(refused(&four, 300), DefenseSplitError::TooManyTest { test: 300, traces: 4, classes: 2 }));
    assert!(matches!(refused(&four, usize::MAX), DefenseSplitError::TooManyTest { .. }));
    assert!(matches!(refused(&four[..3], 2), DefenseSplitError::OneTrace(class) if class == "2"));
    assert!(matches!(refused(&[], 0), DefenseSplitError::TooFewTest { .. }));
    assert!(matches!(refused(&[(0, 1), (0, 2)], 1), DefenseSplitError::Class(class) if class == "0"));
}
