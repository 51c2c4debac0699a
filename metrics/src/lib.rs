#![doc = include_str!("../README.md")]

mod classes;
mod probabilities;
mod utility;

pub use classes::{ClassMap, class_order};
pub use probabilities::{Probabilities, ProbabilityError, ROW_SUM_TOLERANCE};
pub use utility::Volume;
