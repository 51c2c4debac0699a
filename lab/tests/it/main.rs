//! The laboratory from outside.

mod collect;
mod network;
mod program;
mod secretstroll;
