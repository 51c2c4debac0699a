//! What the shards of one command wrote, joined to the file that one run writes.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ndarray::{Axis, concatenate};
use serde::de::DeserializeOwned;
use wfkit_datasets::files::replace_with;
use wfkit_datasets::{
    FileKind, Findings, Provenance, Shard, TraceParts, digests, read_probabilities, report_path,
    write_parquet_in_parts, write_probabilities,
};
use wfkit_defend::{CausalityReport, Cost, ManifestFile, Totals};
use wfkit_features::FeatureMatrix;
use wfkit_metrics::{PrivacyReport, Probabilities, StageReport, Utility};

use crate::error::{at, file};
use crate::{ExperimentError, PartsSeen, Setting, trivial_privacy_of};

/// What all shards of one command wrote, each once, in their order.
#[derive(Debug)]
pub struct Shards(Vec<Part>);

/// What one shard wrote.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    report: StageReport,
    shard: Shard,
    manifest: Option<ManifestFile>,
}

impl Shards {
    /// Reads the reports of what was written with a shard each, in any order; that of a folder is called `report_of_folder` in it.
    ///
    /// # Errors
    /// Reports that are missing or of no shard, shards of different runs, and runs of which a shard is missing.
    pub fn of(paths: &[PathBuf], report_of_folder: &str) -> Result<Self, ExperimentError> {
        let parts: Result<_, _> = paths.iter().map(|path| Part::read(path, report_of_folder)).collect();
        let parts = in_order(parts?)?;
        parts[1..].iter().try_for_each(|part| part.check_like(&parts[0]))?;
        Ok(Self(parts))
    }

    /// The report of the first shard, which says what all of them are of.
    pub fn report(&self) -> &StageReport {
        &self.0[0].report
    }

    /// Their files or folders.
    pub fn paths(&self) -> Vec<&Path> {
        self.0.iter().map(|part| part.path.as_path()).collect()
    }

    /// What the shards are of, which has to be as it was then.
    ///
    /// # Errors
    /// Files that cannot be read, or are others now.
    pub fn inputs(&self) -> Result<Vec<PathBuf>, ExperimentError> {
        let inputs = &self.report().inputs;
        let paths: Vec<PathBuf> = inputs.iter().map(|input| PathBuf::from(&input.path)).collect();
        for (then, now) in inputs.iter().zip(digests(&paths).map_err(file)?) {
            if then.sha256 != now.sha256 {
                return unfit(format!(
                    "{}: it is not what the shards were measured on: SHA-256 {}, then {}",
                    now.path, now.sha256, then.sha256
                ));
            }
        }
        Ok(paths)
    }

    /// Writes the file of one run, with its manifest where the shards have theirs, in attacks on its traces by so many folds.
    ///
    /// # Errors
    /// Files that cannot be read or written, or that are of different runs after all.
    pub fn merge(&self, out: &Path, folds: usize, setting: Setting<'_>) -> Result<Findings, ExperimentError> {
        let mut findings = match FileKind::of(&self.0[0].path).map_err(file)? {
            Some(FileKind::Features) => features(&self.0, out)?,
            Some(FileKind::Probabilities) => probabilities(&self.0, out)?,
            _ => traces(&self.0, out, folds, setting)?,
        };
        findings.count("shards", self.0.len());
        Ok(findings)
    }
}

fn unfit<T>(reason: String) -> Result<T, ExperimentError> {
    Err(ExperimentError::Unfit(reason))
}

impl Part {
    fn read(path: &Path, report_of_folder: &str) -> Result<Self, ExperimentError> {
        let its_report = if path.is_dir() { path.join(report_of_folder) } else { report_path(path) };
        let Some(report) = beside::<StageReport>(&its_report)? else {
            return unfit(format!(
                "{}: its report is missing; a shard's file and its .report.json are merged together",
                path.display()
            ));
        };
        let shard = report.utility.extras.get("shard").and_then(|shard| shard.as_str()?.parse().ok());
        let Some(shard) = shard else {
            return unfit(format!(
                "{}: not written with --shard; sets are joined by wfkit dataset convert A B --out C",
                path.display()
            ));
        };
        Ok(Self { path: path.to_owned(), shard, manifest: beside(&ManifestFile::beside(path))?, report })
    }

