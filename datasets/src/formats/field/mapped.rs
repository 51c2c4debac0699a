//! Any table of text, by a word on what its columns hold: [`ColumnMap`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::str::FromStr;

use super::moments::ns_since_1970;
use super::names::{label_of, without_type};
use super::{FieldTraces, Numbers, Packet, Reps, Time, trace_of};
use crate::formats::csv_file::{CsvRow, read_csv};
use crate::formats::foreign::no_text;
use crate::formats::source::start_of;
use crate::formats::{LimitExceeded, Problems, ReadError, ReadLimits, finite_number, whole_number};
use crate::{LabelledTrace, TraceKey, canonical_class};

/// What the columns of a table hold, as `class=site,rep=visit,time=t:ms,size=len*dir`.
///
/// | part | what |
/// |---|---|
/// | `class=COLUMN` | the class; without it the name of the file tells it, as `CLASS-REP` |
/// | `rep=COLUMN`, `session=COLUMN` | the repetition, the session; without `rep` traces are counted in each class |
/// | `trace=COLUMN` | what tells one trace from another where class, rep and session do not |
/// | `time=COLUMN:UNIT` | times in `s`, `ms`, `us` or `ns`, from wherever they are counted, or `iso`: dates with times, `2021-03-03T15:57:34.458` (UTC) |
/// | `gap=COLUMN:UNIT` | times since the packet before; also `time=gap:UNIT` of a column called `gap` |
/// | `size=A*B` | bytes, signed (+ outgoing), or the product of columns: bytes times direction; `514*dir` where all packets have one size |
/// | `COLUMN:VALUE=out` or `=in` | which direction a value is, where it is not 1, -1, out, in, up, down or the like |
///
/// A row is a packet. Where columns are called `NAME[]` a row is a trace, and they hold lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMap {
    class: Option<String>,
    rep: Option<String>,
    session: Option<String>,
    trace: Option<String>,
    time: Timing,
    size: Vec<Factor>,
    /// By column and value, whether it is outgoing.
    directions: BTreeMap<String, BTreeMap<String, bool>>,
    /// Whether a row is a trace.
    lists: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Timing {
    column: String,
    unit: TimeUnit,
    are_gaps: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeUnit {
    /// Numbers of so many ns.
    Ns(i128),
    /// Dates with times.
    Moment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Factor {
    Column(String),
    Bytes(i32),
}

const PARTS: &str = "class, rep, session, trace, time, gap, size, and COLUMN:VALUE=out or =in";

impl FromStr for ColumnMap {
    type Err = String;

    /// Everything that is wrong, at once.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut wrong: Vec<String> = Vec::new();
        let mut named: BTreeMap<&str, String> = BTreeMap::new();
        let mut time: Option<Timing> = None;
        let mut size = Vec::new();
        let mut directions: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
        let (mut listed, mut unlisted) = (Vec::new(), Vec::new());
        let mut column = |name: &str| {
            let (name, is_list) = name.trim().strip_suffix("[]").map_or((name.trim(), false), |name| (name, true));
            if is_list {
                listed.push(name.to_owned())
            } else {
                unlisted.push(name.to_owned())
            }
            name.to_owned()
        };
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((key, value)) = part.split_once('=').filter(|(_, value)| !value.trim().is_empty()) else {
                wrong.push(format!("`{part}` says nothing of a column: NAME=COLUMN is wanted"));
                continue;
            };
            let (key, value) = (key.trim(), value.trim());
            match key {
                "class" | "rep" | "session" | "trace" => {
                    if named.insert(key, value.to_owned()).is_some() {
                        wrong.push(format!("{key} is said twice"));
                    }
                }
                "time" | "gap" => {
                    let (name, unit) = value.rsplit_once(':').unwrap_or((value, ""));
                    let (name, says_gap) = name.strip_suffix(":gap").map_or((name, false), |name| (name, true));
                    let unit = match unit {
                        "s" => TimeUnit::Ns(1_000_000_000),
                        "ms" => TimeUnit::Ns(1_000_000),
                        "us" => TimeUnit::Ns(1_000),
                        "ns" => TimeUnit::Ns(1),
                        "iso" if key == "time" && !says_gap => TimeUnit::Moment,
                        _ => {
                            wrong.push(format!("`{part}` does not say the unit: {key}={name}:s, :ms, :us or :ns"));
                            TimeUnit::Ns(1)
                        }
                    };
                    let name = column(name);
                    let are_gaps = key == "gap" || says_gap || ["gap", "gaps"].contains(&name.as_str());
                    if time.replace(Timing { column: name, unit, are_gaps }).is_some() {
                        wrong.push("times are said twice".to_owned());
                    }
                }
                "size" => {
                    if !size.is_empty() {
                        wrong.push("size is said twice".to_owned());
                    }
                    for factor in value.split('*').map(str::trim) {
                        size.push(match factor.parse::<i32>() {
                            Ok(bytes) if bytes > 0 => Factor::Bytes(bytes),
                            _ => Factor::Column(column(factor)),
                        });
                    }
                    if !size.iter().any(|factor| matches!(factor, Factor::Column(_))) {
                        wrong.push(format!("`{part}` names no column that tells a direction"));
                    }
                }
                _ => match (key.split_once(':'), value) {
                    (Some((name, meant)), "out" | "in") => {
                        let name = name.trim_end_matches("[]").to_owned();
                        directions.entry(name).or_default().insert(meant.to_owned(), value == "out");
                    }
                    (Some(_), _) => wrong.push(format!("`{part}`: a direction is out or in")),
                    (None, _) => wrong.push(format!("`{key}` is none of {PARTS}")),
                },
            }
        }
        if time.is_none() {
            wrong.push("nothing tells times: time=COLUMN:UNIT, or gap=COLUMN:UNIT".to_owned());
        }
        if size.is_empty() {
            wrong.push("nothing tells sizes: size=COLUMN of signed bytes, or size=BYTES*DIRECTION".to_owned());
        }
        let lists = !listed.is_empty();
        if lists && !unlisted.is_empty() {
            wrong.push(format!(
                "a row is either a packet or a trace: {} hold lists, {} do not",
                listed.join(", "),
                unlisted.join(", ")
            ));
        }
        if !lists && !["trace", "rep"].iter().any(|part| named.contains_key(part)) && named.contains_key("class") {
            wrong.push(
                "nothing tells one trace of a class from another: rep=COLUMN or trace=COLUMN; or NAME[] where a row is a trace"
                    .to_owned(),
            );
        }
        for name in directions.keys() {
            if !size.contains(&Factor::Column(name.clone())) {
                wrong.push(format!("{name} is no part of the size, so that its directions say nothing"));
            }
        }
        match (time, wrong.is_empty()) {
            (Some(time), true) => {
                let mut take = |key| named.remove(key);
                let (class, rep, session, trace) = (take("class"), take("rep"), take("session"), take("trace"));
                Ok(Self { class, rep, session, trace, time, size, directions, lists })
            }
            _ => Err(wrong.join("; ")),
        }
    }
}

