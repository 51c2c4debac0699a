#![doc = include_str!("../README.md")]

pub mod alignment;
mod attack;
mod calibrate;
mod deep;
mod evaluate;
mod explain;
pub mod forest;
pub mod learners;
mod log_linear;
mod model_error;
mod model_file;
mod model_kinds;
mod neighbours;
mod samples;
mod seed;
mod sessions;
mod shuffle;

pub use attack::{
    About, Attack, AttackError, AttackInfo, AttackInput, AttackOptions, FittedAttack, attacks, every_attack,
};
pub use calibrate::{Calibration, Calibrator, UnknownCalibration};
pub use deep::{NetFileError, NetWeightsError};
#[cfg(feature = "deep")]
pub use deep::{OnnxError, OnnxOptions};
pub use evaluate::{EvaluateError, Evaluation, Event, Fold, evaluate, evaluate_on};
pub use explain::{
    ExplainError, ExplainOptions, Explained, Explanation, INFORMATION_BINS, Tendency, explain, explain_watched,
};
pub use learners::{Backend, Training};
pub use model_error::{ModelFileError, ModelFormatError};
pub use neighbours::errors::{ErrorsAt, NearestNeighbourErrors, nearest_neighbour_errors};
pub use neighbours::leaf_knn::{LeafNeighbours, leaf_knn};
pub use samples::{Samples, Selected};
pub use sessions::{PageFinder, Session, SessionAttack, SessionScores, session_overlap};
pub use shuffle::{shuffle_feature_labels, shuffle_labels};
