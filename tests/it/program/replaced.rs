//! A write that fails leaves what was there, and nothing else.

#![cfg(unix)]

use std::process::Command;

use super::support::Folder;

/// Runs with files of at most so many blocks of 512 bytes: the disk is full, as far as the program can tell.
fn on_a_full_disk(folder: &Folder, blocks: u32, arguments: &str) -> (bool, String) {
    let limited = format!("ulimit -f {blocks}; trap '' XFSZ; exec \"$0\" {arguments}");
    let mut program = Command::new("sh");
    let ran =
        program.args(["-c", &limited, env!("CARGO_BIN_EXE_wfkit")]).current_dir(folder.path(".")).output().unwrap();
    (ran.status.success(), String::from_utf8(ran.stderr).unwrap())
}

#[test]
fn a_full_disk_harms_nothing_that_was_there() {
    let folder = Folder::with_traces();
    folder.wfkit("train traces.parquet --attack totals --trees 5 --out m.wfm").succeeds();
    folder.wfkit("competition export traces.parquet --out d.csv.zip --classes 10 --reps 20").succeeds();
    let files = folder.files(".");
    for (output, command) in [
        ("o.csv", "dataset convert traces.parquet --out o.csv"),
        ("o.csv.zip", "dataset convert traces.parquet --out o.csv.zip"),
        ("o.parquet", "dataset convert traces.parquet --out o.parquet"),
        ("o.wfm", "train traces.parquet --attack kfp --trees 50 --out o.wfm"),
        ("o.npz", "features tensor traces.parquet --out o.npz"),
        ("f.parquet", "features traces.parquet --set kfp-size --out f.parquet"),
        ("p.csv", "predict m.wfm traces.parquet --allow-duplicates --out p.csv"),
        ("p.parquet", "predict m.wfm traces.parquet --allow-duplicates --out p.parquet"),
        ("e.csv.zip", "competition export traces.parquet --out e.csv.zip --classes 10 --reps 20"),
        ("s.json", "evaluate traces.parquet --attack totals --folds 2 --sheet s.json"),
        ("r.svg", "evaluate traces.parquet --attack totals --folds 2 --picture r.svg"),
        ("team_2_train.csv.zip", "competition split d.csv.zip --team-id 2 --test 40 --out ."),
    ] {
        for old in [None, Some("what was there")] {
            if let Some(old) = old {
                folder.write(output, old);
            }
            let (succeeded, said) = on_a_full_disk(&folder, 4, command);
            assert!(!succeeded && said.contains("File too large"), "{command}: {said}");
            match old {
                None => assert!(!folder.path(output).exists(), "{command}"),
                Some(old) => assert_eq!(folder.text(output), old, "{command}"),
            }
            let _ = std::fs::remove_file(folder.path(output));
            assert_eq!(folder.files("."), files, "{command}");
        }
    }
}

#[test]
fn a_value_that_is_refused_in_the_middle_harms_nothing_either() {
    let folder = Folder::new();
    let trace = |rep, end| {
        let key = wfkit_datasets::TraceKey { class: "a".into(), rep, session: None };
        let trace = wfkit_datasets::Trace::new(vec![0, end], vec![1, -1]).unwrap();
        wfkit_datasets::LabelledTrace::new(key, None, trace)
    };
    let provenance = wfkit_datasets::Provenance::new(wfkit_datasets::Layer::Tcp, vec![]);
    let set = wfkit_datasets::TraceSet::new(vec![trace(0, 5), trace(1, 1 << 60)], provenance).unwrap();
    wfkit_datasets::write_traces(&folder.path("t.parquet"), &set).unwrap();
    for name in ["o.csv", "o.csv.zip"] {
        folder.write(name, "what was there");
        let message = folder.wfkit(&format!("dataset convert t.parquet --out {name}")).fails();
        assert!(message.contains("too long"), "{message}");
        assert_eq!(folder.text(name), "what was there");
    }
    assert_eq!(folder.files("."), ["o.csv", "o.csv.zip", "t.parquet"]);
}

#[test]
fn links_and_streams_are_written_to_as_before() {
    let folder = Folder::with_traces();
    std::fs::create_dir(folder.path("data")).unwrap();
    folder.write("data/real.csv", "old");
    std::os::unix::fs::symlink("data/real.csv", folder.path("link.csv")).unwrap();
    folder.wfkit("dataset convert traces.parquet --out link.csv").succeeds();
    assert!(folder.path("link.csv").is_symlink());
    assert_eq!(folder.traces("data/real.csv").set.len(), 200);
    std::os::unix::fs::symlink("/dev/stdout", folder.path("stdout.csv")).unwrap();
    let piped = Command::new(env!("CARGO_BIN_EXE_wfkit"))
        .args(["dataset", "convert", "traces.parquet", "--out", "stdout.csv", "--quiet"])
        .current_dir(folder.path("."))
        .output()
        .unwrap();
    assert!(String::from_utf8(piped.stdout).unwrap().starts_with("cell_id,rep,direction_size,timestamp\n"));
}
