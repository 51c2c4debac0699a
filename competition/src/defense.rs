//! Defence files: what a defender uploads, and the labelled part of it that attackers train on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;
use wfkit_datasets::formats::{
    Dialect, KeyColumn, PacketTable, PacketTrace, Problems, ReadError, ReadLimits, Source, WriteError, file_name,
    read_packet_csv, refuse_copies, write_csv_file, write_packet_csv,
};
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet, volume};
use wfkit_metrics::{Volume, class_order};

use crate::rules::class_number;
use crate::{Baseline, CheckReport, FileCheck, Implausible, Overhead, Plausibility, Rules, UploadCost};

/// Names of the columns that tell traces apart: class and repetition.
const KEYS: [&str; 2] = ["cell_id", "rep"];
/// The file with the names of numbered classes.
const CLASSES_FILE: &str = "classes.csv";

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Export {
    /// The verdict on the file that was written. A set that does not fit the rules is written all the same.
    pub report: CheckReport,
    /// Where the names of the classes are, if they had to be numbered.
    pub classes_file: Option<PathBuf>,
    /// Classes whose repetitions were renumbered from 1, because sessions shared some; in class order, named as in the set.
    pub renumbered: Vec<String>,
}

/// Why there is no export.
#[derive(Debug, Error)]
pub enum DefenseExportError {
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What was written cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Writes the defence file of a set (`.csv` or `.csv.zip`), traces in the order of the set, and checks what it wrote.
///
/// - Classes that all are numbers from 1 to [`Rules::classes`] stay. Any others are numbered from 1 in class order, and
///   `classes.csv` beside the file (columns `cell_id,class`) tells which is which.
/// - The file knows no copies of one load: of each one at most may be there.
/// - The file knows no sessions: where two of them share a repetition, the class is renumbered from 1 in the order of the set.
///
/// # Errors
/// What the system refuses, another extension, and traces of 97 days and more.
pub fn export_defense(set: &TraceSet, path: &Path, rules: &Rules) -> Result<Export, DefenseExportError> {
    let classes = set.classes();
    let named_as_numbers = classes.names().iter().all(|class| rules.has_class(class));
    let number = |class: &str| match named_as_numbers {
        true => class.to_owned(),
        false => (classes.index_of(class).expect("the classes are those of the set") + 1).to_string(),
    };

    refuse_copies(path, set)?;
    let (numbered, renumbered) = set.clone().renumbered();
    let key = |labelled: &LabelledTrace| vec![number(&labelled.key.class), labelled.key.rep.to_string()];
    let rows = numbered.traces().iter().map(|labelled| (key(labelled), &labelled.trace));
    write_packet_csv(path, &KEYS, rows)?;

    let classes_file = if named_as_numbers { None } else { Some(path.with_file_name(CLASSES_FILE)) };
    if let Some(file) = &classes_file {
        write_class_names(file, classes.names())?;
    }
    let report = check_defense(path, rules, &ReadLimits::UPLOAD, None)?.report;
    Ok(Export { report, classes_file, renumbered })
}

fn write_class_names(path: &Path, names: &[String]) -> Result<(), WriteError> {
    write_csv_file(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        let mut write = |fields: [&str; 2]| writer.write_record(fields).map_err(|error| WriteError::table(path, error));
        write(["cell_id", "class"])?;
        for (number, name) in (1..).zip(names) {
            let number: usize = number;
            write([&number.to_string(), name])?;
        }
        writer.flush().map_err(|error| WriteError::io(path, error))
    })
}

/// Why a file gives no baseline.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// Nothing can carry such a share.
    #[error("--least-share {0}: a share is above 0 and 1 at most")]
    Share(f64),
    /// The file is none.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It has no traces.
    #[error("{}: there are no traces in it", .0.display())]
    NoTraces(PathBuf),
}

impl Baseline {
    /// Of the undefended traffic in a defence file, of which a defence carries this share at least.
    ///
    /// # Errors
    /// A share that is none; what [`read_defense`] refuses; no traces.
    pub fn of_file(undefended: &Path, least_share: f64) -> Result<Self, BaselineError> {
        if !(least_share > 0.0 && least_share <= 1.0) {
            return Err(BaselineError::Share(least_share));
        }
        let set = read_defense(undefended, &ReadLimits::OWN)?;
        let baseline = Self::of(&set, Plausibility { least_share, ..Plausibility::default() });
        baseline.ok_or_else(|| BaselineError::NoTraces(undefended.to_owned()))
    }
}

