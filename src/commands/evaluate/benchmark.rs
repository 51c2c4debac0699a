//! Benchmarks: a name that fixes the traces, the split and the scores, so that two people's numbers can be compared by it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, bail, ensure};
use serde::Serialize;
use wfkit_datasets::{TraceSet, public_set};
use wfkit_metrics::did_you_mean_one_of;

use crate::cli;
use crate::context::Context;

/// A set of traces that benchmarks are on.
struct Data {
    /// Of the sets that are known by name; another content would be another version of it.
    set: &'static str,
    /// Where it is bundled, or how it is made of what is.
    from: From,
    /// The class of everything unmonitored, where there is one.
    unmonitored: Option<&'static str>,
}

enum From {
    /// A folder below `datasets/data`.
    Bundled(&'static str),
    /// Traces have to be given; this makes them.
    Made(&'static str),
}

const DATA: [Data; 4] = [
    Data {
        set: "sample",
        from: From::Made("wfkit capture import datasets/data/sample --out sample.parquet"),
        unmonitored: None,
    },
    Data { set: "secretstroll", from: From::Bundled("lab/secretstroll"), unmonitored: None },
    Data { set: "pages", from: From::Bundled("lab/pages"), unmonitored: Some("unmonitored") },
    Data {
        set: "torpcaps",
        from: From::Made("wfkit capture import torpcaps --out torpcaps.parquet"),
        unmonitored: None,
    },
];

/// The version of all of them.
const VERSION: u32 = 1;

/// How a benchmark splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// So many stratified folds; copies of a load together.
    Folds(u16),
    /// Each session tested by what learned from the others.
    BySession,
}

/// The names of the ways.
const WAYS: [(&str, Way); 3] =
    [("5-folds", Way::Folds(5)), ("10-folds", Way::Folds(10)), ("by-session", Way::BySession)];

/// A benchmark, such as `secretstroll@1/10-folds`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Benchmark {
    data: usize,
    way: usize,
}

/// What a report tells of it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    id: String,
    /// SHA-256 over the labels and packets of the traces.
    traces: &'static str,
    /// The seed that draws the folds; another one is a repetition of the benchmark, and is told with its numbers.
    seed: u64,
}

impl FromStr for Benchmark {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, String> {
        let found = Self::all().find(|benchmark| benchmark.id() == id);
        found.ok_or_else(|| {
            let ids: Vec<String> = Self::all().map(|benchmark| benchmark.id()).collect();
            let meant = did_you_mean_one_of(id, ids.iter().map(String::as_str));
            format!("there is no such benchmark{meant}; there are {}", ids.join(", "))
        })
    }
}

impl Benchmark {
    fn all() -> impl Iterator<Item = Self> {
        (0..DATA.len()).flat_map(|data| (0..WAYS.len()).map(move |way| Self { data, way }))
    }

    fn data(self) -> &'static Data {
        &DATA[self.data]
    }

    fn id(self) -> String {
        format!("{}@{VERSION}/{}", self.data().set, WAYS[self.way].0)
    }

    /// The options that it stands for.
    ///
    /// # Errors
    /// If its traces are not bundled and none are given.
    pub(super) fn fix(self, options: &mut cli::Evaluate) -> Result<()> {
        if options.input.is_empty() {
            match self.data().from {
                From::Bundled(folder) => options.input = vec![bundled(folder)],
                From::Made(command) => bail!("{}: give its traces; they are made by {command}", self.id()),
            }
        }
        match WAYS[self.way].1 {
            Way::Folds(folds) => options.folds = Some(folds),
            // A page of the background occurs in one session: none is shared, and each is tested in its session.
            Way::BySession => {
                options.split_by = Some(cli::SplitBy::Session);
                options.shared_pages = self.data().unmonitored.is_some();
            }
        }
        options.mode.open_world = self.data().unmonitored.map(str::to_owned);
        Ok(())
    }

    /// That these are its traces, and what a report tells of it.
    pub(super) fn check(self, set: &TraceSet, context: &Context<'_>) -> Result<Told> {
        let Data { set: name, from, .. } = self.data();
        let digest = public_set(name).and_then(|known| known.digest).expect("sets of benchmarks have digests");
        let found = set.digest();
        let made = match from {
            From::Bundled(folder) => bundled(folder).display().to_string(),
            From::Made(command) => (*command).to_owned(),
        };
        ensure!(
            found == digest,
            "{}: these are other traces: SHA-256 of labels and packets {found}, not {digest}; its own are those of {made}",
            self.id()
        );
        Ok(Told { id: self.id(), traces: digest, seed: context.seed })
    }
}

fn bundled(folder: &str) -> PathBuf {
    let sample = wfkit_datasets::sample();
    sample.parent().unwrap_or(Path::new("")).join(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_others_named() {
        for benchmark in Benchmark::all() {
            assert_eq!(benchmark.id().parse::<Benchmark>().map(|read| read.id()), Ok(benchmark.id()));
        }
        let unknown = "secretstrol@1/10-folds".parse::<Benchmark>().unwrap_err();
        assert!(unknown.contains("did you mean `secretstroll@1/10-folds`"), "{unknown}");
    }

    #[test]
    fn bundled_sets_are_those_of_their_digests() {
        for data in &DATA {
            if let From::Bundled(folder) = data.from {
                let set = wfkit_datasets::read_all_traces_as(&[bundled(folder)], None).unwrap().set;
                let known = public_set(data.set).and_then(|known| known.digest);
                assert_eq!(Some(set.digest().as_str()), known, "{}", data.set);
            }
        }
    }
}
