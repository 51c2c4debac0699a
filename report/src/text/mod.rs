//! What is said of results on a terminal: functions of typed results, which print nothing.
//!
//! A [`Text`] has lines, tables and lists in their order, without a width: whoever shows it knows how wide the place is, and breaks lines by words
//! and cells by columns.

mod alignment;
mod attacks;
mod captures;
mod collection;
mod cost;
mod curves;
mod defences;
mod failures;
mod features;
mod matrix;
mod ranking;
mod retimed;
mod run;
mod sections;
mod server;
mod sets;
mod sheet;
mod sweep;
mod tls;
mod variants;
mod verification;

pub use alignment::ExplainedAlignment;
pub use attacks::{attack_names, attacks};
pub use captures::captures;
pub use collection::dry_run;
pub use cost::hourly_costs;
pub use curves::{beyond_scores, comparisons};
pub use defences::{defence, defence_names, defences, findings, not_simulated};
pub use failures::failure;
pub(crate) use features::families;
pub use features::{explanation, feature_columns, feature_sets};
pub use matrix::{matrix, matrix_heat};
pub use ranking::{compared, ranking};
pub use retimed::retimed;
pub use run::{RunStage, in_order_of_a_run, run, run_document};
pub use server::{board, news, overall, round, rounds, submission, submissions, targets, team, tokens};
pub use sets::{audited, classes, drawn, public_set, public_sets, set, validated};
pub use sheet::{SheetForm, sheet, sheet_of_parts};
pub use sweep::{sweep, sweep_files};
pub use tls::tls;
pub use verification::verification;

pub use crate::lines::{Block, Entry, Text};
