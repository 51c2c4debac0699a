//! Real captures against an independent reading of them: `tests/vectors/expected.py` wrote the expected numbers.

use serde_json::Value;
use wfkit_capture::{ImportOptions, import};

use crate::build::{check_sums, fixtures};

#[test]
fn fixtures_agree_with_an_independent_reader() {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/expected.json")).unwrap();
    let import = import(&[fixtures()], &ImportOptions::default(), &|_, _| {}).unwrap();
    check_sums(&import.stats);
    let expected = vectors.as_object().unwrap();
    assert_eq!(import.set.len(), expected.len());
    for labelled in import.set.traces() {
        let file = format!("cell_{}_rep_{}.pcap", labelled.key.class, labelled.key.rep);
        let expected = &expected[&file];
        let trace = &labelled.trace;
        let found = serde_json::json!({
            "packets": trace.len(),
            "out_bytes": trace.out_bytes(),
            "in_bytes": trace.in_bytes(),
            "first_sizes": trace.size()[..5],
            "duration_ns": trace.duration_ns(),
            "start_ns": labelled.start_ns,
            "sha256": hex(&trace.content_hash()),
        });
        assert_eq!(&found, expected, "{file}");
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| import(&[fixtures()], &ImportOptions::default(), &|_, _| {}).unwrap())
    };
    let (one, four) = (on(1), on(4));
    assert_eq!((one.set, one.stats), (four.set, four.stats));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
