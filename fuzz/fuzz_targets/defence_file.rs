//! Any bytes as what a team uploads: a defence file, and a test file.
#![no_main]

use wfkit_competition::{Rules, check_defense, read_captures, read_defense, read_truth};
use wfkit_datasets::formats::{ReadLimits, Source};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = ReadLimits { rows: 1 << 16, ..ReadLimits::UPLOAD };
    let rules = Rules { classes: 4, reps_mean: 2, deviation: 1, min_packets: 1 };
    let upload = || Source::bytes("upload", bytes);
    let checked = check_defense(upload(), &rules, &limits, None).expect("bytes in memory are no fault of a system");
    let declared = check_defense(upload(), None, &limits, None).expect("bytes in memory are no fault of a system");
    // What is accepted by rules is accepted without, and can be read.
    assert!(!checked.report.accepted || declared.report.accepted);
    assert_eq!(declared.report.accepted, read_defense(upload(), &limits).is_ok());
    let _ = read_captures(upload(), &limits);
    let _ = read_truth(upload(), &limits);
});
