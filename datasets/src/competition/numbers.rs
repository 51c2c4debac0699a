//! Numbers in the fields of a row, or what is wrong with them.

use crate::formats;

pub(super) fn whole_number(field: &[u8]) -> Result<i64, &'static str> {
    formats::whole_number(text(field)?)
}

pub(super) fn finite_number(field: &[u8]) -> Result<f64, &'static str> {
    formats::finite_number(text(field)?)
}

fn text(field: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(field).map_err(|_| "not UTF-8")
}
