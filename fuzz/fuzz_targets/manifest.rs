//! Any bytes as a manifest of labels.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wfkit_capture::fuzzing::manifest(bytes));
