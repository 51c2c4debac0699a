//! Fitted attacks as files.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `wfkitmod` |
//! | 4 | format version, 8 (all numbers are little-endian) |
//! | 4 | length of the header |
//! | 8 | length of the trees |
//! | | header: JSON, see [`About`], with the tool's version and the feature extractor |
//! | | trees: [postcard](https://postcard.jamesmunns.com), nodes in preorder |
//! | 32 | SHA-256 of all before |
//!
//! Equal attacks make equal bytes. Whatever the bytes, reading them ends, and takes memory in proportion to them.
//!
//! A file is mapped rather than copied, see [`MappedFile`] for what happens where it changes meanwhile; the mapping ends with
//! [`FittedAttack::load`]. Trees are turned into their form in memory one after the other, since what a walk wants near each other
//! takes several times the bytes that a file needs, and every child, feature and class is checked on the way.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wfkit_datasets::Known;
use wfkit_datasets::files::replace_with;
use wfkit_features::FeatureExtractor;
use wfkit_mapped_file::MappedFile;

use crate::attack::{About, FittedAttack, Sees};
use crate::calibrate::Calibrator;
use crate::forest::ForestParams;
use crate::learners::Kind;
use crate::model_error::{ModelFileError, ModelFormatError, VERSION, agree};
use crate::model_kinds;

const MAGIC: &[u8; 8] = b"wfkitmod";
const PREAMBLE: usize = 24;
const CHECKSUM: usize = 32;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    tool: String,
    #[serde(default)]
    kind: Kind,
    about: About,
    /// How its trees grew, for who reads the header; none of what has no trees of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forest: Option<ForestParams>,
    extractor: Option<FeatureExtractor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calibrator: Option<Calibrator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unless_unanimous: Option<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    learned_from: Vec<Known>,
}

impl FittedAttack {
    /// Writes the model to a file, which is replaced as a whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), ModelFileError> {
        let bytes = self.to_bytes()?;
        replace_with(path, bytes).map_err(|source| ModelFileError::Write { path: path.to_owned(), source })
    }

    /// Reads a model from a file, which must not change meanwhile: overwritten in place it fails by its checksum or its trees, or
    /// gives a model of both; cut short it ends the process by a signal. A file that is replaced by renaming does no harm.
    pub fn load(path: &Path) -> Result<Self, ModelFileError> {
        let bytes = MappedFile::open(path).map_err(|source| ModelFileError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes).map_err(|source| ModelFileError::Format { path: path.to_owned(), source })
    }

    /// The bytes of the file; fails for the models of other backends.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelFileError> {
        let (kind, trees) = self.model.stored().ok_or_else(|| ModelFileError::Unsaveable(self.model.describe()))?;
        let header = Header {
            tool: concat!("wfkit ", env!("CARGO_PKG_VERSION")).to_owned(),
            kind,
            about: self.about.clone(),
            forest: self.forest_params().cloned(),
            extractor: self.sees.extractor().cloned(),
            calibrator: self.calibrator.clone(),
            unless_unanimous: self.unless_unanimous,
            learned_from: self.learned_from.clone(),
        };
        let header = serde_json::to_vec(&header).expect("texts, numbers and lists of them are JSON");

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
        let Header { tool: _, kind, about, forest, extractor, calibrator, unless_unanimous, learned_from } =
            serde_json::from_slice(header)?;
        let classes = about.classes.len();
        if cfg!(not(feature = "deep")) && about.attack == "best+deep" {
            return Err(ModelFormatError::WithoutNets);
        }
        let offset = bytes.len() - CHECKSUM - trees.len();
        let model = model_kinds::read(kind, trees, offset, &about)?;
        let extracted = extractor.as_ref().map(FeatureExtractor::names);
        agree([
            ("the parameters", forest.as_ref() == model.forest_params()),
            ("what it is shown", kind != Kind::Pool || extractor.is_some()),
            ("the number of training samples", about.trained_on.len() == classes),
            ("the names of the features", extracted.is_none_or(|names| names == about.features)),
            ("the calibration", calibrator.as_ref().is_none_or(|calibrator| calibrator.is_sound(classes))),
            ("the unmonitored class", unless_unanimous.is_none_or(|class| class < classes)),
        ])?;
        let sees = match extractor {
            Some(extractor) => Sees::Features(extractor),
            None if model.reads_traces() => Sees::Packets,
            None => Sees::Given,
        };
        Ok(Self { about, sees, model, calibrator, unless_unanimous, learned_from })
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
