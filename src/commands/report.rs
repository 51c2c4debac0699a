//! `wfkit report`: one page of everything that a folder holds.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use wfkit_datasets::formats::ReadTraces;
use wfkit_datasets::{FileKind, TraceSet, read_probabilities, read_traces};
use wfkit_defend::{DefenseSpec, defend};
use wfkit_metrics::StageReport;
use wfkit_report::page::{Defended, Material, Predicted, Stage, defence_of, page};
use wfkit_report::words::{NARROW, wrapped};

use super::plot::truth_of;
use crate::cli;
use crate::context::{Context, report_path, write};

pub(crate) fn run(options: &cli::Report, context: &Context<'_>) -> Result<()> {
    let folder = &options.folder;
    ensure!(
        folder.is_dir(),
        "{}: no folder; give the one that a wfkit run, or another command, wrote to",
        folder.display()
    );
    let Stages { stages, left_out, .. } = read_stages(folder)?;
    ensure!(
        !stages.is_empty(),
        "{}: there is no stage report in it; wfkit run --out DIR writes them, and other commands beside their --out",
        folder.display()
    );
    let found = Found::read(folder, &stages, context)?;
    let name = fs::canonicalize(folder).ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let defended = found.defended.iter().map(|(spec, set)| Defended {
        spec: spec.clone(),
        set,
        padding_of_first: found
            .traces
            .as_ref()
            .and_then(|traces| padding_of_first(traces, set, spec, seed_of(&stages, spec))),
    });
    let material = Material {
        title: format!("Website fingerprinting report: {}", name.unwrap_or_else(|| folder.display().to_string())),
        traces: found.traces.as_ref(),
        defended: defended.collect(),
        predictions: found.predictions,
        left_out: left_out.into_iter().chain(found.left_out).collect(),
        stages,
    };
    let out = options.out.clone().unwrap_or_else(|| folder.join("report.html"));
    let html = page(&material);
    let size = html.len();
    write(&out, html)?;
    let document = serde_json::json!({ "page": out, "bytes": size, "stages": material.stages.len(), "left_out": material.left_out });
    if context.printer.is_json() {
        return context.printer.document(&document);
    }
    for sentence in material.sentences() {
        wrapped(&sentence, NARROW).iter().try_for_each(|line| context.printer.line(line))?;
    }
    context.printer.line(&format!("{}: {:.0} kB; open it in any browser", out.display(), size as f64 / 1e3))
}

/// Stage reports, and what was none although it is called one.
pub(crate) struct Stages {
    pub(crate) stages: Vec<Stage>,
    pub(crate) left_out: Vec<String>,
}

/// Stage reports of a file, or of a folder and those below it: in the order in which a run had them, where there is one, else by name. Reports of
/// pictures are none of a stage.
pub(crate) fn read_stages(path: &Path) -> Result<Stages> {
    let is_folder = path.is_dir();
    let files = if is_folder { files_below(path)? } else { vec![path.to_owned()] };
    let (mut stages, mut left_out, mut order) = (Vec::new(), Vec::new(), Vec::new());
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "json")) {
        let name = file.strip_prefix(path).ok().filter(|_| is_folder).unwrap_or(file).display().to_string();
        let text = fs::read_to_string(file).with_context(|| format!("{}: cannot read", file.display()))?;
        let read = serde_json::from_str::<Value>(&text).map_err(|error| error.to_string());
        match read.and_then(|value| {
            Ok((value["stages"].as_array().cloned(), serde_json::from_value(value).map_err(|error| error.to_string())?))
        }) {
            // The document of a whole run repeats the reports of its stages.
            Ok((Some(of_run), _)) => order = of_run,
            Ok((None, report)) => {
                let report: StageReport = report;
                if !report.stage.starts_with("plot") {
                    stages.push(Stage { file: name, report });
                }
            }
            Err(error) if !is_folder || name.ends_with(".report.json") => {
                let sentence = format!("{name} is left out, since it is no stage report: {error}.");
                ensure!(is_folder, "{}: no stage report: {error}", file.display());
                left_out.push(sentence);
            }
            Err(_) => {}
        }
    }
    let key = |stage: &Stage| {
        let same = |other: &Value| {
            other["stage"] == stage.report.stage.as_str()
                && other["utility"]["defence"].as_str()
                    == stage.report.utility.extras.get("defence").and_then(Value::as_str)
        };
        order.iter().position(same).unwrap_or(usize::MAX)
    };
    stages.sort_by_cached_key(|stage| (key(stage), stage.file.clone()));
    Ok(Stages { stages, left_out })
}

