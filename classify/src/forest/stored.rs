//! Forests as they are stored.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::bags::Bags;
use super::tree::Tree;
use super::{Forest, ForestParams};

/// A forest as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredForest<'a> {
    params: ForestParams,
    seed: u64,
    bags: Cow<'a, Bags>,
    n_features: u32,
    n_classes: u32,
    /// Each is turned into its form in memory as soon as it is read, so that they are never all there twice.
    trees: Cow<'a, [Tree]>,
}

impl Serialize for Forest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = StoredForest {
            params: self.params.clone(),
            seed: self.seed,
            bags: Cow::Borrowed(&self.bags),
            n_features: self.n_features as u32,
            n_classes: self.n_classes as u32,
            trees: Cow::Borrowed(&self.trees),
        };
        stored.serialize(serializer)
    }
}

/// Checks everything that a prediction relies on: whatever the bytes, the trees end, and name features and classes that exist.
impl<'de> Deserialize<'de> for Forest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let StoredForest { params, seed, bags, n_features, n_classes, trees } = Deserialize::deserialize(deserializer)?;
        let trees = trees.into_owned();
        params.check().map_err(D::Error::custom)?;
        if params.trees != trees.len() {
            return Err(D::Error::custom(format_args!("{} trees, {} declared", trees.len(), params.trees)));
        }
        let (n_features, n_classes) = (n_features as usize, n_classes as usize);
        if !bags.is_sound() {
            return Err(D::Error::custom("groups of rows that are none"));
        }
        for (number, tree) in trees.iter().enumerate() {
            let named = tree.check_names(n_features, n_classes);
            named.map_err(|error| D::Error::custom(format_args!("tree {number}: {error}")))?;
        }
        Ok(Self { params, seed, bags: bags.into_owned(), n_features, n_classes, trees })
    }
}
