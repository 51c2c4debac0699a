//! Tests through the program and over real data, one binary.

mod capture_fixtures;
mod competition_packets;
mod defend_noise;
mod defend_published;
mod defend_real;
mod defend_samples;
mod explainwf;
mod explainwf_reader;
#[cfg(feature = "maybenot")]
mod maybenot;
mod mutated;
mod names;
mod program;
mod shared;
mod torpcaps;
mod torpcaps_attacks;
mod tshark;
