//! Nets to and from other programs.

use thiserror::Error;

#[cfg(feature = "deep")]
use super::onnx::{self, OnnxError, OnnxOptions};
use crate::attack::FittedAttack;

/// Why no numbers of a net were given or taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NetWeightsError {
    /// The attack is another.
    #[error("a model of {0} has not the weights of one net; those of df, tik-tok, rf and df-sized have")]
    NoNet(String),
    /// The numbers are those of another net.
    #[error("not the weights of {attack} for {classes} classes: {reason}")]
    Weights {
        /// The attack.
        attack: String,
        /// Number of classes of the model.
        classes: usize,
        /// What is wrong.
        reason: String,
    },
}

impl FittedAttack {
    /// The numbers of its net as safetensors, with the names and shapes of PyTorch's `nn.Sequential`.
    pub fn weights(&self) -> Result<Vec<u8>, NetWeightsError> {
        self.model.weights().ok_or_else(|| NetWeightsError::NoNet(self.about.attack.clone()))
    }

    /// The same attack with other numbers in its net, as safetensors with the same names and shapes; `num_batches_tracked` may be there, too.
    ///
    /// It is not calibrated, since nothing is known of what the new numbers say, and remembers nothing that it has learned from.
    pub fn with_weights(self, safetensors: &[u8]) -> Result<Self, NetWeightsError> {
        let (attack, classes) = (&self.about.attack, self.about.classes.len());
        let model = self.model.with_weights(safetensors).ok_or_else(|| NetWeightsError::NoNet(attack.clone()))?;
        let model = model.map_err(|reason| NetWeightsError::Weights { attack: attack.clone(), classes, reason })?;
        Ok(Self { model, calibrator: None, learned_from: Vec::new(), ..self })
    }

    /// An attack by the net of an ONNX file: its one input is shown traces as [`wfkit_features::Channel`] has them, cut or padded to the length
    /// that its shape tells; its first output is a row a trace, a number a class, either probabilities or scores whose softmax they are.
    ///
    /// It cannot be saved, and is not calibrated.
    #[cfg(feature = "deep")]
    pub fn from_onnx(bytes: &[u8], options: &OnnxOptions) -> Result<Self, OnnxError> {
        onnx::read(bytes, options)
    }
}
