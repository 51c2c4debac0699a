//! What a defence is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;
use wfkit_metrics::did_you_mean_one_of;

use crate::{DefendedTrace, DefenseError, Draws, Guarantees, StopRule};

/// A defence with its parameters: what it makes of a trace.
///
/// An implementation is a plain function of the trace and its draws. It need not check its result: every trace that comes
/// out is held against the invariants of all defences and against [`guarantees`](Self::guarantees).
pub trait Defense: fmt::Debug + Send + Sync {
    /// Defends one trace. Each packet of the result says which bytes of `trace` it carries; times are on the clock of
    /// `trace`.
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError>;

    /// As [`defend`](Self::defend), for a defence that declares that it [`Needs::classes`](crate::Needs::classes): it knows which page or query
    /// the trace is of, as whoever runs it would. No other defence is asked this way.
    fn defend_class(&self, class: &str, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let _ = class;
        self.defend(trace, draws)
    }

    /// What it promises beyond what every defence must keep.
    fn guarantees(&self) -> Guarantees;

    /// What the simulation takes for granted.
    fn assumptions(&self) -> Assumptions;

    /// Whether [`defend`](Self::defend) follows [`DelayModel::Inferred`] itself, by [`Arrivals`](crate::Arrivals). One that
    /// does not is defended over and over with the arrivals that its delays lead to, until nothing moves, which gives the same and takes
    /// longer; it treats that model as the optimistic one.
    fn infers_delays(&self) -> bool {
        false
    }
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
    /// Nothing waits for a packet that is held back, not even the next one of its direction; or the defence holds nothing back. In
    /// slots a packet waits for a free one all the same.
    None,
    /// Later packets of its own direction wait; a late request does not delay its response, which understates latency.
    Optimistic,
    /// All later packets wait until those before them are through. What lay between them is not kept, so this is no upper
    /// bound.
    Pessimistic,
    /// An answer comes as much later as what it answers ([`Causes`](crate::Causes)): a request that leaves later delays its
    /// responses, and those the requests that follow them.
    Inferred,
    /// What is held back is added to the times of all later packets of both ends, some round trips later: what Maybenot's simulator
    /// does, and only it.
    Aggregate,
}

impl DelayModel {
    /// Those that defences can be asked for.
    pub const ALL: [Self; 4] = [Self::None, Self::Optimistic, Self::Pessimistic, Self::Inferred];
}

impl FromStr for DelayModel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = Self::ALL.map(|model| model.to_string());
        let found = Self::ALL.into_iter().zip(&all).find(|(_, name)| *name == text);
        found.map(|(model, _)| model).ok_or_else(|| {
            let meant = did_you_mean_one_of(text, all.iter().map(String::as_str));
            format!("`{text}` is no delay model{meant}; there are {}", all.join(", "))
        })
    }
}

impl fmt::Display for DelayModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Optimistic => "optimistic",
            Self::Pessimistic => "pessimistic",
            Self::Inferred => "inferred",
            Self::Aggregate => "aggregate",
        })
    }
}
