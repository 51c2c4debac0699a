//! Arrays of directions, or of directions times seconds, padded with 0: `npz`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use zip::ZipArchive;

use super::{CELL_BYTES, DIRECTIONS, FieldTraces, NO_TIMES, Reps, wrong};
use crate::formats::csv_file::ZIP_MAGIC;
use crate::formats::npy::{NumpyArray, NumpyValues, read_numpy};
use crate::formats::{ReadError, ReadLimits, ns_from_seconds};
use crate::{LabelledTrace, Trace, TraceKey, canonical_class};

/// What the field calls the arrays of traces and of their classes.
const PAIRS: [(&str, &str); 12] = [
    ("X", "y"),
    ("x", "y"),
    ("X", "Y"),
    ("data", "labels"),
    ("data", "label"),
    ("feature", "label"),
    ("features", "labels"),
    ("traces", "labels"),
    ("X_train", "y_train"),
    ("x_train", "y_train"),
    ("train_x", "train_y"),
    ("X_train", "Y_train"),
];

/// The pairs of arrays in an archive that are there: one, or those of the parts that a set was split into.
fn pairs_of(has: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let Some((x, y)) = PAIRS.into_iter().find(|(x, y)| has(x) && has(y)) else { return Vec::new() };
    let mut pairs = vec![(x.to_owned(), y.to_owned())];
    if x.contains("train") {
        let of_part = |part: &str| (x.replace("train", part), y.replace("train", part));
        pairs.extend(["valid", "val", "test"].map(of_part).into_iter().filter(|(x, y)| has(x) && has(y)));
    }
    pairs
}

/// Whether it is an archive of NumPy with traces and their classes in it.
pub(super) fn is_archive(path: &Path, start: &[u8]) -> bool {
    let has_both = || {
        let archive = ZipArchive::new(BufReader::new(File::open(path).ok()?)).ok()?;
        Some(!pairs_of(|name| archive.index_for_name(&format!("{name}.npy")).is_some()).is_empty())
    };
    ZIP_MAGIC.iter().any(|magic| start.starts_with(magic)) && has_both() == Some(true)
}

pub(super) fn read_archive(path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
    let mut arrays = read_numpy(path, limits)?;
    let names = arrays.keys().cloned().collect::<Vec<_>>().join(", ");
    let pairs = pairs_of(|name| arrays.contains_key(name));
    if pairs.is_empty() {
        return Err(ReadError::columns(
            path,
            format!("the arrays are {names}; expected X (a row a trace) and y (their classes), or data and labels"),
        ));
    }
    let (mut rows, mut columns, mut values, mut of_y) = (0, 0, Vec::new(), Vec::new());
    for (x, y) in &pairs {
        let (Some(of_x), Some(classes)) = (arrays.remove(x), arrays.remove(y)) else { continue };
        check_classes(path, y, &classes)?;
        let classes = classes_of(classes).ok_or_else(|| {
            ReadError::columns(
                path,
                format!("{y} is no list of whole numbers or texts, a class a row of {x}, nor one column a class"),
            )
        })?;
        let (n, length, of_x) = rows_of(path, x, of_x)?;
        if classes.len() != n {
            return Err(ReadError::columns(path, format!("{x} has {n} rows and {y} {} classes", classes.len())));
        }
        if columns != length && rows > 0 {
            return Err(ReadError::columns(path, format!("{x} has {length} columns, the array before {columns}")));
        }
        (rows, columns) = (rows + n, length);
        values.extend(of_x);
        of_y.extend(classes);
    }
    // Ours have names of classes, to which y points, and repetitions.
    let named = arrays.remove("classes").and_then(NumpyArray::texts).and_then(|names| {
        let name = |place: &String| names.get(place.parse::<usize>().ok()?).cloned();
        of_y.iter().map(name).collect::<Option<Vec<String>>>()
    });
    let reps = arrays.remove("rep").and_then(NumpyArray::texts);
    let reps = reps.and_then(|reps| reps.iter().map(|rep| rep.parse().ok()).collect::<Option<Vec<i64>>>());
    let reps = reps.filter(|reps| reps.len() == rows);
    let mut found = traces_of(path, (rows, columns), &values, &named.unwrap_or(of_y), reps.as_deref())?;
    if pairs.len() > 1 {
        let parts: Vec<&str> = pairs.iter().map(|(x, _)| x.as_str()).collect();
        found.tell(found.traces.len(), format!("traces are of {}, joined: wfkit splits them anew", parts.join(", ")));
    }
    Ok(found)
}

