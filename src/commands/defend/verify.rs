//! `wfkit defend verify`: what a defended set shows, held against the set it was made from and its manifest.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wfkit_datasets::formats::ReadError;
use wfkit_defend::{HeldToBy, Invariant, ManifestFile};
use wfkit_evaluate::{DigestedSet, Verification, verify};

use super::manifest_path;
use crate::context::{Context, digests};
use crate::input::{Traces, read_traces};

pub(super) fn run(
    original_path: &Path,
    defended_path: &Path,
    manifest: Option<&Path>,
    fit_on: Option<&Path>,
    replicas: Option<u32>,
    context: &Context<'_>,
) -> Result<()> {
    let original = read_traces(&[original_path.to_owned()], context)?.set;
    let verified = match read_traces(&[defended_path.to_owned()], context) {
        Ok(Traces { set: defended, .. }) => {
            let beside = manifest_path(defended_path);
            let manifest = manifest.or_else(|| beside.is_file().then_some(beside.as_path()));
            let manifest = manifest.map(|path| read_manifest(path).map(|read| (path.display().to_string(), read)));
            let manifest = manifest.transpose()?;
            let learns = manifest.as_ref().is_some_and(|(_, read)| read.manifest.training.is_some());
            let training = match fit_on.filter(|_| learns) {
                Some(path) => Some(wfkit_datasets::read_traces(path)?.set),
                None => None,
            };
            let inputs = digests(&[original_path.to_owned(), defended_path.to_owned()])?;
            let [original, defended] = [(&original, &inputs[0]), (&defended, &inputs[1])]
                .map(|(set, input)| DigestedSet { set, sha256: &input.sha256 });
            let manifest = manifest.as_ref().map(|(file, read)| (file.as_str(), read));
            verify(original, defended, manifest, replicas, training)?
        }
        Err(error) => Verification::of_no_trace(no_trace(defended_path, error)?),
    };
    if context.printer.is_json() {
        context.printer.document(&verified)?;
    } else {
        print(&verified, context)?;
    }
    if !verified.passed {
        bail!("{}: {}", defended_path.display(), verified.first_failure());
    }
    Ok(())
}

/// What is no trace in a file; another error stays one.
fn no_trace(path: &Path, error: anyhow::Error) -> Result<String> {
    let line = match error.downcast_ref::<ReadError>() {
        Some(ReadError::Value { .. }) => None,
        Some(ReadError::Problems { problems, .. }) => {
            problems.kinds().iter().flat_map(|kind| &kind.examples).map(|example| example.row).min()
        }
        _ => return Err(error),
    };
    let text = line.and_then(|line| {
        let text = std::fs::read_to_string(path).ok()?;
        text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?).map(|text| format!(" (line {line}: {text})"))
    });
    Ok(format!("{error:#}{}", text.unwrap_or_default()))
}

fn read_manifest(path: &Path) -> Result<ManifestFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{}: not a manifest", path.display()))
}

fn print(verified: &Verification, context: &Context<'_>) -> Result<()> {
    let mut rows = Vec::new();
    if let Some(audit) = &verified.audit {
        rows.extend([
            ["pairs of traces".to_owned(), audit.pairs.to_string()],
            ["originals without a defended trace".to_owned(), audit.missing.len().to_string()],
            ["defended traces without an original".to_owned(), audit.unexpected.len().to_string()],
        ]);
        for (kept, count) in &audit.kinds {
            rows.push([format!("pairs that keep {}", told(*kept)), count.to_string()]);
        }
        let held_to = match audit.held_to_by {
            HeldToBy::Layers => format!("{}: the layers that the file names promise it", told(audit.held_to)),
            HeldToBy::OtherPairs => format!("{}: nine in ten pairs do", told(audit.held_to)),
            HeldToBy::Nothing => "nothing: neither layers nor other pairs tell what is left alone".to_owned(),
        };
        if !verified.cannot_show.is_empty() {
            rows.push(["every pair is held to keeping".to_owned(), held_to]);
        }
        if audit.starts_unknown > 0 {
            let least = audit.least_start_delay_ns as f64 / 1e9;
            rows.push(["traces without a start time".to_owned(), audit.starts_unknown.to_string()]);
            rows.push([
                "if nothing left early, one of them started late by at least".to_owned(),
                format!("{least:.6} s"),
            ]);
        }
    }
    match &verified.manifest {
        Some(manifest) => {
            rows.push(["manifest".to_owned(), format!("{}, definition {}", manifest.file, manifest.definition)]);
            for (name, test) in manifest.tests() {
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
    rows.push(["broken".to_owned(), verified.broken.len().to_string()]);
    let passed = match verified.passed {
        true if verified.cannot_show.is_empty() => "yes",
        true => "as far as these files can show",
        false => "NO",
    };
    rows.push(["passed".to_owned(), passed.to_owned()]);
    context.printer.table(["verify", ""], &rows)?;
    invariants(verified, context)?;
    if !verified.cannot_show.is_empty() {
        context.printer.line("Without the set made again by its manifest nobody would see:")?;
        verified.cannot_show.iter().try_for_each(|fault| context.printer.line(&format!("  - {fault}")))?;
    }
    for broken in verified.broken.iter().take(20) {
        context.printer.line(&broken.to_string())?;
    }
    Ok(())
}

/// What every defended set has to keep, and whether it was looked at here.
fn invariants(verified: &Verification, context: &Context<'_>) -> Result<()> {
    let Verification { tested, not_promised, untestable, .. } = verified;
    let states = [(tested, "tested"), (not_promised, "not promised"), (untestable, "not told by these files")];
    let row = |(invariant, state): (&Invariant, &str)| {
        [invariant.to_string(), state.to_owned(), invariant.meaning().to_owned()]
    };
    let mut all: Vec<(&Invariant, &str)> =
        states.into_iter().flat_map(|(some, state)| some.iter().map(move |one| (one, state))).collect();
    all.sort_by_key(|(invariant, _)| invariant.number());
    let rows: Vec<_> = all.into_iter().map(row).collect();
    if rows.is_empty() { Ok(()) } else { context.printer.table(["invariant", "here", "what it says"], &rows) }
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
