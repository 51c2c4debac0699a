//! What a defence does not touch.

use serde::{Deserialize, Serialize};

/// What a defence left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftAlone {
    /// Every packet is as it was, and no other is there.
    Everything,
    /// Every packet is as it was, among others (padding only).
    Packets,
    /// The times and directions of all packets, no other is there (padded sizes).
    Times,
    /// The sizes each way, in order, no other packet is there (delays only).
    Sizes,
    /// None of this.
    Nothing,
}

impl LeftAlone {
    /// Whether a pair that keeps this keeps `least` too.
    pub(super) fn is_as_much_as(self, least: Self) -> bool {
        self == least || self == Self::Everything || least == Self::Nothing
    }
}
