//! Captures -> labelled traces.

pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod collector;
pub(crate) mod copies;
pub(crate) mod dates;
pub(crate) mod events;
pub(crate) mod flows;
pub(crate) mod label;
pub(crate) mod labels;
pub(crate) mod manifest;
pub(crate) mod names_read;
pub(crate) mod neighbours;
pub(crate) mod one_file;
pub(crate) mod options;
pub(crate) mod parts;
pub(crate) mod pattern;
pub(crate) mod select;
pub(crate) mod stats;
pub(crate) mod whole;
