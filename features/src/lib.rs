#![doc = include_str!("../README.md")]

mod cumul;
mod extractor;
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
pub use matrix::{FeatureMatrix, MatrixError, Row};
pub use report::{FeatureAuc, FeatureReport, feature_aucs};
pub use spec::{FeatureSet, FeatureSpec, SpecError};