impl TimeUnit {
    fn ns(self, text: &str) -> Result<i128, &'static str> {
        match self {
            Self::Ns(unit_ns) => ns_of(text, unit_ns),
            Self::Moment => ns_since_1970(text).map(i128::from).ok_or("no time such as 2021-03-03T15:57:34.458 (UTC)"),
        }
    }
}

impl ColumnMap {
    /// The columns that it names, each once.
    fn columns(&self) -> Vec<&str> {
        let sizes = self.size.iter().filter_map(|factor| match factor {
            Factor::Column(name) => Some(name.as_str()),
            Factor::Bytes(_) => None,
        });
        let keys = [&self.class, &self.rep, &self.session, &self.trace].into_iter().flatten().map(String::as_str);
        let mut all: Vec<&str> = keys.chain([self.time.column.as_str()]).chain(sizes).collect();
        let mut seen = BTreeSet::new();
        all.retain(|name| seen.insert(*name));
        all
    }
}

/// Reads a table; every kind of mistake is listed with its first places.
pub(in crate::formats) fn read(map: &ColumnMap, path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
    let wanted = map.columns();
    read_csv(path, limits, &wanted, |mut rows| {
        let header: Vec<String> = rows.header().iter().map(|name| without_type(name).to_owned()).collect();
        let missing: Vec<&str> =
            wanted.iter().copied().filter(|wanted| !header.iter().any(|name| name == wanted)).collect();
        if !missing.is_empty() {
            if let Some(found) = no_text(&start_of(path, 4096)?) {
                return Err(ReadError::Unrecognised { path: path.to_owned(), found, expected: "a table of text" });
            }
            let (are, there) = (missing.join(", "), header.join(", "));
            return Err(ReadError::columns(path, format!("no column is called {are}; there are {there}")));
        }
        let twice = |wanted: &&&str| header.iter().filter(|name| name == *wanted).count() > 1;
        if let Some(name) = wanted.iter().find(twice) {
            return Err(ReadError::columns(path, format!("two columns are called {name}")));
        }
        let at = |name: &str| header.iter().position(|found| found == name).expect("none is missing");
        let mut reader = Reader::new(map, path, at)?;
        let mut problems = Problems::default();
        while let Some(row) = rows.next_row(&mut problems)? {
            if map.lists {
                reader.add_list(row, &mut problems);
            } else {
                reader.add_packet(row, &mut problems);
            }
            if reader.traces.len() as u64 > limits.traces {
                return Err(ReadError::limit(path, LimitExceeded::Traces { limit: limits.traces }));
            }
        }
        reader.finish(problems)
    })
}

