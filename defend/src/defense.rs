//! What a defence is.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::Trace;

use crate::{DefendedTrace, Draws, Guarantees, Violation};

/// A defence with its parameters: what it makes of a trace.
///
/// An implementation is a plain function of the trace and its draws. It need not check its result: every trace that comes
/// out is held against the invariants of all defences and against [`guarantees`](Self::guarantees).
pub trait Defense: fmt::Debug + Send + Sync {
    /// Defends one trace. Each packet of the result says which bytes of `trace` it carries; times are on the clock of
    /// `trace`.
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError>;

    /// What it promises beyond what every defence must keep.
    fn guarantees(&self) -> Guarantees;

    /// What the simulation takes for granted.
    fn assumptions(&self) -> Assumptions;
}

/// What a simulation takes for granted, and its report has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumptions {
    /// How a delay moves later packets.
    pub delay_model: DelayModel,
    /// When the defence stops sending padding.
    pub stop_rule: StopRule,
}

/// How a packet that is held back moves later packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DelayModel {
    /// Nothing is held back.
    None,
    /// Later packets of its own direction wait; a late request does not delay its response, which understates latency.
    Optimistic,
    /// All later packets wait, as if each one answered the one before it.
    Pessimistic,
}

impl fmt::Display for DelayModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Optimistic => "optimistic",
            Self::Pessimistic => "pessimistic",
        })
    }
}

/// When a defence stops sending padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopRule {
    /// It sends no padding packets.
    NoPadding,
    /// The simulation knows the last normal packet of the load. A deployment has to guess it, and pays for that.
    Oracle,
}

/// Why a defence could not defend a trace.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DefenseError {
    /// The schedule would need more packets than one trace may have.
    #[error(
        "the schedule needs more than {limit} packets one way: the trace is too long or too large for its interval and size"
    )]
    TooManySlots {
        /// The limit.
        limit: u64,
    },
    /// The result is not a trace.
    #[error("the defended trace {0}")]
    Shape(#[from] Violation),
}
