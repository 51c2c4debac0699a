//! Models as files, and files that are no models.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use wfkit_classify::{Attack, AttackOptions, FittedAttack, Samples};
use wfkit_datasets::TraceSet;

fn fitted(name: &str, set: &TraceSet) -> FittedAttack {
    let options = AttackOptions { trees: Some(4), ..AttackOptions::default() };
    Attack::by_name(name, &options).unwrap().fit(Samples::Traces(set), 17).unwrap()
}

/// The bytes with a checksum that fits them.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let content = bytes.len() - 32;
    let checksum = Sha256::digest(&bytes[..content]);
    bytes[content..].copy_from_slice(&checksum);
    bytes
}

#[test]
fn a_model_says_the_same_after_a_trip_to_disk() {
    let (train, test) = (traces::generate(3, 10, 1), traces::generate(3, 10, 2));
    let file = tempfile::tempdir().unwrap().path().join("none").join("model");
    for name in ["kfp-size,sequence", "totals"] {
        let model = fitted(name, &train);
        assert!(model.save(&file).unwrap_err().to_string().contains("cannot write the model"));
        let file = tempfile::NamedTempFile::new().unwrap();
        model.save(file.path()).unwrap();
        let back = FittedAttack::load(file.path()).unwrap();
        assert_eq!(back.about(), model.about());
        assert_eq!(back.extractor(), model.extractor());
        let said = |model: &FittedAttack| model.predict(Samples::Traces(&test)).unwrap();
        assert_eq!(said(&back), said(&model));
        assert_eq!(back.to_bytes().unwrap(), model.to_bytes().unwrap());
    }
}

#[test]
fn equal_attacks_make_equal_bytes() {
    let set = traces::generate(3, 10, 1);
    assert_eq!(fitted("kfp", &set).to_bytes().unwrap(), fitted("kfp", &set).to_bytes().unwrap());
}

#[test]
fn what_is_no_model_is_told_apart() {
    let model = fitted("totals", &traces::generate(3, 10, 1)).to_bytes().unwrap();
    let error = |bytes: &[u8]| FittedAttack::from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(error(b""), "not a model file");
    assert_eq!(error(b"PAR1 and so on"), "not a model file");
    assert_eq!(error(&model[..10]), "model file of 56 bytes, but 10 are there");

    let mut other = model.clone();
    other[8] = 1;
    assert_eq!(error(&other), "model file of another version: found 1, this wfkit reads 8");
    let n = model.len();
    assert_eq!(error(&model[..n - 1]), format!("model file of {n} bytes, but {} are there", n - 1));
    assert_eq!(error(&[&model[..], b"\n"].concat()), format!("model file of {n} bytes, but {} are there", n + 1));
    let mut flipped = model.clone();
    flipped[n / 2] ^= 1;
    assert_eq!(error(&flipped), "the checksum of the model file does not fit: it is damaged");

    let renamed = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = model.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut bytes = model.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        error(&sealed(bytes))
    };
    let disagree = |what: &str| format!("header and trees of the model file disagree about {what}");
    assert_eq!(renamed("\"seed\":17", "\"seed\":18"), disagree("the seed"));
    assert_eq!(renamed("\"trees\":4", "\"trees\":5"), disagree("the parameters"));
    assert_eq!(renamed("[10,10,10]", "[10,10010]"), disagree("the number of training samples"));
    assert_eq!(renamed("totals.", "totalz."), disagree("the names of the features"));
    assert!(renamed("\"about\"", "\"abut!\"").starts_with("header of the model file: unknown field `abut!`"));
    assert!(renamed("\"c0\",\"c1\"", "\"c1\",\"c0\"").starts_with("header of the model file: class 1 (`c0`)"));

    // The end of the last tree is missing.
    let header = u32::from_le_bytes(model[12..16].try_into().unwrap()) as usize;
    let mut cut = model.clone();
    cut.drain(n - 40..n - 32);
    cut[16..24].copy_from_slice(&((n - 32 - 24 - header - 8) as u64).to_le_bytes());
    let told = "the trees in the model file are not a forest: what ends at byte ";
    assert!(error(&sealed(cut)).starts_with(told));

    let missing = std::path::Path::new("no such model");
    assert!(FittedAttack::load(missing).unwrap_err().to_string().starts_with("no such model: cannot read the model"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no model").unwrap();
    let error = FittedAttack::load(file.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{}: not a model file", file.path().display()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    /// Whatever stands behind a checksum that fits: either it is refused, or it predicts without a panic.
    #[test]
    fn hostile_files_do_no_harm(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), in_trees: bool,
    ) {
        thread_local! {
            static MODEL: (TraceSet, Vec<u8>) = {
                let set = traces::generate(3, 6, 1);
                let model = fitted("totals,kfp-size", &set).to_bytes().unwrap();
                (set, model)
            };
        }
        MODEL.with(|(set, model)| {
            let mut bytes = model.clone();
            let header = u32::from_le_bytes(model[12..16].try_into().unwrap()) as usize;
            let first = if in_trees { 24 + header } else { 8 };
            let part = first..model.len() - 32;
            for (index, value) in &changes {
                bytes[part.start + index.index(part.len())] = *value;
            }
            if let Ok(model) = FittedAttack::from_bytes(&sealed(bytes)) {
                prop_assert_eq!(model.predict(Samples::Traces(set)).unwrap().len(), set.len());
            }
            Ok(())
        })?;
    }
}
