//! `wfkit capture live`: an interface to a pcapng file.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use wfkit_capture::live::{Interface, InterfaceDescription, Limits, PacketSource as _, PcapngWriter, Stopped, record};

use super::system::SystemClock;
use super::{APPLICATION, report};
use crate::cli;
use crate::context::{Context, count};

pub(in crate::commands) fn live(options: &cli::CaptureLive, context: &Context<'_>) -> Result<()> {
    let out = &options.out;
    let stop = wfkit_terminal::stop_signal()?;
    let mut interface = Interface::open(&options.interface, &options.filter, options.snaplen)?;
    // Beside what is there, which stays until the recording is whole.
    let part = part_of(out);
    let file = File::create(&part).with_context(|| format!("{}: cannot write", part.display()))?;
    let description = InterfaceDescription {
        link: interface.link(),
        snap_len: options.snaplen,
        name: options.interface.clone(),
        filter: options.filter.to_string(),
    };
    let writer = PcapngWriter::new(BufWriter::new(file), &description, APPLICATION)
        .with_context(|| format!("{}: cannot write", out.display()))?;
    let limits = Limits { duration: options.duration, packets: options.packets, quiet_time: options.quiet_time };
    context.printer.note(&format!("recording {} to {}; Ctrl-C ends it", options.interface, out.display()));

    let bar = context.printer.counter("recording");
    let result = record(&mut interface, writer, &limits, &SystemClock::new(), &stop, &mut |n| bar.set_position(n));
    bar.finish_and_clear();
    let what =
        || format!("{} to {}; what was recorded before is in {}", options.interface, out.display(), part.display());
    let (_, recorded) = result.with_context(what)?;
    fs::rename(&part, out).with_context(|| format!("{}: cannot write", out.display()))?;

    let dropped = recorded.counters.dropped;
    if dropped > 0 {
        context
            .printer
            .warn(&format!("the kernel dropped {dropped} packets: a filter or --snaplen makes it less work"));
    }
    let mut report = report("capture live", Vec::new(), context);
    count(&mut report.counts, "packets", recorded.packets as usize);
    count(&mut report.counts, "bytes", recorded.bytes as usize);
    count(&mut report.counts, "packets received", recorded.counters.received as usize);
    report.counts.insert(format!("ended by {}", reason(recorded.stopped)), 1);
    report.dropped.insert("packets: dropped by the kernel".to_owned(), dropped);
    context.finish_and_print(report, Some(out))
}

/// Where a recording is written until it is whole.
fn part_of(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    out.with_file_name(name)
}

fn reason(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::Duration => "duration",
        Stopped::Packets => "number of packets",
        Stopped::Quiet => "quiet time",
        Stopped::Asked => "a signal",
    }
}
