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
    let command = "features large.parquet --set totals,kfp-size,sequence-1500 --out";
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

    let message = folder.wfkit("features large.parquet --set ngram --out n.parquet --at-once 1000").fails();
    assert!(message.contains("ngram learns from all traces at once"), "{message}");
    assert!(message.contains("--at-once 9000000"), "{message}");
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
    let features = "features traces.parquet --set totals,kfp-size,sequence-1500 --out";
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
    for command in
        ["features traces.parquet --set ngram --out x.parquet", "defend traces.parquet --defence front --out x.csv"]
    {
        let refused = folder.wfkit(&format!("{command} --shard 1/2")).fails();
        assert!(refused.contains("in one run, without --shard") && !refused.contains("--at-once"), "{refused}");
    }
    let refused = folder.wfkit("dataset merge traces.parquet --out x.parquet").fails();
    assert!(refused.contains("its report is missing"), "{refused}");
    let refused = folder.wfkit("features SAMPLE --set totals --shard 1/2 --out x.parquet").fails();
    assert!(refused.contains("--shard takes .parquet"), "{refused}");
    for shard in ["0/3", "4/3", "2", "1/0", "a/b"] {
        let usage = folder.wfkit(&format!("features traces.parquet --set totals --shard {shard} --out x.parquet"));
        assert!(usage.shows_wrong_usage().contains("not a share such as 3/16"), "{shard}");
    }
}

/// The example of job arrays, as it stands in the documents.
#[test]
fn a_job_array_of_processes_gives_the_bytes_of_one_run() {
    let folder = Folder::with_traces();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/job-arrays/xargs.sh");
    let ran = std::process::Command::new(script)
        .env("WFKIT", env!("CARGO_BIN_EXE_wfkit"))
        .current_dir(folder.path("."))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    folder.wfkit("defend traces.parquet --defence front --seed 7 --out whole.parquet").succeeds();
    assert!(folder.bytes("whole.parquet") == folder.bytes("defended.parquet"));
    folder.wfkit("features whole.parquet --set kfp-size --out whole-features.parquet").succeeds();
    assert!(folder.bytes("whole-features.parquet") == folder.bytes("features.parquet"));
}
