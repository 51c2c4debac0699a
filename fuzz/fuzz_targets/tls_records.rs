//! Any bytes as segments of a stream of TLS records.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wfkit_capture::fuzzing::tls_records(bytes));
