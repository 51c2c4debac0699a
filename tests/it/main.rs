//! Tests through the program and over real data, one binary.

mod competition_packets;
mod explainwf_reader;
mod explainwf;
mod shared;
