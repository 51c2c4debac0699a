#![doc = include_str!("../README.md")]

mod audit;
mod bracket;
mod causality;
mod check;
mod copies;
mod defended_set;
mod defended_trace;
mod defense;
mod defenses;
mod diagnosis;
mod direction;
mod draws;
mod grid;
mod invariants;
mod limit;
mod lint;
mod load;
mod manifest;
mod not_simulated;
mod overheads;
mod pipeline;
mod profile;
mod replay;
mod retime;
mod spec;
mod stop;
#[cfg(test)]
mod testing;
mod value;
mod variants;
mod verification;

pub use audit::{AuditViolation, DefendedAudit, HeldToBy, Kept, keeps_sessions};
pub use bracket::{ModelCost, TimeBracket};
pub use causality::{Arrivals, CausalityReport, Causes};
pub use check::check;
pub use copies::Copies;
pub use defended_set::{
    DefendOptions, DefendedSet, ObservedSet, defend, defend_watched, defend_with, observe_defended,
};
pub use defended_trace::{DefendedPacket, DefendedTrace, DefendedTraceBuilder, Ledger, Packets, Piece};
pub use defense::{Assumptions, Defense, DefenseError, DelayModel};
pub use diagnosis::diagnose;
pub use direction::{Direction, PerDirection};
pub use draws::Draws;
pub use grid::{GridError, grid};
pub use invariants::{Guarantees, Invariant, SlotPlan, Violation};
pub use limit::Limit;
pub use lint::{Finding, Severity, lint};
pub use load::Load;
pub use manifest::{
    Cost, LayerManifest, Manifest, ManifestFile, ManifestFileError, Totals, TrainingManifest, hides_paths,
};
pub use not_simulated::{NotSimulated, not_simulated};
pub use overheads::{BothWays, DelaySummary, Estimate, OverheadOptions, Overheads, Peak, RatioSummary};
pub use pipeline::{DefendError, Pipeline};
pub use profile::{Needs, Profile};
pub use retime::{RetimeReport, RetimeSession, Retimed, RetimedSession, RetimedSet, retime, retime_set};
pub use spec::{
    AmongTraining, DefaultValue, DefenseInfo, DefenseSpec, DefenseSpecError, LayerSpec, Parameter, Preset, list,
    meant_defense,
};
pub use stop::StopRule;
pub use value::{Kind, ParameterValues, Value};
pub use variants::{Variant, Variants, variants};
pub use verification::{check_composition, check_overheads};
