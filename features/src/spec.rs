//! Feature sets by name, and lists of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::FeatureSet;
use crate::spec_error::FeatureSpecError;

/// One or more feature sets side by side, each once. Written with commas: `kfp-core,cumul`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FeatureSpec {
    sets: Vec<FeatureSet>,
}

impl FeatureSpec {
    /// The sets, in the order of their columns. At least one, each once.
    pub fn new(sets: Vec<FeatureSet>) -> Result<Self, FeatureSpecError> {
        if sets.is_empty() {
            return Err(FeatureSpecError::Empty);
        }
        match (1..sets.len()).find(|&i| sets[..i].iter().any(|set| set.name() == sets[i].name())) {
            Some(second) => Err(FeatureSpecError::Twice(sets[second])),
            None => Ok(Self { sets }),
        }
    }

    /// The sets, in the order of their columns.
    pub fn sets(&self) -> &[FeatureSet] {
        &self.sets
    }
}

impl From<FeatureSet> for FeatureSpec {
    fn from(set: FeatureSet) -> Self {
        Self { sets: vec![set] }
    }
}

impl fmt::Display for FeatureSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.sets.iter().map(FeatureSet::to_string).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for FeatureSpec {
    type Err = FeatureSpecError;

    fn from_str(list: &str) -> Result<Self, FeatureSpecError> {
        if list.trim().is_empty() {
            return Err(FeatureSpecError::Empty);
        }
        let sets: Result<_, _> = list.split([',', '+']).map(|name| name.trim().parse()).collect();
        Self::new(sets?)
    }
}

impl From<FeatureSpec> for String {
    fn from(spec: FeatureSpec) -> Self {
        spec.to_string()
    }
}

impl TryFrom<String> for FeatureSpec {
    type Error = FeatureSpecError;

    fn try_from(list: String) -> Result<Self, FeatureSpecError> {
        list.parse()
    }
}

impl FromStr for FeatureSet {
    type Err = FeatureSpecError;

    /// The set of that name, or of the alias `kfp`, which is `kfp-175`; `ppi:n=10` is `ppi` of the first 10 packets.
    fn from_str(name: &str) -> Result<Self, FeatureSpecError> {
        if let Some(parameter) = name.strip_prefix("ppi:") {
            let packets = parameter.trim().strip_prefix("n=").and_then(|n| n.parse().ok());
            return packets.map(Self::Ppi).ok_or_else(|| FeatureSpecError::Packets { name: name.to_owned() });
        }
        let name = if name == "kfp" { "kfp-175" } else { name };
        let set = Self::ALL.into_iter().find(|set| set.name() == name);
        set.ok_or_else(|| FeatureSpecError::Unknown { name: name.to_owned() })
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
        assert_eq!("ppi:n=30".parse::<FeatureSet>(), "ppi".parse());
        for n in ["1", "10", "255"] {
            let spec: FeatureSpec = format!("totals,ppi:n={n}").parse().unwrap();
            assert_eq!(spec.to_string(), format!("totals,ppi:n={n}"));
            assert_eq!(serde_json::from_value::<FeatureSpec>(serde_json::to_value(&spec).unwrap()).unwrap(), spec);
            let extractor = spec.fit(&[]);
            assert_eq!(extractor.spec(), spec);
            let of_ppi = extractor.names().iter().filter(|name| name.starts_with("ppi.")).count();
            assert_eq!(of_ppi, 3 * n.parse::<usize>().unwrap());
        }
        for wrong in ["ppi:n=0", "ppi:n=256", "ppi:30", "ppi:m=3", "ppi:n=", "ppi:"] {
            let error = wrong.parse::<FeatureSet>().unwrap_err().to_string();
            assert!(error.contains("ppi:n=N, N from 1 to 255"), "{error}");
        }
    }

    #[test]
    fn a_list_is_read_as_it_is_written() {
        let spec: FeatureSpec = "kfp-core, cumul".parse().unwrap();
        assert_eq!("kfp-core+cumul".parse(), Ok(spec.clone()), "as defences are joined, and where commas part attacks");
        assert_eq!(spec.sets(), [FeatureSet::KfpCore, FeatureSet::Cumul]);
        assert_eq!(spec.to_string(), "kfp-core,cumul");
        assert_eq!(serde_json::to_string(&spec).unwrap(), "\"kfp-core,cumul\"");
        assert!(serde_json::from_str::<FeatureSpec>("\"cumul,cumul\"").is_err());
    }

    #[test]
    fn errors_say_what_there_is() {
        let error = |list: &str| list.parse::<FeatureSpec>().unwrap_err().to_string();
        let available = format!(
            "{} (kfp is kfp-175; ppi:n=10 is ppi of 10 packets)",
            FeatureSet::ALL.map(FeatureSet::name).join(", ")
        );
        assert_eq!(
            error("cumul,tom"),
            format!("no feature set is named \"tom\" (did you mean `tam`?); there are {available}")
        );
        assert_eq!(error("cumul,"), format!("no feature set is named \"\"; there are {available}"));
        assert_eq!(error(" "), format!("no feature set is named at all; there are {available}"));
        assert_eq!(error("kfp,kfp-175"), "feature set kfp-175 is named twice");
        assert_eq!(error("ppi,ppi:n=10"), "feature set ppi is named twice");
    }
}
