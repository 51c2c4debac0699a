#![doc = include_str!("../README.md")]

mod audit;
mod bracket;
mod causality;
mod check;
mod defended_set;
mod defended_trace;
mod defense;
mod defenses;
mod direction;
mod draws;
mod grid;
mod invariants;
mod lint;
mod manifest;
mod not_simulated;
mod overheads;
mod pipeline;
mod profile;
mod replay;
mod spec;
mod stop;
#[cfg(test)]
mod testing;
mod value;
mod verification;

pub use audit::{Audit, AuditViolation, Kept, keeps_sessions};
pub use bracket::{ModelCost, TimeBracket};
pub use causality::{Arrivals, CausalityReport, Causes};
pub use check::check;
pub use defended_set::{DefendOptions, DefendedSet, defend, defend_with, replica_key};
pub use defended_trace::{DefendedPacket, DefendedTrace, DefendedTraceBuilder, Ledger, Packets, Piece};
pub use defense::{Assumptions, Defense, DefenseError, DelayModel};
pub use direction::{Direction, PerDirection};
pub use draws::Draws;
pub use grid::{GridError, grid};
pub use invariants::{Guarantees, Invariant, SlotPlan, Violation};
pub use lint::{Finding, Severity, lint};
pub use manifest::{LayerManifest, Manifest, ManifestFile, TrainingManifest};
pub use not_simulated::{NotSimulated, not_simulated};
pub use overheads::{BothWays, DelaySummary, Estimate, OverheadOptions, Overheads, Peak, RatioSummary};
pub use pipeline::{DefendError, Pipeline};
pub use profile::{Needs, Profile};
pub use spec::{DefaultValue, DefenseInfo, DefenseSpec, LayerSpec, Parameter, Preset, SpecError, list};
pub use stop::StopRule;
pub use value::{Kind, Value, Values};
pub use verification::{check_composition, check_overheads};
