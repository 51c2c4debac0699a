//! Copies of one load in formats that cannot say that they are.

use std::path::Path;

use super::WriteError;
use crate::TraceSet;

/// Refuses copies of one load for a file that cannot say that they are: whoever splits it would have some of them on both sides.
///
/// # Errors
/// The first copy that is not the only one of its load.
pub fn refuse_copies(path: &Path, set: &TraceSet) -> Result<(), WriteError> {
    let Some(copy) = set.another_copy() else { return Ok(()) };
    let reason = "it is another copy of a load, and this format does not tell copies; keep one of each (--one-copy of wfkit dataset convert \
                  and competition export), lose which are copies (--lose-origins), or write .parquet";
    Err(WriteError::Trace { path: path.to_owned(), key: Box::new(copy.key.clone()), reason: reason.to_owned() })
}
