//! Pickled arrays: X and y of `npz` in a file each. The reader knows data only: names of classes and functions in a pickle are never looked up.

use std::path::{Path, PathBuf};

use serde_pickle::{DeOptions, Value};

use super::arrays::traces_of;
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
    let classes: Vec<String> = y.values.iter().map(f64::to_string).collect();
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
    let bytes = bytes_of(path, limits)?;
    let options = DeOptions::new().keep_restore_state().replace_unresolved_globals().replace_recursive_structures();
    let parsed = caught(|| serde_pickle::value_from_slice(&bytes, options));
    let value = match parsed {
        Some(Ok(value)) => value,
        Some(Err(error)) => {
            return Err(ReadError::damaged(path, format!("a pickle that holds more than data: {error}")));
        }
        None => return Err(ReadError::damaged(path, "a damaged pickle")),
    };
    of_numpy(&value).or_else(|| of_lists(&value)).ok_or_else(|| {
        ReadError::damaged(path, "a pickle of something else than one array of numbers, or lists of them")
    })
}

/// What NumPy keeps of an array: version, shape, type, order and bytes. Of the type nothing is left but its width.
fn of_numpy(state: &Value) -> Option<Pickled> {
    let Value::Tuple(state) = state else { return None };
    let [_, Value::Tuple(shape), _, Value::Bool(false), Value::Bytes(bytes)] = state.as_slice() else { return None };
    let length = |length: &Value| match length {
        Value::I64(length) => usize::try_from(*length).ok(),
        _ => None,
    };
    let shape: Vec<usize> = shape.iter().map(length).collect::<Option<_>>()?;
    let n = shape.iter().try_fold(1_usize, |n, &length| n.checked_mul(length)).filter(|&n| n > 0)?;
    let width = (bytes.len() % n == 0).then(|| bytes.len() / n)?;
    let items = || bytes.chunks_exact(width);
    let floats: Vec<f64> = match width {
        8 => items().map(|b| f64::from_le_bytes(b.try_into().expect("8 bytes"))).collect(),
        4 => items().map(|b| f64::from(f32::from_le_bytes(b.try_into().expect("4 bytes")))).collect(),
        1 | 2 => Vec::new(),
        _ => return None,
    };
    // Small whole numbers are no sensible floats: 1 is the least there is, and -1 none.
    let are_floats =
        !floats.is_empty() && floats.iter().all(|value| *value == 0.0 || (value.is_finite() && value.abs() > 1e-30));
    let whole = || {
        items().map(|bytes| {
            let negative = bytes[width - 1] >= 0x80;
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..width].copy_from_slice(bytes);
            i64::from_le_bytes(wide) as f64
        })
    };
    let values = if are_floats { floats } else { whole().collect() };
    Some(Pickled { shape, values })
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
