//! Neural nets over the packets of a trace, as published, and one sized for small sets.
//!
//! They are built with the feature `deep`; without it their names are known, and refused with the way to have them.

#[cfg(feature = "deep")]
mod device;
mod exchange;
#[cfg(feature = "deep")]
mod held_back;
#[cfg(feature = "deep")]
mod layers;
#[cfg(feature = "deep")]
mod learner;
#[cfg(feature = "deep")]
pub(crate) mod net;
#[cfg(feature = "deep")]
mod onnx;
#[cfg(feature = "deep")]
mod optimiser;
mod recipe;
#[cfg(all(test, feature = "deep"))]
mod tests;
#[cfg(feature = "deep")]
mod train;

use std::sync::Arc;

pub(crate) use recipe::Architecture;

use crate::learners::{LearnError, Learner};

/// A learner of that architecture, for at most so many epochs; those that it is published with by default.
pub(crate) fn learner(architecture: Architecture, epochs: Option<usize>) -> Result<Arc<dyn Learner>, LearnError> {
    #[cfg(feature = "deep")]
    return Ok(Arc::new(learner::Deep::new(architecture, epochs)));
    #[cfg(not(feature = "deep"))]
    {
        let _ = (architecture, epochs);
        Err(LearnError::WithoutNets)
    }
}

pub use exchange::{NetFileError, NetWeightsError};
#[cfg(feature = "deep")]
pub(crate) use learner::{Deep, DeepModel};
#[cfg(feature = "deep")]
pub use onnx::{OnnxError, OnnxOptions};
