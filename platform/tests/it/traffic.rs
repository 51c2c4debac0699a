//! Files that teams upload, made for tests.

use std::fmt::Write as _;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// A small and definite pseudo-random number.
pub(crate) fn noise(seed: u64, index: u64) -> u64 {
    wfkit_metrics::seed::mix(seed, index)
}

/// A defence of 4 classes of 6 traces of 8 packets, whose classes differ in volume, the more so the larger `tell` is.
pub(crate) fn defence(seed: u64, tell: u64) -> String {
    defence_of(4, 6, seed, tell)
}

pub(crate) fn defence_of(classes: u64, reps: u64, seed: u64, tell: u64) -> String {
    long_defence_of(classes, reps, 8, seed, tell)
}

/// The same, with traces of so many packets.
pub(crate) fn long_defence_of(classes: u64, reps: u64, packets: u64, seed: u64, tell: u64) -> String {
    coarse_defence_of(classes, reps, packets, seed, tell, [1, 1])
}

/// The same, with sizes in steps of so many bytes and times in steps of so many microseconds: real traffic is as easy to pack.
pub(crate) fn coarse_defence_of(
    classes: u64,
    reps: u64,
    packets: u64,
    seed: u64,
    tell: u64,
    steps: [u64; 2],
) -> String {
    let mut text = "cell_id,rep,direction_size,timestamp\n".to_owned();
    for class in 1..=classes {
        for rep in 0..reps {
            let of_trace = noise(seed, class * 1000 + rep);
            for packet in 0..packets {
                let draw = noise(of_trace, packet);
                let size = 500 + draw % 400 / steps[0] * steps[0] + tell * class;
                let size = if packet % 3 == 0 { size as i64 } else { -(size as i64) };
                let micros = packet * 100_000 + if packet > 0 { draw % 50_000 / steps[1] * steps[1] } else { 0 };
                let _ = writeln!(text, "{class},{rep},{size},{}.{:06}", micros / 1_000_000, micros % 1_000_000);
            }
        }
    }
    text
}

pub(crate) fn zipped(name: &str, text: &[u8]) -> Vec<u8> {
    zipped_with(name, text, SimpleFileOptions::default())
}

/// As [`zipped`], in little time.
pub(crate) fn zipped_fast(name: &str, text: &[u8]) -> Vec<u8> {
    zipped_with(name, text, SimpleFileOptions::default().compression_level(Some(1)))
}

fn zipped_with(name: &str, text: &[u8], options: SimpleFileOptions) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(name, options).unwrap();
    archive.write_all(text).unwrap();
    archive.finish().unwrap().into_inner()
}

pub(crate) fn unzipped(bytes: &[u8]) -> String {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    archive.by_index(0).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// Ids of a test file, in its order.
pub(crate) fn captures(test: &str) -> Vec<i64> {
    let mut ids: Vec<i64> = test.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    ids.dedup();
    ids
}

/// An attack file: what `says` gives each class of a capture.
pub(crate) fn attack(teams: &[(i64, Vec<i64>)], classes: usize, says: impl Fn(i64, usize) -> f64) -> String {
    let names: Vec<String> = (1..=classes).map(|class| format!("proba_class_{class}")).collect();
    let mut text = format!("team_id,capture_id,{}\n", names.join(","));
    for (team, captures) in teams {
        for capture in captures {
            let values: Vec<f64> = (1..=classes).map(|class| says(*capture, class)).collect();
            let sum: f64 = values.iter().sum();
            let values: Vec<String> = values.iter().map(|value| (value / sum).to_string()).collect();
            text += &format!("{team},{capture},{}\n", values.join(","));
        }
    }
    text
}