/// The packets of one trace so far.
struct Builder {
    class: String,
    session: Option<String>,
    rep: Option<i64>,
    row: u64,
    packets: Vec<Packet>,
    /// The sum of gaps, or the first time.
    now_ns: i128,
    start_ns: Option<i128>,
    is_sound: bool,
}

struct Reader<'a> {
    map: &'a ColumnMap,
    path: &'a Path,
    class: Option<usize>,
    rep: Option<usize>,
    session: Option<usize>,
    trace: Option<usize>,
    time: usize,
    size: Vec<(Option<usize>, &'a Factor)>,
    /// What the name of the file says, where no column tells the class.
    named: Option<(TraceKey, Option<String>)>,
    places: HashMap<Vec<String>, usize>,
    traces: Vec<Builder>,
    /// By column, values that nothing is said of where something is said of others.
    unsaid: BTreeMap<&'a str, BTreeSet<String>>,
    empty: u64,
}

/// Words for directions, outgoing and incoming.
const OUT: [&str; 12] =
    ["1", "+1", "1.0", "out", "outgoing", "up", "upload", "sent", "send", "egress", "client", "c2s"];
const IN: [&str; 11] =
    ["-1", "-1.0", "in", "incoming", "down", "download", "received", "recv", "ingress", "server", "s2c"];

