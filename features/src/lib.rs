#![doc = include_str!("../README.md")]

mod column;
mod documents;
mod extractor;
#[cfg(feature = "tables")]
mod file;
mod learner;
mod matrix;
mod meaning;
mod percentiles;
mod report;
mod sets;
mod sparse;
mod spec;
mod spec_error;
mod stats;
mod tensor;

pub use column::{Column, FeatureInformation, Unit};
pub use documents::{ColumnMeaning, FeatureSetInfo};
pub use extractor::FeatureExtractor;
#[cfg(feature = "tables")]
pub use file::{FeatureFile, FeatureFileError};
pub use matrix::{FeatureMatrix, MatrixError};
pub use meaning::meaning;
pub use report::{ConstantColumns, FeatureAuc, FeatureReport, feature_aucs};
pub use sets::{FeatureSet, MISSING, PpiPackets};
pub use sparse::{SparseError, SparseMatrix};
pub use spec::FeatureSpec;
pub use spec_error::FeatureSpecError;
pub use tensor::{Channel, TensorError, TensorSpec, write_tensor};
/// The label of a row.
pub use wfkit_datasets::Label as Row;
