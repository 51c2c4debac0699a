//! Any bytes as a model without its checksum: it is refused, or it predicts.
#![no_main]

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};
use wfkit_classify::{FittedAttack, Samples};
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};
use wfkit_fuzz::pass_caught_panics;

/// A trace of one packet and one of more.
static TRACES: LazyLock<TraceSet> = LazyLock::new(|| {
    let traces = [vec![600], vec![600, -1448, -1448, 20, -500]];
    let labelled = |(rep, size): (i64, Vec<i32>)| {
        let time_ns = (0..size.len() as u64).map(|place| place * 1_000_000).collect();
        let trace = Trace::new(time_ns, size).expect("times ascend, no size is 0");
        let key = TraceKey { class: "a".to_owned(), rep, session: None };
        LabelledTrace { key, origin: None, page: None, start_ns: None, trace }
    };
    let traces = (0..).zip(traces).map(labelled).collect();
    TraceSet::new(traces, Provenance::new(Layer::Tcp, Vec::new())).expect("each has a number of its own")
});

libfuzzer_sys::fuzz_target!(init: pass_caught_panics(), |bytes: &[u8]| {
    let file = [bytes, Sha256::digest(bytes).as_slice()].concat();
    if let Ok(model) = FittedAttack::from_bytes(&file) {
        if let Ok(probabilities) = model.predict(Samples::Traces(&TRACES)) {
            assert_eq!(probabilities.len(), TRACES.len());
        }
    }
});
