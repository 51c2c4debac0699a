//! Fitted attacks as files.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `wfkitmod` |
//! | 4 | format version, 2 (all numbers are little-endian) |
//! | 4 | length of the header |
//! | 8 | length of the trees |
//! | | header: JSON, see [`About`], with the tool's version and the feature extractor |
//! | | trees: [postcard](https://postcard.jamesmunns.com), nodes in preorder |
//! | 32 | SHA-256 of all before |
//!
//! Equal attacks make equal bytes. Whatever the bytes, reading them ends, and takes memory in proportion to them.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use wfkit_features::FeatureExtractor;

use crate::attack::{About, FittedAttack};
use crate::backend::Backend;
use crate::forest::Forest;

const MAGIC: &[u8; 8] = b"wfkitmod";
const VERSION: u32 = 2;
const PREAMBLE: usize = 24;
const CHECKSUM: usize = 32;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    tool: String,
    about: About,
    extractor: Option<FeatureExtractor>,
}

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
    /// The trees are those of another library.
    #[error("a model of {0} cannot be saved; only native ones can")]
    Unsaveable(Backend),
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
    #[error("the trees in the model file are not a forest")]
    Trees,
    /// Header and trees are not of one model.
    #[error("header and trees of the model file disagree about {0}")]
    Mismatch(&'static str),
}

impl FittedAttack {
    /// Writes the model to a file.
    pub fn save(&self, path: &Path) -> Result<(), ModelFileError> {
        let bytes = self.to_bytes()?;
        std::fs::write(path, bytes).map_err(|source| ModelFileError::Write { path: path.to_owned(), source })
    }

    /// Reads a model from a file.
    pub fn load(path: &Path) -> Result<Self, ModelFileError> {
        let bytes = std::fs::read(path).map_err(|source| ModelFileError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes).map_err(|source| ModelFileError::Format { path: path.to_owned(), source })
    }

    /// The bytes of the file; fails for the models of other backends.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelFileError> {
        let forest = self.model.as_forest().ok_or(ModelFileError::Unsaveable(self.about.backend))?;
        let header = Header {
            tool: concat!("wfkit ", env!("CARGO_PKG_VERSION")).to_owned(),
            about: self.about.clone(),
            extractor: self.extractor.clone(),
        };
        let header = serde_json::to_vec(&header).expect("texts, numbers and lists of them are JSON");
        let trees = postcard::to_stdvec(forest).expect("numbers and lists of them are postcard");

        let mut bytes = Vec::with_capacity(PREAMBLE + header.len() + trees.len() + CHECKSUM);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend((trees.len() as u64).to_le_bytes());
        bytes.extend(header);
        bytes.extend(trees);
        let checksum = Sha256::digest(&bytes);
        bytes.extend(checksum);
        Ok(bytes)
    }

    /// The model of the bytes of a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFormatError> {
        let (header, trees) = parts(bytes)?;
        let Header { tool: _, about, extractor } = serde_json::from_slice(header)?;
        let (forest, rest) = postcard::take_from_bytes::<Forest>(trees).map_err(|_| ModelFormatError::Trees)?;

        let extracted = extractor.as_ref().map(FeatureExtractor::names);
        let agree = [
            ("the end of the trees", rest.is_empty()),
            ("who grew the trees", about.backend == Backend::Native),
            ("the parameters", about.params == *forest.params()),
            ("the seed", about.seed == forest.seed()),
            ("the number of classes", about.classes.len() == forest.n_classes()),
            ("the number of training samples", about.trained_on.len() == forest.n_classes()),
            ("the number of features", about.features.len() == forest.n_features()),
            ("the names of the features", extracted.is_none_or(|names| names == about.features)),
        ];
        match agree.into_iter().find(|&(_, agree)| !agree) {
            Some((what, _)) => Err(ModelFormatError::Mismatch(what)),
            None => Ok(Self { about, extractor, model: Box::new(forest) }),
        }
    }
}

/// Header and trees, after checking all that frames them.
fn parts(bytes: &[u8]) -> Result<(&[u8], &[u8]), ModelFormatError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(ModelFormatError::Magic)?;
    let found = bytes.len() as u64;
    let cut = ModelFormatError::Length { expected: (PREAMBLE + CHECKSUM) as u64, found };
    let Some((version, rest)) = rest.split_first_chunk() else { return Err(cut) };
    match u32::from_le_bytes(*version) {
        VERSION => {}
        other => return Err(ModelFormatError::Version(other)),
    }
    let Some((header, rest)) = rest.split_first_chunk() else { return Err(cut) };
    let Some((trees, rest)) = rest.split_first_chunk() else { return Err(cut) };
    let (header, trees) = (u64::from(u32::from_le_bytes(*header)), u64::from_le_bytes(*trees));

    let expected = trees.saturating_add(header + (PREAMBLE + CHECKSUM) as u64);
    if found != expected {
        return Err(ModelFormatError::Length { expected, found });
    }
    let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    if Sha256::digest(content).as_slice() != checksum {
        return Err(ModelFormatError::Checksum);
    }
    Ok(rest[..rest.len() - CHECKSUM].split_at(header as usize))
}