    /// That another shard is of the same run.
    fn check_like(&self, first: &Self) -> Result<(), ExperimentError> {
        let inputs = |part: &Self| part.report.inputs.iter().map(|input| input.sha256.clone()).collect::<Vec<_>>();
        let manifest = |part: &Self| part.manifest.as_ref().map(|file| file.manifest.clone());
        let planned =
            |report: &StageReport| report.utility.extras.get("planned").map(ToString::to_string).unwrap_or_default();
        let (a, b) = (&self.report, &first.report);
        let differs = match () {
            () if a.stage != b.stage => Some(("stage", a.stage.clone(), b.stage.clone())),
            () if a.tool != b.tool => Some(("version", a.tool.clone(), b.tool.clone())),
            () if a.seed != b.seed => Some(("seed", a.seed.to_string(), b.seed.to_string())),
            () if a.options != b.options => {
                let options = |report: &StageReport| serde_json::to_string(&report.options).unwrap_or_default();
                Some(("set of options", options(a), options(b)))
            }
            () if planned(a) != planned(b) => Some(("plan", planned(a), planned(b))),
            () if inputs(self) != inputs(first) => {
                Some(("input (SHA-256)", inputs(self).join(", "), inputs(first).join(", ")))
            }
            () if manifest(self) != manifest(first) => {
                let definition = |part: &Self| manifest(part).map_or_else(String::new, |found| found.definition);
                Some(("defence", definition(self), definition(first)))
            }
            () => None,
        };
        match differs {
            None => Ok(()),
            Some((what, here, there)) => unfit(format!(
                "{}: another {what} than {}: {here}, there {there}",
                self.path.display(),
                first.path.display()
            )),
        }
    }
}

/// A file of JSON, where it is there.
fn beside<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ExperimentError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).map_err(at(path.display()))?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(format!("{}: cannot read", path.display()))(error)),
    }
}

/// All shards, each once, the first first.
fn in_order(mut parts: Vec<Part>) -> Result<Vec<Part>, ExperimentError> {
    parts.sort_by_key(|part| part.shard);
    let Some(of) = parts.first().map(|first| first.shard.of) else { return unfit("there is no shard".to_owned()) };
    for pair in parts.windows(2) {
        let [a, b] = pair else { unreachable!("windows of two") };
        let (here, there) = (a.path.display(), b.path.display());
        if a.shard == b.shard {
            return unfit(format!("{here} and {there} are both shard {}", a.shard));
        }
        if b.shard.of != of {
            return unfit(format!("{here} is shard {}, {there} is {}", a.shard, b.shard));
        }
    }
    let is_missing = |&index: &_| parts.iter().all(|part| part.shard.index != index);
    let missing: Vec<String> = (1..=of).filter(is_missing).map(|index| format!("{index}/{of}")).collect();
    if missing.is_empty() { Ok(parts) } else { unfit(format!("shards are missing: {}", missing.join(", "))) }
}

fn features(parts: &[Part], out: &Path) -> Result<Findings, ExperimentError> {
    let first = FeatureMatrix::read(&parts[0].path).map_err(file)?;
    let Some(extractor) = first.extractor else {
        return unfit("the file does not say what extracted it".to_owned());
    };
    let observed = first.matrix.observed().cloned();
    let mut rows = 0;
    extractor.write_in_parts(out, observed.as_ref(), |sink| {
        for part in parts {
            let read = FeatureMatrix::read(&part.path).map_err(file)?;
            if read.extractor.as_ref() != Some(&extractor) || read.matrix.observed() != observed.as_ref() {
                return unfit(format!("{}: other features than {}", part.path.display(), parts[0].path.display()));
            }
            sink.add(read.matrix.rows(), read.matrix.values())?;
            rows += read.matrix.rows().len();
        }
        Ok(())
    })?;
    let why = "a feature file does not tell what its traces cost";
    let privacy = PrivacyReport::unmeasured("totals", "shards of features have been reported each by itself");
    let mut findings = Findings::new(Utility::unknown(why), privacy);
    findings.count("rows", rows);
    Ok(findings)
}

