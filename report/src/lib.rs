#![doc = include_str!("../README.md")]

pub mod answer;
mod axes;
mod canvas;
pub mod page;
pub mod picture;
#[cfg(feature = "png")]
pub mod png;
mod table;
pub mod words;

pub use table::{Cell, Table};