/// Reads a defence or train file: classes are the numbers of `cell_id`, there are no sessions, the layer is unknown.
///
/// # Errors
/// Whatever is wrong row by row. Rules are not looked at: see [`check_defense`].
pub fn read_defense<'a>(source: impl Into<Source<'a>>, limits: &ReadLimits) -> Result<TraceSet, ReadError> {
    let source = source.into();
    let path = source.name();
    let table = read_table(source, limits)?;
    if !table.dialect.is_plain() {
        return Err(ReadError::damaged(path, not_plain(table.dialect)));
    }
    labelled(path, table.checked(path)?, trace_key)
}

fn trace_key(fields: &[String]) -> TraceKey {
    let rep = fields[1].parse().expect("the column holds whole numbers");
    TraceKey { class: fields[0].clone(), rep, session: None }
}

/// A set of the traces of a file, keyed by the values of its key columns.
pub(crate) fn labelled(
    path: &Path,
    traces: Vec<PacketTrace>,
    key: impl Fn(&[String]) -> TraceKey,
) -> Result<TraceSet, ReadError> {
    let labelled = traces.into_iter().map(|packets| {
        LabelledTrace::new(key(&packets.key), None, packets.trace.expect("a trace without problems is there"))
    });
    TraceSet::new(labelled.collect(), Provenance::new(Layer::Unknown, vec![file_name(path)]))
        .map_err(|source| ReadError::Set { path: path.to_owned(), source })
}

/// Other tools of a competition read nothing but plain CSV.
pub(crate) fn not_plain(dialect: Dialect) -> String {
    format!("written with {dialect}, where a competition has commas and UTF-8")
}

fn read_table<'a>(source: impl Into<Source<'a>>, limits: &ReadLimits) -> Result<PacketTable, ReadError> {
    read_packet_csv(source, &KEYS.map(KeyColumn::integer), limits)
}

