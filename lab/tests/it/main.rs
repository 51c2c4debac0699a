//! The laboratory from outside.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

mod arti;
mod collect;
mod network;
mod program;
mod secretstroll;
mod torment;
