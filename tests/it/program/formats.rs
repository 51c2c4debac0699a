//! Traces in the formats of other tools.

use super::support::Folder;

#[test]
fn traces_go_to_other_tools_and_come_back() {
    let folder = Folder::with_traces();
    let traces = folder.traces("traces.parquet").set;
    for (format, out) in [("maybenot", "logs"), ("cell", "cells"), ("json-lines", "t.jsonl"), ("cumul", "cumul.txt")] {
        folder.wfkit(&format!("dataset convert traces.parquet --renumber --to {format} --out {out}")).succeeds();
        let back = folder.traces(out).set;
        assert_eq!(back.len(), traces.len(), "{format}");
        let volumes = |set: &wfkit_datasets::TraceSet| -> i64 {
            set.traces().iter().flat_map(|labelled| labelled.trace.size()).map(|&size| i64::from(size)).sum()
        };
        assert_eq!(volumes(&back), volumes(&traces), "{format}");
    }
    let error = folder.wfkit("dataset convert traces.parquet --renumber --to wang --out wang").fails();
    assert!(error.contains("--lose-sizes"), "{error}");
    let told = folder.wfkit("dataset convert traces.parquet --renumber --to wang --lose-sizes --out wang").succeeds();
    assert!(!told.stderr.contains("warning"), "{told:?}");
    let told = folder.wfkit("dataset info wang").succeeds();
    assert!(told.stderr.contains("200 traces have directions alone"), "{told:?}");
    let error = folder.wfkit("dataset convert traces.parquet --renumber --to wang --lose-sizes --out wang").fails();
    assert!(error.contains("is there already"), "{error}");
    // Three numbers could be much; named, they are sizes without times.
    folder.write("lists/a-1", "600 -1448 -1448\n");
    folder.write("lists/b-1", "600 -1448 -20\n");
    assert!(folder.wfkit("dataset info lists").fails().contains("three numbers"));
    folder.wfkit("dataset convert lists --from bursts --out l.parquet").succeeds();
    assert_eq!(folder.traces("l.parquet").set.traces()[1].trace.size(), [600, -1448, -20]);
    let error = folder.wfkit("dataset convert traces.parquet --to bursts --out x").shows_wrong_usage();
    assert!(error.contains("json-lines"), "{error}");
}

#[test]
fn arrays_come_back_with_their_names_and_repetitions() {
    let folder = Folder::with_traces();
    folder.wfkit("features tensor traces.parquet --channel direction-time --length 3000 --out x.npz").succeeds();
    let (traces, back) = (folder.traces("traces.parquet").set, folder.traces("x.npz"));
    let keys = |set: &wfkit_datasets::TraceSet| -> Vec<(String, i64)> {
        // Sets are in the order of their start, where that is known.
        let mut keys: Vec<_> =
            set.traces().iter().map(|labelled| (labelled.key.class.clone(), labelled.key.rep)).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&back.set), keys(&traces));
    let sum =
        |set: &wfkit_datasets::TraceSet| -> usize { set.traces().iter().map(|labelled| labelled.trace.len()).sum() };
    assert_eq!(sum(&back.set), traces.traces().iter().map(|labelled| labelled.trace.len().min(3000)).sum::<usize>());
    assert!(back.warnings[0].contains("directions alone"), "{:?}", back.warnings);
    folder.wfkit("evaluate x.npz --attack kfp --folds 3").succeeds();
}
