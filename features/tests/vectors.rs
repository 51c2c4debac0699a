//! Feature values agree with a NumPy implementation written from the same definitions, `vectors/make_features.py`.

#![allow(clippy::unwrap_used, reason = "helpers of tests; clippy knows the tests alone")]

use std::collections::BTreeMap;

use serde::Deserialize;
use wfkit_datasets::Trace;
use wfkit_features::{FeatureExtractor, FeatureSet, FeatureSpec};

#[derive(Deserialize)]
struct Vectors {
    commonest: Vec<i32>,
    columns: BTreeMap<String, Vec<String>>,
    traces: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    name: String,
    gap_ns: Vec<u64>,
    size: Vec<i32>,
    features: BTreeMap<String, Vec<f64>>,
}

impl Expected {
    fn trace(&self) -> Trace {
        let time_ns = self.gap_ns.iter().scan(0, |time, gap| {
            *time += gap;
            Some(*time)
        });
        Trace::new(time_ns.collect(), self.size.clone()).unwrap()
    }
}

fn vectors() -> (Vectors, Vec<Trace>) {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/features.json")).unwrap();
    let traces = vectors.traces.iter().map(Expected::trace).collect();
    (vectors, traces)
}

fn extractor(set: &str, traces: &[Trace]) -> FeatureExtractor {
    set.parse::<FeatureSpec>().unwrap().fit(&traces.iter().collect::<Vec<_>>())
}

/// To 1e-9 of the value; a deviation of equal values may be 0 or what rounding left of it.
fn close(value: f64, expected: f64) -> bool {
    (value - expected).abs() <= 1e-9 * expected.abs() + 1e-12
}

#[test]
fn every_set_has_the_named_values() {
    let (vectors, traces) = vectors();
    assert_eq!(vectors.traces.len(), 20);
    for (set, expected_of) in vectors.columns.iter().filter(|(set, _)| *set != "kfp-core") {
        let extractor = extractor(set, &traces);
        let names: Vec<String> = expected_of.iter().map(|column| format!("{set}.{column}")).collect();
        assert_eq!(extractor.names(), names);
        for (expected, trace) in vectors.traces.iter().zip(&traces) {
            let expected_values = &expected.features[set];
            let values = extractor.features(trace);
            assert_eq!(values.len(), expected_values.len());
            for ((name, value), expected_value) in names.iter().zip(values).zip(expected_values) {
                assert!(close(value, *expected_value), "{}: {name} is {value}, not {expected_value}", expected.name);
            }
        }
    }
}

#[test]
fn the_core_is_the_beginning_of_its_extension_with_sizes() {
    let (vectors, traces) = vectors();
    let core = extractor("kfp-core", &traces);
    let extended = extractor("kfp-size", &traces);
    let names: Vec<String> = vectors.columns["kfp-core"].iter().map(|column| format!("kfp-core.{column}")).collect();
    assert_eq!(core.names(), names);
    for trace in &traces {
        assert_eq!(core.features(trace), extended.features(trace)[..names.len()]);
    }
}

#[test]
fn the_commonest_sizes_are_those_counted_elsewhere() {
    let (vectors, traces) = vectors();
    let json = serde_json::to_value(extractor("kfp-size", &traces)).unwrap();
    assert_eq!(json[0]["kfp-size"]["commonest"], serde_json::json!(vectors.commonest));
}

#[test]
fn the_vectors_cover_every_set_but_the_sequences() {
    let (vectors, _) = vectors();
    let covered = FeatureSet::ALL.iter().filter(|set| vectors.columns.contains_key(set.name()));
    assert_eq!(covered.count(), FeatureSet::ALL.len() - 2);
}
