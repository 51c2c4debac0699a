#![doc = include_str!("../README.md")]

mod causality;
mod defended_trace;
mod defense;
mod defenses;
mod direction;
mod draws;
mod invariants;
mod overheads;
mod pipeline;
mod profile;
mod replay;
mod spec;
mod stop;
#[cfg(test)]
mod testing;
mod value;

pub use causality::{Arrivals, CausalityReport, Causes};
pub use defended_trace::{DefendedPacket, DefendedTrace, DefendedTraceBuilder, Ledger, Piece};
pub use defense::{Assumptions, Defense, DefenseError, DelayModel};
pub use direction::{Direction, PerDirection};
pub use draws::Draws;
pub use invariants::{Guarantees, Invariant, SlotPlan, Violation, check};
pub use overheads::{BothWays, DelaySummary, Estimate, OverheadOptions, Overheads, RatioSummary};
pub use pipeline::{DefendError, DefendedSet, LayerManifest, Manifest, Pipeline, defend};
pub use profile::{Needs, Profile};
pub use spec::{DefaultValue, DefenseInfo, DefenseSpec, LayerSpec, Parameter, Preset, SpecError, list};
pub use stop::StopRule;
pub use value::{Kind, Value, Values};
