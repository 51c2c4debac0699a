//! Nets to and from other programs.

use std::path::{Path, PathBuf};

use thiserror::Error;
use wfkit_features::Channel;

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

/// Why a file gives no net, or no numbers of one.
#[derive(Debug, Error)]
pub enum NetFileError {
    /// The file cannot be read.
    #[error("{}: cannot read it: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Its numbers are not taken.
    #[error("{}: {error}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why.
        error: NetWeightsError,
    },
    /// It is no list of classes.
    #[error("{}: names of classes are UTF-8, one a line", path.display())]
    Names {
        /// The file.
        path: PathBuf,
    },
    /// Its net says nothing of traces.
    #[cfg(feature = "deep")]
    #[error("{}: {error}", path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// Why.
        error: OnnxError,
    },
    /// Nets are not part of this build.
    #[error("{}: this wfkit was built without neural nets: build it by `cargo install --path . --features deep`", path.display())]
    WithoutNets {
        /// The file.
        path: PathBuf,
    },
}

fn read(path: &Path) -> Result<Vec<u8>, NetFileError> {
    std::fs::read(path).map_err(|error| NetFileError::Read { path: path.to_owned(), error })
}

#[cfg(feature = "deep")]
fn names(path: &Path) -> Result<Vec<String>, NetFileError> {
    let text = String::from_utf8(read(path)?).map_err(|_| NetFileError::Names { path: path.to_owned() })?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
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

    /// The same attack with the numbers in a file of safetensors; see [`with_weights`](Self::with_weights).
    pub fn with_weights_of(self, path: &Path) -> Result<Self, NetFileError> {
        let weights = read(path)?;
        self.with_weights(&weights).map_err(|error| NetFileError::Weights { path: path.to_owned(), error })
    }

    /// An attack by the net of an ONNX file, what its metadata do not say given: what it is shown, and a file of its classes, one a line in the order
    /// of its outputs.
    #[cfg_attr(not(feature = "deep"), allow(unused_variables))]
    pub fn load_onnx(path: &Path, channel: Option<Channel>, classes: Option<&Path>) -> Result<Self, NetFileError> {
        #[cfg(not(feature = "deep"))]
        return Err(NetFileError::WithoutNets { path: path.to_owned() });
        #[cfg(feature = "deep")]
        {
            let options = OnnxOptions { channel, classes: classes.map(names).transpose()? };
            Self::from_onnx(&read(path)?, &options).map_err(|error| NetFileError::Onnx { path: path.to_owned(), error })
        }
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
