//! Capture files and what other tools wrote about captures, read and written.

pub(crate) mod export;
pub(crate) mod listing;
pub(crate) mod records;
pub(crate) mod text;
