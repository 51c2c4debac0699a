//! `wfkit defend verify`: what a defended set shows, held against the set it was made from and its manifest.

use anyhow::{Result, bail};
use wfkit_datasets::digests;
use wfkit_defend::ManifestFile;
use wfkit_evaluate::{DigestedSet, Verification, verify};
use wfkit_report::text::verification;

use crate::cli::DefendVerify;
use crate::context::Context;
use crate::input::read_traces;

pub(super) fn run(options: &DefendVerify, context: &Context<'_>) -> Result<()> {
    let DefendVerify { original: original_path, defended: defended_path, .. } = options;
    let original = read_traces(&[original_path.to_owned()], context)?.set;
    let verified = match read_traces(&[defended_path.to_owned()], context) {
        Ok(defended) => {
            let beside = ManifestFile::beside(defended_path);
            let manifest = options.manifest.clone().or_else(|| beside.is_file().then_some(beside));
            let read = manifest.as_deref().map(ManifestFile::read).transpose()?;
            let learns = read.as_ref().is_some_and(|read| read.manifest.training.is_some());
            let training = match options.fit_on.as_deref().filter(|_| learns) {
                Some(path) => Some(read_traces(&[path.to_owned()], context)?.set),
                None => None,
            };
            let inputs = digests(&[original_path.to_owned(), defended_path.to_owned()])?;
            let [original, defended] = [(&original, &inputs[0]), (&defended.set, &inputs[1])]
                .map(|(set, input)| DigestedSet { set, sha256: &input.sha256 });
            let called = manifest.map(|path| path.display().to_string()).unwrap_or_default();
            let manifest = read.as_ref().map(|read| (called.as_str(), read));
            verify(original, defended, manifest, options.replicas, training)?
        }
        Err(error) => {
            let no_trace = error.downcast_ref().and_then(|error| Verification::of_unreadable(defended_path, error));
            no_trace.ok_or(error)?
        }
    };
    context.printer.shown(&verified, || verification(&verified))?;
    if !verified.passed {
        bail!("{}: {}", defended_path.display(), verified.first_failure());
    }
    Ok(())
}
