//! Input that is damaged, poor or not what was asked for: say what is wrong and where, keep what is sound.

use std::fs;

use super::support::{Folder, stage_report};

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| message.contains(part)), "{parts:?} not all in {message}");
    let lines: Vec<&str> = message.lines().filter(|line| line.starts_with("error: ")).collect();
    for line in lines {
        let parts: Vec<&str> = line.split(": ").collect();
        let twice = parts.windows(2).any(|pair| pair[0] == pair[1]);
        assert!(!twice && line.len() < 600, "repeats itself: {line}");
    }
}

/// Whatever a command takes by name.
#[test]
fn a_wrong_name_is_answered_with_what_may_have_been_meant() {
    let folder = Folder::with_traces();
    for (arguments, meant) in [
        ("defend traces.parquet --out d.parquet --defence buflo", "`constant-rate:buflo`"),
        ("defend traces.parquet --out d.parquet --defence wtfpad", "`wtf-pad`"),
        ("defend traces.parquet --out d.parquet --defence front_t1", "`front:ft-1`"),
        ("defend traces.parquet --out d.parquet --defence tamarraw", "`tamaraw`"),
        ("defend traces.parquet --out d.parquet --defence front,nclient=3", "`n-client`"),
        ("defend traces.parquet --out d.parquet --defence front --delay optimstic", "`optimistic`"),
        ("defend traces.parquet --out d.parquet --defence front --attack kfp_size", "`kfp-size`"),
        ("defend describe regulater", "`regulator`"),
        ("defend lint tamaraw:cel traces.parquet", "`cell`"),
        ("defend cost traces.parquet --defence cs_buflow", "`cs-buflo`"),
        ("sweep traces.parquet --defence fron --out s", "`front`"),
        ("sweep traces.parquet --defence front --attack cumull --out s", "`cumul`"),
        ("sweep traces.parquet --defence front --published wfdefproxy-100x10 --out s", "`wfdefproxy-100x100`"),
        ("sweep traces.parquet --variants=wtfpad --out s", "`wtf-pad`"),
        ("run traces.parquet --defence tamraw --out out", "`tamaraw`"),
        ("train traces.parquet --attack Totals --out m.wfm", "`totals`"),
        ("evaluate traces.parquet --attack totals --open-world 17x", "`17`"),
        ("evaluate traces.parquet --attack totals --calibrate temprature", "`temperature`"),
        ("features traces.parquet --set kfp_size --out f.csv", "`kfp-size`"),
        ("features describe bursst", "`bursts`"),
        ("features explain traces.parquet --set cumull", "`cumul`"),
    ] {
        let ran = folder.wfkit(arguments);
        let said = ran.stderr.lines().next().unwrap_or_default();
        assert!(said.starts_with("error: ") && said.contains(&format!("did you mean {meant}")), "{arguments}: {said}");
    }
}

#[test]
fn a_capture_that_is_cut_keeps_what_came_before() {
    let folder = Folder::new();
    folder.captures("good", &[17, 95], 0..6);
    folder.captures("cut", &[17, 95], 0..6);
    folder.captures("alone", &[17], 3..4);
    for name in ["cut/cell_17_rep_3.pcap", "alone/cell_17_rep_3.pcap"] {
        folder.write(name, &folder.bytes(name)[..3000]);
    }
    let problem = "cell_17_rep_3.pcap: record 33: cut at byte 3000";
    folder.wfkit("capture import good --out good.parquet").succeeds();
    for name in ["cut", "alone"] {
        let ran = folder.wfkit(&format!("capture import {name} --out {name}.parquet --format json")).succeeds();
        says(&ran.stderr, &["warning: ", problem]);
        stage_report(name, &ran.stdout);
        assert!(ran.stdout.contains(problem), "the report tells it, too");
    }
    let [good, cut, alone] = ["good", "cut", "alone"].map(|name| folder.traces(&format!("{name}.parquet")).set);
    assert_eq!((good.len(), cut.len(), alone.len()), (12, 12, 1));
    assert_eq!(cut.traces().iter().filter(|one| one.key == alone.traces()[0].key).count(), 1);
    for (whole, found) in good.traces().iter().zip(cut.traces()) {
        if whole.key == alone.traces()[0].key {
            assert_eq!(found, &alone.traces()[0]);
            let n = found.trace.len();
            assert!((1..whole.trace.len()).contains(&n));
            assert_eq!(
                (found.trace.size(), found.trace.time_ns()),
                (&whole.trace.size()[..n], &whole.trace.time_ns()[..n])
            );
        } else {
            assert_eq!(found, whole);
        }
    }
}

