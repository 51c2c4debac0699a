//! Any bytes as what tshark wrote about a capture.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wfkit_capture::fuzzing::text(bytes));
