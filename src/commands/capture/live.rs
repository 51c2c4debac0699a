//! `wfkit capture live`: an interface to a pcapng file.

use anyhow::Result;
use wfkit_capture::live::{Interface, InterfaceDescription, Limits, PacketSource as _, Recording};
use wfkit_terminal::{SystemClock, stop_signal};

use crate::context::Context;
use crate::{TOOL, cli};

pub(super) fn run(options: &cli::CaptureLive, context: &Context<'_>) -> Result<()> {
    let out = &options.out;
    let stop = stop_signal()?;
    let mut interface = Interface::open(&options.interface, &options.filter, options.snaplen)?;
    let description = InterfaceDescription {
        link: interface.link(),
        snap_len: options.snaplen,
        name: options.interface.clone(),
        filter: options.filter.to_string(),
    };
    let recording = Recording::to(out, &description, TOOL)?;
    let limits = Limits { duration: options.duration, packets: options.packets, quiet_time: options.quiet_time };
    context.printer.note(&format!("recording {} to {}; Ctrl-C ends it", options.interface, out.display()));
    let bar = context.printer.counter("recording");
    let recorded = recording.record(&mut interface, &limits, &SystemClock::new(), &stop, &mut |n| bar.set_position(n));
    bar.finish_and_clear();
    let recorded = recorded?;
    let dropped = recorded.counters.dropped;
    if dropped > 0 {
        let less = "a filter or --snaplen makes it less work";
        context.printer.warn(&format!("the kernel dropped {dropped} packets: {less}"));
    }
    context.finish_and_print(context.report("capture live", Vec::new(), recorded.findings()), Some(out))
}
