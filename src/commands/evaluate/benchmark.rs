//! Benchmarks: a name that fixes the traces, the folds and the scores, so that two people's numbers can be compared by it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::LazyLock;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use wfkit_datasets::TraceSet;
use wfkit_datasets::splits::Split;
use wfkit_metrics::did_you_mean_one_of;

use crate::cli;
use crate::context::Context;

/// The sets, the ways to split them, and the folds of each set by each; the Python package has the same.
#[derive(Debug, Deserialize)]
struct Registry {
    sets: BTreeMap<String, Data>,
    splits: BTreeMap<String, Way>,
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
struct Way {
    folds: u16,
    by: By,
    seed: u64,
    shared_pages: bool,
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
    let text = include_str!("../../../python/package/wfkit/benchmarks.json");
    serde_json::from_str(text).expect("a test reads it")
});

/// A benchmark, such as `lab-secretstroll@1/10-folds`.
#[derive(Debug, Clone)]
pub(crate) struct Benchmark(String);

/// What a report tells of it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    id: String,
    /// SHA-256 of the traces and of the folds.
    traces: &'static str,
    folds: &'static str,
}

impl FromStr for Benchmark {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, String> {
        let known = || REGISTRY.folds.keys().map(String::as_str);
        if known().any(|name| name == id) {
            return Ok(Self(id.to_owned()));
        }
        let meant = did_you_mean_one_of(id, known());
        Err(format!("there is no such benchmark{meant}; there are {}", known().collect::<Vec<_>>().join(", ")))
    }
}

impl Benchmark {
    fn parts(&self) -> (&'static Data, &'static Way) {
        let (data, way) = self.0.split_once('/').expect("names have both");
        (&REGISTRY.sets[data], &REGISTRY.splits[way])
    }

    /// Where its traces are bundled, as traces.
    fn bundled(&self) -> Option<PathBuf> {
        let (_, folder) = self.parts().0.place.split_once("datasets/data/")?;
        let data = wfkit_datasets::sample().parent().unwrap_or(Path::new(""));
        (folder != "sample").then(|| data.join(folder))
    }

    /// The options that it stands for.
    ///
    /// # Errors
    /// If its traces are not bundled and none are given, or the seed is another than that of the folds.
    pub(super) fn fix(&self, options: &mut cli::Evaluate, context: &Context<'_>) -> Result<()> {
        let (data, way) = self.parts();
        ensure!(context.seed == way.seed, "{}: its folds are drawn by the seed {}: leave --seed out", self.0, way.seed);
        if options.input.is_empty() {
            match self.bundled() {
                Some(folder) => options.input = vec![folder],
                None => bail!(
                    "{}: give its traces, which are captures ({}): wfkit capture import CAPTURES --out traces.parquet makes them",
                    self.0,
                    data.place
                ),
            }
        }
        options.folds = Some(way.folds);
        options.split_by = (way.by == By::Session).then_some(cli::SplitBy::Session);
        options.shared_pages = way.shared_pages;
        Ok(())
    }

    /// That these are its traces and folds, and what a report tells of it.
    pub(super) fn check(&self, set: &TraceSet, splits: &[Split]) -> Result<Told> {
        let data = self.parts().0;
        let found = set.digest();
        ensure!(
            found == data.sha256,
            "{}: these are other traces: SHA-256 of labels and packets {found}, not {}; its own are {}",
            self.0,
            data.sha256,
            data.place
        );
        let mut fold_of = vec![0; set.len()]; // tested by none
        for (fold, split) in splits.iter().enumerate() {
            split.test.iter().for_each(|&row| fold_of[row] = fold as u16 + 1);
        }
        let drawn = set.digest_of_folds(&fold_of);
        let folds = &REGISTRY.folds[&self.0];
        ensure!(
            drawn == *folds,
            "{}: this version of wfkit draws other folds ({drawn}, not {folds}): its numbers would not compare",
            self.0
        );
        Ok(Told { id: self.0.clone(), traces: &data.sha256, folds })
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
        let unknown = "lab-secretstrol@1/10-folds".parse::<Benchmark>().unwrap_err();
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
        assert_eq!(seen, 4);
    }

    #[test]
    fn the_lists_of_sets_agree() {
        for set in wfkit_datasets::PUBLIC_SETS.iter().filter(|set| set.digest.is_some()) {
            assert_eq!(set.digest, Some(REGISTRY.sets[&format!("{}@1", set.name)].sha256.as_str()), "{}", set.name);
        }
    }
}
