//! Tests through the program and over real data, one binary.

mod defend_samples;
mod shared;
