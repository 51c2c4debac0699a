//! Sets that are worked through in parts: what is written is what is written of the whole.

use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, write_traces};

use super::support::*;

/// 3,000 traces of 3,000 packets, which are three row groups, and more than a report looks at.
fn with_large() -> Folder {
    let labelled = |at: i64| {
        let (class, rep) = (at % 5, at / 5);
        let times = (0..3000).map(|packet| packet * (1_000_000 + rep as u64 % 7)).collect();
        let size = |packet: i64| if packet % (3 + class) == 0 { 543 } else { -1448 + (rep % 3) as i32 };
        let trace = Trace::new(times, (0..3000).map(size).collect()).unwrap();
        LabelledTrace::new(TraceKey { class: class.to_string(), rep, session: None }, Some(at), trace)
    };
    let provenance = Provenance::new(Layer::Tcp, vec!["made up".to_owned()]);
    let folder = Folder::new();
    write_traces(&folder.path("large.parquet"), &TraceSet::new((0..3000).map(labelled).collect(), provenance).unwrap())
        .unwrap();
    folder
}

const IN_PARTS: &str = "9000000 packets of 3000 traces are read in 3 parts";

#[test]
fn features_of_parts_are_those_of_the_whole() {
    let folder = with_large();
    let command = "features large.parquet --set totals,kfp-size,sequence-1500,ngram-cells,tiktok-timing --out";
    let whole = folder.report(&format!("{command} whole.parquet"));
    let ran = folder.wfkit(&format!("{command} parts.parquet --at-once 8999999"));
    assert!(ran.succeeds().stderr.contains(IN_PARTS));
    assert!(folder.bytes("whole.parquet") == folder.bytes("parts.parquet"));
    let parts = folder.report(&format!("{command} parts.parquet --at-once 1 --threads 1"));
    assert!(folder.bytes("whole.parquet") == folder.bytes("parts.parquet"));

    assert_eq!(parts.counts, whole.counts);
    let found = |report: &wfkit_metrics::StageReport| (report.privacy.accuracy, report.privacy.roc_auc_macro_ovr);
    assert_eq!(found(&parts), found(&whole));
    let looked_at = "2000 of 3000 traces: at most 400 loads a class, drawn by the seed";
    let told = |report: &wfkit_metrics::StageReport, name: &str| report.privacy.extras.get(name).cloned();
    assert_eq!(told(&parts, "looked_at").unwrap(), looked_at);
    assert_eq!(told(&parts, "feature_auc_of").unwrap(), looked_at);
    assert_eq!((told(&whole, "looked_at").unwrap(), told(&whole, "feature_auc_of")), (looked_at.into(), None));
    assert_eq!(parts.utility.extras.get("constant"), whole.utility.extras.get("constant"));
    assert_eq!(parts.utility.utility, whole.utility.utility);
}

#[test]
fn a_defence_of_parts_is_that_of_the_whole() {
    let folder = with_large();
    let command = "defend large.parquet --defence pad:mtu --attack totals --draws-train 1 --seed 3 --out";
    folder.wfkit(&format!("{command} whole.parquet")).succeeds();
    let parts = folder.report(&format!("{command} parts.parquet --at-once 5000000"));
    assert!(folder.bytes("whole.parquet") == folder.bytes("parts.parquet"));
    let manifest = |name: &str| folder.text(name).replace("whole.parquet", "parts.parquet");
    assert_eq!(manifest("whole.manifest.json"), manifest("parts.manifest.json"));
    assert_eq!(parts.counts["traces"], 3000);
    let looked_at = parts.privacy.extras.get("looked_at").unwrap().as_str().unwrap();
    assert!(looked_at.starts_with("2000 of 3000 traces"), "{looked_at}");
    let refused = |more: &str, needle: &str| {
        let message = folder.wfkit(&format!("defend large.parquet --at-once 10 --defence {more}")).fails();
        assert!(message.contains(needle), "{message}");
    };
    refused("front --out x.csv", "written as .parquet alone");
    refused("front --verify --out x.parquet", "leave it out, or take them as a whole with --at-once 9000000");
}

