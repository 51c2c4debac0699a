//! Pickled arrays: X and y of `npz` in a file each. The reader knows data only: names of classes and functions in a pickle are never looked up.

use std::path::{Path, PathBuf};

use serde_pickle::{DeOptions, Value};

use super::arrays::{traces_of, whole_classes};
use super::{FieldTraces, bytes_of};
use crate::caught;
use crate::formats::{ReadError, ReadLimits, file_name};

/// Numbers and shape of an array.
struct Pickled {
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// Whether it is a pickle with traces in it, by its beginning and name: those of Deep Fingerprinting are called X_... and y_....
pub(super) fn is_traces(path: &Path, start: &[u8]) -> bool {
    let is_pickle = start.first() == Some(&0x80) && start.get(1).is_some_and(|protocol| (2..=5).contains(protocol))
        || [b"cnumpy".as_slice(), b"(lp", b"(dp"].iter().any(|magic| start.starts_with(magic));
    is_pickle && file_name(path).starts_with('X')
}

pub(super) fn read(path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
    let labels = labels_of(path);
    let (x, y) = (array(path, limits)?, array(&labels, limits)?);
    if y.shape.iter().filter(|&&length| length != 1).count() > 1 {
        let message = "an array with several numbers a row; expected the class of each, a whole number";
        return Err(ReadError::columns(&labels, message.to_owned()));
    }
    let classes = whole_classes(&labels, "y", &y.values)?;
    let unfit = || {
        let shape: Vec<String> = x.shape.iter().map(usize::to_string).collect();
        ReadError::columns(path, format!("an array of shape ({}); expected (traces, packets)", shape.join(", ")))
    };
    let &[rows, ref others @ ..] = x.shape.as_slice() else { return Err(unfit()) };
    let columns: usize = others.iter().product();
    if others.is_empty() || others.iter().filter(|&&length| length != 1).count() > 1 {
        return Err(unfit());
    }
    traces_of(path, (rows, columns), &x.values, &classes, None)
}

/// The file with the classes: of the same name but for its first letter.
fn labels_of(path: &Path) -> PathBuf {
    path.with_file_name(file_name(path).replacen('X', "y", 1))
}

fn array(path: &Path, limits: &ReadLimits) -> Result<Pickled, ReadError> {
    let mut bytes = bytes_of(path, limits)?;
    let is_of_call = leave_call_undone(&mut bytes);
    let options = DeOptions::new().keep_restore_state().replace_unresolved_globals().replace_recursive_structures();
    let parsed = caught(|| serde_pickle::value_from_slice(&bytes, options));
    let value = match parsed {
        Some(Ok(value)) => value,
        Some(Err(error)) => {
            return Err(ReadError::damaged(
                path,
                format!("a pickle that is cut off, or holds more than data: {error}"),
            ));
        }
        None => return Err(ReadError::damaged(path, "a damaged pickle")),
    };
    let array = match &value {
        Value::Tuple(state) if state.len() == 5 => of_numpy(state, kind_of(&bytes)),
        Value::Tuple(arguments) if is_of_call => of_call(arguments, &bytes),
        _ => of_lists(&value).ok_or_else(|| "something else than one array of numbers, or lists of them".to_owned()),
    };
    array.map_err(|found| {
        let newer = if bytes.get(1) == Some(&5) { "; of protocol 5, which protocol=4 avoids" } else { "" };
        ReadError::damaged(
            path,
            format!(
                "a pickle of {found}{newer}. Arrays of numbers are read; what else NumPy can load goes into one file: \
                 numpy.savez('x.npz', X=traces, y=classes)"
            ),
        )
    })
}

/// In protocol 5, the default from Python 3.14 on, NumPy makes an array by a call at the end of the pickle. It is not done here: what it is called
/// with is the whole array, and is what is read instead. Whether there was such a call.
fn leave_call_undone(pickle: &mut [u8]) -> bool {
    const CALLED: &[u8] = b"_frombuffer";
    const REDUCE: u8 = b'R';
    const MEMOIZE: u8 = 0x94;
    let start = &pickle[..pickle.len().min(64)];
    let is_of_array = start.get(1) == Some(&5) && start.windows(CALLED.len()).any(|window| window == CALLED);
    match pickle {
        [.., call, MEMOIZE, b'.'] | [.., call, b'.'] if is_of_array && *call == REDUCE => {
            *call = MEMOIZE;
            true
        }
        _ => false,
    }
}

/// An array by what it is made of: bytes, type, shape, and whether it stands row by row (C) or column by column (F).
fn of_call(arguments: &[Value], pickle: &[u8]) -> Result<Pickled, String> {
    /// What is behind the bytes, which may hold anything.
    const BEHIND: usize = 512;
    let [bytes @ Value::Bytes(_), kind, shape, Value::String(order)] = arguments else {
        return Err("an array that is kept otherwise than NumPy keeps numbers".to_owned());
    };
    let state = [Value::None, shape.clone(), kind.clone(), Value::Bool(order == "F"), bytes.clone()];
    of_numpy(&state, kind_of(&pickle[pickle.len().saturating_sub(BEHIND)..]))
}

/// The type of an array, as NumPy names it (`f4`): the letter and the bytes of a value. The reader forgets it, but it stands in the pickle behind
/// the name of the class of types.
fn kind_of(pickle: &[u8]) -> Option<(u8, usize)> {
    const CLASS: &[u8] = b"dtype";
    /// What may be between them: where the class and its name are kept, and how long the text is.
    const BETWEEN: usize = 24;
    let behind = pickle.windows(CLASS.len()).position(|window| window == CLASS)? + CLASS.len();
    let near = pickle.get(behind..)?;
    (0..near.len().min(BETWEEN)).find_map(|at| {
        let (&letter, rest) = near[at..].split_first()?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let width = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        b"biufcOSUmM".contains(&letter).then_some((letter, width))
    })
}

/// What NumPy keeps of an array: version, shape, type, order and bytes.
fn of_numpy(state: &[Value], kind: Option<(u8, usize)>) -> Result<Pickled, String> {
    let other = || "an array that is kept otherwise than NumPy keeps numbers".to_owned();
    let [_, Value::Tuple(shape), order, Value::Bool(is_fortran), Value::Bytes(bytes)] = state else {
        return Err(other());
    };
    let length = |length: &Value| match length {
        Value::I64(length) => usize::try_from(*length).ok(),
        _ => None,
    };
    let shape: Vec<usize> = shape.iter().map(length).collect::<Option<_>>().ok_or_else(other)?;
    let n = shape.iter().try_fold(1_usize, |n, &length| n.checked_mul(length)).ok_or_else(other)?;
    if n == 0 {
        return Err("an empty array".to_owned());
    }
    let (letter, width) = kind.ok_or_else(other)?;
    let bytes_each = if letter == b'U' { width.checked_mul(4).ok_or_else(other)? } else { width };
    if bytes_each == 0 || n.checked_mul(bytes_each) != Some(bytes.len()) {
        return Err(other());
    }
    let big_endian = is_big_endian(order);
    let items = || {
        bytes.chunks_exact(bytes_each).map(move |item| {
            let mut lowest_first = [0; 8];
            lowest_first[..item.len()].copy_from_slice(item);
            if big_endian {
                lowest_first[..item.len()].reverse();
            }
            lowest_first
        })
    };
    let unused = 64 - 8 * width.min(8) as u32;
    let values: Vec<f64> = match (letter, width) {
        (b'f', 8) => items().map(f64::from_le_bytes).collect(),
        (b'f', 4) => items().map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect(),
        (b'i', 1 | 2 | 4 | 8) => items().map(|b| ((i64::from_le_bytes(b) << unused) >> unused) as f64).collect(),
        (b'u' | b'b', 1 | 2 | 4 | 8) => items().map(|b| u64::from_le_bytes(b) as f64).collect(),
        (b'f', 2) => return Err("float16, which has three digits; save it as float32".to_owned()),
        (b'U' | b'S', _) => return Err("texts; number the classes, or put them into an npz".to_owned()),
        (b'O', _) => return Err("Python objects".to_owned()),
        _ => return Err(format!("values of type `{}{width}`", char::from(letter))),
    };
    let values = if *is_fortran { of_columns(&shape, &values).ok_or_else(other)? } else { values };
    Ok(Pickled { shape, values })
}

/// Whether the state of a type says that the highest byte of a number is the first.
fn is_big_endian(state: &Value) -> bool {
    let Value::Tuple(state) = state else { return false };
    match state.get(1) {
        Some(Value::String(order)) => order == ">",
        Some(Value::Bytes(order)) => order == b">",
        _ => false,
    }
}

/// Row by row what stands column by column, of an array with two lengths other than 1 at most.
fn of_columns(shape: &[usize], values: &[f64]) -> Option<Vec<f64>> {
    let (&rows, others) = shape.split_first()?;
    let columns: usize = others.iter().product();
    let is_flat = others.iter().filter(|&&length| length != 1).count() <= 1;
    let row_by_row = || (0..rows).flat_map(|row| (0..columns).map(move |column| values[column * rows + row])).collect();
    is_flat.then(row_by_row)
}

/// Lists of numbers, or of lists of numbers.
fn of_lists(value: &Value) -> Option<Pickled> {
    let number = |value: &Value| match value {
        Value::I64(number) => Some(*number as f64),
        Value::F64(number) => Some(*number),
        _ => None,
    };
    let items = |value: &Value| match value {
        Value::List(items) | Value::Tuple(items) => Some(items.clone()),
        _ => None,
    };
    let rows = items(value)?;
    if let Some(values) = rows.iter().map(number).collect::<Option<Vec<f64>>>() {
        return Some(Pickled { shape: vec![values.len()], values });
    }
    let rows: Option<Vec<Vec<f64>>> =
        rows.iter().map(|row| items(row)?.iter().map(number).collect::<Option<Vec<f64>>>()).collect();
    let rows = rows?;
    let longest = rows.iter().map(Vec::len).max()?;
    let padded = rows.iter().flat_map(|row| row.iter().copied().chain(std::iter::repeat(0.0)).take(longest));
    Some(Pickled { shape: vec![rows.len(), longest], values: padded.collect() })
}
