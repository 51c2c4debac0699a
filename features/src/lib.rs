#![doc = include_str!("../README.md")]

mod cumul;
mod extractor;
mod file;
#[cfg(test)]
mod golden;
mod kfp;
mod matrix;
mod report;
mod sequence;
mod spec;
mod stats;
mod totals;

pub use extractor::FeatureExtractor;
pub use file::{FeatureFile, FeatureFileError};
pub use matrix::{FeatureMatrix, MatrixError};
pub use report::{FeatureAuc, FeatureReport, feature_aucs};
pub use spec::{FeatureSet, FeatureSpec, SpecError};
/// The label of a row.
pub use wfkit_datasets::Label as Row;
