//! `wfkit dataset convert`: traces in another format.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::Result;
use wfkit_capture::{export, is_packet_text};
use wfkit_datasets::formats::{ReadError, write_field_traces};
use wfkit_datasets::{
    CsvParts, InfoOfParts, Label, Provenance, TraceParts, TraceSet, renumber, write_traces, write_traces_in_parts,
};
use wfkit_evaluate::{trivial_privacy, trivial_privacy_of};

use super::capture::{import_captures, tell_names};
use super::dataset::{FOLDS, choose_copies, describe, describe_seen};
use crate::cli;
use crate::context::{Context, count};
use crate::input::{Traces, keep_apart, list, read_traces, read_traces_as, read_traces_by};
use crate::large::{Kept, parts_of};

pub(super) fn run(options: &cli::Convert, context: &Context<'_>) -> Result<()> {
    if let Some(out) = &options.out {
        keep_apart(&options.traces, options.from.is_some() || options.columns.is_some(), out)?;
    }
    // What is written a file a trace, or by another tool's rules, is written of a set that is held.
    if let (Some(out), None, None, None, None) =
        (&options.out, options.from, options.to, &options.pcap, &options.columns)
        && let Some(input) = Input::open(options, out, context)?
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
        (Some(out), Some(format)) => write_field_traces(out, &traces.set, format, options.lose_sizes)?,
        (Some(out), None) => write_traces(out, &traces.set)?,
        (None, _) => {}
    }
    let privacy = trivial_privacy(&traces.set, FOLDS, context.setting())?;
    let mut report = describe("dataset convert", &options.traces, &traces, privacy, context)?;
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

/// Traces that come in parts, in set order.
enum Input<'a> {
    Parquet(Box<TraceParts<'a>>),
    Csv(Box<CsvParts<'a>>),
}

impl<'a> Input<'a> {
    /// None where the traces are few enough to be read as a whole, or cannot be read otherwise.
    fn open(options: &'a cli::Convert, out: &Path, context: &Context<'_>) -> Result<Option<Self>> {
        if let Some(mut parts) = parts_of(&options.traces, options.at_once, context) {
            let is_in_order = parts.labels()?.is_sorted_by(|a, b| a.key.order(&b.key).is_lt());
            if !is_in_order {
                context
                    .printer
                    .note("its rows are not in the order of class, session and rep, so it is read as a whole");
            }
            return Ok(is_in_order.then(|| Self::Parquet(Box::new(parts))));
        }
        let [path] = options.traces.as_slice() else { return Ok(None) };
        if !path.metadata().is_ok_and(|file| file.is_file() && most_rows(path, file.len()) > options.at_once) {
            return Ok(None);
        }
        let folder = out.parent().unwrap_or(Path::new(""));
        let reading = context.working("reading");
        let parts = CsvParts::open(path, folder, options.at_once.min(HELD) as usize)?;
        drop(reading);
        if let Some(parts) = &parts {
            let (packets, parts) = (parts.packets(), parts.len());
            context.printer.note(&format!("{packets} packets are worked through in {parts} parts"));
        }
        Ok(parts.map(|parts| Self::Csv(Box::new(parts))))
    }

    fn labels(&mut self) -> Result<Vec<Label>, ReadError> {
        match self {
            Self::Parquet(parts) => parts.labels(),
            Self::Csv(parts) => Ok(parts.labels()),
        }
    }

    /// Begins anew; a CSV, whose traces are copies of nothing, is gone through once.
    fn rewind(&mut self) {
        if let Self::Parquet(parts) = self {
            parts.rewind();
        }
    }

    fn provenance(&self) -> &Provenance {
        match self {
            Self::Parquet(parts) => parts.provenance(),
            Self::Csv(parts) => parts.provenance(),
        }
    }

    fn warnings(&self) -> Vec<String> {
        match self {
            Self::Parquet(parts) => parts.warnings().to_vec(),
            Self::Csv(parts) => parts.warnings(),
        }
    }

    fn unknown_columns(&self) -> u64 {
        match self {
            Self::Parquet(parts) => parts.unknown_columns(),
            Self::Csv(_) => 0,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Parquet(parts) => parts.len(),
            Self::Csv(parts) => parts.len(),
        }
    }
}

/// How many rows of packets a CSV of so many bytes has at most; packed, a few bits may be a row.
fn most_rows(path: &Path, bytes: u64) -> u64 {
    const SHORTEST_ROW: u64 = "1,1,1,0\n".len() as u64;
    let is_packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    if is_packed { bytes.saturating_mul(8) } else { bytes / SHORTEST_ROW }
}

impl Iterator for Input<'_> {
    type Item = Result<TraceSet, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Parquet(parts) => parts.next(),
            Self::Csv(parts) => parts.next(),
        }
    }
}

