//! Every report is as its schema says: `wfkit schema`.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::support::Folder;

/// Where reports go that schemas are to be made of.
const COLLECT: &str = "WFKIT_REPORTS";

fn schemas() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("report/src/schemas")
}

/// Holds a report against the schema of its stage.
#[track_caller]
pub(super) fn check(command: &str, json: &str) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let report: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{command}: {error}\n{json:.500}"));
    if let Some(folder) = std::env::var_os(COLLECT) {
        let name = format!("{}-{}.json", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        return fs::write(PathBuf::from(folder).join(name), json).unwrap();
    }
    let stage = report["stage"].as_str().unwrap();
    let path = schemas().join(format!("{}.json", stage.replace(' ', "-")));
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("{command}: {stage} has no schema; tests/schemas/write makes it"));
    let mut wrong = Vec::new();
    compare(&report, &serde_json::from_str(&text).unwrap(), "", &mut wrong);
    assert!(
        wrong.is_empty(),
        "{command}: not as `wfkit schema {stage}` says; if it is right, tests/schemas/write:\n{}",
        wrong.join("\n")
    );
}

/// What of `value` is not as `schema` says, by place.
fn compare(value: &Value, schema: &Value, place: &str, wrong: &mut Vec<String>) {
    let kinds: &[&str] = match value {
        Value::Null => &["null"],
        Value::Bool(_) => &["boolean"],
        Value::Number(number) if number.is_f64() => &["number"],
        Value::Number(_) => &["integer", "number"],
        Value::String(_) => &["string"],
        Value::Array(_) => &["array"],
        Value::Object(_) => &["object"],
    };
    let is_allowed = |kind: &str| match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => true,
    };
    if !kinds.iter().any(|kind| is_allowed(kind)) {
        return wrong.push(format!("{place}: {} instead of {}", kinds[0], schema["type"]));
    }
    match value {
        Value::Array(items) => {
            items.iter().for_each(|item| compare(item, &schema["items"], &format!("{place}[]"), wrong));
        }
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    wrong.push(format!("{place}: {name} is missing"));
                }
            }
            for (name, field) in fields {
                let place = format!("{place}.{name}");
                match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (Value::Null, Value::Bool(false)) => wrong.push(format!("{place}: not in the schema")),
                    (Value::Null, others) => compare(field, others, &place, wrong),
                    (known, _) => compare(field, known, &place, wrong),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_program_prints_every_schema_there_is() {
    let folder = Folder::new();
    let listed = folder.wfkit("schema").succeeds().stdout;
    let mut files = 0;
    for entry in fs::read_dir(schemas()).unwrap() {
        let path = entry.unwrap().path();
        let stage = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // What programs read does not depend on the terminal.
        let printed = folder.wfkit_at(Some(60), &format!("schema {stage}")).succeeds().stdout;
        assert_eq!(printed.trim_end(), fs::read_to_string(&path).unwrap().trim_end(), "{stage}");
        files += 1;
    }
    assert_eq!((listed.lines().count(), files > 20), (files, true), "{listed}");
    assert!(folder.wfkit("schema evalate").fails().contains("did you mean `evaluate`"));
}

/// Stages whose reports no other test reads.
#[test]
fn the_reports_of_other_stages_are_as_their_schemas_say() {
    let folder = Folder::with_traces();
    let run = "run traces.parquet --attack totals --folds 2 --defence pad:mtu --quiet --format json";
    check("run", &folder.wfkit(run).succeeds().stdout);
    for name in folder.files("out").iter().filter(|name| name.ends_with(".report.json")) {
        check(name, &folder.text(&format!("out/{name}")));
    }
    for share in ["1/2", "2/2"] {
        let out = share.replace('/', "-");
        folder.wfkit(&format!("features traces.parquet --set totals --shard {share} --out f-{out}.parquet")).succeeds();
    }
    folder.write("batch/0-0", "0.0\t1\n0.1\t-1\n");
    folder.write("batch/1-0", "0.0\t1\n0.3\t-1\n0.4\t1\n");
    for command in [
        "dataset relabel traces.parquet --monitored 17,48 --out open.parquet",
        "dataset merge f-1-2.parquet f-2-2.parquet --out f.parquet",
        "dataset import wang14 batch --out w.parquet",
        "dataset convert traces.parquet --out c.csv",
        "plot waterfall traces.parquet --class 17 --defence front:ft-1,n=20 --out a.svg",
        "plot cumulative traces.parquet --out b.svg",
        "plot sizes traces.parquet --out c.svg",
        "plot confusion out/probabilities.parquet --out d.svg",
        "plot frontier out --out e.svg",
    ] {
        let ran = folder.wfkit(&format!("{command} --format json"));
        check(command, &ran.succeeds().stdout);
    }
}
