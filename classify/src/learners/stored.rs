//! Models as bytes.

use serde::{Deserialize, Serialize};

use super::Model;

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

/// What a file holds of a model.
pub(crate) fn as_postcard(kind: Kind, model: &impl Serialize) -> Option<(Kind, Vec<u8>)> {
    Some((kind, postcard::to_stdvec(model).expect("numbers and lists of them are postcard")))
}
