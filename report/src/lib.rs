#![doc = include_str!("../README.md")]

pub mod answer;
mod axes;
mod canvas;
pub mod page;
pub mod picture;
mod table;
pub mod words;

pub use table::{Cell, Table};
