//! Parameter values with their units.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Serialize, Serializer};
use wfkit_metrics::did_you_mean_one_of;

use super::units::{self, decimal};
use crate::StopRule;

/// The value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A duration in ns, written `40ms`, `1.5s`, `200us` or `10ns`.
    Duration(u64),
    /// A size in bytes, written `750B`.
    Size(u32),
    /// A whole number, written without unit.
    Count(u64),
    /// A ratio in millionths, written as a decimal without unit: `0.94`.
    Ratio(u64),
    /// One of a few words.
    Choice(&'static str),
    /// Bits a second, written `10Mbit/s`, `64kbit/s` or `800bit/s`.
    Rate(u64),
    /// A stop rule, written `oracle` or `soft:4s`.
    Stop(StopRule),
    /// A text of letters, digits and -_/=; without blanks.
    Text(&'static str),
}

/// Which values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A duration, at most an hour.
    Duration,
    /// A size in bytes.
    Size,
    /// A whole number, at most a million.
    Count,
    /// A decimal number, at most a thousand.
    Ratio,
    /// A ratio, or `auto`: the mean trace of the set, in packets of the parameter `size`, over 2101.
    Scale,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Bits a second, at most 1 Tbit/s.
    Rate,
    /// A stop rule of a defence that pads.
    Stop,
    /// A text of letters, digits and -_/=; without blanks.
    Text,
}

const MILLION: u64 = 1_000_000;

/// What a scale is that follows the set.
pub(crate) const AUTO: &str = "auto";

impl Kind {
    /// The largest value, in ns, bytes or as a number. Together with the limit on slots these keep times inside 64 bits.
    pub(crate) fn max(self) -> u64 {
        match self {
            Self::Duration | Self::Stop => units::LONGEST_NS,
            Self::Size => i32::MAX as u64,
            Self::Count => 1_000_000,
            Self::Rate => 1_000_000_000_000,
            Self::Ratio | Self::Scale => 1_000 * MILLION,
            Self::Choice(_) | Self::Text => 0,
        }
    }

    /// The value that `text` says, or what is wrong with it.
    pub(crate) fn parse(self, text: &str) -> Result<Value, String> {
        let (number, unit) = units::parted(text);
        match self {
            Self::Duration => units::duration(text).map(Value::Duration),
            Self::Size if unit != "B" => Err(format!("`{text}` needs the unit of a size: B for bytes, as in 750B")),
            Self::Size => {
                let bytes = number.parse().ok();
                bytes.map(Value::Size).ok_or_else(|| format!("`{text}` is not a whole number of bytes below 2^32"))
            }
            Self::Rate => {
                let Some(&(_, bits, decimals)) = units::RATES.iter().find(|(name, ..)| *name == unit) else {
                    return Err(format!(
                        "`{text}` needs the unit of a rate: bit/s, kbit/s, Mbit/s or Gbit/s, as in 10Mbit/s"
                    ));
                };
                let rate = decimal(number, decimals, bits).map(Value::Rate);
                rate.ok_or_else(|| format!("`{text}` is not a whole number of bits a second"))
            }
            Self::Count => {
                let count = text.parse().ok();
                count.map(Value::Count).ok_or_else(|| format!("`{text}` is not a whole number (a count has no unit)"))
            }
            Self::Ratio => {
                let ratio = decimal(text, 6, MILLION).map(Value::Ratio);
                ratio.ok_or_else(|| format!("`{text}` is not a number with at most 6 decimals (a ratio has no unit)"))
            }
            Self::Scale if text == AUTO => Ok(Value::Choice(AUTO)),
            Self::Scale => Self::Ratio.parse(text).map_err(|problem| format!("{problem}, or auto")),
            Self::Choice(words) => match words.iter().find(|&&word| word == text) {
                Some(word) => Ok(Value::Choice(word)),
                None => {
                    let meant = did_you_mean_one_of(text, words.iter().copied());
                    Err(format!("`{text}` is none of {}{meant}", words.join(", ")))
                }
            },
            Self::Stop => match text.parse()? {
                StopRule::NoPadding => Err("a defence that pads has to stop: oracle or soft:4s".to_owned()),
                rule => Ok(Value::Stop(rule)),
            },
            Self::Text => match text.chars().find(|&c| !c.is_ascii_alphanumeric() && !"-_/=;".contains(c)) {
                Some(wrong) => Err(format!("`{wrong}` is neither a letter nor a digit nor one of -_/=;")),
                None => Ok(Value::Text(interned(text))),
            },
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration => f.write_str("duration"),
            Self::Size => f.write_str("size"),
            Self::Count => f.write_str("count"),
            Self::Rate => f.write_str("rate"),
            Self::Ratio => f.write_str("ratio"),
            Self::Scale => f.write_str("ratio|auto"),
            Self::Choice(words) => f.write_str(&words.join("|")),
            Self::Stop => f.write_str("oracle|soft:duration"),
            Self::Text => f.write_str("text"),
        }
    }
}

