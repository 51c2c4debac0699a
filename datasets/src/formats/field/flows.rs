//! Tables with a row a flow, whose first packets are lists: `nfstream`, `cesnet` and `ipfixprobe`, as text or as Parquet.

use std::path::Path;

use super::moments::ns_since_1970;
use super::names::without_type;
use super::{BELOW_0, FieldFormat, FieldTraces, Numbers, Packet, Reps, Time, trace_of, wrong};
use crate::formats::dialect::Dialect;
use crate::formats::{LimitExceeded, Problems, ReadError, ReadLimits, finite_number, ns_from_seconds, read_csv};
use crate::frame::{Frame, PARQUET_MAGIC, REP};
use crate::{FileKind, LabelledTrace, TraceKey, canonical_class};

/// The three lists of NFStream: directions, sizes, gaps in ms, the last of which has had another name.
const SPLT: [&[&str]; 3] = [&["splt_direction"], &["splt_ps"], &["splt_piat_ms", "splt_ipt"]];
/// The one column of CESNET: lists of gaps in ms, directions, sizes, and perhaps more.
const PPI: &[&str] = &["PPI", "ppi"];
/// The lists of ipfixprobe (its plugin `pstats`): directions, sizes, and the moments of packets.
const PROBED: [&[&str]; 3] = [
    &["PPI_PKT_DIRECTIONS", "ppi_pkt_directions"],
    &["PPI_PKT_LENGTHS", "ppi_pkt_lengths"],
    &["PPI_PKT_TIMES", "ppi_pkt_times"],
];
/// What such tables call their classes, the likeliest first.
const CLASSES: &[&str] = &["class", "label", "APP", "application_name", "app", "CLASS", "LABEL", "Label", "Class"];
/// How many of them are told where there is none: the others are spellings of these.
const CLASSES_TOLD: usize = 5;

/// The format of a table of text that begins so.
pub(super) fn of_text(start: &[u8]) -> Option<FieldFormat> {
    of_names(&Dialect::of(start).ok()?.header(start))
}

/// The format of a Parquet file that says nothing of holding anything of ours.
pub(super) fn of_parquet(path: &Path) -> Option<FieldFormat> {
    let frame = Frame::read(path).ok()?;
    let names: Vec<String> = frame.names().map(str::to_owned).collect();
    let format = of_names(&names)?;
    (FileKind::of_table(&frame) != Some(FileKind::Traces)).then_some(format)
}

fn of_names(names: &[String]) -> Option<FieldFormat> {
    if place(names, PPI).is_some() {
        return Some(FieldFormat::Cesnet);
    }
    let has_all = |lists: &[&[&str]]| lists.iter().all(|known| place(names, known).is_some());
    if has_all(&PROBED) {
        return Some(FieldFormat::Ipfixprobe);
    }
    has_all(&SPLT).then_some(FieldFormat::NfStream)
}

fn place(names: &[String], known: &[&str]) -> Option<usize> {
    known.iter().find_map(|known| names.iter().position(|name| without_type(name) == *known))
}

/// Where the columns are.
struct Columns {
    class: usize,
    /// Another one that may be meant.
    other_class: Option<usize>,
    rep: Option<usize>,
    lists: Vec<usize>,
}

impl Columns {
    fn of(path: &Path, format: FieldFormat, names: &[String]) -> Result<Self, ReadError> {
        let there = || names.iter().take(12).map(|name| name.trim()).collect::<Vec<_>>().join(", ");
        let wanted: &[&[&str]] = match format {
            FieldFormat::Cesnet => &[PPI],
            FieldFormat::Ipfixprobe => &PROBED,
            _ => &SPLT,
        };
        let (mut lists, mut missing) = (Vec::new(), Vec::new());
        for known in wanted {
            match place(names, known) {
                Some(at) => lists.push(at),
                None => missing.push(known[0].to_owned()),
            }
        }
        let class = place(names, CLASSES);
        if class.is_none() {
            missing.push(format!("{} for the class", CLASSES[..CLASSES_TOLD].join(" or ")));
        }
        match class.filter(|_| missing.is_empty()) {
            Some(class) => {
                let others = CLASSES.iter().filter_map(|known| place(names, &[known]));
                let other_class = others.into_iter().find(|&other| other != class);
                Ok(Self { class, other_class, rep: place(names, &[REP]), lists })
            }
            None => {
                let way = match format {
                    FieldFormat::Ipfixprobe => {
                        "rename a column, or say which it is: wfkit dataset convert --columns \
                         class=TLS_SNI,time=PPI_PKT_TIMES[]:iso,size=PPI_PKT_LENGTHS[]*PPI_PKT_DIRECTIONS[]"
                    }
                    _ => "rename columns, or say what they hold: wfkit dataset convert --columns",
                };
                let message = format!("missing: {}; there are {}; {way}", missing.join(", "), there());
                Err(ReadError::columns(path, message))
            }
        }
    }
}