pub(crate) fn write_train<'a>(
    path: &Path,
    traces: impl IntoIterator<Item = (&'a str, i64, &'a Trace)>,
) -> Result<(), WriteError> {
    let row = |(class, rep, trace): (&str, i64, &'a Trace)| (vec![class.to_owned(), rep.to_string()], trace);
    write_packet_csv(path, &KEYS, traces.into_iter().map(row))
}

/// Whether a defence file may take part, and what it costs; where it may, with its traces, so that a file that is large is read once. Without rules,
/// whether it is one at all.
///
/// A file that cannot be read to its end, such as a zip bomb, is refused in the report. Warned of are traces that are
/// identical to others (each gives its twin away if they come to lie on both sides of a split), traces with packets in one
/// direction only, and, where `undefended` traffic is given, medians below it: a defence adds traffic and time. What carries less than the
/// least share of undefended incoming bytes can carry no answers: what becomes of it says [`Plausibility`](crate::Plausibility).
///
/// # Errors
/// Only what the system refuses.
pub fn check_defense<'a, 'r>(
    source: impl Into<Source<'a>>,
    rules: impl Into<Option<&'r Rules>>,
    limits: &ReadLimits,
    undefended: Option<&Baseline>,
) -> Result<FileCheck<TraceSet>, ReadError> {
    let source = source.into();
    let path = source.name();
    let table = match read_table(source, limits) {
        Ok(table) => table,
        Err(error) => return FileCheck::unreadable(path, error),
    };
    let mut report = CheckReport::new(path);
    report.rows = table.rows;
    report.traces = table.traces.len();
    report.problems = table.problems;
    if !table.dialect.is_plain() {
        report.problems.whole(not_plain(table.dialect));
    }
    match rules.into() {
        Some(rules) => {
            report.classes = check_classes(&table.traces, rules, &mut report.problems);
            check_traces(&table.traces, rules, &mut report.problems, &mut report.warnings);
        }
        None => report.classes = classes_of(&table.traces),
    }
    warn_of_twins(&table.traces, &mut report.warnings);

    let volumes: Vec<Volume> = table.traces.iter().filter_map(|packets| packets.trace.as_ref()).map(volume).collect();
    report.cost = UploadCost::of(&volumes);
    if let (Some(cost), Some(undefended)) = (&report.cost, undefended) {
        let overhead = Overhead::between(&undefended.volumes, &cost.volumes);
        warn_of_overhead(&overhead, &mut report.warnings);
        report.overhead = Some(overhead);
        let implausible = undefended.judge(&table.traces);
        match undefended.plausibility.verdict {
            Implausible::Refuse => report.problems.append(implausible),
            Implausible::Hold => report.held = implausible,
            Implausible::Flag => report.warnings.append(implausible),
        }
    }
    FileCheck::settled(report, || labelled(path, table.traces, trace_key))
}

/// How many classes there are.
fn classes_of(traces: &[PacketTrace]) -> usize {
    traces.iter().map(|packets| packets.key[0].as_str()).collect::<BTreeSet<_>>().len()
}

/// Every class of the rules is there, with as many repetitions as they allow, and no other. Returns how many there are.
fn check_classes(traces: &[PacketTrace], rules: &Rules, problems: &mut Problems) -> usize {
    let mut reps_of: BTreeMap<u64, u64> = (1..=rules.classes as u64).map(|class| (class, 0)).collect();
    let mut unknown: Vec<(&str, u64)> = Vec::new();
    for packets in traces {
        let class = packets.key[0].as_str();
        match class_number(class).and_then(|number| reps_of.get_mut(&number)) {
            Some(reps) => *reps += 1,
            None => unknown.push((class, packets.row)),
        }
    }
    for &(class, row) in &unknown {
        problems.record(format!("class is not one of 1 to {}", rules.classes), KEYS[0], row, class);
    }
    let allowed = rules.reps();
    for (class, &reps) in &reps_of {
        if reps == 0 {
            problems.record("class without a trace", KEYS[0], 0, class);
        } else if !allowed.contains(&reps) {
            let kind = format!("number of repetitions of a class is not in {} to {}", allowed.start(), allowed.end());
            problems.record(kind, KEYS[1], 0, format_args!("{reps} of class {class}"));
        }
    }
    let mut unknown: Vec<&str> = unknown.into_iter().map(|(class, _)| class).collect();
    unknown.sort_by(|a, b| class_order(a, b));
    unknown.dedup();
    reps_of.values().filter(|&&reps| reps > 0).count() + unknown.len()
}

fn check_traces(traces: &[PacketTrace], rules: &Rules, problems: &mut Problems, warnings: &mut Problems) {
    for packets in traces {
        if packets.packets <= rules.min_packets {
            let kind = format!("no more than {} packets in a trace", rules.min_packets);
            problems.record(kind, "", packets.row, format_args!("{} in {}", packets.packets, name(packets)));
        }
        let Some(trace) = &packets.trace else { continue };
        if trace.duration_ns() == 0 {
            problems.record("all times of a trace are 0", "timestamp", packets.row, name(packets));
        }
        if trace.in_packets() == 0 || trace.out_packets() == 0 {
            warnings.record("all packets of a trace in one direction", "direction_size", packets.row, name(packets));
        }
    }
}

fn warn_of_twins(traces: &[PacketTrace], warnings: &mut Problems) {
    let mut seen: HashMap<[u8; 32], &PacketTrace> = HashMap::new();
    for packets in traces {
        let Some(trace) = &packets.trace else { continue };
        let first = *seen.entry(trace.content_hash()).or_insert(packets);
        if first.key != packets.key {
            let twins = format!("{} = {}", name(packets), name(first));
            warnings.record("trace is identical to another", "", packets.row, twins);
        }
    }
}

fn warn_of_overhead(overhead: &Overhead, warnings: &mut Problems) {
    let parts =
        [("incoming bytes", overhead.in_bytes), ("outgoing bytes", overhead.out_bytes), ("time", overhead.seconds)];
    for (part, overhead) in parts {
        if let Some(overhead) = overhead.filter(|&overhead| overhead < 0.0) {
            let less = format!("{:.1} % of median {part}", overhead * 100.0);
            warnings.record("less than undefended traffic", "", 0, less);
        }
    }
}

fn name(packets: &PacketTrace) -> String {
    format!("class {} rep {}", packets.key[0], packets.key[1])
}
