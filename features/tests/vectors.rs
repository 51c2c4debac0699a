//! Feature values agree with a NumPy implementation written from the same definitions, `vectors/make_features.py`.

#![allow(clippy::unwrap_used, reason = "helpers of tests; clippy knows the tests alone")]

use std::collections::BTreeMap;

use serde::Deserialize;
use wfkit_datasets::Trace;
use wfkit_features::{Column, FeatureExtractor, FeatureSet, FeatureSpec};

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
    features: BTreeMap<String, Vec<Values>>,
}

/// A value, or how often it follows itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(f64),
    Many(f64, usize),
}

impl Expected {
    fn trace(&self) -> Trace {
        let time_ns = self.gap_ns.iter().scan(0, |time, gap| {
            *time += gap;
            Some(*time)
        });
        Trace::new(time_ns.collect(), self.size.clone()).unwrap()
    }

    fn values(&self, set: &str) -> Vec<f64> {
        let values = self.features[set].iter().flat_map(|values| match *values {
            Values::One(value) => vec![value],
            Values::Many(value, count) => vec![value; count],
        });
        values.collect()
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
            let expected_values = expected.values(set);
            let values = extractor.features(trace);
            assert_eq!(values.len(), expected_values.len());
            for ((name, value), expected_value) in names.iter().zip(values).zip(&expected_values) {
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
fn the_vectors_cover_every_set_but_those_of_one_number_a_packet() {
    let (vectors, _) = vectors();
    let others: Vec<&str> =
        FeatureSet::ALL.map(FeatureSet::name).into_iter().filter(|set| !vectors.columns.contains_key(*set)).collect();
    let sequences = ["sequence", "sequence-1500", "direction", "direction-1500", "time", "direction-time"];
    assert_eq!(others, [&sequences[..], &["direction-time-1500"]].concat());
}

/// The schema is a contract with whoever stores features: a change here needs another version of the set.
#[test]
fn the_schema_is_as_it_was() {
    let (_, traces) = vectors();
    let mut schema = String::from("definition\tversion\tunit\ttells\tcolumns\tfirst\tlast\n");
    for set in FeatureSet::ALL {
        let columns = extractor(set.name(), &traces).columns();
        for family in columns.chunk_by(|a, b| a.definition == b.definition) {
            let (first, last) = (&family[0], &family[family.len() - 1]);
            let Column { definition, version, unit, information, .. } = first;
            let (n, first, last) = (family.len(), &first.name, &last.name);
            schema += &format!("{definition}\t{version}\t{unit}\t{information}\t{n}\t{first}\t{last}\n");
        }
    }
    let expected = include_str!("vectors/schema.tsv");
    if schema != expected {
        let written = std::env::temp_dir().join("wfkit-schema.tsv");
        std::fs::write(&written, &schema).unwrap();
        let differs = schema.lines().zip(expected.lines()).find(|(now, before)| now != before);
        panic!("the schema changed, first in {differs:?}; it is now as in {}", written.display());
    }
}