impl<'a> Reader<'a> {
    fn new(map: &'a ColumnMap, path: &'a Path, at: impl Fn(&str) -> usize) -> Result<Self, ReadError> {
        let place = |name: &Option<String>| name.as_deref().map(&at);
        let size = |factor: &'a Factor| match factor {
            Factor::Column(name) => (Some(at(name)), factor),
            Factor::Bytes(_) => (None, factor),
        };
        Ok(Self {
            map,
            path,
            class: place(&map.class),
            rep: place(&map.rep),
            session: place(&map.session),
            trace: place(&map.trace),
            time: at(&map.time.column),
            size: map.size.iter().map(size).collect(),
            named: if map.class.is_none() { Some(label_of(path)?) } else { None },
            places: HashMap::new(),
            traces: Vec::new(),
            unsaid: BTreeMap::new(),
            empty: 0,
        })
    }

    /// The trace of a row, a new one if need be.
    fn place(&mut self, row: CsvRow<'_>, is_new: bool, problems: &mut Problems) -> Option<usize> {
        let mut text = |at: Option<usize>, name: &Option<String>| -> Result<Option<String>, ()> {
            let Some(at) = at else { return Ok(None) };
            let text = row.lossy(at);
            let kind = match () {
                () if text.is_empty() => "empty",
                // Two names that are not UTF-8 may look alike.
                () if std::str::from_utf8(row.bytes(at)).is_err() => "not UTF-8",
                () => return Ok(Some(text.into_owned())),
            };
            problems.record(kind, name.as_deref().unwrap_or_default(), row.line, text);
            Err(())
        };
        let class = text(self.class, &self.map.class);
        let rep = text(self.rep, &self.map.rep);
        let trace = text(self.trace, &self.map.trace);
        let session = match self.session {
            Some(at) if !row.bytes(at).is_empty() => Some(row.lossy(at).into_owned()),
            _ => None,
        };
        let (class, rep, trace) = (class.ok()?, rep.ok()?, trace.ok()?);
        let rep = match rep.map(|rep| (whole_number(&rep), rep)) {
            Some((Err(kind), rep)) => {
                problems.record(kind, self.map.rep.as_deref().unwrap_or_default(), row.line, rep);
                return None;
            }
            Some((Ok(rep), _)) => Some(rep),
            None => self.named.as_ref().filter(|_| self.trace.is_none()).map(|(key, _)| key.rep),
        };
        let class = match (class, &self.named) {
            (Some(class), _) => canonical_class(&class).into_owned(),
            (None, Some((key, _))) => key.class.clone(),
            (None, None) => return None,
        };
        let mut key = vec![class.clone(), session.clone().unwrap_or_default()];
        key.push(rep.map(|rep| rep.to_string()).unwrap_or_default());
        key.extend(trace);
        if is_new {
            key.push(row.line.to_string());
        }
        let next = self.traces.len();
        let at = *self.places.entry(key).or_insert(next);
        if at == next {
            self.traces.push(Builder {
                class,
                session,
                rep,
                row: row.line,
                packets: Vec::new(),
                now_ns: 0,
                start_ns: None,
                is_sound: true,
            });
        }
        Some(at)
    }

    fn add_packet(&mut self, row: CsvRow<'_>, problems: &mut Problems) {
        let Some(at) = self.place(row, false, problems) else { return };
        let time = String::from_utf8_lossy(&row.number(self.time)).into_owned();
        let fields: Vec<Option<String>> = self
            .size
            .iter()
            .map(|(place, _)| place.map(|place| String::from_utf8_lossy(&row.number(place)).into_owned()))
            .collect();
        let fields: Vec<Option<&str>> = fields.iter().map(Option::as_deref).collect();
        self.packet(at, row.line, &time, &fields, problems);
    }

    fn add_list(&mut self, row: CsvRow<'_>, problems: &mut Problems) {
        let Some(at) = self.place(row, true, problems) else { return };
        let list = |place: usize| items_of(&row.lossy(place));
        let times = list(self.time);
        let columns: Vec<Option<Vec<String>>> = self.size.iter().map(|(place, _)| place.map(list)).collect();
        if let Some(other) = columns.iter().flatten().find(|column| column.len() != times.len()) {
            let lengths = format!("{} and {}", times.len(), other.len());
            problems.record("lists of different lengths", &self.map.time.column, row.line, lengths);
            self.traces[at].is_sound = false;
            return;
        }
        for (packet, time) in times.iter().enumerate() {
            let fields: Vec<Option<&str>> =
                columns.iter().map(|column| column.as_ref().map(|column| column[packet].as_str())).collect();
            self.packet(at, row.line, time, &fields, problems);
        }
    }

    fn packet(&mut self, at: usize, line: u64, time: &str, fields: &[Option<&str>], problems: &mut Problems) {
        let time = self.map.time.unit.ns(time).map_err(|kind| {
            problems.record(kind, &self.map.time.column, line, time);
        });
        let size = self.size_of(line, fields, problems);
        let builder = &mut self.traces[at];
        let (Ok(time), Some(size)) = (time, size) else {
            builder.is_sound = false;
            return;
        };
        builder.now_ns = if self.map.time.are_gaps { builder.now_ns.saturating_add(time) } else { time };
        if size == 0.0 {
            self.empty += 1;
            return;
        }
        let start = *builder.start_ns.get_or_insert(builder.now_ns);
        let Ok(ns) = u64::try_from(builder.now_ns - start) else {
            problems.record(UNSORTED, &self.map.time.column, line, ns_told(builder.now_ns));
            builder.is_sound = false;
            return;
        };
        if builder.packets.last().is_some_and(|before| matches!(before.time, Time::Ns(before) if ns < before)) {
            problems.record(UNSORTED, &self.map.time.column, line, ns_told(builder.now_ns));
            builder.is_sound = false;
            return;
        }
        builder.packets.push(Packet { time: Time::Ns(ns), size });
    }

    /// The product of the factors; none where one of them is nothing.
    fn size_of(&mut self, line: u64, fields: &[Option<&str>], problems: &mut Problems) -> Option<f64> {
        let mut product = 1.0;
        let mut is_sound = true;
        let has_direction = self.size.len() > 1;
        for (index, ((_, factor), field)) in self.size.iter().zip(fields).enumerate() {
            let (name, field) = match (factor, field) {
                (Factor::Bytes(bytes), _) => {
                    product *= f64::from(*bytes);
                    continue;
                }
                (Factor::Column(name), field) => (name, field.unwrap_or_default().trim()),
            };
            let is_direction = has_direction && index + 1 == self.size.len() || self.map.directions.contains_key(name);
            let value = match self.map.directions.get(name) {
                Some(_) if field.is_empty() => Err("empty"),
                Some(said) => direction_said(said, field, self.unsaid.entry(name).or_default()),
                None if is_direction => direction_of(field),
                None => finite_number(field).and_then(|number| match number {
                    number if has_direction && number < 0.0 => Err("a size below 0 beside a direction"),
                    number => Ok(number),
                }),
            };
            match value {
                Ok(value) => product *= value,
                Err(kind) => {
                    problems.record(kind, name, line, field);
                    is_sound = false;
                }
            }
        }
        let is_whole = product.fract() == 0.0 && product.abs() <= f64::from(i32::MAX);
        if is_sound && !is_whole {
            problems.record("no size in whole bytes", "size", line, product);
        }
        (is_sound && is_whole).then_some(product)
    }

    fn finish(self, mut problems: Problems) -> Result<FieldTraces, ReadError> {
        for (column, values) in &self.unsaid {
            if values.len() > 1 {
                let values = values.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
                problems.record("values of which no direction is said", column, 0, values);
            }
        }
        let mut found = FieldTraces { is_counted: true, ..FieldTraces::default() };
        let mut reps = Reps::default();
        found.drop("packet of size 0", self.empty);
        for builder in self.traces.into_iter().filter(|builder| builder.is_sound) {
            if builder.packets.is_empty() {
                found.drop("trace without packets", 1);
                continue;
            }
            let trace = match trace_of(&builder.packets, Numbers::Bytes) {
                Ok((trace, _)) => trace,
                Err((_, reason)) => {
                    problems.record(reason, "", builder.row, &builder.class);
                    continue;
                }
            };
            found.is_counted &= builder.rep.is_none();
            let rep = builder.rep.unwrap_or_else(|| reps.next(&builder.class));
            // No trace lasts so long: it is a date.
            let start_ns = builder.start_ns.filter(|start| !self.map.time.are_gaps && *start > YEAR_2000_NS);
            let start_ns = start_ns.and_then(|start| i64::try_from(start).ok());
            let key = TraceKey { class: builder.class, rep, session: builder.session };
            let page = self.named.as_ref().and_then(|(_, page)| page.clone());
            found.traces.push(LabelledTrace { page, ..LabelledTrace::new(key, start_ns, trace) });
        }
        match problems.is_empty() {
            true => Ok(found),
            false => Err(ReadError::Problems { path: self.path.to_owned(), problems }),
        }
    }
}

