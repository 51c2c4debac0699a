//! Every kind of file given to every command: taken, or refused with its name and what takes it.

use super::support::Folder;

/// A folder with a file of each kind.
fn one_of_each() -> Folder {
    let folder = Folder::with_traces();
    for command in [
        "features traces.parquet --set totals --out features.parquet",
        "train traces.parquet --attack totals --trees 5 --out model.wfm",
        "predict model.wfm traces.parquet --allow-duplicates --out probabilities.parquet",
        "predict model.wfm traces.parquet --allow-duplicates --out probabilities.csv",
        "sessions make traces.parquet --pages 2..3 --out sessions.parquet",
        "dataset split traces.parquet --folds 2 --out folds.csv",
        "competition export traces.parquet --out defence.csv --classes 10 --reps 20",
        "competition split defence.csv --team-id 1 --test 40 --out .",
        "predict model.wfm team_1_test.csv.zip --competition --team-id 1 --out attack.csv",
    ] {
        folder.wfkit(command).succeeds();
    }
    folder.write("manifest.csv", "path,class,rep\na.pcap,1,0\n");
    folder
}

#[test]
fn what_is_no_trace_is_called_by_its_name_by_every_command() {
    let folder = one_of_each();
    let others = [
        ("probabilities.parquet", "found class probabilities"),
        ("probabilities.csv", "found class probabilities"),
        ("model.wfm", "found a model, which `wfkit predict MODEL TRACES` uses"),
        ("traces.report.json", "found a stage report"),
        ("sessions.pages.json", "found the pages of sessions"),
        ("team_1_verif.csv.zip", "found a competition's verification file"),
        ("attack.csv", "found a competition's attack file"),
        ("folds.csv", "found folds, which `wfkit evaluate --split-file` takes"),
        ("manifest.csv", "found labels of captures"),
        ("features.parquet", "found features, which `wfkit train`, `predict` and `evaluate` take"),
    ];
    folder.wfkit("train traces.parquet --attack totals --trees 5 --out traces.wfm").succeeds();
    folder.wfkit("dataset convert traces.parquet --out traces.csv").succeeds();
    for (file, found) in others {
        let report = file == "traces.report.json";
        if report {
            folder.write(file, folder.bytes("features.report.json"));
        }
        for command in [
            "dataset info FILE",
            "dataset validate FILE",
            "dataset audit FILE",
            "dataset convert FILE --out x.csv",
            "dataset split FILE --out x",
            "features FILE --set totals --out x.parquet",
            "features explain FILE --set totals",
            "features tensor FILE --out x.npz",
            "defend FILE --defence front:ft-1 --out x.parquet",
            "defend verify traces.parquet FILE",
            "sweep FILE --defence front:ft-1 --attack totals --out x",
            "sessions make FILE --out x.parquet",
            "competition export FILE --out x.csv",
            "run FILE --out x",
            "train FILE --out x.wfm",
            "evaluate FILE",
            "evaluate --train traces.parquet --test FILE",
            "predict traces.wfm FILE --out x.csv",
        ] {
            let takes_features = ["train", "evaluate", "predict"].iter().any(|name| command.starts_with(name));
            if file == "features.parquet" && takes_features {
                continue;
            }
            let message = folder.wfkit(&command.replace("FILE", file)).fails();
            assert!(message.contains(found) && message.contains(file), "{command} {file}: {message}");
        }
    }
    for file in ["x", "x.csv", "x.parquet", "x.wfm", "x.npz"] {
        assert!(!folder.path(file).exists(), "{file}");
    }
}

#[test]
fn what_is_no_model_is_called_by_its_name() {
    let folder = one_of_each();
    for (file, found) in [
        ("traces.parquet", "found traces; expected a model"),
        ("features.parquet", "found features"),
        ("probabilities.csv", "found class probabilities"),
        ("defence.csv", "found traces; expected a model"),
        ("features.report.json", "found a stage report"),
    ] {
        let message = folder.wfkit(&format!("predict {file} traces.parquet --out x.csv")).fails();
        assert!(message.contains(found), "{file}: {message}");
    }
}

#[test]
fn probabilities_are_known_without_a_word_about_them() {
    use wfkit_datasets::{Label, TraceKey, read_traces, write_table};
    let folder = Folder::new();
    let key = |class: &str, rep| TraceKey { class: class.into(), rep, session: None };
    let labels: Vec<Label> = (0..8).map(|rep| Label::new(key(["1", "2"][rep as usize % 2], rep), None)).collect();
    let values = ndarray::Array2::from_shape_fn((8, 2), |(row, column)| [0.25, 0.75][(row + column) % 2]);
    let write = |names: [&str; 2]| {
        let names = names.map(str::to_owned);
        write_table(&folder.path("p.parquet"), &labels, &names, values.view(), None).unwrap();
    };
    write(["1.0", "2.0"]);
    let message = folder.wfkit("evaluate p.parquet").fails();
    assert!(message.contains("found class probabilities"), "{message}");
    assert!(read_traces(&folder.path("p.parquet")).is_err());
    write(["share", "rest"]);
    folder.wfkit("evaluate p.parquet --folds 2").succeeds();
}