#[test]
fn shares_joined_are_one_run() {
    let folder = Folder::with_traces();
    let defend =
        "defend traces.parquet --defence front+fixed-shape --replicas 2 --attack totals --draws-train 1 --seed 3 --out";
    let features = "features traces.parquet --set totals,kfp-size,sequence-1500,ngram,size-histogram --out";
    for (command, merged) in [(defend, "defended"), (features, "features")] {
        folder.wfkit(&format!("{command} {merged}.parquet")).succeeds();
        let whole = folder.bytes(&format!("{merged}.parquet"));
        let manifest = (command == defend).then(|| folder.text("defended.manifest.json"));
        for share in 1..=3 {
            folder.wfkit(&format!("{command} {merged}-{share}.parquet --shard {share}/3")).succeeds();
        }
        let merge = |parts: &[u32]| {
            let parts: Vec<String> = parts.iter().map(|share| format!("{merged}-{share}.parquet")).collect();
            folder.wfkit(&format!("dataset merge {} --out {merged}.parquet", parts.join(" ")))
        };
        merge(&[2, 3, 1]).succeeds();
        assert!(whole == folder.bytes(&format!("{merged}.parquet")), "{merged}");
        if let Some(manifest) = manifest {
            assert_eq!(folder.text("defended.manifest.json"), manifest);
        }
        assert!(merge(&[2, 3]).fails().contains("shards are missing: 1/3"));
        assert!(merge(&[1, 2, 2, 3]).fails().contains("are both shard 2/3"));
        let other = command.replace("--seed 3", "").replace("totals,kfp-size", "totals");
        folder.wfkit(&format!("{other} {merged}-2.parquet --shard 2/3")).succeeds();
        let needle = if command == defend { "another seed than" } else { "another set of options than" };
        let message = merge(&[1, 2, 3]).fails();
        assert!(message.contains(needle) && message.contains(&format!("{merged}-2.parquet")), "{message}");
    }
    folder.wfkit("train traces.parquet --attack totals --out model.wfm").succeeds();
    for kind in ["parquet", "csv"] {
        let command = "predict model.wfm traces.parquet --allow-duplicates --out";
        let whole = folder.report(&format!("{command} whole.{kind}"));
        let parts = folder.report(&format!("{command} parts.{kind} --at-once 10"));
        assert!(folder.bytes(&format!("whole.{kind}")) == folder.bytes(&format!("parts.{kind}")));
        assert_eq!((&parts.privacy, &parts.counts), (&whole.privacy, &whole.counts));
        assert_eq!(parts.utility.utility, whole.utility.utility);
        for share in 1..=2 {
            folder.wfkit(&format!("{command} p{share}.{kind} --shard {share}/2")).succeeds();
        }
        folder.wfkit(&format!("dataset merge p1.{kind} p2.{kind} --out merged.{kind}")).succeeds();
        assert!(folder.bytes(&format!("whole.{kind}")) == folder.bytes(&format!("merged.{kind}")));
    }
    // A share is worked through in parts, so that --at-once would be no way out.
    let refused = folder.wfkit("defend traces.parquet --defence front --out x.csv --shard 1/2").fails();
    assert!(refused.contains("in one run, without --shard") && !refused.contains("--at-once"), "{refused}");
    let refused = folder.wfkit("dataset merge traces.parquet --out x.parquet").fails();
    assert!(refused.contains("its report is missing"), "{refused}");
    let refused = folder.wfkit("features SAMPLE --set totals --shard 1/2 --out x.parquet").fails();
    assert!(refused.contains("--shard takes .parquet"), "{refused}");
    for shard in ["0/3", "4/3", "2", "1/0", "a/b"] {
        let usage = folder.wfkit(&format!("features traces.parquet --set totals --shard {shard} --out x.parquet"));
        assert!(usage.shows_wrong_usage().contains("not a share such as 3/16"), "{shard}");
    }
}