/// Refuses numbers that name no class.
fn check_classes(path: &Path, name: &str, y: &NumpyArray) -> Result<(), ReadError> {
    match (&y.values, y.shape.as_slice()) {
        (NumpyValues::Floats(classes), [_] | [_, 1]) => whole_classes(path, name, classes).map(drop),
        _ => Ok(()),
    }
}

/// The names of classes that are numbers: whole ones, since NaN is where one is missing, and halves are no labels.
pub(super) fn whole_classes(path: &Path, name: &str, classes: &[f64]) -> Result<Vec<String>, ReadError> {
    match classes.iter().position(|class| class.fract() != 0.0) {
        Some(row) => Err(wrong(path, row as u64, name, &classes[row].to_string(), "no class, which is a whole number")),
        None => Ok(classes.iter().map(f64::to_string).collect()),
    }
}

/// A class a row: whole numbers, texts, or one column a class of which one is 1.
fn classes_of(y: NumpyArray) -> Option<Vec<String>> {
    match y.shape.as_slice() {
        [_] => y.texts(),
        &[rows, 1] => {
            let flat = y.reshaped(rows, 1)?;
            Some(flat.iter().map(f64::to_string).collect())
        }
        [_, _] => {
            let matrix = y.matrix()?;
            let class = |row: ndarray::ArrayView1<'_, f64>| {
                let is_one_hot = row.iter().all(|value| [0.0, 1.0].contains(value)) && row.sum() == 1.0;
                is_one_hot.then(|| row.iter().position(|&value| value == 1.0)).flatten().map(|place| place.to_string())
            };
            matrix.rows().into_iter().map(class).collect()
        }
        _ => None,
    }
}

/// Rows, columns and numbers of an array that has two lengths other than 1.
fn rows_of(path: &Path, name: &str, x: NumpyArray) -> Result<(usize, usize, Vec<f64>), ReadError> {
    let shape = x.shape.clone();
    let unfit = || {
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        let shape = shape.join(", ");
        ReadError::columns(
            path,
            format!(
                "{name} has the shape ({shape}); expected (traces, packets), a direction or a direction times seconds each: what is counted in slots of time has no packets any more"
            ),
        )
    };
    let &[rows, ref others @ ..] = shape.as_slice() else { return Err(unfit()) };
    let long: Vec<usize> = others.iter().copied().filter(|&length| length != 1).collect();
    let columns = match long[..] {
        [] if !others.is_empty() => 1,
        [columns] => columns,
        _ => return Err(unfit()),
    };
    if rows.checked_mul(columns) != Some(x.shape.iter().product()) {
        return Err(unfit());
    }
    let flat = x.reshaped(rows, columns).ok_or_else(unfit)?;
    Ok((rows, columns, flat.into_iter().collect()))
}

