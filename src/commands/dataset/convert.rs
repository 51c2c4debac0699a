//! `wfkit dataset convert`: traces in another format.

use std::path::Path;

use anyhow::Result;
use wfkit_capture::{export, is_packet_text};
use wfkit_datasets::digests;
use wfkit_datasets::formats::{TracesInParts, write_field_traces};
use wfkit_evaluate::{Conversion, Traces};

use crate::cli;
use crate::commands::capture::{import_captures, tell_names};
use crate::context::Context;
use crate::input::{keep_apart, list, read_traces, read_traces_as, read_traces_by};
use crate::large::in_order;

pub(super) fn run(options: &cli::Convert, context: &Context<'_>) -> Result<()> {
    let out = options.out.as_deref();
    if let Some(out) = out {
        keep_apart(&options.traces, options.from.is_some() || options.columns.is_some(), out)?;
    }
    // What is written a file a trace, or by another tool's rules, is written of a set that is held.
    if let (Some(out), None, None, None, None) = (out, options.from, options.to, &options.pcap, &options.columns)
        && let Some(input) = in_order(&options.traces, options.at_once, out, context)?
    {
        return in_parts(options, input, out, context);
    }
    as_a_whole(options, context)
}

fn as_a_whole(options: &cli::Convert, context: &Context<'_>) -> Result<()> {
    let (traces, renumbered) = read(options, context)?.changed(options.changes());
    tell_renumbered(&renumbered, context);
    match (&options.out, options.to) {
        (Some(out), Some(format)) => {
            context.say_more(&options.traces);
            context.keep(out)?;
            write_field_traces(out, &traces.set, format, options.lose_sizes)?;
        }
        (Some(out), None) => context.write_traces(out, &traces.set)?,
        (None, _) => {}
    }
    let mut findings = traces.findings(context.setting())?;
    let inputs = digests(&options.traces)?;
    if let Some(folder) = &options.pcap {
        let exported = export(&traces.set, folder)?;
        findings.count("captures", exported.files).count("entries cut into several packets", exported.cut as usize);
        if exported.cut > 0 {
            let message = "entries are larger than a packet can be, and were cut into several";
            context.printer.warn(&format!("{} {message}", exported.cut));
        }
    }
    context.finish_and_print(context.report("dataset convert", inputs, findings), options.out.as_deref())
}

/// Traces in a format that is named or not, a table whose columns are known, or packets in text, which are imported.
fn read(options: &cli::Convert, context: &Context<'_>) -> Result<Traces> {
    let paths = &options.traces;
    match (options.from, &options.columns) {
        (_, Some(map)) => read_traces_by(paths, map, context),
        (Some(cli::ReadAs::Field(format)), _) => read_traces_as(paths, Some(format), context),
        (None, None) if !paths.iter().all(|path| is_packet_text(path)) => read_traces(paths, context),
        _ => {
            let imported = import_captures(paths, &options.packets, context)?;
            tell_names(&imported.stats, context);
            Ok(Traces { dropped: imported.stats.left_out(), set: imported.set })
        }
    }
}

fn tell_renumbered(classes: &[String], context: &Context<'_>) {
    for class in classes {
        context.printer.note(&format!("class {class}: sessions shared repetitions, so they were numbered anew"));
    }
}

fn in_parts(options: &cli::Convert, input: TracesInParts<'_>, out: &Path, context: &Context<'_>) -> Result<()> {
    let conversion = Conversion::of(input, list(&options.traces), options.changes())?;
    conversion.warnings().iter().for_each(|warning| context.warn_of_input(warning));
    tell_renumbered(&conversion.renumbered, context);
    let findings = conversion.write(out, context.setting())?;
    context.finish_and_print(context.report("dataset convert", digests(&options.traces)?, findings), Some(out))
}
