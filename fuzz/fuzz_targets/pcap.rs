//! Any bytes as a capture, started with those of pcap files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wfkit_capture::fuzzing::capture(bytes));
