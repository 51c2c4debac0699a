#![doc = include_str!("../README.md")]

mod defense;
mod defenses;
mod error;
mod manifest;
mod manifest_file;
mod overheads;
mod simulate;
mod spec;
#[cfg(test)]
mod testing;
mod verify;

pub use defense::{Assumptions, Defense, DelayModel};
pub use error::{DefendError, DefenseError};
pub use manifest::{LayerManifest, Manifest, TrainingManifest};
pub use manifest_file::{Cost, ManifestFile, ManifestFileError, Totals, hides_paths};
pub use overheads::{BothWays, DelaySummary, Estimate, OverheadOptions, Overheads, Peak, RatioSummary};
pub use simulate::bracket::{ModelCost, TimeBracket};
pub use simulate::causality::{Arrivals, CausalityReport, Causes};
pub use simulate::copies::Copies;
pub use simulate::defended_set::{
    DefendOptions, DefendedSet, ObservedSet, defend, defend_watched, defend_with, observe_defended,
};
pub use simulate::defended_trace::{DefendedPacket, DefendedTrace, DefendedTraceBuilder, Ledger, Packets, Piece};
pub use simulate::direction::{Direction, PerDirection};
pub use simulate::draws::Draws;
pub use simulate::load::Load;
pub use simulate::pipeline::Pipeline;
pub use simulate::profile::{Needs, Profile};
pub use simulate::retime::{RetimeReport, RetimeSession, Retimed, RetimedSession, RetimedSet, retime, retime_set};
pub use spec::grid::{DefenseGrid, GridError, grid, with_machines_of_files};
pub use spec::info::{DefaultValue, DefenseInfo, Parameter, Preset};
pub use spec::limit::Limit;
pub use spec::named::NamedDefense;
pub use spec::not_simulated::{NotSimulated, not_simulated};
pub use spec::specification::{AmongTraining, DefenseSpec, DefenseSpecError, LayerSpec, list, meant_defense};
pub use spec::stop::StopRule;
pub use spec::value::{Kind, ParameterValues, Value};
pub use spec::variants::{Variant, Variants, variants, variants_called};
pub use verify::audit::{AuditViolation, DefendedAudit, HeldToBy, keeps_sessions};
pub use verify::check::check;
pub use verify::diagnosis::diagnose;
pub use verify::invariants::{Guarantees, Invariant, SlotPlan, Violation};
pub use verify::left_alone::LeftAlone;
pub use verify::lint::{Finding, Severity, lint};
pub use verify::written::{check_composition, check_overheads};