const UNSORTED: &str = "time earlier than that of a packet before; sort the rows of a trace by time";

const YEAR_2000_NS: i128 = 946_684_800_000_000_000;

fn ns_told(ns: i128) -> String {
    format!("{} s", ns as f64 / 1e9)
}

/// What a value is where something is said of the column: what is said, else the other way.
fn direction_said(
    said: &BTreeMap<String, bool>,
    field: &str,
    unsaid: &mut BTreeSet<String>,
) -> Result<f64, &'static str> {
    let alike = |known: &str| known == field || finite_number(known).is_ok_and(|a| finite_number(field) == Ok(a));
    let outgoing = match said.iter().find(|(known, _)| alike(known)) {
        Some((_, &outgoing)) => outgoing,
        None if said.values().any(|&outgoing| outgoing) && said.values().any(|&outgoing| !outgoing) => {
            return Err("a value of which no direction is said; say which it is, as COLUMN:VALUE=out");
        }
        None => {
            if unsaid.len() < 8 {
                unsaid.insert(field.to_owned());
            }
            // Of one value that is out, the other is in.
            !said.values().next().copied().unwrap_or_default()
        }
    };
    Ok(if outgoing { 1.0 } else { -1.0 })
}

fn direction_of(field: &str) -> Result<f64, &'static str> {
    let word = field.to_ascii_lowercase();
    match word.as_str() {
        word if OUT.contains(&word) => Ok(1.0),
        word if IN.contains(&word) => Ok(-1.0),
        "0" | "0.0" => Err("0 is out for some and in for others; say which, as COLUMN:0=out"),
        _ => Err("no direction (1, -1, out, in, up, down ..); say which it is, as COLUMN:VALUE=out"),
    }
}

