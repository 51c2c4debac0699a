//! `wfkit defend verify`: what a defended set shows, held against the set it was made from and its manifest.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use wfkit_datasets::formats::ReadError;
use wfkit_defend::{Audit, AuditViolation, Copies, HeldToBy, Invariant, ManifestFile};

use super::against::{AgainstManifest, Test};
use super::manifest_path;
use crate::context::Context;
use crate::input::{Traces, read_traces};

/// Everything that was found.
#[derive(Serialize)]
struct Verified {
    passed: bool,
    /// What is broken, each invariant once a trace.
    broken: Vec<Broken>,
    /// What was tested, on the traces alone or against the manifest.
    tested: Vec<Invariant>,
    /// What the defence does not promise: it may be so or not.
    not_promised: Vec<Invariant>,
    /// What was not tested, because these files do not tell.
    untestable: Vec<Invariant>,
    /// Faults that could be there unseen: everything else is held against the same set made again, where it could be.
    cannot_show: Vec<String>,
    /// What the traces alone show; nothing where the defended file holds something that is no trace.
    audit: Option<Audit>,
    manifest: Option<AgainstManifest>,
}

/// An invariant that is broken.
#[derive(Clone, Serialize)]
pub(super) struct Broken {
    pub(super) invariant: Invariant,
    /// By which trace; none where it is about the set.
    pub(super) trace: Option<String>,
    pub(super) detail: String,
}