fn in_parts(options: &cli::Convert, mut input: Input<'_>, out: &Path, context: &Context<'_>) -> Result<()> {
    let labels = input.labels()?;
    anyhow::ensure!(!labels.is_empty(), "{}: there is no trace in it", list(&options.traces));
    input.warnings().iter().for_each(|warning| context.warn_of_input(warning));
    let chosen = Chosen::of(options, labels, &mut input, context)?;
    let provenance = input.provenance().clone();
    let mut kept = Kept::of(&chosen.labels, context.setting());
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
    let privacy = trivial_privacy_of(&kept.some(&provenance)?, &kept.drawn, FOLDS, context.setting())?;
    let of = (&seen, provenance.layer);
    let mut report = describe_seen("dataset convert", &options.traces, of, privacy, context)?;
    let unknown = ("unknown column".to_owned(), input.unknown_columns());
    let copies = ("another copy of a load".to_owned(), chosen.other_copies());
    report.dropped = BTreeMap::from([unknown, copies]).into_iter().filter(|(_, count)| *count > 0).collect();
    context.finish_and_print(report, Some(out))
}

/// What is written of the traces, as the labels tell before their packets are there.
struct Chosen {
    /// Which rows are written; all where nothing is said.
    rows: Option<Vec<bool>>,
    /// Labels of what is written, in order.
    labels: Vec<Label>,
    /// Whether that is anything else than what is read.
    changes: bool,
}

impl Chosen {
    fn of(
        options: &cli::Convert,
        mut labels: Vec<Label>,
        input: &mut Input<'_>,
        context: &Context<'_>,
    ) -> Result<Self> {
        let has_copies = labels.iter().any(|label| label.origin.is_some());
        let mut rows = None;
        if options.copies.one_copy && has_copies {
            // Which loads are the same, their packets tell.
            let mut loads = HashSet::new();
            let mut first = Vec::with_capacity(labels.len());
            for part in &mut *input {
                first.extend(part?.traces().iter().map(|labelled| loads.insert(labelled.origin_of_copies())));
            }
            input.rewind();
            let mut is_written = first.iter();
            labels.retain(|_| is_written.next() == Some(&true));
            rows = Some(first);
        }
        if options.copies.lose_origins {
            labels.iter_mut().for_each(|label| label.origin = None);
        }
        if options.renumber {
            let renumbered = renumber(&mut labels, |label| &label.key, |label| &mut label.key);
            renumbered.iter().for_each(|class| tell_renumbered(class, context));
        }
        let changes = rows.is_some() || options.copies.lose_origins || options.renumber;
        Ok(Self { rows, labels, changes })
    }

    /// Of the next part, what is written, as it is written; counts rows that were read and labels that were used.
    fn of_part(&self, part: TraceSet, (row, label): (&mut usize, &mut usize)) -> Result<TraceSet> {
        if !self.changes {
            return Ok(part);
        }
        let provenance = part.provenance().clone();
        let mut traces = part.into_traces();
        traces.retain(|_| {
            *row += 1;
            self.rows.as_ref().is_none_or(|rows| rows[*row - 1])
        });
        for labelled in &mut traces {
            let Label { key, origin, .. } = &self.labels[*label];
            (labelled.key, labelled.origin) = (key.clone(), origin.clone());
            *label += 1;
        }
        Ok(TraceSet::new(traces, provenance)?)
    }

    fn other_copies(&self) -> u64 {
        self.rows.as_ref().map_or(0, |rows| rows.iter().filter(|&&is_written| !is_written).count() as u64)
    }
}