#[test]
fn text_that_is_called_a_capture_is_no_capture() {
    let folder = Folder::new();
    folder.captures("among", &[17, 95], 0..3);
    for name in ["among/cell_17_rep_9.pcap", "alone/cell_17_rep_9.pcap"] {
        folder.write(name, "no capture at all\n");
    }
    let ran = folder.wfkit("capture import among --out t.parquet").succeeds();
    says(&ran.stderr, &["warning: cell_17_rep_9.pcap: neither pcap nor pcapng"]);
    assert_eq!(folder.traces("t.parquet").set.len(), 6);
    for command in ["capture import alone --out u.parquet", "run alone --out out"] {
        says(
            &folder.wfkit(command).fails(),
            &["error: alone", "no trace", "cell_17_rep_9.pcap: neither pcap nor pcapng"],
        );
    }
    assert!(!folder.path("u.parquet").exists());
}

#[test]
fn nothing_to_read_is_said_with_its_name() {
    let folder = Folder::new();
    fs::create_dir(folder.path("empty")).unwrap();
    folder.write("empty.csv", "");
    folder.write("header.csv", "cell_id,rep,direction_size,timestamp\n");
    folder.write("columns.csv", "page,time\n1,2\n");
    says(&folder.wfkit("capture import empty --out t.parquet").fails(), &["empty: no trace: no capture file"]);
    says(&folder.wfkit("run empty").fails(), &["empty: found a folder of 0 files"]);
    says(&folder.wfkit("dataset info empty.csv").fails(), &["empty.csv: found an empty file"]);
    says(&folder.wfkit("dataset info header.csv").fails(), &["header.csv: there is no trace in it"]);
    says(&folder.wfkit("dataset info columns.csv").fails(), &["columns.csv", "`page,time`", "direction_size"]);
    for command in [
        "capture import missing --out t.parquet",
        "run missing",
        "dataset info missing",
        "train missing --out m.wfm",
        "predict missing missing --out p.csv",
        "evaluate missing",
        "evaluate --train missing --test missing",
        "defend missing --defence front --out d.parquet",
        "features missing --set totals --out f.parquet",
        "competition export missing --out d.csv",
        "competition check defence missing",
        "competition split missing --team-id 1 --out s",
        "competition score --attack missing --verif missing",
    ] {
        says(&folder.wfkit(command).fails(), &["missing: "]);
    }
}

#[test]
fn captures_have_to_be_imported_first() {
    let message = Folder::new().wfkit("evaluate SAMPLE").fails();
    says(&message, &["captures are imported first: wfkit capture import", "sample"]);
}

#[test]
fn one_class_is_described_but_not_attacked() {
    let folder = Folder::new();
    folder.captures("one", &[17], 0..6);
    let reason = Some("one class only (17): nothing to tell apart");
    for command in [
        "capture import one --out t.parquet",
        "dataset info t.parquet",
        "features t.parquet --set kfp-size --out f.parquet",
        "defend t.parquet --defence front --out d.parquet",
    ] {
        let report = folder.report(command);
        let privacy = &report.privacy;
        assert_eq!((privacy.accuracy, privacy.roc_auc_macro_ovr, privacy.reason.as_deref()), (None, None, reason));
        assert!(report.utility.utility.score.is_some(), "{command}");
    }
    for command in
        ["train t.parquet --out m.wfm", "train f.parquet --out m.wfm", "evaluate t.parquet", "evaluate f.parquet"]
    {
        says(&folder.wfkit(command).fails(), &["training samples are of one class, 17"]);
    }
    assert!(!folder.path("m.wfm").exists());
}

