//! A trace before and after a defence.

use wfkit_datasets::Trace;
use wfkit_defend::DefendedTrace;

/// Before, after.
pub(super) type Pair<'a> = (&'a Trace, &'a DefendedTrace);
