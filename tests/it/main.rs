//! Tests through the program and over real data, one binary.

mod capture_fixtures;
mod shared;
mod torpcaps;
