//! `wfkit defend verify`: what a defended set shows, held against the set it was made from and its manifest.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use wfkit_datasets::TraceSet;
use wfkit_defend::{Audit, DefendOptions, ManifestFile, TrainingManifest, defend_with, keeps_sessions};

use super::manifest_path;
use crate::context::{Context, digests};
use crate::input::read_traces;

/// Everything that was found.
#[derive(Serialize)]
struct Verified {
    passed: bool,
    audit: Audit,
    manifest: Option<AgainstManifest>,
}

/// A test of the manifest and how it ended; `None` where it could not be made.
#[derive(Serialize)]
struct AgainstManifest {
    file: String,
    definition: String,
    /// The defended file has the hash that the manifest gives.
    output_hash: Test,
    /// The original has one of the hashes that the manifest gives.
    input_hash: Test,
    /// Defending the original again gives the same traces.
    reproduced: Test,
}

#[derive(Serialize)]
struct Test {
    passed: Option<bool>,
    detail: String,
}

impl Test {
    fn of(passed: bool, detail: impl Into<String>) -> Self {
        Self { passed: Some(passed), detail: detail.into() }
    }

    fn skipped(why: impl Into<String>) -> Self {
        Self { passed: None, detail: why.into() }
    }
}

pub(super) fn run(
    original_path: &Path,
    defended_path: &Path,
    manifest: Option<&Path>,
    fit_on: Option<&Path>,
    replicas: Option<u32>,
    context: &Context<'_>,
) -> Result<()> {
    let original = read_traces(&[original_path.to_owned()])?.set;
    let defended = read_traces(&[defended_path.to_owned()])?.set;
    let beside = manifest_path(defended_path);
    let manifest = manifest.or_else(|| beside.is_file().then_some(beside.as_path()));
    let manifest = manifest.map(|path| read_manifest(path).map(|read| (path, read))).transpose()?;
    let replicas = replicas.or(manifest.as_ref().map(|(_, read)| read.manifest.replicas)).unwrap_or(1);
    let hides = manifest.as_ref().is_some_and(|(_, read)| read.manifest.spec().is_ok_and(|spec| spec.hides_paths()));
    let audit = if hides { Audit::of_some_paths } else { Audit::of };
    let audit = audit(&original, &defended, replicas)?;
    let manifest = match &manifest {
        Some((path, read)) => {
            Some(against(path, read, (original_path, &original), (defended_path, &defended), fit_on)?)
        }
        None => None,
    };
    let tests: Vec<&Test> = manifest.iter().flat_map(|m| [&m.output_hash, &m.input_hash, &m.reproduced]).collect();
    let passed = audit.passed() && tests.iter().all(|test| test.passed != Some(false));
    let verified = Verified { passed, audit, manifest };
    if context.printer.is_json() {
        context.printer.document(&verified)?;
    } else {
        print(&verified, context)?;
    }
    if !passed {
        bail!("{}: {}", defended_path.display(), first_failure(&verified));
    }
    Ok(())
}

fn read_manifest(path: &Path) -> Result<ManifestFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{}: not a manifest", path.display()))
}

fn against(
    path: &Path,
    read: &ManifestFile,
    (original_path, original): (&Path, &TraceSet),
    (defended_path, defended): (&Path, &TraceSet),
    fit_on: Option<&Path>,
) -> Result<AgainstManifest> {
    let digest = |path: &Path| -> Result<String> { Ok(digests(&[PathBuf::from(path)])?.remove(0).sha256) };
    let (found, input) = (digest(defended_path)?, digest(original_path)?);
    let output_hash = Test::of(found == read.output.sha256, format!("SHA-256 {found}"));
    let input_hash = match read.inputs.as_slice() {
        [one] => Test::of(one.sha256 == input, format!("SHA-256 {input}")),
        several => Test::skipped(format!("the set was made from {} inputs", several.len())),
    };
    let here = concat!("wfkit ", env!("CARGO_PKG_VERSION"));
    let reproduced = if read.manifest.tool != here {
        Test::skipped(format!("made by {}, this is {here}", read.manifest.tool))
    } else if input_hash.passed != Some(true) {
        Test::skipped("the original is not the file that was defended")
    } else {
        reproduce(read, original, defended, fit_on)?
    };
    let (file, definition) = (path.display().to_string(), read.manifest.definition.clone());
    Ok(AgainstManifest { file, definition, output_hash, input_hash, reproduced })
}

