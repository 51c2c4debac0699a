//! `wfkit dataset info`, `show`, `filter` and `sample`; benchmarks by name.

use super::support::Folder;

#[test]
fn info_answers_first_and_has_a_line_a_class() {
    let folder = Folder::with_traces();
    let text = folder.wfkit_at(Some(80), "dataset info traces.parquet").succeeds().stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("200 traces of 10 classes (20 each), "), "{text}");
    let row = lines.iter().find(|line| line.split_whitespace().next() == Some("17")).unwrap();
    assert_eq!(row.split_whitespace().nth(1), Some("20"), "{text}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80 || !line.starts_with(' ')), "{text}");

    let report = folder.report("dataset info traces.parquet");
    let classes = report.utility.extras.get("by_class").unwrap().as_array().unwrap().clone();
    assert_eq!((classes.len(), classes[0]["class"].as_str()), (10, Some("17")));
    let traces: u64 = classes.iter().map(|class| class["traces"].as_u64().unwrap()).sum();
    assert_eq!(traces, report.counts["traces"]);
}

#[test]
fn show_draws_both_ways_within_eighty_columns() {
    let folder = Folder::with_traces();
    let text = folder.wfkit("dataset show traces.parquet --classes 17,48 -n 2").succeeds().stdout;
    assert_eq!(text.lines().filter(|line| line.starts_with("  in  ")).count(), 4, "{text}");
    assert!(text.lines().filter(|line| line.starts_with("  ")).all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains('█'), "{text}");
    let error = folder.wfkit("dataset show traces.parquet --classes 18").fails();
    assert!(error.contains("there is no class `18`"), "{error}");
}

#[test]
fn a_part_of_a_set_is_chosen_or_drawn_and_what_is_left_out_is_counted() {
    let folder = Folder::with_traces();
    let report = folder.report("dataset filter traces.parquet --classes 17,48 --min-packets 10 --out f.parquet");
    let set = folder.traces("f.parquet").set;
    assert!(set.traces().iter().all(|one| ["17", "48"].contains(&one.key.class.as_str()) && one.trace.len() >= 10));
    assert_eq!(report.dropped["other class"], 160);
    assert_eq!(set.len() as u64 + report.dropped.values().sum::<u64>(), 200);
    let error = folder.wfkit("dataset filter traces.parquet --min-packets 1000000 --out none.parquet").fails();
    assert!(error.contains("no trace is wanted") && !folder.path("none.parquet").exists(), "{error}");
    folder.wfkit("dataset filter traces.parquet --out all.parquet").shows_wrong_usage();

    folder.report("dataset sample traces.parquet --traces-each 3 --classes 4 --out a.parquet --seed 5");
    folder.report("dataset sample traces.parquet --traces-each 3 --classes 4 --out b.parquet --seed 5");
    assert_eq!(folder.bytes("a.parquet"), folder.bytes("b.parquet"));
    let drawn = folder.traces("a.parquet").set;
    assert_eq!((drawn.len(), drawn.classes().len()), (12, 4));
}

#[test]
fn nothing_that_is_read_is_lost_by_what_is_written() {
    let folder = Folder::with_traces();
    let before = folder.bytes("traces.parquet");
    for line in [
        "features traces.parquet --set totals --out traces.parquet",
        "train traces.parquet --attack totals --out traces.parquet",
        "defend traces.parquet --defence pad:mtu --out traces.parquet",
        "defend traces.parquet --defence pad:mtu --out ./../{name}/traces.parquet",
        "dataset split traces.parquet --folds 5 --out traces.parquet",
    ] {
        let name = folder.path("").file_name().unwrap().to_str().unwrap().to_owned();
        let error = folder.wfkit(&line.replace("{name}", &name)).shows_wrong_usage();
        assert!(error.contains("it is what is read, and would be lost"), "{line}: {error}");
        assert_eq!(folder.bytes("traces.parquet"), before, "{line}");
    }
    // Part of one's own traces may stand in their place, but not in that of a table that has more.
    folder.report("dataset filter traces.parquet --classes 17,48 --out traces.parquet");
    assert_eq!(folder.traces("traces.parquet").set.len(), 40);
    let table = "src_ip,splt_direction,splt_ps,splt_piat_ms,application_name\n\
                 10.0.0.5,\"[0, 1]\",\"[60, 1500]\",\"[0, 12]\",a\n10.0.0.5,\"[0, 1]\",\"[60, 900]\",\"[0, 12]\",b\n";
    std::fs::write(folder.path("flows.csv"), table).unwrap();
    for line in [
        "dataset filter flows.csv --classes a --out flows.csv",
        "dataset sample flows.csv --traces-each 1 --out flows.csv",
        "dataset convert flows.csv --out flows.csv",
    ] {
        let error = folder.wfkit(line).fails();
        assert!(error.contains("it is what is read, and would be lost"), "{line}: {error}");
        assert_eq!(std::fs::read_to_string(folder.path("flows.csv")).unwrap(), table, "{line}");
    }
    // Files of a split have names of their own, which may be that of what is split.
    let parted = folder.path("team_1_train.csv.zip");
    folder.wfkit("dataset convert traces.parquet --out team_1_train.csv.zip --lose-origins").succeeds();
    let before = std::fs::read(&parted).unwrap();
    for line in ["", " --kaggle"] {
        let error = folder.wfkit(&format!("competition split team_1_train.csv.zip --team-id 1 --out .{line}")).fails();
        assert!(error.contains("it is what is read, and would be lost; name another folder"), "{line}: {error}");
    }
    assert_eq!(std::fs::read(&parted).unwrap(), before);
    folder.wfkit("dataset filter flows.csv --classes a --out a.csv").succeeds();
    assert_eq!(folder.traces("a.csv").set.len(), 1);
}

