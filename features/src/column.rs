//! What a column means: its schema.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The meaning of one column of a feature matrix.
///
/// Two columns with the same `name` and `version` hold the same number of the same trace, whatever made them; a change of
/// a definition changes its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name in the matrix, as `kfp-core.per_second_piece_07`.
    pub name: String,
    /// What the value counts.
    pub unit: Unit,
    /// What the value tells of a trace.
    pub information: FeatureInformation,
    /// What defines it, which all members of a numbered family share: `kfp-core.per_second_piece`.
    pub definition: String,
    /// How often that definition has changed, from 1.
    pub version: u32,
}

/// What a feature value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unit {
    /// Packets.
    Packets,
    /// Bytes of the layer of the traces.
    Bytes,
    /// Squares of bytes.
    BytesSquared,
    /// Cells, as wide as the set says.
    Cells,
    /// Seconds.
    Seconds,
    /// Places in the trace.
    Position,
    /// Occurrences of what the column names.
    Count,
    /// A part of a whole, in [0, 1].
    Share,
    /// A sign: 1 outgoing, -1 incoming, 0 none.
    Direction,
    /// A number without unit.
    Number,
}

/// What a feature tells of a trace: the groups in which features are judged together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureInformation {
    /// How much: packets and bytes of all of it.
    Volume,
    /// How large the packets, or the bursts of them, are, whatever their order.
    Size,
    /// When.
    Time,
    /// In which order sizes and directions follow each other.
    Order,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Packets => "packets",
            Self::Bytes => "bytes",
            Self::BytesSquared => "bytes-squared",
            Self::Cells => "cells",
            Self::Seconds => "seconds",
            Self::Position => "position",
            Self::Count => "count",
            Self::Share => "share",
            Self::Direction => "direction",
            Self::Number => "number",
        })
    }
}

impl fmt::Display for FeatureInformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Volume => "volume",
            Self::Size => "size",
            Self::Time => "time",
            Self::Order => "order",
        })
    }
}

/// A column within its set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feature {
    pub(crate) name: String,
    /// The name that the members of its family share.
    pub(crate) family: Cow<'static, str>,
    pub(crate) unit: Unit,
    pub(crate) information: FeatureInformation,
}

impl Feature {
    /// A feature that is a family of its own.
    pub(crate) fn one(name: impl Into<String>, unit: Unit, information: FeatureInformation) -> Self {
        let name = name.into();
        Self { family: name.clone().into(), name, unit, information }
    }

    /// A member of a family.
    pub(crate) fn of(
        family: impl Into<Cow<'static, str>>,
        name: String,
        unit: Unit,
        information: FeatureInformation,
    ) -> Self {
        Self { name, family: family.into(), unit, information }
    }

    /// `family_1` .. `family_count`, with zeros before the short numbers.
    pub(crate) fn numbered(
        family: impl Into<Cow<'static, str>>,
        count: usize,
        unit: Unit,
        information: FeatureInformation,
    ) -> impl Iterator<Item = Self> {
        let family = family.into();
        let width = count.to_string().len().max(2);
        (1..=count).map(move |i| Self::of(family.clone(), format!("{family}_{i:0width$}"), unit, information))
    }
}
