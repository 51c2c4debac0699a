//! The program wfkit, which imports, attacks and exports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;
use wfkit_lab::{Plan, Route, SERVER_PORT, tor};

/// The one asked for, the one of the environment, the one beside this program, or the one on the path.
pub(super) fn find_wfkit(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("wfkit");
    let named = std::env::var_os("WFKIT").filter(|named| !named.is_empty()).map(PathBuf::from);
    let program = match (asked, named) {
        (Some(asked), _) => asked.to_owned(),
        (None, Some(named)) => named,
        (None, None) if beside.exists() => beside,
        (None, None) => PathBuf::from("wfkit"),
    };
    call(&program, &["--version"]).with_context(|| {
        format!(
            "this needs wfkit, and {} does not run; build it with `cargo build --release`, or say --wfkit PROGRAM",
            program.display()
        )
    })?;
    Ok(program)
}

/// What a command of it printed.
pub(super) fn call(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("{} {} ended with {}", program.display(), arguments.join(" "), output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The captures of a set as a trace file; pages that are no class of the plan become one class, `unmonitored`.
pub(super) fn import(program: &Path, plan: &Plan, set: &Path, traces: &Path) -> anyhow::Result<()> {
    let port = match plan.route {
        Route::Onion | Route::Exit => tor::OR_PORT,
        Route::Direct => SERVER_PORT,
    };
    let (peer, set) = (format!("port:{port}"), set.display().to_string());
    let import = |out: &str| call(program, &["capture", "import", &set, "--peer", &peer, "--out", out, "--quiet"]);
    let out = traces.display().to_string();
    if plan.unmonitored == 0 {
        return import(&out).map(|_| ());
    }
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let closed = folder.path().join("closed.parquet").display().to_string();
    import(&closed)?;
    let monitored = plan.classes().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    call(program, &["dataset", "relabel", &closed, "--monitored", &monitored, "--out", &out, "--quiet"]).map(|_| ())
}

/// What an attack finds in traces.
pub(super) struct Scores {
    pub(super) accuracy: f64,
    /// What guessing gets.
    pub(super) chance: f64,
    /// Ends of its 95 % interval.
    pub(super) interval: [f64; 2],
    /// What the traces cost, as wfkit reports it.
    pub(super) utility: Value,
}

/// Attacks traces in stratified folds.
pub(super) fn evaluate(program: &Path, traces: &Path, attack: &str, folds: u32, seed: u64) -> anyhow::Result<Scores> {
    let (traces, folds, seed) = (traces.display().to_string(), folds.to_string(), seed.to_string());
    let options = ["--attack", attack, "--folds", &folds, "--seed", &seed, "--format", "json"];
    let report = call(program, &[&["evaluate", &traces], &options[..]].concat())?;
    let report: Value = serde_json::from_str(&report).context("the report of wfkit evaluate")?;
    let interval = &report["privacy"]["intervals_95"]["accuracy"];
    Ok(Scores {
        accuracy: number(&report["privacy"], "accuracy")?,
        chance: number(&report["privacy"], "chance_accuracy")?,
        interval: [number(interval, "low")?, number(interval, "high")?],
        utility: report["utility"].clone(),
    })
}

pub(super) fn number(of: &Value, key: &str) -> anyhow::Result<f64> {
    of[key].as_f64().with_context(|| format!("the report of wfkit has no {key}"))
}

/// What each trace of a file moves, by name (class and rep: reps count on over sessions).
pub(super) fn volumes(program: &Path, traces: &Path) -> anyhow::Result<Vec<(String, Volume)>> {
    Ok(packets(program, traces)?
        .iter()
        .map(|trace| (format!("{} {}", trace.class, trace.rep), trace.volume()))
        .collect())
}

/// The traces of a file.
pub(super) fn packets(program: &Path, traces: &Path) -> anyhow::Result<Vec<Packets>> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let lines = folder.path().join("traces.jsonl");
    let (from, to) = (traces.display().to_string(), lines.display().to_string());
    call(program, &["dataset", "convert", &from, "--to", "json-lines", "--out", &to, "--quiet"])?;
    let text = fs::read_to_string(&lines).context("traces as JSON lines")?;
    text.lines().map(|line| Packets::of(line).with_context(|| format!("a trace of {from}"))).collect()
}

/// A trace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Packets {
    pub(super) class: String,
    pub(super) rep: u64,
    /// From the first packet on.
    pub(super) seconds: Vec<f64>,
    /// Bytes; less than 0 to the client.
    pub(super) sizes: Vec<f64>,
}

/// What one trace moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Volume {
    /// Bytes to the client.
    pub(super) down: f64,
    /// Bytes from it.
    pub(super) up: f64,
    /// From the first packet to the last.
    pub(super) seconds: f64,
}

impl Packets {
    /// From a line of JSON.
    fn of(line: &str) -> anyhow::Result<Self> {
        let trace: Value = serde_json::from_str(line)?;
        let numbers =
            |key: &str| trace[key].as_array().map(|all| all.iter().filter_map(Value::as_f64).collect::<Vec<_>>());
        let sizes = numbers("size").context("no sizes")?;
        let seconds = match (numbers("time"), numbers("time_ns")) {
            (Some(times), _) => times,
            (None, Some(times)) => times.into_iter().map(|time| time / 1e9).collect(),
            (None, None) => Vec::new(),
        };
        let class = trace["class"].as_str().map_or_else(|| trace["class"].to_string(), str::to_owned);
        Ok(Self { class, rep: trace["rep"].as_u64().context("no rep")?, seconds, sizes })
    }

    fn volume(&self) -> Volume {
        let sum = |sign: f64| self.sizes.iter().map(|size| size * sign).filter(|size| *size > 0.0).sum();
        Volume { down: sum(-1.0), up: sum(1.0), seconds: self.seconds.last().copied().unwrap_or(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_read_from_lines() {
        let line = r#"{"class":"a","rep":3,"session":"s1","time_ns":[0,1500000000],"size":[514,-1000,-20]}"#;
        let trace = Packets::of(line).unwrap();
        assert_eq!((trace.class.as_str(), trace.rep), ("a", 3));
        assert_eq!(trace.volume(), Volume { down: 1020.0, up: 514.0, seconds: 1.5 });
        assert!(Packets::of("{}").is_err());
    }
}