/// Keeps the packets to the guard's port of a capture of raw IPv4.
fn outgoing_only(capture: &[u8]) -> Vec<u8> {
    let (mut kept, mut rest) = (capture[..24].to_vec(), &capture[24..]);
    while !rest.is_empty() {
        let len = 16 + u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let (record, behind) = rest.split_at(len);
        let tcp = &record[16 + usize::from(record[16] & 15) * 4..];
        if u16::from_be_bytes([tcp[2], tcp[3]]) == 9001 {
            kept.extend(record);
        }
        rest = behind;
    }
    kept
}

#[test]
fn a_trace_without_incoming_packets_is_kept_and_told() {
    let folder = Folder::new();
    folder.captures("captures", &[17, 95], 0..5);
    let name = "captures/cell_95_rep_2.pcap";
    folder.write(name, outgoing_only(&folder.bytes(name)));
    let ran = folder.wfkit("capture import captures --out t.parquet").succeeds();
    says(&ran.stderr, &["warning: cell_95_rep_2.pcap: 1 x trace without incoming packets"]);
    let set = folder.traces("t.parquet").set;
    let one_way: Vec<_> = set.traces().iter().filter(|one| one.trace.in_packets() == 0).collect();
    assert_eq!((set.len(), one_way.len(), one_way[0].key.class.as_str(), one_way[0].key.rep), (10, 1, "95", 2));
    says(&folder.wfkit("dataset validate t.parquet").succeeds().stderr, &["class 95", "has no incoming packet"]);
    // Every stage after it can cope.
    for command in ["evaluate t.parquet", "defend t.parquet --defence tamaraw:cell --out d.parquet"] {
        folder.report(command);
    }
    for set in ["totals", "sequence", "kfp-175", "kfp-core", "kfp-size", "cumul", "cumul-common"] {
        let report = folder.report(&format!("features t.parquet --set {set} --out f.parquet"));
        assert_eq!(report.counts["non-finite columns"], 0, "{set}");
    }
}

#[test]
fn wrong_values_are_told_with_file_row_and_column() {
    let folder = Folder::new();
    let good = "cell_id,rep,direction_size,timestamp\n1,0,100,0.0\n1,0,-200,0.1\n2,0,100,0.0\n";
    for (row, parts) in [
        ("2,0,NaN,0.2", ["not a number", "column direction_size", "row 5 `NaN`"]),
        ("2,0,inf,0.2", ["infinite", "column direction_size", "row 5 `inf`"]),
        ("2,0,many,0.2", ["not a number", "column direction_size", "row 5 `many`"]),
        ("2,0,0,0.2", ["zero size", "column direction_size", "row 5 `0`"]),
        ("2,0,1.5,0.2", ["not a whole number", "column direction_size", "row 5 `1.5`"]),
        ("2,0,-300,NaN", ["not a number", "column timestamp", "row 5 `NaN`"]),
        ("2,0,-300,-1", ["negative time", "column timestamp", "row 5 `-1`"]),
        ("2,0,-300", ["wrong number of fields", "row 5", "3 fields for 4 columns"]),
        (",0,-300,0.2", ["empty", "column cell_id", "row 5"]),
    ] {
        folder.write("t.csv", format!("{good}{row}\n"));
        for command in ["dataset info t.csv", "evaluate t.csv", "dataset convert t.csv --out u.parquet", "run t.csv"] {
            says(&folder.wfkit(command).fails(), &["t.csv: ", parts[0], parts[1], parts[2]]);
        }
    }
    assert!(!folder.path("u.parquet").exists());
}

#[test]
fn files_that_are_cut_or_foreign_are_no_models() {
    let folder = Folder::with_traces();
    folder.wfkit("train traces.parquet --attack totals --trees 5 --out m.wfm").succeeds();
    let bytes = folder.bytes("m.wfm");
    let changed = |place: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[place] = to;
        bytes
    };
    let last = bytes.len() - 40;
    for (content, says_what) in [
        (changed(8, 9), "model file of another version: found 9, this wfkit reads 8"),
        (changed(0, b'x'), "not a model file"),
        (changed(last, !bytes[last]), "checksum"),
        (bytes[..bytes.len() - 1].to_vec(), "bytes, but"),
        (bytes[..10].to_vec(), "model file of 56 bytes, but 10 are there"),
        (Vec::new(), "not a model file"),
    ] {
        folder.write("bad.wfm", content);
        says(&folder.wfkit("predict bad.wfm traces.parquet --out p.csv").fails(), &["bad.wfm: ", says_what]);
    }
    let cut = folder.bytes("traces.parquet");
    folder.write("cut.parquet", &cut[..cut.len() / 2]);
    for command in
        ["dataset info cut.parquet", "train cut.parquet --out m2.wfm", "predict m.wfm cut.parquet --out p.csv"]
    {
        says(&folder.wfkit(command).fails(), &["cut.parquet: no readable Parquet"]);
    }
    assert!(!folder.path("p.csv").exists());
}

