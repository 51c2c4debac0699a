//! What a defended set shows, held against the set it was made from and its manifest.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;

use serde::Serialize;
use wfkit_datasets::{ReadError, TraceSet};
use wfkit_defend::{
    AuditViolation, Copies, Cost, DefendOptions, DefendedAudit, Invariant, Limit, ManifestFile, TrainingManifest,
    defend_with, diagnose,
};

use crate::ExperimentError;

/// A set, and the SHA-256 of the file that it was read from.
#[derive(Debug, Clone, Copy)]
pub struct DigestedSet<'a> {
    /// The traces.
    pub set: &'a TraceSet,
    /// In hexadecimal.
    pub sha256: &'a str,
}

/// Audits a defended set, also one that another tool made: what its traces show, and what its manifest, read from a file of that name, says. `replicas` are the
/// copies of each trace, where they are not those of the manifest (without one: 1); `training` is what the defence is said to have learned from.
///
/// # Errors
/// Sets that cannot be held against each other, a manifest that makes no sense.
pub fn verify(
    original: DigestedSet<'_>,
    defended: DigestedSet<'_>,
    manifest: Option<(&str, &ManifestFile)>,
    replicas: Option<u32>,
    training: Option<TraceSet>,
) -> Result<Verification, ExperimentError> {
    let copies = replicas.or(manifest.map(|(_, read)| read.manifest.replicas)).unwrap_or(1);
    let copies = Copies::of_each(replicas_of(copies)?);
    let hides = |read: &ManifestFile| read.manifest.spec().is_ok_and(|spec| spec.hides_paths());
    let audit = match manifest {
        Some((_, read)) if hides(read) => DefendedAudit::of_some_paths,
        _ => DefendedAudit::of,
    };
    let audit = audit(original.set, defended.set, copies).map_err(|error| ExperimentError::Unfit(error.to_string()))?;
    let against = manifest.map(|manifest| AgainstManifest::of(manifest, original, defended, training));
    Ok(Verification::of(audit, against.transpose()?))
}

