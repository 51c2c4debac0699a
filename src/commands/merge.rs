//! `wfkit dataset merge`: what shards of one command wrote, joined to the file that one run writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use wfkit_datasets::{
    FileKind, Provenance, TraceParts, read_probabilities, write_parquet_in_parts, write_probabilities,
};
use wfkit_defend::{CausalityReport, Cost, ManifestFile, Totals};
use wfkit_evaluate::trivial_privacy_of;
use wfkit_features::FeatureMatrix;
use wfkit_metrics::{PrivacyReport, Probabilities, StageReport, Utility};

use crate::commands::dataset::FOLDS;
use crate::commands::sweep;
use crate::context::{Context, count, write};
use wfkit_datasets::Shard;
use wfkit_datasets::{digests, report_path};
use wfkit_evaluate::PartsSeen;

pub(crate) fn run(paths: &[PathBuf], out: &Path, context: &Context<'_>) -> Result<()> {
    let parts = in_order(paths.iter().map(|path| Part::read(path)).collect::<Result<_>>()?)?;
    for part in &parts[1..] {
        part.check_like(&parts[0])?;
    }
    if parts[0].report.stage == "sweep" {
        let folders: Vec<&Path> = parts.iter().map(|part| part.path.as_path()).collect();
        return sweep::join(&folders, &parts[0].report, out, context);
    }
    let report = match FileKind::of(&parts[0].path)? {
        Some(FileKind::Features) => features(&parts, paths, out, context)?,
        Some(FileKind::Probabilities) => probabilities(&parts, paths, out, context)?,
        _ => traces(&parts, paths, out, context)?,
    };
    context.finish_and_print(report, Some(out))
}

/// What one shard wrote.
struct Part {
    path: PathBuf,
    report: StageReport,
    shard: Shard,
    manifest: Option<ManifestFile>,
}

impl Part {
    fn read(path: &Path) -> Result<Self> {
        let its_report = if path.is_dir() { sweep::share_report(path) } else { report_path(path) };
        let report = beside(&its_report)?.with_context(|| {
            format!(
                "{}: its report is missing; a shard's file and its .report.json are merged together",
                path.display()
            )
        })?;
        let report: StageReport = report;
        let shard = report.utility.extras.get("shard").and_then(|shard| shard.as_str()?.parse().ok());
        let shard = shard.with_context(|| {
            format!(
                "{}: not written with --shard; sets are joined by wfkit dataset convert A B --out C",
                path.display()
            )
        })?;
        Ok(Self { path: path.to_owned(), shard, manifest: beside(&ManifestFile::beside(path))?, report })
    }

    /// That another shard is of the same run.
    fn check_like(&self, first: &Self) -> Result<()> {
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
            Some((what, here, there)) => {
                bail!("{}: another {what} than {}: {here}, there {there}", self.path.display(), first.path.display())
            }
        }
    }
}

/// A file of JSON, where it is there.
fn beside<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).with_context(|| path.display().to_string())?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{}: cannot read", path.display())),
    }
}

/// All shards, each once, the first first.
fn in_order(mut parts: Vec<Part>) -> Result<Vec<Part>> {
    parts.sort_by_key(|part| part.shard);
    let of = parts[0].shard.of;
    for pair in parts.windows(2) {
        let [a, b] = pair else { unreachable!("windows of two") };
        ensure!(a.shard != b.shard, "{} and {} are both shard {}", a.path.display(), b.path.display(), a.shard);
        ensure!(b.shard.of == of, "{} is shard {}, {} is {}", a.path.display(), a.shard, b.path.display(), b.shard);
    }
    let missing: Vec<String> = (1..=of)
        .filter(|&index| parts.iter().all(|part| part.shard.index != index))
        .map(|index| format!("{index}/{of}"))
        .collect();
    ensure!(missing.is_empty(), "shards are missing: {}", missing.join(", "));
    Ok(parts)
}

fn features(parts: &[Part], paths: &[PathBuf], out: &Path, context: &Context<'_>) -> Result<StageReport> {
    let first = FeatureMatrix::read(&parts[0].path)?;
    let extractor = first.extractor.context("the file does not say what extracted it")?;
    let observed = first.matrix.observed().cloned();
    let mut rows = 0;
    extractor.write_in_parts(out, observed.as_ref(), |sink| {
        for part in parts {
            let file = FeatureMatrix::read(&part.path)?;
            let same = file.extractor.as_ref() == Some(&extractor) && file.matrix.observed() == observed.as_ref();
            ensure!(same, "{}: other features than {}", part.path.display(), parts[0].path.display());
            sink.add(file.matrix.rows(), file.matrix.values())?;
            rows += file.matrix.rows().len();
        }
        Ok(())
    })?;
    let why = "a feature file does not tell what its traces cost";
    let privacy = PrivacyReport::unmeasured("totals", "shards of features have been reported each by itself");
    let mut report = context.stage("dataset merge", digests(paths)?, Utility::unknown(why), privacy);
    count(&mut report.counts, "rows", rows);
    count(&mut report.counts, "shards", parts.len());
    Ok(report)
}

