//! Classes that are named in one text.

use std::borrow::Cow;
use std::fs;
use std::str::FromStr;

use crate::canonical_class;

/// Classes, by the names that all files have them by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassList(pub Vec<String>);

impl FromStr for ClassList {
    type Err = String;

    /// Classes as `a,b` or as the lines of `@FILE`; empty ones do not count.
    fn from_str(list: &str) -> Result<Self, String> {
        let text = match list.strip_prefix('@') {
            Some(file) => fs::read_to_string(file).map_err(|error| format!("{file}: cannot read: {error}"))?,
            None => list.replace(',', "\n"),
        };
        let names: Vec<String> =
            text.lines().map(canonical_class).filter(|name| !name.is_empty()).map(Cow::into_owned).collect();
        if names.is_empty() { Err("it names no class".to_owned()) } else { Ok(Self(names)) }
    }
}