impl Columns {
    /// Says which of two columns the classes are from.
    fn tell_class(&self, names: &[String], found: &mut FieldTraces) {
        if let Some(other) = self.other_class {
            let (class, other) = (names[self.class].trim(), names[other].trim());
            let what = format!(
                "flows have their class from the column {class}, though there is {other}: rename it to class where that is meant"
            );
            found.tell(found.traces.len(), what);
        }
    }

    /// The columns of numbers, and the one of moments where the format has one.
    fn parted(&self, format: FieldFormat) -> (&[usize], Option<usize>) {
        match (format, &*self.lists) {
            (FieldFormat::Ipfixprobe, [numbers @ .., moments]) => (numbers, Some(*moments)),
            (_, numbers) => (numbers, None),
        }
    }
}

const NO_MOMENT: &str = "no time such as 2021-03-03T15:57:34.458 (UTC)";

pub(super) fn read(format: FieldFormat, path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
    let is_parquet = crate::formats::source::start_of(path, 4)?.starts_with(PARQUET_MAGIC);
    if is_parquet { read_parquet(format, path, limits) } else { read_text(format, path, limits) }
}

fn read_text(format: FieldFormat, path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
    read_csv(path, limits, &[], |mut rows| {
        let columns = Columns::of(path, format, rows.header())?;
        let names = rows.header().to_vec();
        let mut flows = Flows::new(format, path, limits);
        let mut problems = Problems::default();
        while let Some(row) = rows.next_row(&mut problems)? {
            let text = |at: usize| row.lossy(at).into_owned();
            if std::str::from_utf8(row.bytes(columns.class)).is_err() {
                return Err(wrong(path, row.line, &names[columns.class], &text(columns.class), "not UTF-8"));
            }
            let (numbers, moments) = columns.parted(format);
            let lists = numbers.iter().map(|&at| {
                lists_of(&text(at)).ok_or_else(|| wrong(path, row.line, &names[at], &text(at), "not a list of numbers"))
            });
            let lists = lists.collect::<Result<Vec<_>, _>>()?.concat();
            let moments = moments.map(|at| {
                moments_of(&text(at)).map_err(|moment| wrong(path, row.line, &names[at], &moment, NO_MOMENT))
            });
            let rep = columns.rep.map(|at| crate::formats::whole_number(row.bytes(at)).ok());
            flows.add(row.line, &text(columns.class), rep.flatten(), &lists, moments.transpose()?.as_deref())?;
        }
        columns.tell_class(&names, &mut flows.found);
        match problems.is_empty() {
            true => Ok(flows.found),
            false => Err(ReadError::Problems { path: path.to_owned(), problems }),
        }
    })
}

fn read_parquet(format: FieldFormat, path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
    let frame = Frame::read(path)?;
    let names: Vec<String> = frame.names().map(str::to_owned).collect();
    let columns = Columns::of(path, format, &names)?;
    let classes = frame.texts(&names[columns.class])?;
    // Whole numbers as texts, so that a column of something else is no error: reps are counted then.
    let reps = columns.rep.and_then(|at| frame.texts(&names[at]).ok());
    let (numbers, moments) = columns.parted(format);
    let lists = numbers.iter().map(|&at| {
        let name = &names[at];
        if frame.has_nested(name) {
            return frame.float_lists(name);
        }
        let parsed = frame.texts(name)?.into_iter().enumerate().map(|(row, text)| {
            let text = text.unwrap_or_default();
            lists_of(&text).ok_or_else(|| frame.value(row, name, &text, "not a list of numbers"))
        });
        parsed.collect()
    });
    let lists = lists.collect::<Result<Vec<Vec<Vec<Vec<f64>>>>, ReadError>>()?;
    let moments = moments.map(|at| {
        let name = &names[at];
        if frame.has_instant_lists(name) {
            return frame.instant_lists(name);
        }
        let parsed = frame.texts(name)?.into_iter().enumerate().map(|(row, text)| {
            moments_of(&text.unwrap_or_default()).map_err(|moment| frame.value(row, name, moment, NO_MOMENT))
        });
        parsed.collect()
    });
    let moments: Option<Vec<Vec<i64>>> = moments.transpose()?;
    let mut flows = Flows::new(format, path, limits);
    for (row, class) in classes.into_iter().enumerate() {
        let of_row: Vec<Vec<f64>> = lists.iter().flat_map(|column| column[row].iter().cloned()).collect();
        let rep = reps.as_ref().and_then(|reps| reps[row].as_ref()?.parse().ok());
        let moments = moments.as_ref().map(|moments| &*moments[row]);
        flows.add(row as u64, &class.unwrap_or_default(), rep, &of_row, moments)?;
    }
    columns.tell_class(&names, &mut flows.found);
    Ok(flows.found)
}