fn probabilities(parts: &[Part], paths: &[PathBuf], out: &Path, context: &Context<'_>) -> Result<StageReport> {
    let read = parts.iter().map(|part| read_probabilities(&part.path)).collect::<Result<Vec<_>, _>>()?;
    let classes = read[0].probabilities.classes();
    for (part, other) in parts.iter().zip(&read) {
        let same = other.probabilities.classes() == classes;
        ensure!(same, "{}: other classes than {}", part.path.display(), parts[0].path.display());
    }
    let keys: Vec<_> = read.iter().flat_map(|predictions| predictions.keys.iter().cloned()).collect();
    let values: Vec<_> = read.iter().map(|predictions| predictions.probabilities.values()).collect();
    let values = ndarray::concatenate(ndarray::Axis(0), &values)?;
    write_probabilities(out, &keys, &Probabilities::new(classes.clone(), values)?)?;
    let why = "probabilities do not tell what their traces cost";
    let privacy = PrivacyReport::unmeasured("none", "wfkit score tells what these probabilities are worth");
    let mut report = context.stage("dataset merge", digests(paths)?, Utility::unknown(why), privacy);
    count(&mut report.counts, "rows", keys.len());
    count(&mut report.counts, "shards", parts.len());
    Ok(report)
}

fn traces(parts: &[Part], paths: &[PathBuf], out: &Path, context: &Context<'_>) -> Result<StageReport> {
    // Captures are the sources of their own share alone.
    let is_import = parts[0].report.stage == "capture";
    let mut provenance: Option<Provenance> = None;
    let mut labels = Vec::new();
    for part in parts {
        let mut opened = open(&part.path)?;
        labels.extend(opened.labels()?);
        match &mut provenance {
            None => provenance = Some(opened.provenance().clone()),
            Some(first) => {
                let mut like_first = opened.provenance().clone();
                if is_import {
                    first.sources.append(&mut like_first.sources);
                    like_first.sources.clone_from(&first.sources);
                }
                let (this, there) = (part.path.display(), parts[0].path.display());
                ensure!(*first == like_first, "{this}: traces of another origin than {there}");
            }
        }
    }
    let mut provenance = provenance.expect("one shard at least");
    if is_import {
        provenance.sources.sort_unstable();
    }
    let mut kept = PartsSeen::of(&labels, context.setting());
    let mut after = Totals::default();
    write_parquet_in_parts(out, &provenance, |sink| {
        for part in parts {
            for set in open(&part.path)? {
                let set = set?;
                set.traces().iter().try_for_each(|labelled| sink.add(labelled))?;
                after += Totals::of(&set);
                kept.see(&set);
            }
        }
        anyhow::Ok(())
    })?;
    if parts.iter().all(|part| part.manifest.is_some()) {
        write(&ManifestFile::beside(out), manifest(parts, after, &kept, out)?.to_json())?;
    }
    let privacy = trivial_privacy_of(&kept.some(&provenance)?, &kept.drawn, FOLDS, context.setting())?;
    let mut report = context.stage("dataset merge", digests(paths)?, Utility::of(&kept.volumes), privacy);
    if is_import {
        for part in parts {
            add(&mut report.counts, &part.report.counts);
            add(&mut report.dropped, &part.report.dropped);
            report.problems.extend(part.report.problems.iter().cloned());
        }
    }
    count(&mut report.counts, "traces", kept.volumes.len());
    count(&mut report.counts, "classes", kept.classes);
    count(&mut report.counts, "packets", kept.packets);
    count(&mut report.counts, "shards", parts.len());
    Ok(report)
}

fn add(sums: &mut BTreeMap<String, u64>, part: &BTreeMap<String, u64>) {
    for (name, n) in part {
        *sums.entry(name.clone()).or_default() += n;
    }
}

fn open(path: &Path) -> Result<TraceParts<'_>> {
    match TraceParts::open(path)? {
        Some(parts) => Ok(parts),
        None => bail!("{}: shards are written as .parquet", path.display()),
    }
}

/// The manifest that one run would have written.
fn manifest(parts: &[Part], after: Totals, kept: &PartsSeen, out: &Path) -> Result<ManifestFile> {
    let files: Vec<&ManifestFile> = parts.iter().filter_map(|part| part.manifest.as_ref()).collect();
    let first = files[0];
    let mut before = Totals::default();
    for part in parts {
        let totals =
            part.report.utility.extras.get("before").cloned().context("the report does not say what was defended")?;
        before += serde_json::from_value(totals)?;
    }
    Ok(ManifestFile {
        output: digests(&[out.to_owned()])?.remove(0),
        traces: files.iter().map(|file| file.traces).sum(),
        packets: files.iter().map(|file| file.packets).sum(),
        cost: first.cost.map(|_| Cost::of_totals(before, after, first.manifest.replicas)),
        utility: first.cost.map(|_| Utility::of(&kept.volumes)),
        causality: files.iter().map(|file| file.causality).fold(CausalityReport::default(), |a, b| a + b),
        ..first.clone()
    })
}
