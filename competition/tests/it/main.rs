//! The competition module against the numbers of the first implementation, and against its defects.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod attack_files;
mod defense_files;
mod export;
mod fixture;
mod kit;
mod plain;
mod reference_numbers;
mod sources;
mod split;
