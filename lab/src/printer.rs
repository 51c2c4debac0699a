//! The only place that prints: results to standard output, messages to standard error.

use std::io::Write as _;

/// A result.
pub(crate) fn line(text: &str) {
    // Not `println!`, which panics when the reader has gone, as in `wfkit-lab status | head`.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A message for whoever watches.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
