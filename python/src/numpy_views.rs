//! Columns as NumPy arrays.

use arrow_buffer::Buffer;
use pyo3::prelude::*;
use pyo3_arrow::buffer::PyArrowBuffer;

/// A read-only view of numbers of this type; nothing is copied, and the array keeps the numbers alive.
pub(crate) fn view<'py>(py: Python<'py>, numbers: &Buffer, dtype: &str) -> PyResult<Bound<'py, PyAny>> {
    let numpy = py.import("numpy")?;
    match numbers.is_empty() {
        true => numpy.call_method1("zeros", (0, dtype)),
        false => numpy.call_method1("frombuffer", (PyArrowBuffer::new(numbers.clone()), dtype)),
    }
}

/// Texts as an array of fixed width.
pub(crate) fn texts<'py, 'a>(py: Python<'py>, texts: impl Iterator<Item = &'a str>) -> PyResult<Bound<'py, PyAny>> {
    py.import("numpy")?.call_method1("array", (texts.collect::<Vec<_>>(), "str"))
}

/// What may be missing, as an array of objects.
pub(crate) fn optional<'py, T: IntoPyObject<'py>>(
    py: Python<'py>,
    values: impl Iterator<Item = Option<T>>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("numpy")?.call_method1("array", (values.collect::<Vec<_>>(), "object"))
}
