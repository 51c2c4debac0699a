//! What a capture is.

/// A label as it is written somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) class: String,
    pub(crate) rep: Option<i64>,
    pub(crate) session: Option<String>,
    pub(crate) origin: Option<String>,
}
