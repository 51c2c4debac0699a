//! `wfkit defend verify`: what a defended set shows, held against the set it was made from and its manifest.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wfkit_datasets::formats::ReadError;
use wfkit_defend::ManifestFile;
use wfkit_evaluate::{DigestedSet, Verification, verify};

use crate::context::Context;
use crate::input::read_traces;
use wfkit_datasets::digests;
use wfkit_evaluate::Traces;
use wfkit_report::text::verification;

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
            let beside = ManifestFile::beside(defended_path);
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
    context.printer.shown(&verified, || verification(&verified))?;
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