#[test]
fn a_benchmark_is_of_its_traces_and_folds_and_no_others() {
    let folder = Folder::with_traces();
    for (id, input) in
        [("lab-secretstroll@1/4-sessions", ""), ("lab-pages@1/10-folds", ""), ("sample@1/5-folds", "traces.parquet")]
    {
        let named = folder.report(&format!("evaluate {input} --benchmark {id} --attack totals"));
        assert_eq!(named.privacy.extras.get("benchmark").unwrap()["id"], id);
        assert_eq!(named.options["benchmark"], id);
    }
    let named = folder.report("evaluate traces.parquet --benchmark sample@1/5-folds --attack totals");
    let plain = folder.report("evaluate traces.parquet --folds 5 --attack totals");
    assert_eq!(named.privacy.accuracy, plain.privacy.accuracy);

    let error = folder.wfkit("evaluate traces.parquet --benchmark lab-secretstroll@1/10-folds --attack totals").fails();
    assert!(error.contains("these are other traces"), "{error}");
    let error = folder.wfkit("evaluate --benchmark sample@1/5-folds").fails();
    assert!(error.contains("wfkit capture import"), "{error}");
    let error = folder.wfkit("evaluate traces.parquet --benchmark sample@1/5-folds --seed 1").fails();
    assert!(error.contains("leave --seed out"), "{error}");
    let error = folder.wfkit("evaluate --benchmark sampel@1/5-folds").shows_wrong_usage();
    assert!(error.contains("did you mean `sample@1/5-folds`"), "{error}");
    folder.wfkit("evaluate --benchmark lab-pages@1/10-folds --folds 3").shows_wrong_usage();
}

#[test]
fn public_sets_are_listed_described_and_imported_with_what_is_not_as_published() {
    let folder = Folder::new();
    let text = folder.wfkit_at(Some(80), "dataset list").succeeds().stdout;
    assert!(text.contains("wang14") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(folder.wfkit("dataset describe wang14").succeeds().stdout.contains("USENIX Security 2014"));
    for (name, lines) in
        [("0-0", "0.0\t1\n0.1\t-1\n0.2\t-1\n"), ("0-1", "0.0\t1\n0.3\t-1\n"), ("1-0", "0.0\t1\n0.2\t-1\n")]
    {
        folder.write(&format!("batch/{name}"), lines);
    }
    let ran = folder.wfkit("dataset import wang14 batch --out w.parquet").succeeds();
    assert!(ran.stderr.contains("2 classes and 3 traces were read; as published it has 100 and 9000"), "{ran:?}");
    assert_eq!(folder.traces("w.parquet").set.len(), 3);
    folder.captures("c", &[17], 0..1);
    assert!(folder.wfkit("dataset import wang14 c --out x.parquet").fails().contains("captures are imported first"));
    assert!(folder.wfkit("dataset sample w.parquet --out x.parquet").shows_wrong_usage().contains("--traces-each"));
    assert!(folder.wfkit("dataset import torpcaps batch --out t.parquet").fails().contains("wfkit capture import"));
}
