//! Any bytes as a file of traces, told by its content.
#![no_main]

use wfkit_datasets::{read_traces, write_traces};
use wfkit_fuzz::{file_of, pass_caught_panics};

libfuzzer_sys::fuzz_target!(init: pass_caught_panics(), |bytes: &[u8]| {
    let Ok(read) = read_traces(&file_of("site-1", bytes)) else { return };
    // What is accepted can be kept, and is read again as what it was.
    let kept = file_of("kept.parquet", b"");
    if write_traces(&kept, &read.set).is_ok() {
        assert_eq!(read_traces(&kept).expect("our own file").set, read.set);
    }
});