/// The items of a list, as Python, NumPy or JSON print it.
fn items_of(text: &str) -> Vec<String> {
    let inner = text.trim().trim_matches(['[', ']', '(', ')', '{', '}']);
    let items = inner.split([',', ';', '|', ' ', '\n', '\t']).map(|item| item.trim_matches(['"', '\'', ' ']));
    items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Decimals of a unit as ns, to the nearest, without the rounding of floats where they are written out.
fn ns_of(text: &str, unit_ns: i128) -> Result<i128, &'static str> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || whole.len() > 18 || digits.is_empty() || digits == "." {
        let number = finite_number(text)? * unit_ns as f64;
        return if number.abs() < 9e18 { Ok(number.round() as i128) } else { Err("time beyond 292 years") };
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| "not a number")? };
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let scale = 10_i128.pow(fraction.len() as u32);
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| "not a number")? };
    let ns = whole * unit_ns + (2 * part * unit_ns + scale) / (2 * scale);
    if ns < i128::from(i64::MAX) { Ok(sign * ns) } else { Err("time beyond 292 years") }
}

/// What columns of a table can hold, by example, for people.
pub const COLUMNS_EXPLAINED: &str = "\
A table of text with a row a packet, whatever its columns are called and whatever parts them:
  wfkit dataset convert visits.csv --out traces.parquet \\
    --columns class=site,rep=visit,time=t:ms,size=len*dir
  class, rep, session  columns of that; without class the name of the file tells it: CLASS-REP
  trace=COLUMN         what tells traces apart where class, session and rep do not
  time=COLUMN:UNIT     times in s, ms, us or ns, from wherever they are counted;
                       COLUMN:iso where they are written as 2021-03-03T15:57:34.458 (UTC)
  gap=COLUMN:UNIT      times since the packet before
  size=COLUMN          bytes, + outgoing and - incoming
  size=BYTES*DIRECTION a product of columns; size=514*dir where all packets have one size
  dir:0=out            what a value of dir means, where it is not 1, -1, out, in, up, down
A row a trace, with lists in columns that are then called NAME[]:
  --columns class=site,time=times[]:s,size=sizes[]
Packets as tshark, Wireshark and tcpdump print them, one visit a file, are imported as captures
are: by `capture import`, or here, with its options.
  tshark -r 3_1.pcap -T fields -E header=y -E separator=, -e frame.time_epoch \\
    -e ip.src -e ip.dst -e ip.proto -e tcp.flags -e tcp.len > texts/3_1.csv
  wfkit dataset convert texts --out traces.parquet --client 10.0.0.0/8
