//! What a record is, as far as it shows.

/// What is known of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Application,
    /// A handshake message, an alert and the like.
    Other,
    /// Where it starts and ends was not captured, and so neither its type.
    Estimated,
}
