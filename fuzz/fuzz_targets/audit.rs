//! Any bytes as the audited capture.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wfkit_capture::fuzzing::audit(bytes));