fn probabilities(parts: &[Part], out: &Path) -> Result<Findings, ExperimentError> {
    let read: Result<Vec<_>, _> = parts.iter().map(|part| read_probabilities(&part.path)).collect();
    let read = read.map_err(file)?;
    let classes = read[0].probabilities.classes();
    for (part, other) in parts.iter().zip(&read) {
        if other.probabilities.classes() != classes {
            return unfit(format!("{}: other classes than {}", part.path.display(), parts[0].path.display()));
        }
    }
    let keys: Vec<_> = read.iter().flat_map(|predictions| predictions.keys.iter().cloned()).collect();
    let values: Vec<_> = read.iter().map(|predictions| predictions.probabilities.values()).collect();
    let values = concatenate(Axis(0), &values).map_err(file)?;
    write_probabilities(out, &keys, &Probabilities::new(classes.clone(), values).map_err(file)?)?;
    let why = "probabilities do not tell what their traces cost";
    let privacy = PrivacyReport::unmeasured("none", "wfkit score tells what these probabilities are worth");
    let mut findings = Findings::new(Utility::unknown(why), privacy);
    findings.count("rows", keys.len());
    Ok(findings)
}

fn traces(parts: &[Part], out: &Path, folds: usize, setting: Setting<'_>) -> Result<Findings, ExperimentError> {
    // Captures are the sources of their own share alone.
    let is_import = parts[0].report.stage == "capture";
    let mut provenance: Option<Provenance> = None;
    let mut labels = Vec::new();
    for part in parts {
        let mut opened = open(&part.path)?;
        labels.extend(opened.labels().map_err(file)?);
        match &mut provenance {
            None => provenance = Some(opened.provenance().clone()),
            Some(first) => {
                let mut like_first = opened.provenance().clone();
                if is_import {
                    first.sources.append(&mut like_first.sources);
                    like_first.sources.clone_from(&first.sources);
                }
                if *first != like_first {
                    let (this, there) = (part.path.display(), parts[0].path.display());
                    return unfit(format!("{this}: traces of another origin than {there}"));
                }
            }
        }
    }
    let mut provenance = provenance.expect("one shard at least");
    if is_import {
        provenance.sources.sort_unstable();
    }
    let mut kept = PartsSeen::of(&labels, setting);
    let mut after = Totals::default();
    write_parquet_in_parts(out, &provenance, |sink| {
        for part in parts {
            for set in open(&part.path)? {
                let set = set.map_err(file)?;
                set.traces().iter().try_for_each(|labelled| sink.add(labelled))?;
                after += Totals::of(&set);
                kept.see(&set);
            }
        }
        Ok::<_, ExperimentError>(())
    })?;
    if parts.iter().all(|part| part.manifest.is_some()) {
        let beside = ManifestFile::beside(out);
        let written = replace_with(&beside, manifest(parts, after, &kept, out)?.to_json());
        written.map_err(at(format!("{}: cannot write", beside.display())))?;
    }
    let privacy = trivial_privacy_of(&kept.some(&provenance).map_err(file)?, &kept.drawn, folds, setting)?;
    let mut findings = Findings::new(Utility::of(&kept.volumes), privacy);
    if is_import {
        for part in parts {
            add(&mut findings.counts, &part.report.counts);
            add(&mut findings.dropped, &part.report.dropped);
            findings.problems.extend(part.report.problems.iter().cloned());
        }
    }
    kept.count(&mut findings);
    Ok(findings)
}

fn add(sums: &mut BTreeMap<String, u64>, part: &BTreeMap<String, u64>) {
    for (name, n) in part {
        *sums.entry(name.clone()).or_default() += n;
    }
}

fn open(path: &Path) -> Result<TraceParts<'_>, ExperimentError> {
    match TraceParts::open(path).map_err(file)? {
        Some(parts) => Ok(parts),
        None => unfit(format!("{}: shards are written as .parquet", path.display())),
    }
}

/// The manifest that one run would have written.
fn manifest(parts: &[Part], after: Totals, kept: &PartsSeen, out: &Path) -> Result<ManifestFile, ExperimentError> {
    let files: Vec<&ManifestFile> = parts.iter().filter_map(|part| part.manifest.as_ref()).collect();
    let first = files[0];
    let mut before = Totals::default();
    for part in parts {
        let Some(totals) = part.report.utility.extras.get("before").cloned() else {
            return unfit("the report does not say what was defended".to_owned());
        };
        before += serde_json::from_value(totals).map_err(file)?;
    }
    Ok(ManifestFile {
        output: digests(&[out.to_owned()]).map_err(file)?.remove(0),
        traces: files.iter().map(|file| file.traces).sum(),
        packets: files.iter().map(|file| file.packets).sum(),
        cost: first.cost.map(|_| Cost::of_totals(before, after, first.manifest.replicas)),
        utility: first.cost.map(|_| Utility::of(&kept.volumes)),
        causality: files.iter().map(|file| file.causality).fold(CausalityReport::default(), |a, b| a + b),
        ..first.clone()
    })
}
