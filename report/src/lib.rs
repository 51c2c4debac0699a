//! Pictures and reports, as functions of results.

pub mod picture;
pub mod words;
