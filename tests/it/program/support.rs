//! Running the program in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{fmt, fs};

use serde_json::Value;
use tempfile::TempDir;
use wfkit_datasets::{ReadTraces, read_traces, sample};
use wfkit_metrics::StageReport;

use super::schemas;

/// A folder that the program works in, gone with the test.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder that holds the traces of the sample as `traces.parquet`.
    pub(super) fn with_traces() -> Self {
        let folder = Self::new();
        folder.write("traces.parquet", traces());
        folder
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(super) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    pub(super) fn traces(&self, name: &str) -> ReadTraces {
        read_traces(&self.path(name)).unwrap()
    }

    /// Copies captures of the sample; they keep their names.
    pub(super) fn captures(&self, folder: &str, classes: &[u32], reps: std::ops::Range<u32>) {
        for class in classes {
            for rep in reps.clone() {
                let name = format!("cell_{class}_rep_{rep}.pcap");
                self.write(&format!("{folder}/{name}"), fs::read(sample().join(&name)).unwrap());
            }
        }
    }

    /// Runs `wfkit` here. Arguments are separated by spaces; `SAMPLE` is the folder of the sample.
    pub(super) fn wfkit(&self, arguments: &str) -> Ran {
        self.wfkit_at(None, arguments)
    }

    /// As [`wfkit`](Self::wfkit), where there are so many columns.
    pub(super) fn wfkit_at(&self, columns: Option<u16>, arguments: &str) -> Ran {
        let mut program = Command::new(env!("CARGO_BIN_EXE_wfkit"));
        for argument in arguments.split_whitespace() {
            match argument {
                "SAMPLE" => program.arg(sample()),
                other => program.arg(other),
            };
        }
        match columns {
            Some(columns) => program.env("COLUMNS", columns.to_string()),
            None => program.env_remove("COLUMNS"),
        };
        let output = program.current_dir(self.0.path()).output().unwrap();
        Ran {
            command: format!("wfkit {arguments}"),
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What a command prints under `--format json`: exactly one stage report, of the form that every stage has.
    pub(super) fn report(&self, arguments: &str) -> StageReport {
        let printed = self.wfkit(&format!("{arguments} --format json")).succeeds().stdout;
        stage_report(arguments, &printed)
    }

    /// As [`report`](Self::report), which also stands in the file `name`.
    pub(super) fn report_beside(&self, name: &str, arguments: &str) -> StageReport {
        let printed = self.wfkit(&format!("{arguments} --format json")).succeeds().stdout;
        assert_eq!(self.text(name), printed, "{arguments}");
        stage_report(arguments, &printed)
    }

    /// The files in a folder and those below it, by relative path and in order.
    pub(super) fn files(&self, name: &str) -> Vec<String> {
        let root = self.path(name);
        let mut files: Vec<String> =
            files(&root).iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()).collect();
        files.sort();
        files
    }
}

/// What a command answered.
pub(super) struct Ran {
    command: String,
    status: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(f, "{command}: exit status {status:?}\n{stderr}\n{stdout:.1000}")
    }
}

impl Ran {
    #[track_caller]
    pub(super) fn succeeds(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }

    /// The message of a command that fails, and prints nothing else.
    #[track_caller]
    pub(super) fn fails(self) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (Some(1), ""), "{self:?}");
        let error = self.stderr.lines().find(|line| line.starts_with("error: "));
        assert!(error.is_some() && !self.stderr.contains("panicked"), "{self:?}");
        self.stderr
    }

    /// The message about a command line that makes no sense, before anything is read.
    #[track_caller]
    pub(super) fn shows_wrong_usage(self) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (Some(2), ""), "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        self.stderr
    }
}

/// The traces of the sample as a Parquet file, imported once for all tests.
fn traces() -> &'static [u8] {
    static TRACES: OnceLock<Vec<u8>> = OnceLock::new();
    TRACES.get_or_init(|| {
        let folder = Folder::new();
        folder.wfkit("capture import SAMPLE --out traces.parquet").succeeds();
        folder.bytes("traces.parquet")
    })
}

/// Reads a stage report, and checks that it is one.
#[track_caller]
pub(super) fn stage_report(command: &str, json: &str) -> StageReport {
    schemas::check(command, json);
    let report: StageReport = serde_json::from_str(json).unwrap_or_else(|error| panic!("{command}: {error}\n{json}"));
    assert_eq!(report.unexplained_nulls(), Vec::<String>::new(), "{command}");
    let value: Value = serde_json::from_str(json).unwrap();
    let stage = ["stage", "tool", "seed", "inputs", "counts", "dropped", "utility", "privacy", "seconds"];
    let utility = ["median_in_bytes", "median_out_bytes", "median_seconds", "score"];
    let privacy = ["roc_auc_macro_ovr", "accuracy", "attack"];
    assert_eq!(keys(&value)[..stage.len()], stage, "{command}");
    assert_eq!(keys(&value["utility"])[..utility.len()], utility, "{command}");
    assert_eq!(keys(&value["privacy"])[..privacy.len()], privacy, "{command}");
    assert!(!report.inputs.is_empty() && report.inputs.iter().all(|input| input.sha256.len() == 64), "{command}");
    report
}

pub(super) fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
