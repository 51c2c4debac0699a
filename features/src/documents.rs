//! What sets and columns say of themselves, as documents.

use serde::Serialize;

use crate::{Column, FeatureInformation, FeatureSet, meaning};

/// What is known of a feature set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeatureSetInfo {
    /// Its name.
    pub name: &'static str,
    /// The version of its definitions.
    pub version: u32,
    /// What its columns tell of a trace.
    pub information: &'static [FeatureInformation],
    /// What it is, in one line.
    pub summary: &'static str,
}

/// A column, and what it means in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnMeaning<'a> {
    /// The column.
    #[serde(flatten)]
    pub column: &'a Column,
    /// What its definition means; none where it is not one of this crate.
    pub meaning: Option<String>,
}

impl FeatureSet {
    /// What is known of it.
    pub fn info(self) -> FeatureSetInfo {
        FeatureSetInfo {
            name: self.name(),
            version: self.version(),
            information: self.information(),
            summary: self.summary(),
        }
    }
}

impl<'a> From<&'a Column> for ColumnMeaning<'a> {
    fn from(column: &'a Column) -> Self {
        Self { column, meaning: meaning(&column.definition) }
    }
}