/// Runs an example of job arrays, as it stands in the documents.
fn run_example(folder: &Folder, name: &str, arguments: &[&str], environment: &[(&str, String)]) {
    let script = format!("{}/examples/job-arrays/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut program = std::process::Command::new(script);
    program.args(arguments).env("WFKIT", env!("CARGO_BIN_EXE_wfkit")).current_dir(folder.path("."));
    let ran = program.envs(environment.iter().cloned()).output().unwrap();
    assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn job_arrays_give_the_bytes_of_one_run() {
    let folder = Folder::new();
    folder.captures("captures", &[17, 95], 1..9);
    run_example(&folder, "xargs.sh", &[], &[]);
    folder.wfkit("capture import captures --out whole-traces.parquet").succeeds();
    folder.wfkit("defend traces.parquet --defence front --seed 7 --out whole.parquet").succeeds();
    folder.wfkit("features whole.parquet --set kfp-size --out whole-features.parquet").succeeds();
    let sweep = "sweep traces.parquet --defence front --defence tamaraw:cell --defence pad:mtu --attack totals --draws 1 \
                 --draws-train 1 --seed 7 --out whole";
    folder.wfkit(sweep).succeeds();
    let as_one = || {
        for (whole, joined) in [
            ("whole-traces.parquet", "traces.parquet"),
            ("whole.parquet", "defended.parquet"),
            ("whole-features.parquet", "features.parquet"),
            ("whole/sweep.csv", "sweep/sweep.csv"),
        ] {
            assert!(folder.bytes(whole) == folder.bytes(joined), "{joined}");
        }
    };
    as_one();

    // As SLURM sets its variables.
    for (stage, shares, parts, out) in [
        ("import", 3, "traces", "traces.parquet"),
        ("defend", 3, "defended", "defended.parquet"),
        ("sweep", 4, "sweep", "sweep"),
    ] {
        let named = |share: u32| format!("{parts}-{share}{}", if stage == "sweep" { "" } else { ".parquet" });
        for share in 1..=shares {
            let set = |name: &'static str, value: u32| (name, value.to_string());
            let environment = [
                set("SLURM_ARRAY_TASK_ID", share),
                set("SLURM_ARRAY_TASK_COUNT", shares),
                set("SLURM_CPUS_PER_TASK", 1),
            ];
            run_example(&folder, "slurm.sh", &[stage], &environment);
        }
        let parts: Vec<String> = (1..=shares).map(named).collect();
        folder.wfkit(&format!("dataset merge {} --out {out}", parts.join(" "))).succeeds();
    }
    as_one();
}

#[test]
fn what_is_converted_in_parts_is_what_is_converted_as_a_whole() {
    let folder = Folder::with_traces();
    // Copies of one load, and sessions that share repetitions.
    folder
        .wfkit(
            "defend traces.parquet --defence front --replicas 2 --attack totals --draws-train 1 --out copies.parquet",
        )
        .succeeds();
    folder.wfkit("dataset convert traces.parquet --out rows.csv").succeeds();
    let text = folder.text("rows.csv");
    let (header, rows) = text.split_once('\n').unwrap();
    // The second half of every trace stands behind the first halves of all; classes begin with the last.
    let mut by_trace: Vec<Vec<&str>> = Vec::new();
    for row in rows.lines() {
        let key = |row: &str| row.splitn(3, ',').take(2).map(str::to_owned).collect::<Vec<_>>();
        match by_trace.last_mut() {
            Some(trace) if key(trace[0]) == key(row) => trace.push(row),
            _ => by_trace.push(vec![row]),
        }
    }
    by_trace.reverse();
    let halves = |second: bool| {
        by_trace.iter().flat_map(move |trace| {
            let (first, rest) = trace.split_at(trace.len().div_ceil(2));
            if second { rest } else { first }.iter().copied()
        })
    };
    let turned: Vec<&str> = std::iter::once(header).chain(halves(false)).chain(halves(true)).collect();
    folder.write("turned.csv", turned.join("\n") + "\n");
    for (command, out) in [
        ("dataset convert traces.parquet", "parquet"),
        ("dataset convert traces.parquet", "csv"),
        ("dataset convert traces.parquet", "csv.zip"),
        ("dataset convert traces.parquet --renumber", "parquet"),
        ("dataset convert copies.parquet --one-copy", "parquet"),
        ("dataset convert copies.parquet --one-copy", "csv"),
        ("dataset convert copies.parquet --lose-origins", "parquet"),
        ("dataset convert copies.parquet --lose-origins --renumber", "csv"),
        ("dataset convert rows.csv", "parquet"),
        ("dataset convert turned.csv", "parquet"),
        ("dataset convert turned.csv", "csv"),
    ] {
        let whole = folder.report(&format!("{command} --out a.{out}"));
        let bytes = folder.bytes(&format!("a.{out}"));
        let parts = folder.report(&format!("{command} --out a.{out} --at-once 1000"));
        assert!(bytes == folder.bytes(&format!("a.{out}")), "{command} {out}");
        assert_eq!((&parts.counts, &parts.dropped, &parts.privacy), (&whole.counts, &whole.dropped, &whole.privacy));
        assert_eq!((&parts.utility, &parts.problems), (&whole.utility, &whole.problems), "{command} {out}");
    }
    // What cannot be written is told of the same trace, and nothing is left behind.
    let before = folder.bytes("a.csv");
    for at_once in ["", "--at-once 1000"] {
        let refused = folder.wfkit(&format!("dataset convert copies.parquet --out a.csv {at_once}")).fails();
        assert!(refused.contains("another copy of a load"), "{refused}");
        assert!(before == folder.bytes("a.csv"));
    }
    folder.write("wrong.csv", turned.join("\n") + "\n1,1,0,99999\n");
    let told = |at_once: &str| folder.wfkit(&format!("dataset convert wrong.csv --out b.parquet {at_once}")).fails();
    assert_eq!(told(""), told("--at-once 1000"));
    assert!(told("").contains("zero size"), "{}", told(""));
}

#[test]
fn captures_imported_in_parts_and_in_shares_are_one_run() {
    let folder = Folder::new();
    folder.captures("captures", &[17, 95, 48], 1..6);
    folder.write("captures/cell_3_rep_1.pcap", "no capture");
    folder.write("captures/notes.txt", "what it is");
    let command = "capture import captures --min-packets 90 --out";
    let whole = folder.report(&format!("{command} whole.parquet"));
    let parts = folder.report(&format!("{command} parts.parquet --at-once 1"));
    assert!(folder.bytes("whole.parquet") == folder.bytes("parts.parquet"));
    assert_eq!((&parts.counts, &parts.dropped, &parts.inputs), (&whole.counts, &whole.dropped, &whole.inputs));
    assert_eq!((&parts.privacy, &parts.utility), (&whole.privacy, &whole.utility));

    let merge = "dataset merge share-2.parquet share-1.parquet share-3.parquet --out merged.parquet";
    for share in 1..=3 {
        folder.wfkit(&format!("{command} share-{share}.parquet --shard {share}/3")).succeeds();
    }
    let merged = folder.report(merge);
    assert!(folder.bytes("whole.parquet") == folder.bytes("merged.parquet"));
    assert_eq!(merged.dropped, whole.dropped);
    assert_eq!(merged.problems, whole.problems);
    for (name, n) in &whole.counts {
        assert_eq!(merged.counts.get(name), Some(n), "{name}");
    }

    // Shares of other captures, of another seed or with other options are refused.
    let refused = |change: &dyn Fn(), needle: &str| {
        change();
        let message = folder.wfkit(merge).fails();
        assert!(message.contains(needle) && message.contains("share-2.parquet"), "{needle}: {message}");
        folder.wfkit(&format!("{command} share-2.parquet --shard 2/3")).succeeds();
    };
    refused(
        &|| drop(folder.wfkit(&format!("{command} share-2.parquet --shard 2/3 --seed 1")).succeeds()),
        "another seed",
    );
    let trimmed = format!("{command} share-2.parquet --shard 2/3 --trim 5");
    refused(&|| drop(folder.wfkit(&trimmed).succeeds()), "another set of options");
    folder.captures("captures", &[50], 1..2);
    folder.wfkit(&format!("{command} share-2.parquet --shard 2/3")).succeeds();
    let message = folder.wfkit(merge).fails();
    assert!(message.contains("another input"), "{message}");

    let refused = folder.wfkit("capture import captures --out x.csv --shard 1/2").fails();
    assert!(refused.contains("shard 1/2 is written as .parquet"), "{refused}");
    for (options, needle) in [
        ("--outliers iqr", "outliers of a class are told by all of its traces"),
        ("--peer common", "name it by --peer"),
    ] {
        let refused = folder.wfkit(&format!("{command} x.parquet --shard 1/2 {options}")).fails();
        assert!(refused.contains(needle), "{refused}");
    }
}

#[test]
fn a_sweep_in_shares_is_one_run() {
    let folder = Folder::with_traces();
    folder.write("plan.txt", "pad:mtu # all sizes alike\n\nfront:ft-1\n");
    let command = "sweep traces.parquet --defence tamaraw:cell --plan plan.txt --draws 1 --draws-train 1 --folds 2 \
                   --attack totals --seed 4";
    folder.wfkit(&format!("{command} --out whole")).succeeds();
    for share in 1..=3 {
        folder.wfkit(&format!("{command} --shard {share}/3 --out share-{share}")).succeeds();
        assert!(!folder.path(&format!("share-{share}/sweep.csv")).exists());
    }
    folder.wfkit("dataset merge share-3 share-1 share-2 --out merged").succeeds();
    for name in ["sweep.csv", "sweep.svg"] {
        assert!(folder.bytes(&format!("whole/{name}")) == folder.bytes(&format!("merged/{name}")), "{name}");
    }
    assert_eq!(folder.files("whole/points"), folder.files("merged/points"));
    let report = |name: &str| {
        let mut report: serde_json::Value = serde_json::from_str(&folder.text(name)).unwrap();
        wfkit_metrics::without_clock(&mut report);
        report
    };
    assert_eq!(report("whole/sweep.json"), report("merged/sweep.json"));
    assert_eq!(folder.text("whole/report.md"), folder.text("merged/report.md"));

    assert!(folder.wfkit("dataset merge share-1 share-3 --out again").fails().contains("shards are missing: 2/3"));
    folder.wfkit(&format!("{} --shard 2/3 --out other", command.replace("--seed 4", "--seed 5"))).succeeds();
    let message = folder.wfkit("dataset merge share-1 other share-3 --out again").fails();
    assert!(message.contains("other: another seed than share-1"), "{message}");
    // What a share did not finish is not measured by who joins it.
    let points = folder.files("share-2/points");
    std::fs::remove_file(folder.path("share-2/points").join(&points[0])).unwrap();
    let message = folder.wfkit("dataset merge share-1 share-2 share-3 --out third").fails();
    assert!(message.contains("the shards did not measure this"), "{message}");
    let shares = folder.wfkit(&format!("{command} --shard 1/9 --out none")).fails();
    assert!(shares.contains("make fewer shards"), "{shares}");
}
