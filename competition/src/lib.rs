#![doc = include_str!("../README.md")]

mod attack;
mod captures;
mod checked;
mod codabench;
mod defense;
mod draws;
mod error;
mod halves;
mod kaggle;
mod kit;
mod matches;
mod nearest;
mod plausible;
mod report;
mod rules;
mod score;
mod split;
mod truth;

pub use attack::{AttackFileError, Prediction, check_attack, join_attacks, write_attack};
pub use captures::{UNKNOWN_CLASS, capture_ids, read_captures};
pub use checked::{Checked, FileCheck};
pub use codabench::{Bundle, BundleOptions, bundle_for_codabench};
pub use defense::{BaselineError, DefenseExportError, Export, check_defense, export_defense, read_defense};
pub use error::CompetitionError;
pub use halves::halves;
pub use kaggle::{Hosted, split_for_hosts};
pub use kit::{Kit, KitError, kit_sample, write_kit};
pub use matches::Match;
pub use nearest::{Seen, nearest};
pub use plausible::{Answers, Baseline, Implausible, Plausibility};
pub use report::{CheckReport, Overhead, UPLOADED, UploadCost};
pub use rules::Rules;
pub use score::{ClassAuc, CompetitionScore, MatchScore, TOTAL_EXPLAINED, count_all_paths, score};
pub use split::{DefenseSplitError, SplitOptions, SplitParts, SplitReport, split, split_and_read, split_paths};
pub use truth::{Verif, read_truth};
