//! Files and texts of strangers with random damage: an error or a reading, never a panic. Some rounds each in every run;
//! `WFKIT_MUTATE_SECONDS=120 cargo test --release -p wfkit --test it mutated` goes on for so long on each.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_classify::{Attack, AttackOptions, FittedAttack, Samples};
use wfkit_competition::{Rules, Verif, check_attack, check_defense, read_captures, read_truth};
use wfkit_datasets::formats::ReadLimits;
use wfkit_datasets::{
    FileKind, LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, formats::read_traces_within,
    read_probabilities,
};
use wfkit_defend::{DefenseSpec, Pipeline, Profile};

/// Rounds where no time is given.
const ROUNDS: u32 = 400;

/// Calls `once` with a generator of numbers, again and again.
fn again(mut once: impl FnMut(&mut Xoshiro256PlusPlus)) {
    let seconds = std::env::var("WFKIT_MUTATE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut round = 0;
    while end.map_or(round < ROUNDS, |end| Instant::now() < end) {
        once(&mut rng);
        round += 1;
    }
}

/// One to four bytes changed, put in, taken out or doubled.
fn damage(bytes: &mut Vec<u8>, rng: &mut Xoshiro256PlusPlus) {
    const TOKENS: [&[u8]; 14] = [
        b",",
        b";",
        b"\n",
        b"\r",
        b"\"",
        b"-",
        b"1e308",
        b"NaN",
        b"0",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"9223372036854775807",
        b"proba_class_99999",
    ];
    for _ in 0..rng.random_range(1..5) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..20)).min(bytes.len());
        match rng.random_range(0..5) {
            0 if at < bytes.len() => bytes[at] = rng.random(),
            1 => drop(bytes.splice(at..at, TOKENS[rng.random_range(0..TOKENS.len())].iter().copied())),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            _ => {}
        }
    }
}

fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(content).unwrap();
    archive.finish().unwrap().into_inner()
}

/// Everything that reads files of tables.
fn read_as_everything(path: &Path) {
    let limits = ReadLimits { uncompressed_bytes: 1 << 22, rows: 10_000, ..ReadLimits::UPLOAD };
    let rules = Rules { classes: 3, ..Rules::default() };
    let _ = FileKind::of(path);
    let _ = read_traces_within(path, &limits);
    let _ = read_probabilities(path);
    let _ = read_captures(path, &limits);
    let _ = read_truth(path, &limits);
    let _ = check_defense(path, &rules, &limits, None);
    let _ = check_attack(path, &[], &rules, &limits);
    let _ = check_attack(path, &[Verif::of_team(1, path)], &rules, &limits);
}

#[test]
fn tables_of_text_with_any_damage() {
    let texts = [
        "cell_id,rep,direction_size,timestamp\n1,0,514,0.0\n1,0,-1028,0.05\n2,0,514,0.0\n2,0,-2,0.5\n",
        "cell_id;rep;direction_size;timestamp\n1;0;514;0,0\n1;0;-1028;0,05\n",
        "capture_id,direction_size,timestamp\n1,514,0.0\n1,-1028,0.05\n",
        "capture_id,cell_id\n1,2\n2,1\n",
        "team_id,capture_id,proba_class_1,proba_class_2,proba_class_3\n1,1,0.5,0.25,0.25\n1,2,0.0,1.0,0.0\n",
        "class,rep,session,1,2\n1,0,,0.5,0.5\n2,0,\"a\n\",0.25,0.75\n",
        "650 GWF {\"time_created\":1,\"port\":8001,\"cells\":[[0,1,0,3,2],[0.1,1,1,3,2]]}\n",
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    again(|rng| {
        let mut bytes = texts[rng.random_range(0..texts.len())].as_bytes().to_vec();
        if rng.random_range(0..8) == 0 {
            bytes = String::from_utf8(bytes).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
        }
        match rng.random_range(0..3) {
            0 => {
                bytes = zip("t.csv", &bytes);
                damage(&mut bytes, rng);
            }
            1 => {
                damage(&mut bytes, rng);
                bytes = zip("t.csv", &bytes);
            }
            _ => damage(&mut bytes, rng),
        }
        std::fs::write(&path, &bytes).unwrap();
        read_as_everything(&path);
    });
}

/// Damage that a panic of a library is made of is caught; what is read is sound.
#[test]
fn formats_of_other_tools_with_any_damage() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/field-cases/formats");
    let files = [
        "CW.npz",
        "X_train_NoDef.pkl",
        "burst/0-0",
        "circpad/0-0.trace",
        "cumul.txt",
        "doh.json",
        "kfp/0_0.txt",
        "maybenot/0-0.log",
        "nfstream.csv",
        "wang/0-0",
        "wangcell/0-0.cell",
    ];
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(cases.join("y_train_NoDef.pkl"), folder.path().join("y_train_NoDef.pkl")).unwrap();
    let whole = files.map(|file| std::fs::read(cases.join(file)).unwrap());
    again(|rng| {
        let at = rng.random_range(0..files.len());
        let mut bytes = whole[at].clone();
        damage(&mut bytes, rng);
        let path = folder.path().join(files[at].rsplit('/').next().unwrap());
        std::fs::write(&path, &bytes).unwrap();
        read_as_everything(&path);
    });
}

