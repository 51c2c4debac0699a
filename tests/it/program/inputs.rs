//! What is said of inputs that can be read but may not be what was meant, and of outputs that would lose something.

use super::support::Folder;

/// Copies a field case.
fn case(folder: &Folder, name: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/field-cases").join(name);
    folder.write(name.rsplit('/').next().unwrap(), std::fs::read(path).unwrap());
}

#[test]
fn times_in_another_unit_are_told_by_every_import_and_in_the_report() {
    let folder = Folder::new();
    case(&folder, "extreme/usecs.csv");
    for command in [
        "dataset info usecs.csv",
        "dataset validate usecs.csv",
        "dataset convert usecs.csv --out x.parquet",
        "evaluate usecs.csv --attack totals --folds 2",
        "features usecs.csv --set totals --out f.parquet",
        "sweep usecs.csv --defence front --attack totals --folds 2 --draws 1 --out sweep",
    ] {
        let ran = folder.wfkit(&format!("{command} --format json --quiet")).succeeds();
        for said in [&ran.stderr, &ran.stdout] {
            assert!(said.contains("(class 4, rep 7) lasts 409.7 days") && said.contains("microseconds"), "{ran:?}");
        }
    }
}

#[test]
fn numbers_of_classes_are_never_permuted() {
    let folder = Folder::new();
    case(&folder, "class-names/float12.csv");
    folder.wfkit("competition export float12.csv --out d.csv --classes 12 --reps 32").succeeds();
    assert!(!folder.path("classes.csv").exists(), "nothing was numbered");
    let [ours, theirs] = ["d.csv", "float12.csv"].map(|name| folder.traces(name).set);
    assert_eq!(ours, {
        let mut theirs = theirs;
        theirs = wfkit_datasets::TraceSet::new(theirs.traces().to_vec(), ours.provenance().clone()).unwrap();
        theirs
    });
    let text = folder.text("d.csv");
    assert!(text.lines().skip(1).all(|line| line.split(',').next().unwrap().parse::<u32>().is_ok()), "{text:.200}");
}

#[test]
fn labels_of_captures_are_one_class_however_they_are_written() {
    let folder = Folder::new();
    folder.captures("captures", &[17], 0..3);
    let files = [("cell_17_rep_0.pcap", "1"), ("cell_17_rep_1.pcap", "1.0"), ("cell_17_rep_2.pcap", "01")];
    let manifest = |rep: fn(usize) -> usize| {
        let rows = files.iter().enumerate().map(|(at, (file, class))| format!("{file},{class},{}\n", rep(at)));
        format!("path,class,rep\n{}", rows.collect::<String>())
    };
    folder.write("captures/manifest.csv", manifest(|at| at));
    folder.wfkit("capture import captures --out t.parquet").succeeds();
    assert_eq!(folder.traces("t.parquet").set.classes().names(), ["1"]);
    folder.write("captures/manifest.csv", manifest(|_| 7));
    let message = folder.wfkit("capture import captures --out u.parquet").fails();
    assert!(message.contains("are both class 1, rep 7"), "{message}");
}

#[test]
fn a_test_set_of_other_classes_is_said_to_be_one() {
    let folder = Folder::new();
    for name in ["train.csv", "test_int.csv", "test_float.csv"] {
        case(&folder, &format!("class-names/{name}"));
    }
    folder.wfkit("train train.csv --attack totals --trees 5 --out m.wfm").succeeds();
    for name in ["test_int.csv", "test_float.csv"] {
        let report = folder.report(&format!("predict m.wfm {name} --out p.csv"));
        assert!(report.privacy.accuracy.is_some(), "{name} has the classes of training");
        let measured = folder.report(&format!("evaluate --train train.csv --test {name} --attack totals"));
        assert!(measured.privacy.accuracy.is_some(), "{name}");
    }
    folder.write("others.csv", folder.text("test_int.csv").replace("\n", "\nsite-").replace("\nsite-\n", "\n"));
    let others = folder.text("others.csv");
    folder.write("others.csv", others.trim_end_matches("site-"));
    let ran = folder.wfkit("predict m.wfm others.csv --out p.csv").succeeds();
    assert!(ran.stderr.contains("warning: no tested class was trained on: tested `site-1`"), "{ran:?}");
}

