//! Imports of captures that the tests build, through the public interface.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

mod build;

mod clients;
mod damage;
mod field_cases;
mod files_and_labels;
mod formats;
mod packets;
mod printed;
mod streams;
mod text;
mod udp_and_tunnels;
mod vectors;