impl From<AuditViolation> for Broken {
    fn from(AuditViolation { trace, invariant, detail }: AuditViolation) -> Self {
        Self { invariant, trace: Some(trace), detail }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = self.trace.as_ref().map_or_else(|| "the set".to_owned(), |trace| format!("({trace})"));
        write!(f, "{of} breaks {}: {}", self.invariant, self.detail)
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
    let original = read_traces(&[original_path.to_owned()], context)?.set;
    let verified = match read_traces(&[defended_path.to_owned()], context) {
        Ok(Traces { set: defended, .. }) => {
            let beside = manifest_path(defended_path);
            let manifest = manifest.or_else(|| beside.is_file().then_some(beside.as_path()));
            let manifest = manifest.map(|path| read_manifest(path).map(|read| (path, read))).transpose()?;
            let copies = replicas.or(manifest.as_ref().map(|(_, read)| read.manifest.replicas)).unwrap_or(1);
            let copies = Copies::of_each(copies.try_into().context("the manifest's replicas")?);
            let hides = |read: &ManifestFile| read.manifest.spec().is_ok_and(|spec| spec.hides_paths());
            let audit = match &manifest {
                Some((_, read)) if hides(read) => Audit::of_some_paths,
                _ => Audit::of,
            };
            let audit = audit(&original, &defended, copies)?;
            let sets = ((original_path, &original), (defended_path, &defended));
            let against =
                |(path, read): &(&Path, ManifestFile)| AgainstManifest::of(path, read, sets.0, sets.1, fit_on);
            Verified::of(audit, manifest.as_ref().map(against).transpose()?)
        }
        Err(error) => Verified::no_trace(defended_path, error)?,
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

impl Verified {
    fn of(audit: Audit, manifest: Option<AgainstManifest>) -> Self {
        let made_again = manifest.as_ref().is_some_and(|manifest| manifest.reproduced.passed.is_some());
        // What is held against the same set made again need not be held against other traces.
        let unlike = if made_again { &[] } else { audit.unlike.as_slice() };
        let mut broken: Vec<Broken> = audit.violations.iter().chain(unlike).cloned().map(Broken::from).collect();
        for other in manifest.iter().flat_map(|manifest| &manifest.broken) {
            if !broken.iter().any(|known| (known.invariant, &known.trace) == (other.invariant, &other.trace)) {
                broken.push(other.clone());
            }
        }
        broken.sort_by_key(|broken| broken.trace.is_none());
        let tests: Vec<(&str, &Test)> = manifest.iter().flat_map(AgainstManifest::tests).collect();
        let made = |name: &str| tests.iter().any(|(other, test)| *other == name && test.passed.is_some());
        let reproduced = made("reproduced");
        let promised = |invariant: &Invariant| manifest.iter().any(|manifest| manifest.promised.contains(invariant));
        let was_tested = |invariant: &Invariant| match invariant {
            Invariant::Composition => made("layers"),
            Invariant::Overheads => made("cost"),
            Invariant::Determinism | Invariant::Labels => reproduced,
            invariant => audit.tested.contains(invariant) || promised(invariant),
        };
        let about_files = [Invariant::Composition, Invariant::Overheads];
        let (tested, rest): (Vec<_>, Vec<_>) = Invariant::ALL.into_iter().partition(was_tested);
        let (not_promised, untestable) =
            rest.into_iter().partition(|invariant| reproduced && !about_files.contains(invariant));
        let complete = audit.missing.is_empty() && audit.unexpected.is_empty();
        let cannot_show = if made_again { Vec::new() } else { audit.cannot_show.clone() };
        let passed = broken.is_empty() && complete && tests.iter().all(|(_, test)| test.passed != Some(false));
        Self { passed, broken, tested, not_promised, untestable, cannot_show, audit: Some(audit), manifest }
    }

    /// Of a file with something in it that is no trace; another error stays one.
    fn no_trace(path: &Path, error: anyhow::Error) -> Result<Self> {
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
        let detail = format!("{error:#}{}", text.unwrap_or_default());
        let untestable = Invariant::ALL.into_iter().filter(|&invariant| invariant != Invariant::Shape).collect();
        let broken = vec![Broken { invariant: Invariant::Shape, trace: None, detail }];
        let (tested, not_promised) = (vec![Invariant::Shape], Vec::new());
        let cannot_show = vec!["anything about the traces, which cannot be read".to_owned()];
        Ok(Self { passed: false, broken, tested, not_promised, untestable, cannot_show, audit: None, manifest: None })
    }

    fn first_failure(&self) -> String {
        if let Some(broken) = self.broken.first() {
            return format!("{broken} ({} in all)", self.broken.len());
        }
        let audit = self.audit.iter();
        let missing =
            audit.clone().flat_map(|audit| &audit.missing).map(|trace| format!("the trace ({trace}) is missing"));
        let unexpected =
            audit.flat_map(|audit| &audit.unexpected).map(|trace| format!("the trace ({trace}) has no original"));
        missing.chain(unexpected).next().unwrap_or_else(|| "it is not what its manifest says".to_owned())
    }
}

fn read_manifest(path: &Path) -> Result<ManifestFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{}: not a manifest", path.display()))
}

fn print(verified: &Verified, context: &Context<'_>) -> Result<()> {
    let names = |names: &[Invariant]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
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
    rows.push(["tested".to_owned(), names(&verified.tested)]);
    if !verified.not_promised.is_empty() {
        rows.push(["not promised".to_owned(), names(&verified.not_promised)]);
    }
    if !verified.untestable.is_empty() {
        rows.push(["not told by these files".to_owned(), names(&verified.untestable)]);
    }
    rows.push(["broken".to_owned(), verified.broken.len().to_string()]);
    let passed = match verified.passed {
        true if verified.cannot_show.is_empty() => "yes",
        true => "as far as these files can show",
        false => "NO",
    };
    rows.push(["passed".to_owned(), passed.to_owned()]);
    context.printer.table(["verify", ""], &rows)?;
    if !verified.cannot_show.is_empty() {
        context.printer.line("Without the set made again by its manifest nobody would see:")?;
        verified.cannot_show.iter().try_for_each(|fault| context.printer.line(&format!("  - {fault}")))?;
    }
    for broken in verified.broken.iter().take(20) {
        context.printer.line(&broken.to_string())?;
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
