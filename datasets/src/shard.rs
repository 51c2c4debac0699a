//! A share of work that several machines do.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// Another text than that of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a share such as 3/16, the third of sixteen")]
pub struct NotAShard;

/// One share of the work, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// Which one.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl Shard {
    /// Its rows of so many: shares differ by one at most.
    pub fn rows(self, rows: usize) -> Range<usize> {
        let end = |index: usize| (rows as u128 * index as u128 / self.of as u128) as usize;
        end(self.index - 1)..end(self.index)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = NotAShard;

    fn from_str(text: &str) -> Result<Self, NotAShard> {
        let (index, of) = text.split_once('/').unwrap_or((text, ""));
        match (index.parse(), of.parse()) {
            (Ok(index), Ok(of)) if 0 < index && index <= of => Ok(Self { index, of }),
            _ => Err(NotAShard),
        }
    }
}
