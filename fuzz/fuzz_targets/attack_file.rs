//! Any bytes as an attack file, against a truth of two traces.
#![no_main]

use wfkit_competition::{Rules, Verif, check_attack, score};
use wfkit_datasets::formats::{ReadLimits, Source};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = ReadLimits { rows: 1 << 12, ..ReadLimits::UPLOAD };
    let rules = Rules { classes: 2, reps_mean: 2, deviation: 1, min_packets: 1 };
    let truth = [Verif::of_bytes(1, "truth", b"capture_id,cell_id\n1,1\n2,2\n".to_vec())];
    let upload = || Source::bytes("upload", bytes);
    let checked = check_attack(upload(), &truth, &rules, &limits).expect("the truth is sound");
    // What is accepted can be scored.
    assert!(checked.accepted().map_or(true, |attack| score(Some(&attack), None).is_ok()));
    let declared = check_attack(upload(), &truth, None, &limits).expect("the truth is sound");
    assert!(declared.accepted().map_or(true, |attack| score(Some(&attack), None).is_ok()));
});
