#![doc = include_str!("../README.md")]

pub mod answer;
mod axes;
mod canvas;
pub mod lines;
pub mod markdown;
pub mod page;
pub mod picture;
mod picture_form;
#[cfg(feature = "png")]
pub mod png;
#[cfg(feature = "results")]
pub mod reference;
mod schemas;
mod table;
#[cfg(feature = "results")]
pub mod text;
pub mod words;

pub use picture_form::{PictureForm, PictureFormError};
pub use schemas::{schema_of, schemas};
pub use table::{Cell, Table};