#[test]
fn a_model_is_given_what_it_learned_from() {
    let folder = Folder::with_traces();
    for (set, out) in [("totals", "f.parquet"), ("totals,cumul", "g.parquet")] {
        folder.wfkit(&format!("features traces.parquet --set {set} --out {out}")).succeeds();
    }
    folder.wfkit("train traces.parquet --attack totals --trees 5 --out traces.wfm").succeeds();
    folder.wfkit("train f.parquet --trees 5 --out features.wfm").succeeds();
    let message = folder.wfkit("predict traces.wfm f.parquet --out p.csv").fails();
    says(
        &message,
        &["attack totals needs traces, not a feature matrix; for features there are forest and extra-trees"],
    );
    let message = folder.wfkit("predict features.wfm traces.parquet --out p.csv").fails();
    says(&message, &["attack forest needs a feature matrix, not traces"]);
    let message = folder.wfkit("predict features.wfm g.parquet --out p.csv").fails();
    says(&message, &["feature column 5 is \"cumul.in_packets\", where the model has nothing"]);

    // The test file of a competition has no classes.
    folder.wfkit("competition export traces.parquet --out d.csv.zip --classes 10 --reps 20").succeeds();
    folder.wfkit("competition split d.csv.zip --team-id 1 --test 40 --out .").succeeds();
    let message = folder.wfkit("predict traces.wfm team_1_test.csv.zip --out p.csv").fails();
    says(&message, &["team_1_test.csv.zip: column cell_id is missing: found capture_id,direction_size,timestamp"]);
}

#[test]
fn a_name_that_does_not_exist_is_answered_with_those_that_do() {
    let folder = Folder::with_traces();
    for (command, parts) in [
        ("train traces.parquet --attack nope --out m.wfm", ["\"nope\"", "totals, sequence", "kfp-size, cumul"]),
        ("evaluate traces.parquet --attack nope,cumul", ["\"nope\"", "totals, sequence", "kfp-size, cumul"]),
        ("run traces.parquet --attack nope", ["\"nope\"", "totals, sequence", "kfp-size, cumul"]),
        ("features traces.parquet --set nope --out f.parquet", ["\"nope\"", "totals, sequence", "kfp-size, cumul"]),
        ("defend traces.parquet --defence nope --out d.parquet", ["`nope`", "pad, front, tamaraw", "jitter"]),
        ("defend traces.parquet --defence front:nope --out d.parquet", ["`nope`", "front", "ft-1, ft-2"]),
        ("defend traces.parquet --defence front:ft-1,nope=3 --out d.parquet", ["`nope`", "front:ft-1", "n-client"]),
        ("run traces.parquet --defence nope", ["`nope`", "pad, front, tamaraw", "jitter"]),
        ("capture import SAMPLE --client nope --out t.parquet", ["`nope`", "auto", "port:9001"]),
        ("capture import SAMPLE --label (?<page>x) --out t.parquet", ["(?<page>x)", "class", "(?<class>...)"]),
    ] {
        says(&folder.wfkit(command).shows_wrong_usage(), &parts);
    }
    assert_eq!(folder.files("."), ["traces.parquet"], "nothing was written");
}

