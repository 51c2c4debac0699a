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

/// What the tools of the field print about packets.
fn printed(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/printed").join(name)).unwrap()
}

#[test]
fn packets_in_text_become_traces_and_other_commands_say_how() {
    let folder = Folder::new();
    for name in ["tcpdump/17_0.txt", "ek-fields/17_0.json"] {
        let file = format!("{}/3_7.txt", name.split('/').next().unwrap());
        folder.write(&file, printed(name));
        let error = folder.wfkit(&format!("dataset info {file}")).fails();
        assert!(error.contains("wfkit capture import") && !error.contains("198.18"), "{error}");
        let out = format!("{name}.parquet").replace('/', "-");
        folder.wfkit(&format!("dataset convert {file} --client 198.18.0.20/32 --out {out}")).succeeds();
        let set = folder.traces(&out).set;
        let labelled = &set.traces()[0];
        assert_eq!((&*labelled.key.class, labelled.key.rep, labelled.trace.size()[0]), ("3", 7, 536), "{name}");
    }
    let error = folder.wfkit("dataset convert tcpdump --from tshark --layer frame --out x.parquet").fails();
    assert!(error.contains("for --layer tcp it has some"), "{error}");
    folder.wfkit("dataset convert tcpdump --from tcpdump --out t.parquet").succeeds();
    assert_eq!(folder.traces("t.parquet").set.len(), 1);
}

#[test]
fn any_table_is_read_by_a_word_on_its_columns() {
    let folder = Folder::new();
    folder.write("visits.csv", "site;visit;t;len;dir\na;1;0,5;600;0\na;1;1,5;1448;1\nb;1;0;7;0\nb;1;2;9;1\n");
    let error = folder.wfkit("dataset info visits.csv").fails();
    assert!(error.contains("a table with the columns site, visit, t, len, dir"), "{error}");
    folder
        .wfkit("dataset convert visits.csv --columns class=site,rep=visit,time=t:ms,size=len*dir,dir:0=out --out t.parquet")
        .succeeds();
    let set = folder.traces("t.parquet").set;
    assert_eq!(set.traces()[0].trace.packets().collect::<Vec<_>>(), [(0, 600), (1_000_000, -1448)]);
    let error =
        folder.wfkit("dataset convert visits.csv --columns class=site,time=when --out x.parquet").shows_wrong_usage();
    for told in ["does not say the unit", "nothing tells sizes", "nothing tells one trace of a class from another"] {
        assert!(error.contains(told), "{told}: {error}");
    }
    let error = folder
        .wfkit("dataset convert visits.csv --columns class=page,rep=visit,time=t:ms,size=bytes --out x.parquet")
        .fails();
    assert!(error.contains("no column is called page, bytes; there are site, visit, t, len, dir"), "{error}");
    folder.write("examples.csv", "1,600,-1448\n2,5,0\n");
    assert!(folder.wfkit("dataset info examples.csv").fails().contains("--from f-bleau"));
    folder.wfkit("dataset convert examples.csv --from f-bleau --out e.parquet").succeeds();
    assert_eq!(folder.traces("e.parquet").set.packets(), 3);
}

#[test]
fn flows_keep_the_features_of_their_first_packets() {
    let folder = Folder::with_traces();
    folder.wfkit("dataset sample traces.parquet --classes 3 --traces-each 4 --out few.parquet").succeeds();
    folder.wfkit("features few.parquet --set ppi:n=30 --out f.parquet").succeeds();
    let values =
        |file: &str| wfkit_features::FeatureMatrix::read(&folder.path(file)).unwrap().matrix.values().to_owned();
    let expected = values("f.parquet");
    assert_eq!(expected.ncols(), 90);
    for format in ["cesnet", "nfstream"] {
        folder.wfkit(&format!("dataset convert few.parquet --renumber --to {format} --out {format}.csv")).succeeds();
        folder.wfkit(&format!("features {format}.csv --set ppi --out {format}.parquet")).succeeds();
        assert_eq!(values(&format!("{format}.parquet")), expected, "{format}");
    }
}

#[test]
fn columns_of_packets_come_through_splits_and_defences() {
    use wfkit_datasets::PacketColumn;
    let folder = Folder::new();
    folder.captures("in", &[17, 95], 0..4);
    folder.wfkit("capture import in --out plain.parquet").succeeds();
    folder.wfkit("capture import in --packet-columns flow,proto --out told.parquet").succeeds();
    let (plain, told) = (folder.traces("plain.parquet").set, folder.traces("told.parquet").set);
    assert_eq!(told.provenance().packet_columns, [PacketColumn::Flow, PacketColumn::Proto]);
    assert!(plain.provenance().packet_columns.is_empty());
    let counting = plain.provenance().counting.as_ref().unwrap();
    assert_eq!((&*counting.bare_acks, &*counting.retransmissions), ("left out", "counted once"));
    for (plain, told) in plain.traces().iter().zip(told.traces()) {
        assert_eq!(told.trace.clone().without_columns(), plain.trace);
        assert!(told.trace.column(PacketColumn::Proto).unwrap().iter().all(|&proto| proto == 6));
    }
    folder.wfkit("dataset split told.parquet --test-percent 50 --out parts").succeeds();
    let train = folder.traces("parts/train.parquet").set;
    assert!(train.traces().iter().all(|one| told.traces().contains(one)) && !train.is_empty());
    folder.wfkit("defend told.parquet --defence front:ft-1 --out d.parquet").succeeds();
    folder.wfkit("defend plain.parquet --defence front:ft-1 --out p.parquet").succeeds();
    let (defended, without) = (folder.traces("d.parquet").set, folder.traces("p.parquet").set);
    assert!(defended.packets() > told.packets());
    for (defended, without) in defended.traces().iter().zip(without.traces()) {
        // What is known of packets changes nothing, and tells nobody which are padding.
        assert_eq!(defended.trace.clone().without_columns(), without.trace);
        assert!(defended.trace.column(PacketColumn::Proto).unwrap().iter().all(|&proto| proto == 6));
        assert!(defended.trace.column(PacketColumn::Flow).unwrap().iter().all(|&flow| flow >= 0));
    }
    folder.wfkit("features tensor told.parquet --channel flow --length 9 --out x.npz").succeeds();
    let error = folder.wfkit("features tensor plain.parquet --channel flow --length 9 --out y.npz").fails();
    assert!(error.contains("no trace tells flow of its packets; wfkit capture import --packet-columns"), "{error}");
    folder.wfkit("capture import in --packet-columns ports --out x.parquet").shows_wrong_usage();
}
