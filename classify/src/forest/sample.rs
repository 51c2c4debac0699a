//! Training rows on their way through a tree.

/// A training row in a node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    pub(super) row: u32,
    /// Its class, and how often the bootstrap drew it, as a [`Key`](super::sort::Key) holds them.
    pub(super) tag: u32,
}