#[test]
fn output_that_cannot_be_written_is_named() {
    let folder = Folder::with_traces();
    folder.wfkit("train traces.parquet --attack totals --trees 5 --out m.wfm").succeeds();
    for (command, expected) in [
        ("capture import SAMPLE --out t.txt", ".parquet, .csv or .csv.zip"),
        ("dataset convert traces.parquet --out t.pq", ".parquet, .csv or .csv.zip"),
        ("features traces.parquet --set totals --out f.csv", ".parquet"),
        ("predict m.wfm traces.parquet --out p.txt", ".parquet, .csv or .csv.zip"),
        ("evaluate traces.parquet --out p", ".parquet, .csv or .csv.zip"),
        ("defend traces.parquet --defence front --out d.json", ".parquet, .csv or .csv.zip"),
        ("competition export traces.parquet --out d.parquet", ".csv or .csv.zip"),
    ] {
        let name = command.split(' ').next_back().unwrap();
        says(&folder.wfkit(command).fails(), &[name, "expected", expected]);
        assert!(!folder.path(name).exists(), "{command}");
    }
    for command in [
        "capture import SAMPLE --out nowhere/t.parquet",
        "dataset convert traces.parquet --out nowhere/t.csv.zip",
        "features traces.parquet --set totals --out nowhere/f.parquet",
        "train traces.parquet --attack totals --out nowhere/m.wfm",
        "predict m.wfm traces.parquet --out nowhere/p.csv",
        "defend traces.parquet --defence front --out nowhere/d.parquet",
        "competition export traces.parquet --out nowhere/d.csv --classes 10 --reps 20",
    ] {
        says(&folder.wfkit(command).fails(), &["nowhere/"]);
    }
    for command in ["run traces.parquet --out m.wfm/x", "dataset split traces.parquet --out m.wfm/x"] {
        says(&folder.wfkit(command).fails(), &["m.wfm/x: cannot make this folder"]);
    }
}

#[test]
fn a_moment_is_a_moment() {
    let folder = Folder::with_traces();
    for command in ["evaluate traces.parquet", "dataset split traces.parquet --out s"] {
        let message = folder.wfkit(&format!("{command} --split-time tomorrow")).shows_wrong_usage();
        says(&message, &["tomorrow", "not a moment such as"]);
        let message = folder.wfkit(&format!("{command} --split-time 1990-01-01T00:00:00Z")).fails();
        says(&message, &["--split-time 1990-01-01T00:00:00Z: no trace to train on"]);
    }
}

#[test]
fn wrong_usage_is_told_from_failure() {
    let folder = Folder::with_traces();
    for command in [
        "nope",
        "run --nope",
        "run --threads 0",
        "run --seed x",
        "run --format xml",
        "run --folds 1",
        "evaluate",
        "evaluate traces.parquet --folds 1",
        "evaluate traces.parquet --split-by class",
        "evaluate traces.parquet --split-time 2026-01-01T00:00:00Z --folds 3",
        "evaluate traces.parquet --train traces.parquet --test traces.parquet",
        "evaluate --train traces.parquet",
        "train traces.parquet",
        "train traces.parquet --trees 0 --out m.wfm",
        "features traces.parquet --out f.parquet",
        "capture import --out t.parquet",
        "capture import SAMPLE",
        "capture import SAMPLE --layer cells --out t.parquet",
        "dataset split traces.parquet --test-percent 0 --out s",
        "predict m.wfm traces.parquet --out p.csv --competition",
        "competition check nothing d.csv",
    ] {
        folder.wfkit(command).shows_wrong_usage();
    }
    for command in ["--help", "--version", "run --help", "capture import --help"] {
        assert!(folder.wfkit(command).succeeds().stdout.contains("wfkit"), "{command}");
    }
}

/// What is told by its first bytes and read again would lose them.
#[test]
#[cfg(unix)]
fn pipes_are_read_once_or_refused_and_never_lose_their_beginning() {
    let folder = Folder::new();
    let table = "cell_id,rep,direction_size,timestamp\n1,1,600,0.0\n1,1,-500,0.5\n2,1,600,0.0\n2,1,-700,0.25\n";
    let through = |pipe: &str, arguments: &str| {
        let path = folder.path(pipe);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        std::thread::spawn(move || fs::write(path, table));
        folder.wfkit(arguments)
    };
    let rules = "--classes 2 --reps 1 --deviation 1 --min-packets 1";
    through("a", &format!("competition check defence a {rules}")).succeeds();
    for (pipe, arguments) in [
        ("b", "dataset info b"),
        ("c", "evaluate c --attack totals --folds 2"),
        ("d", "competition export d --out e.csv"),
        ("e", "dataset convert e --out e.parquet"),
    ] {
        says(&through(pipe, arguments).fails(), &[&format!("{pipe}: comes through a pipe"), "save it as a file first"]);
    }
}