datasets/README.md has all formats, with what each keeps and loses.";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::read_all_traces_by;

    fn read_as(map: &str, text: &str) -> Result<FieldTraces, ReadError> {
        read_named(map, text, "table.csv")
    }

    fn read_named(map: &str, text: &str, name: &str) -> Result<FieldTraces, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&map.parse().unwrap(), &path, &ReadLimits::default())
    }

    /// Class, rep and packets.
    type Packets = (String, i64, Vec<(u64, i32)>);

    fn packets(found: &FieldTraces) -> Vec<Packets> {
        let of = |labelled: &LabelledTrace| {
            (labelled.key.class.clone(), labelled.key.rep, labelled.trace.packets().collect())
        };
        found.traces.iter().map(of).collect()
    }

    #[test]
    fn what_is_no_text_is_told_by_its_name() {
        let error = |text| read_as("class=site,rep=visit,time=t:ms,size=len", text).unwrap_err().to_string();
        assert!(
            error("PAR1\u{15}\0\u{15}")
                .contains("found a Parquet file, where columns of text are named; write it as text")
        );
        assert!(error("ARROW1\0\0").contains("found an Arrow file (Feather); write it as Parquet"));
        assert!(error("a,b\n1,2\n").contains("no column is called site, visit, t, len; there are a, b"));
    }

    #[test]
    fn a_row_a_packet_in_any_unit_and_with_any_word_for_a_direction() {
        let expected =
            vec![("a".to_owned(), 3, vec![(0, 600), (1_500_000, -1448)]), ("b".to_owned(), 0, vec![(0, -5), (0, 7)])];
        let ms = "site,visit,t,len,dir\na,3,10.0,600,out\na,3,11.5,1448,in\nb,0,2,5,in\nb,0,2,7,out\n";
        assert_eq!(packets(&read_as("class=site,rep=visit,time=t:ms,size=len*dir", ms).unwrap()), expected);
        let semicolons = ms.replace(',', ";").replace("10.0", "10,0").replace("11.5", "11,5").replace("out", "up");
        let semicolons = semicolons.replace("in", "down");
        assert_eq!(packets(&read_as("class=site,rep=visit,time=t:ms,size=len*dir", &semicolons).unwrap()), expected);
        let zeros = ms.replace("out", "0").replace("in", "1");
        let map = "class=site,rep=visit,time=t:ms,size=len*dir,dir:0=out";
        assert_eq!(packets(&read_as(map, &zeros).unwrap()), expected);
        let asked = read_as("class=site,rep=visit,time=t:ms,size=len*dir", &zeros).err().unwrap().to_string();
        assert!(
            asked.contains("0 is out for some and in for others; say which, as COLUMN:0=out in column dir: row 2"),
            "{asked}"
        );
        let gaps = "site,visit,iat,size\na,3,7,600\na,3,1500,-1448\nb,0,0,-5\nb,0,0,7\n";
        assert_eq!(packets(&read_as("class=site,rep=visit,gap=iat:us,size=size", gaps).unwrap()), expected);
        let gaps = gaps.replace("iat", "gap");
        assert_eq!(packets(&read_as("class=site,rep=visit,time=gap:us,size=size", &gaps).unwrap()), expected);
    }

    #[test]
    fn dates_are_starts_and_keep_every_digit() {
        let text = "site,id,t,size\na,x,1700000000.123456789,5\na,x,1700000000.123456790,-7\na,y,1700000001,9\n";
        let found = read_as("class=site,trace=id,time=t:s,size=size", text).unwrap();
        assert_eq!(packets(&found)[0], ("a".to_owned(), 0, vec![(0, 5), (1, -7)]));
        assert_eq!(found.traces[0].start_ns, Some(1_700_000_000_123_456_789));
        assert_eq!(found.traces[1].key.rep, 1);
    }

    #[test]
    fn a_row_a_trace_where_columns_hold_lists() {
        let text = "site,t,len,dir\na,\"[0, 5]\",\"[60, 1500]\",\"['out', 'in']\"\nb,[0 1 2],[1 2 3],[1 -1 1]\n";
        let found = read_as("class=site,time=t[]:ms,size=len[]*dir[]", text).unwrap();
        let expected = vec![
            ("a".to_owned(), 0, vec![(0, 60), (5_000_000, -1500)]),
            ("b".to_owned(), 0, vec![(0, 1), (1_000_000, -2), (2_000_000, 3)]),
        ];
        assert_eq!(packets(&found), expected);
        let signed = "site;sizes;gaps\na;\"[1, -2]\";\"[9, 1]\"\n";
        let found = read_as("class=site,size=sizes[],gap=gaps[]:ns", signed).unwrap();
        assert_eq!(packets(&found), [("a".to_owned(), 0, vec![(0, 1), (1, -2)])]);
    }

    #[test]
    fn dates_with_times_are_times_where_that_is_said() {
        let text = "ipaddr DST_IP,string TLS_SNI,int8* DIRS,uint16* SIZES,time* TIMES\n\
                    10.0.0.1,a,[1|-1],[60|52],[2021-03-03T15:57:34.458000|2021-03-03T15:57:34.5230000001]\n\
                    10.0.0.1,b,[1],[7],[2021-03-03T15:57:34]\n";
        let map = "class=TLS_SNI,time=TIMES[]:iso,size=SIZES[]*DIRS[]";
        let error = read_as(map, text).err().unwrap().to_string();
        assert!(error.contains("no time such as 2021-03-03T15:57:34.458 (UTC) in column TIMES: row 2"), "{error}");
        let found = read_as(map, &text.replace("0000001", "")).unwrap();
        let expected = [("a".to_owned(), 0, vec![(0, 60), (65_000_000, -52)]), ("b".to_owned(), 0, vec![(0, 7)])];
        assert_eq!(packets(&found), expected);
        assert_eq!(found.traces[0].start_ns, Some(1_614_787_054_458_000_000));
        assert!("class=a,gap=t[]:iso,size=s[]".parse::<ColumnMap>().unwrap_err().contains("does not say the unit"));
    }

    #[test]
    fn the_name_of_the_file_tells_the_class_that_no_column_tells() {
        let found = read_named("time=t:s,size=514*dir", "t,dir\n0,1\n1,-1\n", "shop_4.csv").unwrap();
        assert_eq!(packets(&found), [("shop".to_owned(), 4, vec![(0, 514), (1_000_000_000, -514)])]);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let error = |map: &str| map.parse::<ColumnMap>().unwrap_err();
        assert_eq!(
            error("klass=site,time=t,dir:0=up,oops"),
            format!(
                "`klass` is none of {PARTS}; `time=t` does not say the unit: time=t:s, :ms, :us or :ns; `dir:0=up`: a direction \
                 is out or in; `oops` says nothing of a column: NAME=COLUMN is wanted; nothing tells sizes: size=COLUMN of signed \
                 bytes, or size=BYTES*DIRECTION"
            )
        );
        assert!(error("class=a,time=t:s,size=n").contains("nothing tells one trace of a class from another"));
        assert!(error("class=a,time=t[]:s,size=n").contains("t hold lists, n do not"));
        assert!(error("trace=a,time=t:s,size=n,dir:0=in").contains("dir is no part of the size"));
        let map = "class=site,rep=visit,time=t:ms,size=len*dir";
        let missing = read_as(map, "site,when,bytes\n").err().unwrap().to_string();
        assert!(missing.contains("no column is called visit, t, len, dir; there are site, when, bytes"), "{missing}");
        let text = "site,visit,t,len,dir\na,x,0,1,1\na,1,soon,1,1\na,1,1,many,left\na,1,5,1,1\na,1,4,1,1\n,1,1,1,1\n";
        let error = read_as(map, text).err().unwrap().to_string();
        for told in [
            "1 x not a number in column visit: row 2 `x`",
            "1 x not a number in column t: row 3 `soon`",
            "1 x not a number in column len: row 4 `many`",
            "say which it is, as COLUMN:VALUE=out in column dir: row 4 `left`",
            "sort the rows of a trace by time in column t: row 6 `0.004 s`",
            "1 x empty in column site: row 7",
        ] {
            assert!(error.contains(told), "{told}: {error}");
        }
        let said = "class=site,rep=visit,time=t:ms,size=len*dir,dir:0=out";
        let error = read_as(said, "site,visit,t,len,dir\na,1,0,1,0\na,1,1,1,1\na,1,2,1,2\n").err().unwrap().to_string();
        assert!(error.contains("values of which no direction is said in column dir: 1, 2"), "{error}");
        let both = "class=site,rep=visit,time=t:ms,size=len*dir,dir:0=out,dir:1=in";
        let table = "site,visit,t,len,dir\na,1,0,1,0\na,1,1,1,1\na,1,2,1,";
        let error = read_as(both, &format!("{table}2\n")).err().unwrap().to_string();
        assert!(
            error.contains(
                "a value of which no direction is said; say which it is, as COLUMN:VALUE=out in column dir: row 4 `2`"
            ),
            "{error}"
        );
        for map in [both, said] {
            let error = read_as(map, &format!("{table}\n")).err().unwrap().to_string();
            assert!(error.contains("1 x empty in column dir: row 4"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_trace_comes_back_from_a_table_of_it(
            packets in proptest::collection::vec((0..1u64 << 40, prop_oneof![1..=i32::MAX, -i32::MAX..=-1]), 1..20),
            unit in proptest::sample::select(vec![("s", 9), ("ms", 6), ("us", 3), ("ns", 0)]),
        ) {
            let mut now = 0;
            let mut rows = String::from("c,t,len,dir\n");
            let mut expected = Vec::new();
            for (at, (gap, size)) in packets.into_iter().enumerate() {
                now = if at == 0 { gap } else { now + gap };
                expected.push((now, size));
                let decimals = format!("{now:0>width$}", width = unit.1 + 1);
                let (whole, part) = decimals.split_at(decimals.len() - unit.1);
                let point = if part.is_empty() { "" } else { "." };
                rows += &format!("x,{whole}{point}{part},{},{}\n", size.unsigned_abs(), size.signum());
            }
            let first = expected[0].0;
            let expected: Vec<(u64, i32)> = expected.into_iter().map(|(ns, size)| (ns - first, size)).collect();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.csv");
            std::fs::write(&path, rows).unwrap();
            let map: ColumnMap = format!("trace=c,class=c,time=t:{},size=len*dir", unit.0).parse().unwrap();
            let read = read_all_traces_by(&[path], &map, &wfkit_metrics::Silent).unwrap();
            prop_assert_eq!(read.set.traces()[0].trace.packets().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9a-z.,;\\[\\]\" \n]{0,200}", map in "[a-z=:*,\\[\\]]{0,40}") {
            let _ = map.parse::<ColumnMap>();
            let _ = read_as("class=a,trace=b,time=c:s,size=d*e", &format!("a,b,c,d,e\n{text}"));
            let _ = read_as("class=a,time=c[]:s,size=d[]", &format!("a,c,d\n{text}"));
        }
    }
}
