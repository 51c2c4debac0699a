//! When a defence stops sending padding.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::units;

/// When a defence stops sending padding. Written `no-padding`, `oracle` or `soft:4s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum StopRule {
    /// It sends no padding packets.
    NoPadding,
    /// The simulation knows the last normal packet of the load. A deployment has to guess it, and pays for that.
    Oracle,
    /// The load is taken to be over when no normal packet was there for so long; another one later starts the defence again.
    Soft {
        /// How long.
        quiet_ns: u64,
    },
}

impl fmt::Display for StopRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoPadding => f.write_str("no-padding"),
            Self::Oracle => f.write_str("oracle"),
            Self::Soft { quiet_ns } => write!(f, "soft:{}", units::in_longest(&units::DURATIONS, quiet_ns)),
        }
    }
}

impl StopRule {
    /// When padding stops, for defences that pad: every rule but [`NoPadding`](Self::NoPadding).
    ///
    /// # Errors
    /// What is no such rule.
    pub fn of_padding(text: &str) -> Result<Self, String> {
        match text.parse()? {
            Self::NoPadding => Err("oracle or soft:W, as in soft:4s".to_owned()),
            rule => Ok(rule),
        }
    }
}

impl FromStr for StopRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("soft:")) {
            ("no-padding", _) => Ok(Self::NoPadding),
            ("oracle", _) => Ok(Self::Oracle),
            (_, Some(quiet)) => match units::duration(quiet)? {
                quiet_ns @ 1..=units::LONGEST_NS => Ok(Self::Soft { quiet_ns }),
                _ => Err(format!("`{quiet}` is not above 0s and within an hour")),
            },
            _ => Err(format!(
                "`{text}` is no stop rule: oracle, or soft and how long a silence ends a load, as in soft:4s"
            )),
        }
    }
}

impl TryFrom<String> for StopRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<StopRule> for String {
    fn from(rule: StopRule) -> Self {
        rule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_they_are_written() {
        for rule in [StopRule::NoPadding, StopRule::Oracle, StopRule::Soft { quiet_ns: 1_500_000_000 }] {
            assert_eq!(rule.to_string().parse(), Ok(rule));
            let json = serde_json::to_string(&rule).unwrap();
            assert_eq!(serde_json::from_str::<StopRule>(&json).unwrap(), rule);
        }
        assert!("soft:4".parse::<StopRule>().unwrap_err().contains("unit of a duration"));
        assert!("soft:0s".parse::<StopRule>().is_err() && "soft:2h".parse::<StopRule>().is_err());
        assert_eq!(StopRule::of_padding("oracle"), Ok(StopRule::Oracle));
        assert!(StopRule::of_padding("no-padding").unwrap_err().contains("soft:4s"));
        assert!("never".parse::<StopRule>().unwrap_err().contains("oracle"));
    }
}