/// The text for as long as the program runs, once however often it is read, so that values can be copied.
fn interned(text: &str) -> &'static str {
    static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner); // a set of texts is whole at any time
    match texts.get(text) {
        Some(kept) => kept,
        None => {
            let kept: &'static str = Box::leak(text.into());
            texts.insert(kept);
            kept
        }
    }
}

impl Value {
    /// The number behind it, in ns, bytes or millionths; 0 for a word or a text.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Duration(number) | Self::Count(number) | Self::Rate(number) | Self::Ratio(number) => number,
            Self::Size(bytes) => u64::from(bytes),
            Self::Choice(_) | Self::Text(_) | Self::Stop(StopRule::NoPadding | StopRule::Oracle) => 0,
            Self::Stop(StopRule::Soft { quiet_ns }) => quiet_ns,
        }
    }
}

impl fmt::Display for Value {
    /// As it is written in a specification: in the longest unit that makes it a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Duration(ns) => f.write_str(&units::in_longest(&units::DURATIONS, ns)),
            Self::Size(bytes) => write!(f, "{bytes}B"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Rate(rate) => f.write_str(&units::in_longest(&units::RATES, rate)),
            Self::Ratio(millionths) if millionths.is_multiple_of(MILLION) => write!(f, "{}", millionths / MILLION),
            Self::Ratio(millionths) => {
                let decimals = format!("{:06}", millionths % MILLION);
                write!(f, "{}.{}", millionths / MILLION, decimals.trim_end_matches('0'))
            }
            Self::Choice(word) | Self::Text(word) => f.write_str(word),
            Self::Stop(rule) => rule.fmt(f),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value for every parameter of a preset. The getters want a key that the preset declares with the kind of the getter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParameterValues(pub(crate) BTreeMap<&'static str, Value>);

impl ParameterValues {
    /// A duration in ns.
    pub fn duration_ns(&self, key: &str) -> u64 {
        match self.0.get(key) {
            Some(&Value::Duration(ns)) => ns,
            other => undeclared(key, other),
        }
    }

    /// A size in bytes.
    pub fn size(&self, key: &str) -> u32 {
        match self.0.get(key) {
            Some(&Value::Size(bytes)) => bytes,
            other => undeclared(key, other),
        }
    }

    /// A count.
    pub fn count(&self, key: &str) -> u64 {
        match self.0.get(key) {
            Some(&Value::Count(count)) => count,
            other => undeclared(key, other),
        }
    }

    /// A ratio.
    pub fn ratio(&self, key: &str) -> f64 {
        match self.0.get(key) {
            Some(&Value::Ratio(millionths)) => millionths as f64 / MILLION as f64,
            other => undeclared(key, other),
        }
    }

    /// A word.
    pub fn choice(&self, key: &str) -> &'static str {
        match self.0.get(key) {
            Some(&Value::Choice(word)) => word,
            other => undeclared(key, other),
        }
    }

    /// Bits a second.
    pub fn rate(&self, key: &str) -> u64 {
        match self.0.get(key) {
            Some(&Value::Rate(rate)) => rate,
            other => undeclared(key, other),
        }
    }

    /// A stop rule.
    pub fn stop(&self, key: &str) -> StopRule {
        match self.0.get(key) {
            Some(&Value::Stop(rule)) => rule,
            other => undeclared(key, other),
        }
    }

    /// A text.
    pub fn text(&self, key: &str) -> &'static str {
        match self.0.get(key) {
            Some(&Value::Text(text)) => text,
            other => undeclared(key, other),
        }
    }

    /// Key and value, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.0.iter().map(|(&key, &value)| (key, value))
    }
}

