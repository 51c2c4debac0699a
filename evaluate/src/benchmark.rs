//! Benchmarks: a name that fixes the traces, the folds and the scores, so that two people's numbers can be compared by it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use wfkit_datasets::TraceSet;
use wfkit_datasets::splits::Split;
use wfkit_metrics::did_you_mean_one_of;

use crate::ExperimentError;

/// The sets, the ways to split them, and the folds of each set by each; the Python package has the same.
#[derive(Debug, Deserialize)]
struct Registry {
    sets: BTreeMap<String, Data>,
    splits: BTreeMap<String, BenchmarkSplit>,
    /// Digest of which trace is in which fold, by the name of the benchmark.
    folds: BTreeMap<String, String>,
}

/// A set of traces that benchmarks are on; another content is another version of it.
#[derive(Debug, Deserialize)]
struct Data {
    #[serde(rename = "where")]
    place: String,
    /// See [`TraceSet::digest`].
    sha256: String,
}

/// How a benchmark splits.
#[derive(Debug, Deserialize)]
pub struct BenchmarkSplit {
    /// How many folds.
    pub folds: u16,
    by: By,
    /// The seed that they are drawn by.
    pub seed: u64,
    /// Whether a page of the background may be on both sides.
    pub shared_pages: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    /// Stratified by class; copies of a load together.
    Class,
    /// Whole sessions.
    Session,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let text = include_str!("../../python/package/wfkit/benchmarks.json");
    serde_json::from_str(text).expect("a test reads it")
});

/// A benchmark, such as `lab-secretstroll@1/10-folds`.
#[derive(Debug, Clone)]
pub struct Benchmark(String);

/// What a report tells of it.
#[derive(Debug, Serialize)]
pub struct BenchmarkReport {
    id: String,
    /// SHA-256 of the traces and of the folds.
    traces: &'static str,
    folds: &'static str,
}

/// No benchmark is called so; there are these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownBenchmark(String);

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Benchmark {
    type Err = UnknownBenchmark;

    fn from_str(id: &str) -> Result<Self, UnknownBenchmark> {
        let known = || REGISTRY.folds.keys().map(String::as_str);
        if known().any(|name| name == id) {
            return Ok(Self(id.to_owned()));
        }
        let meant = did_you_mean_one_of(id, known());
        let known = known().collect::<Vec<_>>().join(", ");
        Err(UnknownBenchmark(format!("there is no such benchmark{meant}; there are {known}")))
    }
}

impl BenchmarkSplit {
    /// Whether sessions stay whole.
    pub fn is_by_session(&self) -> bool {
        self.by == By::Session
    }
}

impl Benchmark {
    fn parts(&self) -> (&'static Data, &'static BenchmarkSplit) {
        let (data, way) = self.0.split_once('/').expect("names have both");
        (&REGISTRY.sets[data], &REGISTRY.splits[way])
    }

    /// Where its traces are.
    pub fn place(&self) -> &'static str {
        &self.parts().0.place
    }

    /// How they are split.
    pub fn split(&self) -> &'static BenchmarkSplit {
        self.parts().1
    }

    /// Where its traces are bundled, as traces.
    pub fn bundled(&self) -> Option<PathBuf> {
        let (_, folder) = self.place().split_once("datasets/data/")?;
        let data = wfkit_datasets::sample().parent().unwrap_or(Path::new(""));
        (folder != "sample").then(|| data.join(folder))
    }

    /// That these are its traces and folds, and what a report tells of it.
    ///
    /// # Errors
    /// Others.
    pub fn check(&self, set: &TraceSet, splits: &[Split]) -> Result<BenchmarkReport, ExperimentError> {
        let data = self.parts().0;
        let found = set.digest();
        let unfit = |reason: String| Err(ExperimentError::Unfit(reason));
        if found != data.sha256 {
            return unfit(format!(
                "{}: these are other traces: SHA-256 of labels and packets {found}, not {}; its own are {}",
                self.0, data.sha256, data.place
            ));
        }
        let mut fold_of = vec![0; set.len()]; // tested by none
        for (fold, split) in splits.iter().enumerate() {
            split.test.iter().for_each(|&row| fold_of[row] = fold as u16 + 1);
        }
        let drawn = set.digest_of_folds(&fold_of);
        let folds = &REGISTRY.folds[&self.0];
        if drawn != *folds {
            return unfit(format!(
                "{}: this version of wfkit draws other folds ({drawn}, not {folds}): its numbers would not compare",
                self.0
            ));
        }
        Ok(BenchmarkReport { id: self.0.clone(), traces: &data.sha256, folds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_parts_and_others_are_told() {
        for name in REGISTRY.folds.keys() {
            let benchmark: Benchmark = name.parse().unwrap();
            let (data, way) = benchmark.parts();
            assert!(data.sha256.len() == 64 && way.folds > 1, "{name}");
        }
        let unknown = "lab-secretstrol@1/10-folds".parse::<Benchmark>().unwrap_err().to_string();
        assert!(unknown.contains("did you mean `lab-secretstroll@1/10-folds`"), "{unknown}");
    }

    #[test]
    fn bundled_sets_are_those_of_their_digests() {
        let mut seen = 0;
        for name in REGISTRY.folds.keys() {
            let benchmark: Benchmark = name.parse().unwrap();
            if let Some(folder) = benchmark.bundled() {
                let set = wfkit_datasets::read_all_traces(&[folder]).unwrap().set;
                assert_eq!(set.digest(), benchmark.parts().0.sha256, "{name}");
                seen += 1;
            }
        }
        assert_eq!(seen, 6);
    }

    #[test]
    fn the_lists_of_sets_agree() {
        for set in wfkit_datasets::PUBLIC_SETS.iter().filter(|set| set.digest.is_some()) {
            assert_eq!(set.digest, Some(REGISTRY.sets[&format!("{}@1", set.name)].sha256.as_str()), "{}", set.name);
        }
    }
}
