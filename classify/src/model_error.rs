//! Why a model was not written or read.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// The version of model files that is written and read.
pub(crate) const VERSION: u32 = 8;

/// Why a model was not written or read.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The file cannot be read.
    #[error("{}: cannot read the model: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{}: cannot write the model: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is in the file is no model.
    #[error("{}: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ModelFormatError,
    },
    /// It is of another library, or of a learner that is not wfkit's.
    #[error("{0}: such a model cannot be saved; only those of wfkit's own learners can")]
    Unsaveable(
        /// What it is.
        String,
    ),
}

/// Why bytes are not a model.
#[derive(Debug, Error)]
pub enum ModelFormatError {
    /// They do not begin like one.
    #[error("not a model file")]
    Magic,
    /// They are of another version of the format.
    #[error("model file of another version: found {0}, this wfkit reads {VERSION}")]
    Version(u32),
    /// There are fewer or more of them than the file says.
    #[error("model file of {expected} bytes, but {found} are there")]
    Length {
        /// How many the file speaks of.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// They were changed.
    #[error("the checksum of the model file does not fit: it is damaged")]
    Checksum,
    /// The header cannot be understood.
    #[error("header of the model file: {0}")]
    Header(#[from] serde_json::Error),
    /// The trees cannot be understood. (The library does not say why.)
    #[error("the trees in the model file are not a forest: what ends at byte {offset} of the file is none")]
    Trees {
        /// Where reading ended; for gradient boosting, where its trees begin.
        offset: usize,
    },
    /// Nets are not part of this build.
    #[error(
        "a model with a neural net, and this wfkit was built without: build it by `cargo install --path . --features deep`"
    )]
    WithoutNets,
    /// Header and trees are not of one model.
    #[error("header and trees of the model file disagree about {0}")]
    Mismatch(&'static str),
}

/// Header and model are of one attack, where all of this holds.
pub(crate) fn agree<const N: usize>(checks: [(&'static str, bool); N]) -> Result<(), ModelFormatError> {
    match checks.into_iter().find(|&(_, agree)| !agree) {
        Some((what, _)) => Err(ModelFormatError::Mismatch(what)),
        None => Ok(()),
    }
}
