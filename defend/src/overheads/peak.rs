//! Before and after.

use serde::{Deserialize, Serialize};

/// A number before and after a defence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Peak {
    /// Before.
    pub original: u64,
    /// After.
    pub defended: u64,
}