#[test]
fn an_attack_is_made_on_what_was_observed_as_it_learned() {
    let folder = Folder::new();
    folder.captures("captures", &[17, 95], 0..6);
    for (out, options) in [
        ("tcp", "--layer tcp"),
        ("ip", "--layer ip"),
        ("off", "--layer tcp --reassembly off"),
        ("cell", "--layer cell"),
    ] {
        folder.wfkit(&format!("capture import captures {options} --out {out}.parquet")).succeeds();
        folder.wfkit(&format!("features {out}.parquet --set totals --out {out}-features.parquet")).succeeds();
    }
    folder.wfkit("dataset convert tcp.parquet --out tcp.csv").succeeds();
    assert_eq!(folder.traces("tcp.parquet").set.provenance().reassembly, Some(true));
    assert_eq!(folder.traces("off.parquet").set.provenance().reassembly, Some(false));
    assert_eq!(folder.traces("ip.parquet").set.provenance().reassembly, None);
    for kind in ["", "-features"] {
        folder.wfkit(&format!("train tcp{kind}.parquet --out m.wfm")).succeeds();
        for (other, what) in [("ip", "layer"), ("cell", "layer"), ("off", "reassembly")] {
            let both = ["learned from layer tcp at client link, streams put in order", "attacked layer"];
            for command in [
                format!("predict m.wfm {other}{kind}.parquet --allow-duplicates --out p.csv"),
                format!("evaluate --train tcp{kind}.parquet --test {other}{kind}.parquet --allow-duplicates"),
            ] {
                let message = folder.wfkit(&command).fails();
                assert!(message.contains(&format!("another {what}: ")), "{message}");
                assert!(both.iter().all(|both| message.contains(both)) && message.contains("--any-layer"), "{message}");
                let ran = folder.wfkit(&format!("{command} --any-layer")).succeeds();
                assert!(ran.stderr.contains(&format!("warning: another {what}: ")), "{ran:?}");
            }
        }
        let alike = folder.wfkit(&format!("predict m.wfm tcp{kind}.parquet --allow-duplicates --out p.csv")).succeeds();
        assert!(!alike.stderr.contains("layer"), "{alike:?}");
    }
    folder.wfkit("train tcp.parquet --out m.wfm").succeeds();
    let unknown = folder.wfkit("predict m.wfm tcp.csv --allow-duplicates --out p.csv").succeeds();
    assert!(unknown.stderr.contains("it is not known whether what is attacked has the layer"), "{unknown:?}");
}

#[test]
fn copies_of_a_load_are_not_written_as_if_they_were_none() {
    let folder = Folder::new();
    folder.captures("captures", &[17, 95], 0..4);
    folder.wfkit("capture import captures --out t.parquet").succeeds();
    let set = folder.traces("t.parquet").set;
    let copies = set.traces().iter().flat_map(|one| {
        let origin = Some(one.origin_of_copies());
        (0..3).map(move |copy| {
            let mut one = one.clone();
            one.key.rep = 3 * one.key.rep + copy;
            one.origin.clone_from(&origin);
            one
        })
    });
    let copies = wfkit_datasets::TraceSet::new(copies.collect(), set.provenance().clone()).unwrap();
    wfkit_datasets::write_traces(&folder.path("d.parquet"), &copies).unwrap();
    let n = |name: &str| folder.traces(name).set.len();
    assert_eq!(n("d.parquet"), 24);
    for command in
        ["dataset convert d.parquet --out x.csv", "competition export d.parquet --out x.csv --classes 2 --reps 12"]
    {
        let message = folder.wfkit(command).fails();
        assert!(message.contains("another copy of a load") && message.contains("--one-copy"), "{message}");
        assert!(message.contains("--lose-origins") && !folder.path("x.csv").exists(), "{message}");
    }
    folder.wfkit("dataset convert d.parquet --one-copy --renumber --out one.csv").succeeds();
    folder.wfkit("dataset convert d.parquet --lose-origins --renumber --out all.csv").succeeds();
    assert_eq!((n("one.csv"), n("all.csv")), (8, 24));
    let report = folder.report("dataset convert d.parquet --one-copy --out one.parquet");
    assert_eq!(report.dropped["another copy of a load"], 16);
    folder.wfkit("competition export d.parquet --one-copy --out one.csv.zip --classes 2 --reps 4").succeeds();
    assert_eq!(n("one.csv.zip"), 8);
}

#[test]
fn sessions_that_share_repetitions_are_counted_anew_where_asked() {
    let folder = Folder::with_traces();
    folder.wfkit("sessions make traces.parquet --pages 2..3 --out a.parquet").succeeds();
    folder.write("b/a.parquet", folder.bytes("a.parquet"));
    let mut set = folder.traces("a.parquet").set;
    let mut traces = set.traces().to_vec();
    for (name, session) in [("a", "x"), ("b", "y")] {
        traces.iter_mut().for_each(|one| one.key.session = Some(session.to_owned()));
        set = wfkit_datasets::TraceSet::new(traces.clone(), set.provenance().clone()).unwrap();
        wfkit_datasets::write_traces(&folder.path(&format!("{name}.parquet")), &set).unwrap();
    }
    let message = folder.wfkit("dataset convert a.parquet b.parquet --out x.csv").fails();
    assert!(message.contains("occur in another session") && message.contains("--renumber"), "{message}");
    folder.wfkit("dataset convert a.parquet b.parquet --renumber --out x.csv").succeeds();
    assert_eq!(folder.traces("x.csv").set.len(), 2 * set.len());
}

/// A report must not cost more than what it is about: of a large set, the trivial attack looks at some loads of each class.
#[test]
fn a_report_on_many_traces_looks_at_some_and_says_so() {
    let folder = Folder::new();
    let mut csv = String::from("cell_id,rep,direction_size,timestamp\n");
    for (class, rep) in (0..40).flat_map(|class| (0..80).map(move |rep| (class, rep))) {
        csv += &format!("{class},{rep},500,0\n{class},{rep},-{},0.{rep:02}\n", 600 + 30 * class + rep);
    }
    folder.write("many.csv", csv);
    let report = folder.report("dataset info many.csv");
    let told = |name: &str| report.privacy.extras.get(name).unwrap().clone();
    assert_eq!((report.counts["traces"], told("traces")), (3200, 2000.into()));
    assert_eq!(told("looked_at"), "2000 of 3200 traces: at most 50 loads a class, drawn by the seed");
    let few = folder.report("dataset info many.csv --seed 1");
    assert_ne!(few.privacy.extras.get("log_loss").unwrap(), &told("log_loss"), "another seed, other loads");
}