fn reproduce(read: &ManifestFile, original: &TraceSet, defended: &TraceSet, fit_on: Option<&Path>) -> Result<Test> {
    let mut spec = read.manifest.spec().context("the manifest's layers")?;
    if let Some(learned) = &read.manifest.training {
        let Some(path) = fit_on else {
            return Ok(Test::skipped("it learned from training traces: give them with --fit-on"));
        };
        let training = read_traces(&[path.to_owned()])?.set;
        if TrainingManifest::of(&training) != *learned {
            return Ok(Test::of(false, format!("{}: not the traces that it learned from", path.display())));
        }
        spec = spec.fit(training);
    }
    let replicas = read.manifest.replicas.try_into().context("the manifest's replicas")?;
    let again = defend_with(original, &spec, &DefendOptions { seed: read.manifest.seed, replicas, verify: false })?;
    if again.manifest().definition != read.manifest.definition {
        return Ok(Test::of(false, format!("the definition is {}", again.manifest().definition)));
    }
    let mut again = again.observe().traces().to_vec();
    if !keeps_sessions(defended) {
        again.iter_mut().for_each(|labelled| labelled.key.session = None);
        again.sort_by(|a, b| a.key.order(&b.key));
    }
    let differs = again.iter().zip(defended.traces()).find(|(a, b)| (&a.key, &a.trace) != (&b.key, &b.trace));
    Ok(match differs {
        Some((trace, _)) => Test::of(false, format!("the trace ({}) differs", trace.key)),
        None if again.len() != defended.len() => Test::of(false, format!("{} traces", again.len())),
        None => Test::of(true, format!("{} traces, packet by packet", again.len())),
    })
}

fn print(verified: &Verified, context: &Context<'_>) -> Result<()> {
    let Audit { pairs, missing, unexpected, kinds, violations, tested, untestable, .. } = &verified.audit;
    let names =
        |names: &[wfkit_defend::Invariant]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut rows = vec![
        ["pairs of traces".to_owned(), pairs.to_string()],
        ["originals without a defended trace".to_owned(), missing.len().to_string()],
        ["defended traces without an original".to_owned(), unexpected.len().to_string()],
    ];
    for (kept, count) in kinds {
        rows.push([format!("pairs that keep {}", told(*kept)), count.to_string()]);
    }
    let starts = verified.audit.starts_unknown;
    if starts > 0 {
        let least = verified.audit.least_start_delay_ns as f64 / 1e9;
        rows.push(["traces without a start time".to_owned(), starts.to_string()]);
        rows.push(["if nothing left early, one of them started late by at least".to_owned(), format!("{least:.6} s")]);
    }
    rows.push(["tested on the traces".to_owned(), names(tested)]);
    rows.push(["broken".to_owned(), violations.len().to_string()]);
    match &verified.manifest {
        Some(AgainstManifest { file, definition, output_hash, input_hash, reproduced }) => {
            rows.push(["manifest".to_owned(), format!("{file}, definition {definition}")]);
            for (name, test) in [("output", output_hash), ("input", input_hash), ("reproduced", reproduced)] {
                let verdict = match test.passed {
                    Some(true) => "yes",
                    Some(false) => "NO",
                    None => "not tested",
                };
                rows.push([format!("manifest: {name}"), format!("{verdict}: {}", test.detail)]);
            }
        }
        None => rows.push(["manifest".to_owned(), "none".to_owned()]),
    }
    if verified.manifest.as_ref().and_then(|manifest| manifest.reproduced.passed) != Some(true) {
        rows.push(["not told by traces alone".to_owned(), names(untestable)]);
    }
    rows.push(["passed".to_owned(), if verified.passed { "yes" } else { "NO" }.to_owned()]);
    context.printer.table(["verify", ""], &rows)?;
    for violation in violations.iter().take(20) {
        context.printer.line(&format!("({}) {}: {}", violation.trace, violation.invariant, violation.detail))?;
    }
    Ok(())
}

fn told(kept: wfkit_defend::Kept) -> &'static str {
    use wfkit_defend::Kept;
    match kept {
        Kept::Everything => "everything (no defence)",
        Kept::Packets => "every packet among others (padding only)",
        Kept::Times => "times and directions (sizes only)",
        Kept::Sizes => "sizes each way (delays only)",
        Kept::Nothing => "none of times, sizes, packets",
    }
}

fn first_failure(verified: &Verified) -> String {
    let audit = &verified.audit;
    if let Some(violation) = audit.violations.first() {
        let all = audit.violations.len();
        return format!("({}) breaks {}: {} ({all} in all)", violation.trace, violation.invariant, violation.detail);
    }
    if let Some(missing) = audit.missing.first() {
        return format!("the trace ({missing}) is missing");
    }
    if let Some(unexpected) = audit.unexpected.first() {
        return format!("the trace ({unexpected}) has no original");
    }
    "it is not what its manifest says".to_owned()
}
