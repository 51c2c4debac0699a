//! A defended set held against its manifest, and against the same set made again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use wfkit_datasets::TraceSet;
use wfkit_defend::{Cost, DefendOptions, Invariant, Limit, ManifestFile, TrainingManifest, defend_with, diagnose};

use super::verify::Broken;
use crate::context::digests;

/// Tests of the manifest and how they ended.
#[derive(Serialize)]
pub(super) struct AgainstManifest {
    pub(super) file: String,
    pub(super) definition: String,
    /// The defended file has the hash that the manifest gives.
    pub(super) output_hash: Test,
    /// The original has one of the hashes that the manifest gives.
    pub(super) input_hash: Test,
    /// The file names the layers of the manifest, in their order.
    pub(super) layers: Test,
    /// The file costs what the manifest says.
    pub(super) cost: Test,
    /// The training traces are those that the manifest says it learned from.
    pub(super) learned_from: Test,
    /// Defending the original again gives the same traces.
    pub(super) reproduced: Test,
    /// What the defence promises, as far as it was made again.
    #[serde(skip)]
    pub(super) promised: Vec<Invariant>,
    /// What failed, by invariant.
    #[serde(skip)]
    pub(super) broken: Vec<Broken>,
}

/// How a test ended; `None` where it could not be made.
#[derive(Serialize)]
pub(super) struct Test {
    pub(super) passed: Option<bool>,
    pub(super) detail: String,
}

impl Test {
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
    /// The manifest `read` from the file at `path`, with the sets it speaks of and the traces that the defence learned from.
    pub(super) fn of(
        path: &Path,
        read: &ManifestFile,
        (original_path, original): (&Path, &TraceSet),
        (defended_path, defended): (&Path, &TraceSet),
        fit_on: Option<&Path>,
    ) -> Result<Self> {
        let digest = |path: &Path| -> Result<String> { Ok(digests(&[PathBuf::from(path)])?.remove(0).sha256) };
        let (found, input) = (digest(defended_path)?, digest(original_path)?);
        let input_hash = match read.inputs.as_slice() {
            [one] => Test::of(one.sha256 == input, format!("SHA-256 {input}")),
            several => Test::skipped(format!("the set was made from {} inputs", several.len())),
        };
        let training = match fit_on.filter(|_| read.manifest.training.is_some()) {
            Some(path) => Some(wfkit_datasets::read_traces(path)?.set),
            None => None,
        };
        let mut tests = Self {
            file: path.display().to_string(),
            definition: read.manifest.definition.clone(),
            output_hash: Test::of(found == read.output.sha256, format!("SHA-256 {found}")),
            input_hash,
            layers: layers(read, original, defended),
            cost: cost(read, original, defended),
            learned_from: learned_from(read, training.as_ref()),
            reproduced: Test::skipped(""),
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
            Test::skipped(format!("made by {}, this is {here}", read.manifest.tool))
        } else if tests.input_hash.passed != Some(true) {
            Test::skipped("the original is not the file that was defended")
        } else if tests.layers.failed() {
            Test::skipped("the layers of the manifest are not those of the file")
        } else if read.manifest.training.is_some() && tests.learned_from.passed != Some(true) {
            Test::skipped(tests.learned_from.detail.clone())
        } else {
            tests.reproduce(read, original, defended, training)?
        };
        Ok(tests)
    }

    /// All of them with their names.
    pub(super) fn tests(&self) -> [(&'static str, &Test); 6] {
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
    ) -> Result<Test> {
        let mut spec = read.manifest.spec().context("the manifest's layers")?;
        if let Some(training) = training {
            spec = spec.fit(training);
        }
        let replicas = read.manifest.replicas.try_into().context("the manifest's replicas")?;
        let limit = Limit::packets(u64::MAX); // what was made once may be made again
        let again =
            defend_with(original, &spec, &DefendOptions { seed: read.manifest.seed, replicas, verify: false, limit })?;
        if again.manifest().definition != read.manifest.definition {
            let detail = format!("the layers and parameters make the definition {}", again.manifest().definition);
            self.broken.push(Broken { invariant: Invariant::Composition, trace: None, detail: detail.clone() });
            return Ok(Test::of(false, detail));
        }
        self.promised.clone_from(&again.manifest().invariants);
        let broken = diagnose(&again, defended)?;
        let traces = again.traces().len();
        self.broken.extend(broken.into_iter().map(Broken::from));
        let differ = self.broken.iter().filter_map(|broken| broken.trace.as_ref()).collect::<BTreeSet<_>>();
        if let Some(first) = differ.first() {
            return Ok(Test::of(false, format!("{} of {traces} traces differ, ({first}) among them", differ.len())));
        }
        if defended.len() != traces {
            return Ok(Test::of(false, format!("{traces} traces, the file has {}", defended.len())));
        }
        if self.output_hash.failed() {
            let detail = "the traces are those that this seed makes, the bytes of the file are not".to_owned();
            self.broken.push(Broken { invariant: Invariant::Determinism, trace: None, detail });
        }
        Ok(Test::of(true, format!("{traces} traces, packet by packet")))
    }
}

fn layers(read: &ManifestFile, original: &TraceSet, defended: &TraceSet) -> Test {
    let found = &defended.provenance().defenses;
    let layers = read.manifest.layers.iter().map(|layer| &layer.spec);
    let expected: Vec<&String> = original.provenance().defenses.iter().chain(layers).collect();
    match found.iter().eq(expected.iter().copied()) {
        true => Test::of(true, format!("{found:?}")),
        false if found.is_empty() => Test::skipped("the file does not name its layers"),
        false => Test::of(false, format!("the file names the layers {found:?}, the manifest {expected:?}")),
    }
}

fn cost(read: &ManifestFile, original: &TraceSet, defended: &TraceSet) -> Test {
    let (found, said) = ((defended.len(), defended.packets()), (read.traces, read.packets));
    if found != said {
        return Test::of(false, format!("the file has {found:?} traces and packets, the manifest says {said:?}"));
    }
    let Some(said) = read.cost else {
        return Test::skipped("the manifest does not say what the file costs");
    };
    let found = Cost::of(original, defended, read.manifest.replicas);
    let differs = |found: f64, said: f64| (found - said).abs() > 1e-9 * (1.0 + found.abs());
    let told = |cost: Cost| format!("bandwidth {}, packets {}", cost.bandwidth, cost.packets);
    match differs(found.bandwidth, said.bandwidth) || differs(found.packets, said.packets) {
        true => Test::of(false, format!("the file has overheads of {}; the manifest says {}", told(found), told(said))),
        false => Test::of(true, told(found)),
    }
}

fn learned_from(read: &ManifestFile, training: Option<&TraceSet>) -> Test {
    let Some(learned) = &read.manifest.training else {
        return Test::skipped("no layer learns from labelled traces");
    };
    let Some(training) = training else {
        return Test::skipped("it learned from training traces: give them with --fit-on");
    };
    let given = TrainingManifest::of(training);
    let told =
        |of: &TrainingManifest| format!("{} traces of {} classes, content {}", of.traces, of.classes, of.content);
    match given == *learned {
        true => Test::of(true, told(learned)),
        false => Test::of(false, format!("it learned from {}; given are {}", told(learned), told(&given))),
    }
}
