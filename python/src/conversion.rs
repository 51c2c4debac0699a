//! Columns of anybody's tables in the types that ours have, where nothing is lost by it.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float64Type;
use arrow_array::{Array as _, ArrayRef, Int64Array, LargeListArray, StringArray, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, TimeUnit};
use pyo3::prelude::*;

use crate::error::wrong;

/// Up to here every whole number is a float of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Texts, or whole numbers by their digits.
pub(crate) fn texts(name: &str, column: &ArrayRef) -> PyResult<StringArray> {
    let column = plain(name, column)?;
    let kind = column.data_type();
    let is_text = kind.is_string() || kind.is_binary() || *kind == DataType::Null;
    if !is_text && !is_number(kind) {
        return Err(wrong(format!("column {name} holds {kind}: text or whole numbers are expected")));
    }
    let column = if is_text { column } else { wholes(name, &column, &DataType::Int64)? };
    Ok(cast(name, &column, &DataType::Utf8)?.as_string().clone())
}

/// Whole numbers; also as floats that are whole, of which NaN is null, as pandas has them where some are missing.
pub(crate) fn numbers(name: &str, column: &ArrayRef) -> PyResult<Int64Array> {
    Ok(wholes(name, &plain(name, column)?, &DataType::Int64)?.as_primitive().clone())
}

/// Moments in ns since 1970; also as dates with times, without a zone those of UTC.
pub(crate) fn instants(name: &str, column: &ArrayRef) -> PyResult<Int64Array> {
    let column = plain(name, column)?;
    match column.data_type() {
        DataType::Timestamp(_, zone) => {
            let in_ns = cast(name, &column, &DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()))?;
            Ok(cast(name, &in_ns, &DataType::Int64)?.as_primitive().clone())
        }
        kind if is_number(kind) || column.null_count() == column.len() || *kind == DataType::Null => {
            numbers(name, &column)
        }
        kind => {
            Err(wrong(format!("column {name} holds {kind}: whole ns since 1970, or dates with times, are expected")))
        }
    }
}

/// Whether a type is one of lists.
pub(crate) fn is_list(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::ListView(_)
            | DataType::LargeListView(_)
    )
}

/// What lists of this type hold; the type itself where it is no list.
pub(crate) fn item_of(kind: &DataType) -> &DataType {
    match kind {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => item.data_type(),
        other => other,
    }
}

/// A column of lists of any kind, their items as they are.
pub(crate) fn large_lists(name: &str, column: &ArrayRef) -> PyResult<LargeListArray> {
    // A column without rows may have no type.
    let is_empty = column.is_empty() && *column.data_type() == DataType::Null;
    if !is_empty && !is_list(column.data_type()) {
        return Err(wrong(format!("column {name} holds {}: a list a trace is expected", column.data_type())));
    }
    let item = Field::new("item", item_of(column.data_type()).clone(), true);
    Ok(cast(name, column, &DataType::LargeList(Arc::new(item)))?.as_list::<i64>().clone())
}

/// Numbers of any type as whole ones of this type, spans of time as ns; what would be changed by it is an error.
pub(crate) fn wholes(name: &str, column: &ArrayRef, kind: &DataType) -> PyResult<ArrayRef> {
    let column = plain(name, column)?;
    let found = column.data_type();
    // An empty list of Python has no type, and pandas has floats where all is missing.
    if *found == DataType::Null || column.null_count() == column.len() {
        return Ok(new_null_array(kind, column.len()));
    }
    let refused = |what: String| {
        wrong(format!("column {name} holds {found}{what}: whole numbers are expected, of at most 64 bits with a sign"))
    };
    match found {
        found if found.is_integer() => cast(name, &column, kind),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let floats = cast(name, &column, &DataType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>();
            let is_whole = |float: &f64| float.is_nan() || (float.fract() == 0.0 && float.abs() <= EXACT);
            if let Some(none) = floats.iter().flatten().find(|float| !is_whole(float)) {
                return Err(refused(format!(", of which {none} is no whole number")));
            }
            let whole = |float: Option<f64>| float.filter(|float| !float.is_nan()).map(|float| float as i64);
            let whole: ArrayRef = Arc::new(floats.iter().map(whole).collect::<Int64Array>());
            cast(name, &whole, kind)
        }
        found if found.is_decimal() => {
            let whole = cast(name, &column, kind)?;
            match *cast(name, &whole, found)? == *column {
                true => Ok(whole),
                false => Err(refused(String::from(", of which some have a fraction"))),
            }
        }
        DataType::Duration(_) => {
            let in_ns = cast(name, &column, &DataType::Duration(TimeUnit::Nanosecond))?;
            cast(name, &cast(name, &in_ns, &DataType::Int64)?, kind)
        }
        _ => Err(refused(String::new())),
    }
}

fn is_number(kind: &DataType) -> bool {
    kind.is_integer() || kind.is_floating() || kind.is_decimal()
}

/// A column whose values stand in it: those of categories and runs, which stand beside.
fn plain(name: &str, column: &ArrayRef) -> PyResult<ArrayRef> {
    match column.data_type() {
        DataType::Dictionary(_, values) => cast(name, column, values),
        DataType::RunEndEncoded(_, values) => cast(name, column, values.data_type()),
        _ => Ok(Arc::clone(column)),
    }
}

/// In this type, where each value fits it.
fn cast(name: &str, column: &ArrayRef, kind: &DataType) -> PyResult<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, kind, &options).map_err(|error| wrong(format!("column {name}: {error}")))
}
