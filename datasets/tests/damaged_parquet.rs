//! Parquet files with every kind of damage: an error or a reading, in little memory, and never the end of the process.
//!
//! The files are read in a process of their own whose memory the system limits, so that whoever believes a made-up length is found out.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wfkit_datasets::{
    FileKind, Label, LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, read_probabilities, read_table,
    read_traces, write_table, write_traces,
};

const IN_CHILD: &str = "DAMAGED_PARQUET_IN";
/// KiB of address space; threads and the program itself need some of it.
const MEMORY_KIB: u64 = 3 << 20;

#[test]
fn damage_is_an_error_or_a_reading_in_little_memory() {
    if let Some(folder) = std::env::var_os(IN_CHILD) {
        return read_all_damaged(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    let limited = format!("ulimit -v {MEMORY_KIB} && exec \"$0\" --nocapture");
    let ran = Command::new("sh").args(["-c", &limited]).arg(test).env(IN_CHILD, folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    let last = fs::read_to_string(folder.path().join("doing")).unwrap_or_default();
    assert!(ran.status.success(), "{:?} at {last}: {}", ran.status, &said[said.len().saturating_sub(2000)..]);
}

/// Sound files, of this program and of others.
fn sound_files(folder: &Path) -> Vec<PathBuf> {
    let traces = (0..40).map(|rep| {
        let packets = 50 + rep as usize;
        let time_ns = (0..packets as u64).map(|at| at * 12_345_678).collect();
        let size = (0..packets).map(|at| if at % 3 == 0 { 514 } else { -1_028 }).collect();
        let key =
            TraceKey { class: format!("page {}", rep % 4), rep, session: (rep % 2 == 0).then(|| "day".to_owned()) };
        LabelledTrace::new(key, Some(rep), Trace::new(time_ns, size).unwrap())
    });
    let set = TraceSet::new(traces.collect(), Provenance::new(Layer::Tcp, vec!["a.pcap".to_owned()])).unwrap();
    let ours = folder.join("ours.parquet");
    write_traces(&ours, &set).unwrap();
    let table = folder.join("table.parquet");
    let labels: Vec<Label> = set.traces().iter().map(Label::from).collect();
    let values = ndarray::Array2::from_shape_fn((40, 5), |(row, column)| (row * column) as f64 / 7.0);
    let names: Vec<String> = (0..5).map(|column| format!("f{column}")).collect();
    write_table(&table, &labels, &names, values.view(), None).unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/field-cases");
    let others = ["parquet/plain", "parquet/size_int16", "parquet/x_date", "formats/cesnet_ppi"];
    [ours, table].into_iter().chain(others.map(|name| cases.join(format!("{name}.parquet")))).collect()
}

fn read_all_damaged(folder: &Path) {
    let (mut readings, mut errors) = (0, 0);
    for file in sound_files(folder) {
        let whole = fs::read(&file).unwrap();
        for (how, bytes) in damaged(&whole) {
            fs::write(folder.join("doing"), format!("{}, {how}", file.display())).unwrap();
            let path = folder.join("damaged.parquet");
            fs::write(&path, bytes).unwrap();
            let read = [
                read_traces(&path).is_ok(),
                read_table(&path).is_ok(),
                read_probabilities(&path).is_ok(),
                FileKind::of(&path).is_ok_and(|kind| kind.is_some()),
            ];
            if read.contains(&true) { readings += 1 } else { errors += 1 }
        }
    }
    assert!(readings > 100 && errors > 1000, "{readings} readings, {errors} errors");
}

/// A numbers generator that always draws the same.
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// Copies of a file with one kind of damage each, most of it in the footer, which says where everything is and how much there is of it.
fn damaged(whole: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut draws = Draws(whole.len() as u64);
    let footer = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().unwrap()) as usize;
    let footer_at = whole.len() - 8 - footer;
    let mut all = Vec::new();
    for at in (0..whole.len()).step_by((whole.len() / 60).max(1)) {
        all.push((format!("cut at {at}"), whole[..at].to_vec()));
    }
    for _ in 0..500 {
        let at = if draws.below(3) > 0 { footer_at + draws.below(footer + 8) } else { draws.below(whole.len()) };
        let mut bytes = whole.to_vec();
        match draws.below(5) {
            0 | 1 => bytes[at] ^= 1 << draws.below(8),
            2 => bytes[at] = draws.below(256) as u8,
            3 => {
                let end = (at + 1 + draws.below(24)).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
            // The largest number that such a place holds: nine bytes that go on, one that ends it.
            _ => {
                let end = (at + 9).min(bytes.len() - 1);
                bytes[at..end].fill(0xff);
                bytes[end] = draws.below(16) as u8;
            }
        }
        all.push((format!("damaged at {at}"), bytes));
    }
    for length in [0, 1, 8, 0x7fff_ffff, u32::MAX] {
        let mut bytes = whole.to_vec();
        let at = bytes.len() - 8;
        bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
        all.push((format!("a footer of {length}"), bytes));
    }
    all
}
