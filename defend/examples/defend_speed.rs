//! What defences cost and how long they take, for the benchmarks: `defend_speed ROUNDS SPEC... -- FILE...` defends every trace so often, on one
//! thread and with every check, and prints for each specification the CPU seconds and the memory it needed beside the traces; then, not timed, again for
//! the padding packets a trace and round.
//!
//! A file is one trace of lines `nanoseconds,s|r,size`, or whatever wfkit reads as traces. Linux only: the kernel keeps the CPU time.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints some lines or fails")]

use std::fs;
use std::hint::black_box;
use std::path::Path;

use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, read_traces};
use wfkit_defend::{Direction, Load, Pipeline, Profile};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: u64 = arguments.next().unwrap().parse().unwrap();
    let specs: Vec<String> = arguments.by_ref().take_while(|argument| argument != "--").collect();
    let files: Vec<String> = arguments.collect();
    let set = traces(&files);
    let profile = Profile::of(&set);
    println!("{} traces, {} packets", set.len(), set.packets());
    for spec in &specs {
        let pipeline = Pipeline::new(&spec.parse().unwrap(), &profile, 0, 1).unwrap();
        let mut padding = [0_u64; 2];
        let mut late = 0.0;
        let defend = |labelled: &LabelledTrace, round| pipeline.defend(&Load::of(labelled), round).unwrap();
        let before = memory_mb("VmRSS");
        fs::write("/proc/self/clear_refs", "5").unwrap(); // the peak starts anew
        let started = cpu_seconds();
        for round in 0..rounds {
            for labelled in set.traces() {
                black_box(defend(labelled, round));
            }
        }
        let seconds = cpu_seconds() - started;
        let memory = memory_mb("VmHWM") - before;
        for round in 0..rounds {
            for labelled in set.traces() {
                let defended = defend(labelled, round);
                for packet in defended.packets().filter(|packet| packet.is_padding()) {
                    padding[usize::from(packet.direction() == Direction::Incoming)] += 1;
                }
                let last = defended.completion_ns(labelled.trace.len()).into_iter().max().unwrap();
                late += last as f64 / labelled.trace.duration_ns().max(1) as f64 - 1.0;
            }
        }
        let runs = (rounds * set.len() as u64) as f64;
        let [out, inc] = padding.map(|packets| packets as f64 / runs);
        let share = (out + inc) / (set.packets() as f64 / set.len() as f64);
        println!(
            "{spec}\t{seconds:.3} s\t{:.0} traces/s\t{out:.1} out\t{inc:.1} in\t{:.1} %\t{:.1} % later\t{memory:.1} MB more at most",
            runs / seconds,
            100.0 * share,
            100.0 * late / runs
        );
    }
}

fn traces(files: &[String]) -> TraceSet {
    if !files[0].ends_with(".log") {
        return read_traces(Path::new(&files[0])).unwrap().set;
    }
    let labelled = |(rep, file): (i64, &String)| {
        LabelledTrace::new(
            TraceKey { class: "a".into(), rep, session: None },
            None,
            trace(&fs::read_to_string(file).unwrap()),
        )
    };
    let traces = (0..).zip(files).map(labelled).collect();
    TraceSet::new(traces, Provenance::new(Layer::Unknown, vec![])).unwrap()
}

fn trace(text: &str) -> Trace {
    let packet = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].parse::<u64>().unwrap(), if fields[1] == "s" { 1 } else { -1 })
    };
    let mut packets: Vec<(u64, i32)> = text.lines().map(packet).collect();
    packets.sort_by_key(|(time, _)| *time);
    let start = packets[0].0;
    let (times, sizes) = packets.into_iter().map(|(time, size)| (time - start, size)).unzip();
    Trace::new(times, sizes).unwrap()
}

/// Of the process, in 10^6 bytes.
fn memory_mb(key: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
}

/// Of the main thread.
fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
