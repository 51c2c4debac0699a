//! Feature sets by name, and lists of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::Trace;

use crate::FeatureExtractor;

/// A named set of features. What each column means: the crate's front page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FeatureSet {
    /// Packets, bytes, duration: the trivial attack.
    Totals,
    /// Signed sizes in order, padded with 0.
    Sequence,
    /// [`Sequence`](Self::Sequence) of the first 1,500 packets at most.
    Sequence1500,
    /// k-FP exactly as published: 175 columns, the last 32 of no fixed meaning.
    Kfp175,
    /// k-FP where every column means one thing: 141 columns.
    KfpCore,
    /// [`KfpCore`](Self::KfpCore) and packet sizes: 180 columns.
    KfpSize,
    /// CUMUL on the whole curve: 104 columns.
    Cumul,
    /// CUMUL at the points of most published code: 104 columns.
    CumulCommon,
}

impl FeatureSet {
    /// All sets.
    pub const ALL: [Self; 8] = [
        Self::Totals,
        Self::Sequence,
        Self::Sequence1500,
        Self::Kfp175,
        Self::KfpCore,
        Self::KfpSize,
        Self::Cumul,
        Self::CumulCommon,
    ];

    /// The name of the set, which is also the prefix of its columns.
    pub fn name(self) -> &'static str {
        match self {
            Self::Totals => "totals",
            Self::Sequence => "sequence",
            Self::Sequence1500 => "sequence-1500",
            Self::Kfp175 => "kfp-175",
            Self::KfpCore => "kfp-core",
            Self::KfpSize => "kfp-size",
            Self::Cumul => "cumul",
            Self::CumulCommon => "cumul-common",
        }
    }
}

impl fmt::Display for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FeatureSet {
    type Err = SpecError;

    /// The set of that name, or of the alias `kfp`, which is `kfp-175`.
    fn from_str(name: &str) -> Result<Self, SpecError> {
        let name = if name == "kfp" { "kfp-175" } else { name };
        let set = Self::ALL.into_iter().find(|set| set.name() == name);
        set.ok_or_else(|| SpecError::Unknown { name: name.to_owned() })
    }
}

/// One or more feature sets side by side, each once. Written with commas: `kfp-core,cumul`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FeatureSpec {
    sets: Vec<FeatureSet>,
}

/// Why names are not a list of feature sets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    /// There is no such set.
    #[error("no feature set is named {name:?}; there are {}", available())]
    Unknown {
        /// The name found.
        name: String,
    },
    /// A set occurs twice.
    #[error("feature set {0} is named twice")]
    Twice(FeatureSet),
    /// The list is empty.
    #[error("no feature set is named at all; there are {}", available())]
    Empty,
}

fn available() -> String {
    format!("{} (kfp is kfp-175)", FeatureSet::ALL.map(FeatureSet::name).join(", "))
}

impl FeatureSpec {
    /// The sets, in the order of their columns. At least one, each once.
    pub fn new(sets: Vec<FeatureSet>) -> Result<Self, SpecError> {
        if sets.is_empty() {
            return Err(SpecError::Empty);
        }
        match (1..sets.len()).find(|&i| sets[..i].contains(&sets[i])) {
            Some(second) => Err(SpecError::Twice(sets[second])),
            None => Ok(Self { sets }),
        }
    }

    /// The sets, in the order of their columns.
    pub fn sets(&self) -> &[FeatureSet] {
        &self.sets
    }

    /// Learns from training traces what has to be learned: the length of `sequence`, the sizes that `kfp-size` counts.
    /// Give the training part alone. Without any trace `sequence` has no columns and `kfp-size` counts nothing.
    pub fn fit(&self, training: &[&Trace]) -> FeatureExtractor {
        FeatureExtractor::fit(self, training)
    }
}

impl From<FeatureSet> for FeatureSpec {
    fn from(set: FeatureSet) -> Self {
        Self { sets: vec![set] }
    }
}

impl fmt::Display for FeatureSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.sets.iter().map(|set| set.name()).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for FeatureSpec {
    type Err = SpecError;

    fn from_str(list: &str) -> Result<Self, SpecError> {
        if list.trim().is_empty() {
            return Err(SpecError::Empty);
        }
        let sets: Result<_, _> = list.split(',').map(|name| name.trim().parse()).collect();
        Self::new(sets?)
    }
}

impl From<FeatureSpec> for String {
    fn from(spec: FeatureSpec) -> Self {
        spec.to_string()
    }
}

impl TryFrom<String> for FeatureSpec {
    type Error = SpecError;

    fn try_from(list: String) -> Result<Self, SpecError> {
        list.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_found_by_its_name() {
        for set in FeatureSet::ALL {
            assert_eq!(set.name().parse(), Ok(set));
        }
        assert_eq!("kfp".parse(), Ok(FeatureSet::Kfp175));
    }

    #[test]
    fn a_list_is_read_as_it_is_written() {
        let spec: FeatureSpec = "kfp-core, cumul".parse().unwrap();
        assert_eq!(spec.sets(), [FeatureSet::KfpCore, FeatureSet::Cumul]);
        assert_eq!(spec.to_string(), "kfp-core,cumul");
        assert_eq!(serde_json::to_string(&spec).unwrap(), "\"kfp-core,cumul\"");
        assert!(serde_json::from_str::<FeatureSpec>("\"cumul,cumul\"").is_err());
    }

    #[test]
    fn errors_say_what_there_is() {
        let error = |list: &str| list.parse::<FeatureSpec>().unwrap_err().to_string();
        let available =
            "totals, sequence, sequence-1500, kfp-175, kfp-core, kfp-size, cumul, cumul-common (kfp is kfp-175)";
        assert_eq!(error("cumul,tam"), format!("no feature set is named \"tam\"; there are {available}"));
        assert_eq!(error("cumul,"), format!("no feature set is named \"\"; there are {available}"));
        assert_eq!(error(" "), format!("no feature set is named at all; there are {available}"));
        assert_eq!(error("kfp,kfp-175"), "feature set kfp-175 is named twice");
    }
}
