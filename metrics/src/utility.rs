//! What traffic costs its user.

use serde::{Deserialize, Serialize};

/// What one trace costs its user. `f64` holds whole bytes exactly up to 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Sum of incoming sizes, as a magnitude.
    pub in_bytes: f64,
    /// Sum of outgoing sizes.
    pub out_bytes: f64,
    /// Time of the last packet.
    pub seconds: f64,
}
