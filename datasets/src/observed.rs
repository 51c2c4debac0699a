//! How traffic was looked at, which has to be the same where an attack learns and where it attacks.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Layer, Provenance};

/// How traces were observed: what the numbers of an attack are worth only for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Which size the sizes are.
    pub layer: Layer,
    /// Where the traffic was observed.
    pub vantage: String,
    /// Whether TCP streams were put in order before their packets counted, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reassembly: Option<bool>,
    /// The defences applied, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defenses: Vec<String>,
}

/// Whether two collections were observed alike. Defences may differ: what an attack finds of one that it does not know is a question of
/// its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObservedComparison {
    /// As far as they say.
    Alike,
    /// One of them does not say what the other says.
    Unknown(&'static str),
    /// They differ.
    Differs(&'static str),
}

/// Why an attack may be worth less on other traces than on those that it learned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObservedDoubt {
    /// It is not known whether they were observed alike.
    Unknown(String),
    /// They were not.
    Differs(String),
}

impl fmt::Display for ObservedDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unknown(told) | Self::Differs(told)) = self;
        f.write_str(told)
    }
}

impl From<&Provenance> for Observed {
    fn from(provenance: &Provenance) -> Self {
        let Provenance { layer, vantage, reassembly, defenses, .. } = provenance.clone();
        Self { layer, vantage, reassembly, defenses }
    }
}

impl Observed {
    /// Whether `other` was observed alike.
    pub fn compare(&self, other: &Self) -> ObservedComparison {
        let is_known = |layer: Layer| layer != Layer::Unknown;
        let of_streams = |layer| matches!(layer, Layer::Tcp | Layer::Unknown);
        if is_known(self.layer) && is_known(other.layer) && self.layer != other.layer {
            return ObservedComparison::Differs("layer");
        }
        if self.vantage != other.vantage {
            return ObservedComparison::Differs("vantage");
        }
        match (self.reassembly, other.reassembly) {
            (Some(a), Some(b)) if a != b => ObservedComparison::Differs("reassembly"),
            _ if self.layer != other.layer => ObservedComparison::Unknown("layer"),
            (Some(_), None) | (None, Some(_)) if of_streams(self.layer) => ObservedComparison::Unknown("reassembly"),
            _ => ObservedComparison::Alike,
        }
    }
}

impl ObservedDoubt {
    /// About attacking what was observed so with what was learned from traces that were observed so, if there is any.
    pub fn of(learned: Option<&Observed>, attacked: Option<&Observed>) -> Option<Self> {
        let (Some(learned), Some(attacked)) = (learned, attacked) else {
            let told = "it is not known whether what is attacked was observed as what was learned from";
            return Some(Self::Unknown(told.to_owned()));
        };
        let both = format!("learned from {learned}, attacked {attacked}");
        match learned.compare(attacked) {
            ObservedComparison::Alike => None,
            ObservedComparison::Unknown(what) => Some(Self::Unknown(format!(
                "it is not known whether what is attacked has the {what} of what was learned from: {both}"
            ))),
            ObservedComparison::Differs(what) => Some(Self::Differs(format!("another {what}: {both}"))),
        }
    }
}

impl fmt::Display for Observed {
    /// Such as `layer tcp at the client link, streams put in order`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer {} at {}", format!("{:?}", self.layer).to_lowercase(), self.vantage)?;
        match self.reassembly {
            Some(true) => f.write_str(", streams put in order"),
            Some(false) => f.write_str(", segments as captured"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(layer: Layer, reassembly: Option<bool>) -> Observed {
        Observed { layer, vantage: "client link".to_owned(), reassembly, defenses: Vec::new() }
    }

    #[test]
    fn what_differs_is_named_and_what_is_not_known_too() {
        let tcp = observed(Layer::Tcp, Some(true));
        let guard = Observed { vantage: "guard".to_owned(), ..tcp.clone() };
        let defended = Observed { defenses: vec!["front".to_owned()], ..tcp.clone() };
        for (other, expected) in [
            (tcp.clone(), ObservedComparison::Alike),
            (defended, ObservedComparison::Alike),
            (guard, ObservedComparison::Differs("vantage")),
            (observed(Layer::Tcp, Some(false)), ObservedComparison::Differs("reassembly")),
            (observed(Layer::Cell, Some(true)), ObservedComparison::Differs("layer")),
            (observed(Layer::Unknown, None), ObservedComparison::Unknown("layer")),
            (observed(Layer::Tcp, None), ObservedComparison::Unknown("reassembly")),
        ] {
            assert_eq!(tcp.compare(&other), expected, "{other}");
            assert_eq!(other.compare(&tcp), expected, "{other}");
        }
        assert_eq!(observed(Layer::Cell, None).compare(&observed(Layer::Cell, Some(true))), ObservedComparison::Alike);
        assert_eq!(tcp.to_string(), "layer tcp at client link, streams put in order");
    }
}
