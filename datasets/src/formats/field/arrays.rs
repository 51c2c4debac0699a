//! Arrays of directions, or of directions times seconds, padded with 0: `npz`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use zip::ZipArchive;

use super::{CELL_BYTES, DIRECTIONS, FieldTraces, NO_TIMES, Reps};
use crate::formats::csv_file::ZIP_MAGIC;
use crate::formats::npy::{NumpyArray, read_numpy};
use crate::formats::{ReadError, ReadLimits, ns_from_seconds};
use crate::{LabelledTrace, Trace, TraceKey, canonical_class};

/// Whether it is an archive of NumPy with X and y in it.
pub(super) fn is_archive(path: &Path, start: &[u8]) -> bool {
    let has_both = || {
        let archive = ZipArchive::new(BufReader::new(File::open(path).ok()?)).ok()?;
        let has = |name: &str| archive.index_for_name(name).is_some();
        Some(has("X.npy") && has("y.npy"))
    };
    ZIP_MAGIC.iter().any(|magic| start.starts_with(magic)) && has_both() == Some(true)
}

pub(super) fn read_archive(path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
    let mut arrays = read_numpy(path, limits)?;
    let names = arrays.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut take = |name: &str| {
        arrays.remove(name).ok_or_else(|| {
            ReadError::columns(
                path,
                format!("there is no array {name}, only {names}; expected X (a row a trace) and y (their classes)"),
            )
        })
    };
    let (x, y) = (take("X")?, take("y")?);
    let of_y = y
        .texts()
        .ok_or_else(|| ReadError::columns(path, "y is no list of whole numbers or texts, a class a row of X"))?;
    // Ours have names of classes, to which y points, and repetitions.
    let named = arrays.remove("classes").and_then(NumpyArray::texts).and_then(|names| {
        let name = |place: &String| names.get(place.parse::<usize>().ok()?).cloned();
        of_y.iter().map(name).collect::<Option<Vec<String>>>()
    });
    let reps = arrays.remove("rep").and_then(NumpyArray::texts);
    let reps = reps.and_then(|reps| reps.iter().map(|rep| rep.parse().ok()).collect::<Option<Vec<i64>>>());
    let (rows, columns, values) = rows_of(path, x)?;
    let reps = reps.filter(|reps| reps.len() == rows);
    traces_of(path, (rows, columns), &values, &named.unwrap_or(of_y), reps.as_deref())
}

/// Rows, columns and numbers of an array that has two lengths other than 1.
fn rows_of(path: &Path, x: NumpyArray) -> Result<(usize, usize, Vec<f64>), ReadError> {
    let shape = x.shape.clone();
    let unfit = || {
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        let shape = shape.join(", ");
        ReadError::columns(
            path,
            format!(
                "X has the shape ({shape}); expected (traces, packets), a direction or a direction times seconds each: what is counted in slots of time has no packets any more"
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
    let directions = values.iter().all(|value| [-1.0, 0.0, 1.0].contains(value));
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
            Err(reason) => found.drop(reason, 1),
        }
    }
    if found.traces.is_empty() {
        return Err(ReadError::damaged(path, "no row of X is a trace"));
    }
    found.tell(found.traces.len(), DIRECTIONS);
    found.tell(if directions { found.traces.len() } else { 0 }, NO_TIMES);
    found.tell(
        at_zero,
        "traces begin with 0, a packet at time 0 whose direction is lost by multiplying: it is taken as outgoing",
    );
    Ok(found)
}

/// Directions up to the padding.
fn of_directions(row: &[f64]) -> Result<(Trace, bool), &'static str> {
    let length = row.iter().rposition(|&value| value != 0.0).map_or(0, |last| last + 1);
    let packets = &row[..length];
    match packets {
        [] => Err("row of zeros"),
        _ if packets.contains(&0.0) => Err("row with a 0 between directions"),
        _ => Ok((made(vec![0; length], packets.iter().map(|&value| value > 0.0)), false)),
    }
}

/// Directions times seconds up to the padding, and whether the first direction is lost.
fn of_times(row: &[f64]) -> Result<(Trace, bool), &'static str> {
    let length = row.iter().rposition(|&value| value != 0.0).map_or(0, |last| last + 1);
    let packets = &row[..length];
    let first = packets.first().ok_or("row of zeros")?.abs();
    if packets.iter().skip(1).any(|&value| value == 0.0) {
        return Err("row with a 0 between times, whose direction is lost");
    }
    let times: Option<Vec<u64>> = packets.iter().map(|value| ns_from_seconds(value.abs() - first)).collect();
    match times {
        Some(times) if times.is_sorted() => {
            Ok((made(times, packets.iter().map(|&value| value >= 0.0)), packets[0] == 0.0))
        }
        _ => Err("row whose times go back, or are none"),
    }
}

fn made(time_ns: Vec<u64>, outgoing: impl Iterator<Item = bool>) -> Trace {
    let size = outgoing.map(|outgoing| if outgoing { CELL_BYTES } else { -CELL_BYTES }).collect();
    Trace::new(time_ns, size).expect("times rise from 0, and a cell has bytes")
}
