//! One table of all kinds of models that a file can hold.

use serde::de::DeserializeOwned;

use crate::attack::About;
#[cfg(feature = "deep")]
use crate::deep::DeepModel;
use crate::forest::Forest;
use crate::learners::Model;
use crate::learners::aligned::Aligned;
use crate::learners::blend::Blend;
use crate::learners::boosting::Boosted;
use crate::learners::pool::Pool;
use crate::learners::stored::{Kind, Stored};
use crate::learners::svm::Machines;
use crate::model_error::{ModelFormatError, agree};
use crate::neighbours::nearest_leaves::Fingerprints;
use crate::neighbours::wang_knn::Weighted;

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
