//! Why something could not be defended.

use thiserror::Error;
use wfkit_datasets::TraceKey;

use crate::Violation;

/// Why a defence could not defend a trace.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DefenseError {
    /// The defended trace would have more packets than one may have ([`Limit`](crate::Limit)).
    #[error(
        "the defended trace would have more than {limit} packets, the limit: the trace is too long or too large for this defence, or its times are in another \
         unit than seconds; raise the limit with --most-packets (44 bytes of memory a packet), or take shorter traces"
    )]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The delays of one packet move another, round and round.
    #[error("the delays do not settle in {rounds} rounds")]
    Unsettled {
        /// How many.
        rounds: usize,
    },
    /// Nothing of the trace is ever on the paths that are seen.
    #[error("in {draws} draws no packet is on a path that is seen")]
    Unseen {
        /// How many.
        draws: u64,
    },
    /// The simulator of others that a defence runs in fails on the trace.
    #[error("Maybenot's simulator fails: {reason}")]
    Simulator {
        /// What it says, or what it has not done.
        reason: String,
    },
    /// The result is not a trace.
    #[error("the defended trace {0}")]
    Shape(#[from] Violation),
}

/// Why a set could not be defended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DefendError {
    /// The defence works on sizes in bytes, the set has cells.
    #[error("{layer} pads sizes, but the set has one entry a cell, all of one size")]
    NeedsSizes {
        /// The layer.
        layer: String,
    },
    /// The defence works on times, the set has none.
    #[error("{layer} works on times, but all packets of the set are at time 0")]
    NeedsTimes {
        /// The layer.
        layer: String,
    },
    /// A layer learns from labelled traces, and there are none.
    #[error("{layer} learns from training traces and their classes, and was given none")]
    NeedsTraining {
        /// The layer.
        layer: String,
    },
    /// The training traces are not like the traces to defend.
    #[error("the training traces do not suit: {reason}")]
    Training {
        /// Why not.
        reason: String,
    },
    /// The set does not suit the parameters.
    #[error("{layer}: {reason}")]
    Unsuitable {
        /// The layer.
        layer: String,
        /// Why not, and what would.
        reason: String,
    },
    /// A trace cannot be defended.
    #[error("{layer} on the trace ({trace}): {error}")]
    Trace {
        /// The trace.
        trace: TraceKey,
        /// The layer.
        layer: String,
        /// What went wrong.
        error: DefenseError,
    },
    /// The defended set would be larger than it may be.
    #[error(
        "{spec}: the defended set would have more than {limit} packets, 32 times the limit of a trace, which would take {} GB: defend fewer traces at a time, or \
         raise the limit with --most-packets", limit * 44 / 1_000_000_000
    )]
    SetTooLarge {
        /// The whole specification.
        spec: String,
        /// The limit.
        limit: u64,
    },
    /// A set of copies needs numbers for them.
    #[error("{replicas} copies of the trace ({trace}) would not have keys of their own")]
    Rep {
        /// The trace.
        trace: TraceKey,
        /// Copies a trace.
        replicas: u32,
    },
    /// A defended set breaks an invariant. This is a fault of the defence, not of the set.
    #[error("{spec} {violation}")]
    Set {
        /// The whole specification.
        spec: String,
        /// What is broken.
        violation: Violation,
    },
    /// A defended trace breaks an invariant. This is a fault of the defence, not of the trace.
    #[error("{layer} on the trace ({trace}) {violation}")]
    Invariant {
        /// The trace.
        trace: TraceKey,
        /// The layer, or the whole specification.
        layer: String,
        /// What is broken.
        violation: Violation,
    },
}
