//! How fast captures are read, for the benchmarks: `read_speed MODE FILE...` prints packets, bytes and CPU seconds.
//!
//! `bytes` only reads, the limit of all; `records` finds the packets; `import` makes traces of them, each segment as it
//! was captured; `reassemble` puts the segments in order first.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints one line or fails")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use wfkit_capture::{FlowScope, ImportOptions, LabelSource, Records, import};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap();
    let paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let started = Instant::now();
    let (packets, kept) = match mode.as_str() {
        "bytes" => (0, paths.iter().map(|path| bytes(path)).sum()),
        "records" => paths.iter().map(|path| records(path)).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)),
        "import" | "reassemble" => {
            let labels = LabelSource::Pattern("^(?<class>.*)$".parse().unwrap());
            let reassembly = mode == "reassemble";
            let options = ImportOptions { labels, reassembly, flows: FlowScope::All, ..ImportOptions::default() };
            let import = import(&paths, &options, &|_, _| {}).unwrap();
            (import.stats.packets, import.stats.kept)
        }
        other => panic!("unknown mode {other}"),
    };
    println!("{packets} packets, {kept} kept, {:.3} s", started.elapsed().as_secs_f64());
}

fn bytes(path: &Path) -> u64 {
    let mut file = File::open(path).unwrap();
    let mut buffer = vec![0; (1 << 20) + 4096];
    let page = buffer.as_ptr().align_offset(4096);
    let buffer = &mut buffer[page..page + (1 << 20)];
    let mut sum = 0;
    loop {
        match file.read(buffer).unwrap() {
            0 => return sum,
            n => sum += n as u64,
        }
    }
}

fn records(path: &Path) -> (u64, u64) {
    let mut records = Records::open(path).unwrap();
    let (mut packets, mut bytes) = (0, 0);
    while let Some(record) = records.next().unwrap() {
        packets += 1;
        bytes += record.data.len() as u64;
    }
    (packets, bytes)
}
