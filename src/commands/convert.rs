//! `wfkit dataset convert`: traces in another format.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use wfkit_capture::{export, is_packet_text};
use wfkit_datasets::formats::{ChangesOfLabels, ChosenTraces, TracesInParts, most_rows, write_field_traces};
use wfkit_datasets::{CsvParts, InfoOfParts, write_traces_in_parts};

use super::capture::{import_captures, tell_names};
use super::dataset::{choose_copies, describe, describe_seen};
use crate::cli;
use crate::context::{Context, count};
use crate::input::{keep_apart, list, read_traces, read_traces_as, read_traces_by};
use crate::large::parts_of;
use wfkit_evaluate::PartsSeen;
use wfkit_evaluate::Traces;

pub(super) fn run(options: &cli::Convert, context: &Context<'_>) -> Result<()> {
    if let Some(out) = &options.out {
        keep_apart(&options.traces, options.from.is_some() || options.columns.is_some(), out)?;
    }
    // What is written a file a trace, or by another tool's rules, is written of a set that is held.
    if let (Some(out), None, None, None, None) =
        (&options.out, options.from, options.to, &options.pcap, &options.columns)
        && let Some(input) = open(options, out, context)?
    {
        return in_parts(options, input, out, context);
    }
    as_a_whole(options, context)
}

fn as_a_whole(options: &cli::Convert, context: &Context<'_>) -> Result<()> {
    let out = options.out.as_deref();
    let mut traces = choose_copies(read(options, context)?, options.copies);
    if options.renumber {
        let renumbered;
        (traces.set, renumbered) = traces.set.renumbered();
        renumbered.iter().for_each(|class| tell_renumbered(class, context));
    }
    match (out, options.to) {
        (Some(out), Some(format)) => {
            context.say_more(&options.traces);
            context.keep(out)?;
            write_field_traces(out, &traces.set, format, options.lose_sizes)?;
        }
        (Some(out), None) => context.write_traces(out, &traces.set)?,
        (None, _) => {}
    }
    let mut report = describe("dataset convert", &options.traces, &traces, context)?;
    if let Some(folder) = &options.pcap {
        let exported = export(&traces.set, folder)?;
        count(&mut report.counts, "captures", exported.files);
        count(&mut report.counts, "entries cut into several packets", exported.cut as usize);
        if exported.cut > 0 {
            let message = "entries are larger than a packet can be, and were cut into several";
            context.printer.warn(&format!("{} {message}", exported.cut));
        }
    }
    context.finish_and_print(report, out)
}

/// Traces in a format that is named or not, a table whose columns are known, or packets in text, which are imported.
fn read(options: &cli::Convert, context: &Context<'_>) -> Result<Traces> {
    let paths = &options.traces;
    match (options.from, &options.columns) {
        (_, Some(map)) => read_traces_by(paths, map, context),
        (Some(cli::ReadAs::Field(format)), _) => read_traces_as(paths, Some(format), context),
        (None, None) if !paths.iter().all(|path| is_packet_text(path)) => read_traces(paths, context),
        _ => {
            let imported = import_captures(paths, &options.packets.import(), context)?;
            tell_names(&imported.stats, context);
            let stats = imported.stats;
            let packets = stats.dropped.into_iter().map(|(reason, n)| (format!("packets: {reason}"), n));
            let traces = stats.dropped_traces.into_iter().map(|(reason, n)| (format!("traces: {reason}"), n));
            Ok(Traces { set: imported.set, dropped: packets.chain(traces).collect() })
        }
    }
}

fn tell_renumbered(class: &str, context: &Context<'_>) {
    context.printer.note(&format!("class {class}: sessions shared repetitions, so they were numbered anew"));
}

/// So many packets of a CSV are held while it is read.
const HELD: u64 = 1 << 24;

/// None where the traces are few enough to be read as a whole, or cannot be read otherwise.
fn open<'a>(options: &'a cli::Convert, out: &Path, context: &Context<'_>) -> Result<Option<TracesInParts<'a>>> {
    if let Some(mut parts) = parts_of(&options.traces, options.at_once, context) {
        let is_in_order = parts.labels()?.is_sorted_by(|a, b| a.key.order(&b.key).is_lt());
        if !is_in_order {
            context.printer.note("its rows are not in the order of class, session and rep, so it is read as a whole");
        }
        return Ok(is_in_order.then(|| TracesInParts::Parquet(Box::new(parts))));
    }
    let [path] = options.traces.as_slice() else { return Ok(None) };
    if !path.metadata().is_ok_and(|file| file.is_file() && most_rows(path, file.len()) > options.at_once) {
        return Ok(None);
    }
    let folder = out.parent().unwrap_or(Path::new(""));
    let reading = context.watcher.working("reading");
    let parts = CsvParts::open(path, folder, options.at_once.min(HELD) as usize)?;
    drop(reading);
    if let Some(parts) = &parts {
        let (packets, parts) = (parts.packets(), parts.len());
        context.printer.note(&format!("{packets} packets are worked through in {parts} parts"));
    }
    Ok(parts.map(|parts| TracesInParts::Csv(Box::new(parts))))
}

fn in_parts(options: &cli::Convert, mut input: TracesInParts<'_>, out: &Path, context: &Context<'_>) -> Result<()> {
    let labels = input.labels()?;
    anyhow::ensure!(!labels.is_empty(), "{}: there is no trace in it", list(&options.traces));
    input.warnings().iter().for_each(|warning| context.warn_of_input(warning));
    let changes = ChangesOfLabels {
        one_copy: options.copies.one_copy,
        lose_origins: options.copies.lose_origins,
        renumber: options.renumber,
    };
    let (chosen, renumbered) = ChosenTraces::of(labels, &mut input, changes)?;
    renumbered.iter().for_each(|class| tell_renumbered(class, context));
    let provenance = input.provenance().clone();
    let mut kept = PartsSeen::of(&chosen.labels, context.setting());
    let mut seen = InfoOfParts::default();
    let bar = context.printer.progress("converting", input.len() as u64);
    write_traces_in_parts(out, &provenance, |add| {
        let (mut row, mut label) = (0, 0);
        for part in &mut input {
            let part = chosen.of_part(part?, (&mut row, &mut label))?;
            part.traces().iter().try_for_each(&mut *add)?;
            kept.see(&part);
            seen.see(&part);
            bar.inc(1);
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    if let Some(found) = seen.implausible_times() {
        context.warn_of_input(&format!("{}: {found}", list(&options.traces)));
    }
    let privacy = context.trivial_of_parts(&mut kept, &provenance)?;
    let of = (&seen, provenance.layer);
    let mut report = describe_seen("dataset convert", &options.traces, of, privacy, context)?;
    let unknown = ("unknown column".to_owned(), input.unknown_columns());
    let copies = ("another copy of a load".to_owned(), chosen.other_copies());
    report.dropped = BTreeMap::from([unknown, copies]).into_iter().filter(|(_, count)| *count > 0).collect();
    context.finish_and_print(report, Some(out))
}
