//! Any bytes as a file of traces of the format that the first byte names.
#![no_main]

use wfkit_datasets::formats::FieldFormat;
use wfkit_datasets::read_all_traces_as;
use wfkit_fuzz::{file_of, pass_caught_panics};
use wfkit_metrics::Silent;

libfuzzer_sys::fuzz_target!(init: pass_caught_panics(), |bytes: &[u8]| {
    let Some((&format, content)) = bytes.split_first() else { return };
    let format = FieldFormat::ALL[usize::from(format) % FieldFormat::ALL.len()];
    let _ = read_all_traces_as(&[file_of("site-1", content)], Some(format), &Silent);
});
