#![doc = include_str!("../README.md")]

mod matrix;

pub use matrix::{FeatureMatrix, MatrixError, Row};
