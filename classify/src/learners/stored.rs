//! Models as bytes: one table of all kinds that a file can hold.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Model;
use super::aligned::Aligned;
use super::blend::Blend;
use super::boosting::Boosted;
use super::pool::Pool;
use super::svm::Machines;
use crate::attack::About;
#[cfg(feature = "deep")]
use crate::deep::DeepModel;
use crate::forest::Forest;
use crate::model_file::{ModelFormatError, agree};
use crate::neighbours::nearest_leaves::Fingerprints;
use crate::neighbours::wang_knn::Weighted;

/// What a stored model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One forest.
    #[default]
    Forest,
    /// Several forests, averaged.
    Blend,
    /// The nearest traces by the leaves of a forest.
    NearestLeaves,
    /// Support vector machines.
    Svm,
    /// Gradient boosting.
    Boosting,
    /// The nearest traces by a weighted distance.
    WangKnn,
    /// An alignment with a profile of each class.
    Alignment,
    /// Forests and others, joined.
    Pool,
    /// A neural net.
    Net,
}

/// A model that was read from strangers' bytes must be sound before it answers.
pub(crate) trait Stored: Model + 'static {
    /// Whether it is one for so many classes.
    fn is_sound(&self, classes: usize) -> bool;

    /// Number of columns that it is shown; 0 of those who look at packets alone.
    fn n_features(&self) -> usize;

    /// The seed that it grew from, where it keeps it.
    fn seed(&self) -> Option<u64> {
        None
    }
}

/// What reads one kind: from the bytes, which begin at that offset of the file.
type Read = fn(&[u8], usize, &About) -> Result<Box<dyn Model>, ModelFormatError>;

/// Every kind with what reads it.
const KINDS: [(Kind, Read); 9] = [
    (Kind::Forest, postcard_as::<Forest>),
    (Kind::Blend, postcard_as::<Blend>),
    (Kind::NearestLeaves, postcard_as::<Fingerprints>),
    (Kind::Svm, postcard_as::<Machines>),
    (Kind::Boosting, boosted),
    (Kind::WangKnn, postcard_as::<Weighted>),
    (Kind::Alignment, postcard_as::<Aligned>),
    (Kind::Pool, postcard_as::<Pool>),
    #[cfg(feature = "deep")]
    (Kind::Net, postcard_as::<DeepModel>),
    #[cfg(not(feature = "deep"))]
    (Kind::Net, |_, _, _| Err(ModelFormatError::WithoutNets)),
];

/// The model of that kind in `bytes`, which begin at `offset` of the file; it must fit what the header says.
pub(crate) fn read(kind: Kind, bytes: &[u8], offset: usize, about: &About) -> Result<Box<dyn Model>, ModelFormatError> {
    let (_, read) = KINDS.iter().find(|(known, _)| *known == kind).expect("the table has every kind");
    read(bytes, offset, about)
}

/// What a file holds of a model.
pub(crate) fn as_postcard(kind: Kind, model: &impl Serialize) -> Option<(Kind, Vec<u8>)> {
    Some((kind, postcard::to_stdvec(model).expect("numbers and lists of them are postcard")))
}

fn postcard_as<M: Stored + DeserializeOwned>(
    bytes: &[u8],
    offset: usize,
    about: &About,
) -> Result<Box<dyn Model>, ModelFormatError> {
    let mut reader = postcard::Deserializer::from_bytes(bytes);
    let model = M::deserialize(&mut reader);
    let rest = reader.finalize().map_or(0, <[u8]>::len);
    let model = model.map_err(|_| ModelFormatError::Trees { offset: offset + bytes.len() - rest })?;
    agree([("the end of the trees", rest == 0)])?;
    fitting(model, about)
}

/// Its library has bytes of its own.
fn boosted(bytes: &[u8], offset: usize, about: &About) -> Result<Box<dyn Model>, ModelFormatError> {
    fitting(Boosted::from_bytes(bytes).ok_or(ModelFormatError::Trees { offset })?, about)
}

fn fitting(model: impl Stored, about: &About) -> Result<Box<dyn Model>, ModelFormatError> {
    agree([
        ("what the model holds", model.is_sound(about.classes.len())),
        ("the number of features", model.n_features() == about.features.len()),
        ("the seed", model.seed().is_none_or(|seed| seed == about.seed)),
    ])?;
    Ok(Box::new(model))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_in_the_table_once() {
        for (place, (kind, _)) in KINDS.iter().enumerate() {
            assert_eq!(*kind as usize, place, "{kind:?}");
        }
    }
}
