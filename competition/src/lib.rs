#![doc = include_str!("../README.md")]

mod attack;
mod captures;
mod defense;
mod draws;
mod report;
mod rules;
mod score;
mod split;
mod truth;

pub use attack::{AttackError, Match, Prediction, check_attack, join_attacks, pair_attack, write_attack};
pub use captures::{UNKNOWN_CLASS, capture_ids, read_captures};
pub use defense::{Export, ExportError, check_defense, export_defense, read_defense};
pub use report::{CheckReport, Cost, Overhead};
pub use rules::Rules;
pub use score::{ClassAuc, CompetitionError, CompetitionScore, MatchScore, score};
pub use split::{SplitError, SplitOptions, SplitReport, split};
pub use truth::{Verif, read_truth};
