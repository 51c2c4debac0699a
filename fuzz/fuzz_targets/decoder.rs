//! Any bytes as a frame of any link type.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wfkit_capture::fuzzing::frame(bytes));