fn undeclared(key: &str, found: Option<&Value>) -> ! {
    panic!("the preset declares no parameter `{key}` of this kind, but {found:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_their_units() {
        assert_eq!(Kind::Duration.parse("40ms"), Ok(Value::Duration(40_000_000)));
        assert_eq!(Kind::Duration.parse("1.5s"), Ok(Value::Duration(1_500_000_000)));
        assert_eq!(Kind::Duration.parse("200us"), Ok(Value::Duration(200_000)));
        assert_eq!(Kind::Duration.parse("0.000000001s"), Ok(Value::Duration(1)));
        assert_eq!(Kind::Duration.parse("1.50ns"), Err("`1.50ns` is not a whole number of nanoseconds".to_owned()));
        assert_eq!(Kind::Duration.parse("3.0ns"), Ok(Value::Duration(3)));
        assert_eq!(Kind::Size.parse("750B"), Ok(Value::Size(750)));
        assert_eq!(Kind::Rate.parse("1.5Mbit/s"), Ok(Value::Rate(1_500_000)));
        assert_eq!(Kind::Rate.parse("64kbit/s").unwrap().to_string(), "64kbit/s");
        assert!(Kind::Rate.parse("10").unwrap_err().contains("Mbit/s"));
        assert_eq!(Kind::Count.parse("1700"), Ok(Value::Count(1700)));
        assert_eq!(Kind::Ratio.parse("0.94"), Ok(Value::Ratio(940_000)));
        assert_eq!(Kind::Ratio.parse("3"), Ok(Value::Ratio(3_000_000)));
        assert_eq!(Kind::Choice(&["a", "b"]).parse("b"), Ok(Value::Choice("b")));
        assert_eq!(Kind::Scale.parse("0.5"), Ok(Value::Ratio(500_000)));
        assert_eq!(Kind::Scale.parse("auto").unwrap().to_string(), "auto");
        assert!(Kind::Scale.parse("big").unwrap_err().contains("or auto"));
    }

    #[test]
    fn a_bare_number_is_told_which_unit_it_lacks() {
        assert!(Kind::Duration.parse("40").unwrap_err().contains("s, ms, us or ns"));
        assert!(Kind::Duration.parse("0").unwrap_err().contains("unit of a duration"));
        assert!(Kind::Size.parse("750").unwrap_err().contains("B for bytes"));
        assert!(Kind::Size.parse("750b").unwrap_err().contains("B for bytes"));
        assert!(Kind::Count.parse("17ms").unwrap_err().contains("a count has no unit"));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["ms", ".ms", "1.ms", "1..5ms", "-1ms", "1e3ms", "99999999999999999999s", ""] {
            assert!(Kind::Duration.parse(text).is_err(), "{text}");
        }
        for text in ["", ".", "1.", "-1", "1e3", "0.1234567", "0.5x"] {
            assert!(Kind::Ratio.parse(text).is_err(), "{text}");
        }
        for text in ["B", "1.5B", "4294967296B", "-1B", ""] {
            assert!(Kind::Size.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_written_in_the_longest_whole_unit() {
        let written = |ns| Value::Duration(ns).to_string();
        assert_eq!([written(0), written(2_000_000_000), written(1_500_000_000)], ["0s", "2s", "1500ms"]);
        let ratio = |millionths| Value::Ratio(millionths).to_string();
        assert_eq!([ratio(940_000), ratio(3_000_000), ratio(1_000_001), ratio(0)], ["0.94", "3", "1.000001", "0"]);
        assert_eq!([written(1_001), written(5_000)], ["1001ns", "5us"]);
    }
}
