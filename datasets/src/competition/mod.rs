//! The files and scores of the competition: teams defend traces of their own and attack those of others.
//!
//! | file | columns | who writes it | here |
//! |---|---|---|---|
//! | defence | `cell_id,rep,direction_size,timestamp` | a defender | [`export_defense`], [`check_defense`] |
//! | train | as the defence | the host | [`split`], [`read_defense`] |
//! | test | `capture_id,direction_size,timestamp` | the host | [`split`], [`read_captures`] |
//! | verification | `capture_id,cell_id` | the host, who keeps it | [`split`], [`read_truth`] |
//! | attack | `team_id,capture_id,proba_class_1,...` | an attacker | [`write_attack`], [`check_attack`] |
//!
//! Each is `.csv`, or `.csv.zip` with one member. `cell_id` is the class, 1 to [`Rules::classes`]; `direction_size` is signed bytes, +
//! upload (outgoing), - download (incoming); `timestamp` is seconds since the first packet of the trace.
//!
//! What strangers upload is read within [`ReadLimits`](crate::formats::ReadLimits) and refused with all that is wrong with
//! it. [`score`] gives the scores of a team.

mod attack;
mod captures;
mod defense;
mod draws;
mod report;
mod rules;
mod score;
mod split;
mod truth;

pub use attack::{AttackError, Prediction, check_attack, join_attacks, write_attack};
pub use captures::{UNKNOWN_CLASS, capture_ids, read_captures};
pub use defense::{Export, ExportError, check_defense, export_defense, read_defense};
pub use report::{CheckReport, Cost, Overhead};
pub use rules::Rules;
pub use score::{ClassAuc, CompetitionError, CompetitionScore, MatchScore, score};
pub use split::{SplitError, SplitOptions, SplitReport, split};
pub use truth::{Verif, read_truth};
