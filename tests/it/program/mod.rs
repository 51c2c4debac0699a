//! The program from its command line to the files it leaves, on the bundled sample.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

mod answers;
mod asked;
mod capture_audit;
mod capture_info;
mod captures;
mod croissant;
mod defend;
mod determinism;
mod extreme;
mod features;
mod forests;
mod formats;
mod inputs;
mod kinds;
mod large;
mod leaks;
#[cfg(feature = "maybenot")]
mod maybenot;
mod nets;
mod origins;
mod own_traffic;
mod pictures;
mod pipeline;
mod pipeline_file;
mod plot;
mod record;
mod reference;
mod replaced;
mod report;
mod retime;
mod schemas;
mod score;
mod sessions;
mod sets;
mod shortcuts;
mod support;
mod sweep;
mod tables;
mod transfer;
mod verify;
mod whole_run;
mod worlds;
mod wrong_input;