/// Regular files of a folder and of those below it, by name.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("{}: cannot read this folder", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.is_symlink() {
            files.extend(files_below(&path)?);
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// Tables of a folder that pictures are made from.
#[derive(Default)]
struct Found {
    traces: Option<TraceSet>,
    defended: Vec<(String, TraceSet)>,
    predictions: Vec<Predicted>,
    left_out: Vec<String>,
}

impl Found {
    fn read(folder: &Path, stages: &[Stage], context: &Context<'_>) -> Result<Self> {
        let mut found = Self::default();
        let of_file = |file: &Path| {
            let report = report_path(file);
            let name = report.strip_prefix(folder).unwrap_or(&report).display().to_string();
            stages
                .iter()
                .map(|stage| (&stage.file, &stage.report))
                .find(|(own, _)| **own == name)
                .map(|(_, report)| report)
        };
        for file in files_below(folder)? {
            let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
            // Files of a round of the competition repeat the traces of the run.
            if !["parquet", "csv"].iter().any(|ending| file.extension().is_some_and(|own| own == *ending)) {
                continue;
            }
            match FileKind::of(&file) {
                Ok(Some(FileKind::Traces)) => found.take_traces(&file, &name, of_file(&file), context),
                Ok(Some(FileKind::Probabilities)) => {
                    let attack = of_file(&file)
                        .or_else(|| classify_of(&file, folder, stages))
                        .map(|report| report.privacy.attack.clone());
                    found.take_probabilities(&file, &name, attack);
                }
                // Other tables as CSV lie in many folders; a Parquet file that is none is damaged.
                Ok(None) if name.ends_with(".parquet") => {
                    found.left_out.push(format!("{name} is left out: no table that wfkit knows."))
                }
                Ok(_) => {}
                Err(error) => found.left_out.push(format!("{name} is left out: {error}.")),
            }
        }
        Ok(found)
    }

    fn take_traces(&mut self, file: &Path, name: &str, report: Option<&StageReport>, context: &Context<'_>) {
        let defence = report.and_then(defence_of);
        if defence.is_none() && self.traces.is_some() {
            return self.left_out.push(format!("{name} is in no picture: other traces come first."));
        }
        match (read_traces(file), defence) {
            (Ok(ReadTraces { set, warnings, .. }), defence) => {
                warnings.iter().for_each(|warning| context.printer.warn(warning));
                match defence {
                    Some(spec) => self.defended.push((spec, set)),
                    None => self.traces = Some(set),
                }
            }
            (Err(error), _) => self.left_out.push(format!("{name} is left out: {error}.")),
        }
    }

    fn take_probabilities(&mut self, file: &Path, name: &str, attack: Option<String>) {
        let read = read_probabilities(file).map_err(anyhow::Error::from);
        match read.and_then(|predictions| Ok((truth_of(&predictions, file)?, predictions.probabilities))) {
            Ok((truth, probabilities)) => {
                let name = attack.unwrap_or_else(|| name.to_owned());
                self.predictions.push(Predicted { name, probabilities, truth });
            }
            Err(error) => self.left_out.push(format!("{name} is left out: {error:#}.")),
        }
    }
}

/// A run keeps what its attack said beside its model.
fn classify_of<'a>(file: &Path, folder: &Path, stages: &'a [Stage]) -> Option<&'a StageReport> {
    let of_run = stages.iter().find(|stage| stage.report.stage == "classify")?;
    (file.parent() == folder.join(&of_run.file).parent()).then_some(&of_run.report)
}

fn seed_of(stages: &[Stage], spec: &str) -> u64 {
    let own = stages
        .iter()
        .find(|stage| stage.report.stage == "defend" && defence_of(&stage.report).as_deref() == Some(spec));
    own.map_or(0, |stage| stage.report.seed)
}

/// Files do not say what is padding. Where the same defence, simulated again, gives the same trace as the file has, it is known.
fn padding_of_first(traces: &TraceSet, defended: &TraceSet, spec: &str, seed: u64) -> Option<Vec<u32>> {
    let spec: DefenseSpec = spec.parse().ok()?;
    if spec.needs_training() || traces.is_empty() {
        return None;
    }
    let key = &traces.traces()[0].key;
    let in_file = &defended.traces().iter().find(|one| &one.key == key)?.trace;
    // One trace alone is soon simulated, and is the same but where a defence looks at the set.
    [&traces.select(&[0]), traces].into_iter().find_map(|set| {
        let again = defend(set, &spec, seed).ok()?;
        let (_, first) = again.traces().next()?;
        (first.observe() == in_file.clone().without_columns()).then(|| first.padding())
    })
}