/// The lists in a text, one after the other: `[1, 2]`, `[[0 12]\n [1 -1]]` as NumPy prints them, `(1, 2)`, `1|2`.
fn lists_of(text: &str) -> Option<Vec<Vec<f64>>> {
    let mut lists: Vec<Vec<f64>> = Vec::new();
    let mut number = String::new();
    let mut is_open = false;
    for character in text.chars().chain([' ']) {
        match character {
            '[' | '(' => {
                is_open = false;
                continue;
            }
            ']' | ')' | ',' | ';' | '|' | ' ' | '\n' | '\r' | '\t' => {}
            _ => {
                number.push(character);
                continue;
            }
        }
        if !number.is_empty() {
            // None and nan stand where a flow has no packet any more.
            let value = match number.as_str() {
                "None" | "null" | "nan" | "NaN" => f64::NAN,
                number => finite_number(number).ok()?,
            };
            if !is_open {
                lists.push(Vec::new());
                is_open = true;
            }
            lists.last_mut()?.push(value);
            number.clear();
        }
        if matches!(character, ']' | ')') {
            is_open = false;
        }
    }
    Some(lists)
}

/// The moments in a text, as NEMEA's logger and pandas write lists: `[2021-03-03T15:57:34.458000|2021-03-03T15:57:34.523000]`; the first that is none.
fn moments_of(text: &str) -> Result<Vec<i64>, String> {
    let inner = text.trim().trim_start_matches(['[', '(']).trim_end_matches([']', ')']);
    let items = inner.split(['|', ',', ';']).map(|item| item.trim_matches([' ', '\'', '"', '\n']));
    items.filter(|item| !item.is_empty()).map(|item| ns_since_1970(item).ok_or_else(|| item.to_owned())).collect()
}

/// Flows on their way to traces.
struct Flows<'a> {
    format: FieldFormat,
    path: &'a Path,
    limits: &'a ReadLimits,
    reps: Reps,
    found: FieldTraces,
}

impl<'a> Flows<'a> {
    fn new(format: FieldFormat, path: &'a Path, limits: &'a ReadLimits) -> Self {
        let found = FieldTraces { is_counted: true, ..FieldTraces::default() };
        Self { format, path, limits, reps: Reps::default(), found }
    }

