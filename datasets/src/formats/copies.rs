//! Copies of one load in formats that cannot say that they are.

use std::collections::HashMap;
use std::path::Path;

use super::WriteError;
use crate::{LabelledTrace, TraceSet};

pub(super) const ANOTHER_COPY: &str = "it is another copy of a load, and this format does not tell copies; keep one of each (--one-copy of wfkit dataset convert \
     and competition export), lose which are copies (--lose-origins), or write .parquet";

/// Refuses copies of one load for a file that cannot say that they are: whoever splits it would have some of them on both sides.
///
/// # Errors
/// The first copy that is not the only one of its load.
pub fn refuse_copies(path: &Path, set: &TraceSet) -> Result<(), WriteError> {
    let Some(copy) = set.another_copy() else { return Ok(()) };
    let key = Box::new(copy.key.clone());
    Err(WriteError::Trace { path: path.to_owned(), key, reason: ANOTHER_COPY.to_owned() })
}

/// Loads of traces that go by one after the other.
#[derive(Debug, Default)]
pub struct Loads(HashMap<String, bool>);

impl Loads {
    /// Whether this is another copy of a load that went by before, or the load of copies that did. Loads with the same packets, of which none is
    /// a copy, are loads of their own.
    pub fn has_another_copy_of(&mut self, labelled: &LabelledTrace) -> bool {
        let is_copy = labelled.origin.is_some();
        let before = self.0.insert(labelled.origin_of_copies(), is_copy);
        before.is_some_and(|was_copy| was_copy || is_copy)
    }
}