fn replicas_of(replicas: u32) -> Result<NonZeroU32, ExperimentError> {
    NonZeroU32::new(replicas).ok_or_else(|| ExperimentError::Unfit("the manifest's replicas: there is none".to_owned()))
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub struct Verification {
    /// Nothing is broken, and no test failed.
    pub passed: bool,
    /// What is broken, each invariant once a trace.
    pub broken: Vec<Broken>,
    /// What was tested, on the traces alone or against the manifest.
    pub tested: Vec<Invariant>,
    /// What the defence does not promise: it may be so or not.
    pub not_promised: Vec<Invariant>,
    /// What was not tested, because these files do not tell.
    pub untestable: Vec<Invariant>,
    /// Faults that could be there unseen: everything else is held against the same set made again, where it could be.
    pub cannot_show: Vec<String>,
    /// What the traces alone show; nothing where the defended file holds something that is no trace.
    pub audit: Option<DefendedAudit>,
    /// What the manifest says.
    pub manifest: Option<AgainstManifest>,
}

/// An invariant that is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// By which trace; none where it is about the set.
    pub trace: Option<String>,
    /// What was found.
    pub detail: String,
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

impl Verification {
    fn of(audit: DefendedAudit, manifest: Option<AgainstManifest>) -> Self {
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
        let tests: Vec<(&str, &ManifestTest)> = manifest.iter().flat_map(AgainstManifest::tests).collect();
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

    /// Of a file that holds something that is no trace, as `detail` says.
    fn of_no_trace(detail: String) -> Self {
        let untestable = Invariant::ALL.into_iter().filter(|&invariant| invariant != Invariant::Shape).collect();
        let broken = vec![Broken { invariant: Invariant::Shape, trace: None, detail }];
        let (tested, not_promised) = (vec![Invariant::Shape], Vec::new());
        let cannot_show = vec!["anything about the traces, which cannot be read".to_owned()];
        Self { passed: false, broken, tested, not_promised, untestable, cannot_show, audit: None, manifest: None }
    }

    /// Of a file that cannot be read because something in it is no trace; the first line that is wrong is told, too. None where the error tells of
    /// something else.
    pub fn of_unreadable(path: &Path, error: &ReadError) -> Option<Self> {
        let line = match error {
            ReadError::Value { .. } => None,
            ReadError::Problems { problems, .. } => problems.first_row(),
            _ => return None,
        };
        let text = line.and_then(|line| {
            let text = std::fs::read_to_string(path).ok()?;
            text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?).map(|text| format!(" (line {line}: {text})"))
        });
        Some(Self::of_no_trace(format!("{error}{}", text.unwrap_or_default())))
    }

    /// What is wrong first, in words.
    pub fn first_failure(&self) -> String {
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

/// Tests of the manifest and how they ended.
#[derive(Debug, Serialize)]
pub struct AgainstManifest {
    /// The manifest.
    pub file: String,
    /// What it defines.
    pub definition: String,
    /// The defended file has the hash that the manifest gives.
    pub output_hash: ManifestTest,
    /// The original has one of the hashes that the manifest gives.
    pub input_hash: ManifestTest,
    /// The file names the layers of the manifest, in their order.
    pub layers: ManifestTest,
    /// The file costs what the manifest says.
    pub cost: ManifestTest,
    /// The training traces are those that the manifest says it learned from.
    pub learned_from: ManifestTest,
    /// Defending the original again gives the same traces.
    pub reproduced: ManifestTest,
    /// What the defence promises, as far as it was made again.
    #[serde(skip)]
    promised: Vec<Invariant>,
    /// What failed, by invariant.
    #[serde(skip)]
    broken: Vec<Broken>,
}

/// How a test ended; `None` where it could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestTest {
    /// Whether it passed.
    pub passed: Option<bool>,
    /// What was found.
    pub detail: String,
}

impl ManifestTest {
    fn of(passed: bool, detail: impl Into<String>) -> Self {
        Self { passed: Some(passed), detail: detail.into() }
    }

    fn skipped(why: impl Into<String>) -> Self {
        Self { passed: None, detail: why.into() }
    }

    fn failed(&self) -> bool {
        self.passed == Some(false)
    }
}

impl AgainstManifest {
    /// The manifest of `file`, with the sets it speaks of and the traces that the defence learned from.
    fn of(
        (file, read): (&str, &ManifestFile),
        original: DigestedSet<'_>,
        defended: DigestedSet<'_>,
        training: Option<TraceSet>,
    ) -> Result<Self, ExperimentError> {
        let (found, input) = (defended.sha256, original.sha256);
        let (original, defended) = (original.set, defended.set);
        let input_hash = match read.inputs.as_slice() {
            [one] => ManifestTest::of(one.sha256 == input, format!("SHA-256 {input}")),
            several => ManifestTest::skipped(format!("the set was made from {} inputs", several.len())),
        };
        let mut tests = Self {
            file: file.to_owned(),
            definition: read.manifest.definition.clone(),
            output_hash: ManifestTest::of(found == read.output.sha256, format!("SHA-256 {found}")),
            input_hash,
            layers: layers(read, original, defended),
            cost: cost(read, original, defended),
            learned_from: learned_from(read, training.as_ref()),
            reproduced: ManifestTest::skipped(""),
            promised: Vec::new(),
            broken: Vec::new(),
        };
        for (test, invariant) in [
            (&tests.layers, Invariant::Composition),
            (&tests.cost, Invariant::Overheads),
            (&tests.learned_from, Invariant::Labels),
        ] {
            if test.failed() {
                tests.broken.push(Broken { invariant, trace: None, detail: test.detail.clone() });
            }
        }
        let here = concat!("wfkit ", env!("CARGO_PKG_VERSION"));
        tests.reproduced = if read.manifest.tool != here {
            ManifestTest::skipped(format!("made by {}, this is {here}", read.manifest.tool))
        } else if tests.input_hash.passed != Some(true) {
            ManifestTest::skipped("the original is not the file that was defended")
        } else if tests.layers.failed() {
            ManifestTest::skipped("the layers of the manifest are not those of the file")
        } else if read.manifest.training.is_some() && tests.learned_from.passed != Some(true) {
            ManifestTest::skipped(tests.learned_from.detail.clone())
        } else {
            tests.reproduce(read, original, defended, training)?
        };
        Ok(tests)
    }

    /// All of them with their names.
    pub fn tests(&self) -> [(&'static str, &ManifestTest); 6] {
        [
            ("output", &self.output_hash),
            ("input", &self.input_hash),
            ("layers", &self.layers),
            ("cost", &self.cost),
            ("learned from", &self.learned_from),
            ("reproduced", &self.reproduced),
        ]
    }

    fn reproduce(
        &mut self,
        read: &ManifestFile,
        original: &TraceSet,
        defended: &TraceSet,
        training: Option<TraceSet>,
    ) -> Result<ManifestTest, ExperimentError> {
        let mut spec = (read.manifest.spec())
            .map_err(|error| ExperimentError::Unfit(format!("the manifest's layers: {error}")))?;
        if let Some(training) = training {
            spec = spec.fit(training);
        }
        let replicas = replicas_of(read.manifest.replicas)?;
        let limit = Limit::packets(u64::MAX); // what was made once may be made again
        let again =
            defend_with(original, &spec, &DefendOptions { seed: read.manifest.seed, replicas, verify: false, limit })?;
        if again.manifest().definition != read.manifest.definition {
            let detail = format!("the layers and parameters make the definition {}", again.manifest().definition);
            self.broken.push(Broken { invariant: Invariant::Composition, trace: None, detail: detail.clone() });
            return Ok(ManifestTest::of(false, detail));
        }
        self.promised.clone_from(&again.manifest().invariants);
        let broken = diagnose(&again, defended)?;
        let traces = again.traces().len();
        self.broken.extend(broken.into_iter().map(Broken::from));
        let differ = self.broken.iter().filter_map(|broken| broken.trace.as_ref()).collect::<BTreeSet<_>>();
        if let Some(first) = differ.first() {
            return Ok(ManifestTest::of(
                false,
                format!("{} of {traces} traces differ, ({first}) among them", differ.len()),
            ));
        }
        if defended.len() != traces {
            return Ok(ManifestTest::of(false, format!("{traces} traces, the file has {}", defended.len())));
        }
        if self.output_hash.failed() {
            let detail = "the traces are those that this seed makes, the bytes of the file are not".to_owned();
            self.broken.push(Broken { invariant: Invariant::Determinism, trace: None, detail });
        }
        Ok(ManifestTest::of(true, format!("{traces} traces, packet by packet")))
    }
}

fn layers(read: &ManifestFile, original: &TraceSet, defended: &TraceSet) -> ManifestTest {
    let found = &defended.provenance().defenses;
    let layers = read.manifest.layers.iter().map(|layer| &layer.spec);
    let expected: Vec<&String> = original.provenance().defenses.iter().chain(layers).collect();
    match found.iter().eq(expected.iter().copied()) {
        true => ManifestTest::of(true, format!("{found:?}")),
        false if found.is_empty() => ManifestTest::skipped("the file does not name its layers"),
        false => ManifestTest::of(false, format!("the file names the layers {found:?}, the manifest {expected:?}")),
    }
}

fn cost(read: &ManifestFile, original: &TraceSet, defended: &TraceSet) -> ManifestTest {
    let (found, said) = ((defended.len(), defended.packets()), (read.traces, read.packets));
    if found != said {
        return ManifestTest::of(
            false,
            format!("the file has {found:?} traces and packets, the manifest says {said:?}"),
        );
    }
    let Some(said) = read.cost else {
        return ManifestTest::skipped("the manifest does not say what the file costs");
    };
    let found = Cost::of(original, defended, read.manifest.replicas);
    let differs = |found: f64, said: f64| (found - said).abs() > 1e-9 * (1.0 + found.abs());
    let told = |cost: Cost| format!("bandwidth {}, packets {}", cost.bandwidth, cost.packets);
    match differs(found.bandwidth, said.bandwidth) || differs(found.packets, said.packets) {
        true => ManifestTest::of(
            false,
            format!("the file has overheads of {}; the manifest says {}", told(found), told(said)),
        ),
        false => ManifestTest::of(true, told(found)),
    }
}

fn learned_from(read: &ManifestFile, training: Option<&TraceSet>) -> ManifestTest {
    let Some(learned) = &read.manifest.training else {
        return ManifestTest::skipped("no layer learns from labelled traces");
    };
    let Some(training) = training else {
        return ManifestTest::skipped("it learned from training traces: give them with --fit-on");
    };
    let given = TrainingManifest::of(training);
    let told =
        |of: &TrainingManifest| format!("{} traces of {} classes, content {}", of.traces, of.classes, of.content);
    match given == *learned {
        true => ManifestTest::of(true, told(learned)),
        false => ManifestTest::of(false, format!("it learned from {}; given are {}", told(learned), told(&given))),
    }
}