    fn add(
        &mut self,
        row: u64,
        class: &str,
        rep: Option<i64>,
        lists: &[Vec<f64>],
        moments: Option<&[i64]>,
    ) -> Result<(), ReadError> {
        let class = canonical_class(class).into_owned();
        if class.is_empty() {
            self.found.drop("flow without a class", 1);
            return Ok(());
        }
        let (path, lists_name) = (self.path, self.lists_name());
        let wrong = |value: &str, reason: &str| wrong(path, row, lists_name, value, reason);
        let none = (Times::Gaps(&[]), &[][..], &[][..]);
        let (times, directions, sizes) = match (self.format, lists, moments) {
            (_, [], None | Some([])) => none,
            (FieldFormat::Cesnet, [gaps, directions, sizes, ..], None) => (Times::Gaps(gaps), &**directions, &**sizes),
            (FieldFormat::NfStream, [directions, sizes, gaps], None) => (Times::Gaps(gaps), &**directions, &**sizes),
            (FieldFormat::Ipfixprobe, [directions, sizes], Some(moments)) => {
                (Times::Moments(moments), &**directions, &**sizes)
            }
            _ => return Err(wrong(&format!("{} lists", lists.len()), "not lists of times, directions and sizes")),
        };
        if directions.len() != sizes.len() || sizes.len() != times.len() {
            let lengths = format!("{}, {} and {}", times.len(), directions.len(), sizes.len());
            return Err(wrong(&lengths, "the three lists differ in length"));
        }
        let (mut now_ns, mut packets, mut empty, mut no_gap) = (0u64, Vec::with_capacity(sizes.len()), 0, 0u64);
        let mut start_ns = None;
        for (at, (&direction, &size)) in directions.iter().zip(sizes).enumerate() {
            let sign = match (self.format, direction) {
                (FieldFormat::NfStream, 0.0) | (FieldFormat::Cesnet | FieldFormat::Ipfixprobe, 1.0) => 1.0,
                (FieldFormat::NfStream, 1.0) | (FieldFormat::Cesnet | FieldFormat::Ipfixprobe, -1.0) => -1.0,
                (FieldFormat::NfStream, -1.0) | (FieldFormat::Cesnet | FieldFormat::Ipfixprobe, 0.0) => break,
                _ if direction.is_nan() => break,
                (FieldFormat::NfStream, _) => {
                    return Err(wrong(&direction.to_string(), "none of 0, 1 and -1, which pads"));
                }
                _ => return Err(wrong(&direction.to_string(), "none of 1, -1 and 0, which pads")),
            };
            if size < 0.0 {
                return Err(wrong(&size.to_string(), BELOW_0));
            }
            match times {
                Times::Gaps(gaps) => {
                    let gap = gaps[at];
                    no_gap += u64::from(at > 0 && (gap < 0.0 || gap.is_nan()));
                    let gap_ns =
                        ns_from_seconds(gap.max(0.0) / 1e3).ok_or_else(|| wrong(&gap.to_string(), "no gap in ms"))?;
                    now_ns = now_ns.saturating_add(gap_ns);
                }
                Times::Moments(moments) if size != 0.0 => {
                    let since = moments[at].checked_sub(*start_ns.get_or_insert(moments[at]));
                    match since.and_then(|since| u64::try_from(since).ok()).filter(|&since| since >= now_ns) {
                        Some(since) => now_ns = since,
                        None => {
                            self.found.drop("flow whose times go back", 1);
                            return Ok(());
                        }
                    }
                }
                Times::Moments(_) => {}
            }
            match size {
                0.0 => empty += 1,
                _ => packets.push(Packet { time: Time::Ns(now_ns), size: sign * size }),
            }
        }
        self.found.drop("packet of size 0", empty);
        self.found.tell(no_gap as usize, "gaps between packets are below 0 or none: they count as 0");
        if packets.is_empty() {
            self.found.drop("flow without packets", 1);
            return Ok(());
        }
        let (trace, _) =
            trace_of(&packets, Numbers::Bytes).map_err(|(at, reason)| wrong(&format!("packet {at}"), reason))?;
        self.found.is_counted &= rep.is_none();
        let rep = rep.unwrap_or_else(|| self.reps.next(&class));
        self.found.traces.push(LabelledTrace::new(TraceKey { class, rep, session: None }, start_ns, trace));
        if self.found.traces.len() as u64 > self.limits.traces {
            return Err(ReadError::limit(self.path, LimitExceeded::Traces { limit: self.limits.traces }));
        }
        Ok(())
    }

    fn lists_name(&self) -> &'static str {
        match self.format {
            FieldFormat::Cesnet => "PPI",
            FieldFormat::Ipfixprobe => "PPI_PKT_TIMES, PPI_PKT_DIRECTIONS, PPI_PKT_LENGTHS",
            _ => "splt_direction, splt_ps, splt_piat_ms",
        }
    }
}

/// When the packets of a flow were.
#[derive(Clone, Copy)]
enum Times<'a> {
    /// Since the one before, ms.
    Gaps(&'a [f64]),
    /// Since 1970, ns.
    Moments(&'a [i64]),
}

impl Times<'_> {
    fn len(self) -> usize {
        match self {
            Self::Gaps(gaps) => gaps.len(),
            Self::Moments(moments) => moments.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_however_they_were_printed() {
        let expected = Some(vec![vec![0.0, 12.5], vec![1.0, -1.0], vec![100.0, 200.0]]);
        for text in [
            "[[0, 12.5], [1, -1], [100, 200]]",
            "[[  0.   12.5]\n [  1.  -1. ]\n [100.  200. ]]",
            "((0,12.5),(1,-1),(100,200))",
        ] {
            assert_eq!(lists_of(text), expected, "{text}");
        }
        assert_eq!(lists_of("1|2|3|"), Some(vec![vec![1.0, 2.0, 3.0]]));
        assert_eq!(lists_of("[]"), Some(vec![]));
        assert!(lists_of("[1, None]").unwrap()[0][1].is_nan());
        assert_eq!(lists_of("[1, x]"), None);
    }
}