/// Traces of an array with a row each.
pub(super) fn traces_of(
    path: &Path,
    (rows, columns): (usize, usize),
    values: &[f64],
    classes: &[String],
    given: Option<&[i64]>,
) -> Result<FieldTraces, ReadError> {
    if classes.len() != rows {
        return Err(ReadError::columns(path, format!("X has {rows} rows and y {} classes", classes.len())));
    }
    let mut found = FieldTraces { is_counted: given.is_none(), ..FieldTraces::default() };
    let (mut reps, mut at_zero) = (Reps::default(), 0);
    let directions = values.iter().all(|value| value.is_nan() || [-1.0, 0.0, 1.0].contains(value));
    if let Some(magnitude) = one_magnitude(columns, values).filter(|_| !directions) {
        return Err(ReadError::damaged(
            path,
            format!(
                "all packets in X are {magnitude} or -{magnitude}: these are sizes, or directions of another scale, not directions times seconds. \
                 Directions are 1 and -1 (numpy.sign(X)); of sizes make traces in Python (wfkit.Traces.from_arrays), or JSON lines"
            ),
        ));
    }
    let (mut back, mut first_left_out) = (0, None);
    for (at, class) in classes.iter().enumerate() {
        let row = &values[at * columns..(at + 1) * columns];
        let class = canonical_class(class).into_owned();
        // Numbered by rows, also where one is left out, so that a trace can be found again.
        let rep = given.map_or_else(|| reps.next(&class), |given| given[at]);
        let made = if directions { of_directions(row) } else { of_times(row) };
        match made {
            Ok((trace, lost)) => {
                at_zero += usize::from(lost);
                found.traces.push(LabelledTrace::new(TraceKey { class, rep, session: None }, None, trace));
            }
            Err(reason) => {
                back += usize::from(reason == GOES_BACK);
                first_left_out.get_or_insert((at, reason));
                found.drop(reason, 1);
            }
        }
    }
    match first_left_out {
        // Sizes rise by chance in a few rows, and would pass for seconds there.
        Some((at, reason)) if found.traces.is_empty() || back > found.traces.len() => {
            let row = &values[at * columns..(at + 1) * columns];
            let start: Vec<String> = row.iter().take(5).map(f64::to_string).collect();
            let (left_out, start) = (rows - found.traces.len(), start.join(", "));
            return Err(ReadError::damaged(
                path,
                format!(
                    "{left_out} of {rows} rows of X are no traces; row {at} begins with {start}: {reason}. X is to hold directions (1 and -1), or \
                     directions times seconds, padded with 0; of sizes make traces in Python (wfkit.Traces.from_arrays), or JSON lines"
                ),
            ));
        }
        None if found.traces.is_empty() => return Err(ReadError::damaged(path, "X has no rows")),
        _ => {}
    }
    found.tell(found.traces.len(), DIRECTIONS);
    found.tell(if directions { found.traces.len() } else { 0 }, NO_TIMES);
    found.tell(
        at_zero,
        "traces begin with 0, a packet at time 0 whose direction is lost by multiplying: it is taken as outgoing",
    );
    Ok(found)
}

/// The size of all numbers but the padding, where they have one and a row has several: packets do not all come at one time.
fn one_magnitude(columns: usize, values: &[f64]) -> Option<f64> {
    let mut packets = values.iter().map(|value| value.abs()).filter(|&value| value > 0.0);
    let first = packets.next()?;
    let has_several = |row: &[f64]| row.iter().filter(|value| value.abs() > 0.0).nth(1).is_some();
    (packets.all(|value| value == first) && values.chunks_exact(columns.max(1)).any(has_several)).then_some(first)
}

const GOES_BACK: &str = "row whose times go back, or are none";

/// What is before the padding, which is of zeros, or of NaN where arrays were made of tables.
fn unpadded(row: &[f64]) -> &[f64] {
    let length = row.iter().rposition(|&value| value != 0.0 && !value.is_nan()).map_or(0, |last| last + 1);
    &row[..length]
}

/// Directions up to the padding.
fn of_directions(row: &[f64]) -> Result<(Trace, bool), &'static str> {
    let packets = unpadded(row);
    let length = packets.len();
    match packets {
        [] => Err("row of zeros"),
        _ if packets.iter().any(|value| value.is_nan()) => Err("row with no number between directions"),
        _ if packets.contains(&0.0) => Err("row with a 0 between directions"),
        _ => Ok((made(vec![0; length], packets.iter().map(|&value| value > 0.0)), false)),
    }
}

/// Directions times seconds up to the padding, and whether the first direction is lost; -0 has kept it, as NumPy multiplies.
fn of_times(row: &[f64]) -> Result<(Trace, bool), &'static str> {
    let packets = unpadded(row);
    let first = packets.first().ok_or("row of zeros")?.abs();
    if packets.iter().skip(1).any(|&value| value == 0.0) {
        return Err("row with a 0 between times, whose direction is lost");
    }
    let times: Option<Vec<u64>> = packets.iter().map(|value| ns_from_seconds(value.abs() - first)).collect();
    match times {
        Some(times) if times.is_sorted() => {
            let is_lost = packets[0] == 0.0 && packets[0].is_sign_positive();
            Ok((made(times, packets.iter().map(|value| value.is_sign_positive())), is_lost))
        }
        _ => Err(GOES_BACK),
    }
}

fn made(time_ns: Vec<u64>, outgoing: impl Iterator<Item = bool>) -> Trace {
    let size = outgoing.map(|outgoing| if outgoing { CELL_BYTES } else { -CELL_BYTES }).collect();
    Trace::new(time_ns, size).expect("times rise from 0, and a cell has bytes")
}
