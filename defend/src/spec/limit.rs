//! How large a defended trace may get.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::DefenseError;

/// The most packets of a defended trace, and 32 times as many of a defended set.
///
/// A packet of a defended set takes 32 bytes of memory while it is worked on, and 12 more once it is [observed](crate::DefendedSet::observe),
/// so that with the [default](Self::DEFAULT) a trace takes 0.2 GB at most and a set 6 GB. Whatever makes packets counts them first: a trace that
/// would get larger is an error before there is memory for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limit(u64);

impl Limit {
    /// 4,194,304 packets of a trace: two hours and more of Tamaraw at 14 and 4 ms.
    pub const DEFAULT: Self = Self(1 << 22);

    /// As many packets of a trace; at most 2^31, at least 1.
    pub fn packets(packets: u64) -> Self {
        Self(packets.clamp(1, 1 << 31))
    }

    /// The most packets of a trace.
    pub fn of_trace(self) -> u64 {
        self.0
    }

    /// The most packets of a set.
    pub fn of_set(self) -> u64 {
        32 * self.0
    }

    /// Whether a trace may have so many packets.
    pub(crate) fn allows(self, packets: u64) -> Result<(), DefenseError> {
        if packets > self.0 { Err(DefenseError::TooLarge { limit: self.0 }) } else { Ok(()) }
    }

    /// As [`allows`](Self::allows), of what a layer has learned `of` training traces that all traces send.
    pub(crate) fn allows_shape(self, packets: f64, of: &str) -> Result<(), String> {
        if packets > self.0 as f64 {
            return Err(format!(
                "learned from {of}, every trace would have {packets:.0} packets, the limit is {}: take shorter training traces, look whether their times are in another \
                 unit than seconds, or raise the limit with --most-packets",
                self.0
            ));
        }
        Ok(())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(packets @ 1..=0x8000_0000) => Ok(Self(packets)),
            _ => Err("not a number from 1 to 2147483648".to_owned()),
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_of_packets() {
        assert_eq!("1".parse(), Ok(Limit::packets(1)));
        assert_eq!("2147483648".parse::<Limit>().unwrap().of_trace(), 1 << 31);
        for wrong in ["0", "2147483649", "-1", "many", ""] {
            assert!(wrong.parse::<Limit>().unwrap_err().contains("from 1 to 2147483648"), "{wrong}");
        }
    }
}