fn few_traces() -> TraceSet {
    let traces = (0..8).map(|rep| {
        let key = TraceKey { class: (rep % 2).to_string(), rep, session: None };
        let size = if rep % 2 == 0 { vec![514, -514, -514] } else { vec![514, -514, 514] };
        LabelledTrace::new(key, None, Trace::new(vec![0, 1_000_000, 2_000_000 + rep as u64], size).unwrap())
    });
    TraceSet::new(traces.collect(), Provenance::new(Layer::Cell, vec![])).unwrap()
}

#[test]
fn models_with_any_damage() {
    let set = few_traces();
    let models = ["totals", "kfp-knn", "wang-knn", "cumul", "boosting", "alignment"].map(|name| {
        let options = AttackOptions { trees: (name == "totals").then_some(3), ..AttackOptions::default() };
        let fitted = Attack::by_name(name, &options).unwrap().fit(Samples::Traces(&set), 1).unwrap();
        fitted.to_bytes().unwrap()
    });
    again(|rng| {
        let mut bytes = models[rng.random_range(0..models.len())].clone();
        damage(&mut bytes, rng);
        // Most damage is found by the checksum, so it is made to fit what can be reached behind it.
        if rng.random() && bytes.len() > 56 {
            let end = bytes.len() - 32;
            let lengths = u64::from(u32::from_le_bytes(bytes[12..16].try_into().unwrap()));
            let trees = (end as u64).saturating_sub(24 + lengths);
            bytes[16..24].copy_from_slice(&trees.to_le_bytes());
            use sha2::Digest as _;
            let checksum = sha2::Sha256::digest(&bytes[..end]);
            bytes[end..].copy_from_slice(&checksum);
        }
        if let Ok(fitted) = FittedAttack::from_bytes(&bytes) {
            let _ = fitted.predict(Samples::Traces(&set));
        }
    });
}

#[test]
fn specifications_of_defences_with_any_words() {
    let values = [
        "0",
        "1",
        "-1",
        "0.5",
        "1e18",
        "NaN",
        "inf",
        "10ms",
        "1h",
        "0s",
        "1..5",
        "auto",
        "999999999999999999999",
        "x",
        "",
    ];
    let names: Vec<&str> = wfkit_defend::list().iter().map(|info| info.name).collect();
    let set = few_traces();
    let profile = Profile::of(&set);
    again(|rng| {
        let mut text = String::new();
        for layer in 0..rng.random_range(1..3) {
            text += if layer > 0 { "+" } else { "" };
            let name = names[rng.random_range(0..names.len())];
            let info = wfkit_defend::list().iter().find(|info| info.name == name).unwrap();
            text += name;
            let preset = &info.presets[rng.random_range(0..info.presets.len())];
            text += &format!(":{}", preset.name);
            for parameter in preset.parameters {
                if rng.random_range(0..4) > 0 {
                    continue;
                }
                text += &format!(",{}={}", parameter.key, values[rng.random_range(0..values.len())]);
            }
        }
        let mut bytes = text.into_bytes();
        if rng.random_range(0..3) == 0 {
            damage(&mut bytes, rng);
        }
        let text = String::from_utf8_lossy(&bytes);
        let Ok(spec) = text.parse::<DefenseSpec>() else { return };
        assert_eq!(spec.to_string().parse::<DefenseSpec>().unwrap().to_string(), spec.to_string(), "{text}");
        // Made for a set, not run: how long a run takes and what memory it needs is bounded elsewhere.
        let _ = Pipeline::new(&spec, &profile, 0, 7);
    });
}
