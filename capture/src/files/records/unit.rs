//! The unit of the times in a capture, and whether it can be the one that the file states.

/// A power of ten of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeUnit(pub(super) u8);

impl TimeUnit {
    pub(super) const MICROSECONDS: Self = Self(6);
    pub(super) const NANOSECONDS: Self = Self(9);
    /// Seconds to picoseconds.
    pub(super) const ALL: [Self; 5] = [Self(0), Self(3), Self(6), Self(9), Self(12)];
}

/// What the times of a capture tell of their unit; with a sentence where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnitFound {
    /// It is as stated.
    Stated,
    /// It is another one.
    Other(TimeUnit, String),
    /// It is as stated but for some records, which have no time.
    Some(String),
    /// There is none that fits.
    None(String),
}
