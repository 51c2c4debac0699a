//! What can go wrong with an attack.

use thiserror::Error;
use wfkit_features::FeatureSpecError;
use wfkit_metrics::did_you_mean;

use super::catalogue::attacks;
use crate::learners::{Backend, LearnError};
use crate::samples::Samples;

/// Why an attack does not exist, learns nothing or says nothing.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum AttackError {
    /// There is no such attack.
    #[error(
        "no attack is named {name:?}{}; there are {}, and lists of feature sets such as kfp-core,cumul",
        meant(name),
        names()
    )]
    Unknown {
        /// The name found.
        name: String,
    },
    /// Other libraries grow forests only.
    #[error("attack {attack} is not a forest, so backend {backend} has nothing to grow")]
    NotAForest {
        /// The attack.
        attack: String,
        /// The backend.
        backend: Backend,
    },
    /// A number of trees for what has none.
    #[error("attack {attack} has no trees to count: leave out --trees")]
    NoTrees {
        /// The attack.
        attack: String,
    },
    /// A number of epochs for what has none.
    #[error(
        "attack {attack} has no epochs to count: leave out --epochs, or use df, tik-tok, rf, df-sized or best+deep"
    )]
    NoEpochs {
        /// The attack.
        attack: String,
    },
    /// Weights, limits and splits of trees for what is no forest of ours.
    #[error(
        "attack {attack} by backend {backend}: class weights, limits and splits of trees are for wfkit's own forests"
    )]
    OwnForestsOnly {
        /// The attack.
        attack: String,
        /// The backend.
        backend: Backend,
    },
    /// The class that nobody watches is not there.
    #[error("attack {attack}: there is no class {class:?} to be unmonitored")]
    NoSuchClass {
        /// The attack.
        attack: String,
        /// The class.
        class: String,
    },
    /// A list of feature sets is not one.
    #[error("attack {list:?}: {source}")]
    List {
        /// The list.
        list: String,
        /// What is wrong with it.
        source: FeatureSpecError,
    },
    /// Traces where features are needed, or the other way round.
    #[error("attack {attack} needs {needs}, not {found}{hint}")]
    Kind {
        /// The attack.
        attack: String,
        /// What it needs.
        needs: &'static str,
        /// What it was given.
        found: &'static str,
        /// Which attack to use instead.
        hint: &'static str,
    },
    /// There is nothing to learn from.
    #[error("attack {attack}: there are no samples to learn from")]
    NoSamples {
        /// The attack.
        attack: String,
    },
    /// There is nothing to tell apart.
    #[error(
        "attack {attack}: all {samples} training samples are of one class, {class}; it tells classes apart, so give it traces of two at least"
    )]
    OneClass {
        /// The attack.
        attack: String,
        /// The class.
        class: String,
        /// How many samples of it there are.
        samples: usize,
    },
    /// The classifier cannot learn.
    #[error("attack {attack}: {source}")]
    Learn {
        /// The attack.
        attack: String,
        /// Why not.
        source: LearnError,
    },
    /// Features of other names, or in another order.
    #[error("feature column {column} is {}, where the model has {}", quoted(found), quoted(expected))]
    Features {
        /// The first column that differs, counted from 0.
        column: usize,
        /// Its name; none if there is no such column.
        found: Option<String>,
        /// The name that the model knows; none if it knows no such column.
        expected: Option<String>,
    },
}

/// The attack, or the list of feature sets, that a wrong name may have been meant to be.
fn meant(wrong: &str) -> String {
    let attacks = attacks()
        .iter()
        .flat_map(|attack| std::iter::once(&attack.name).chain(attack.aliases).map(move |text| (*text, attack.name)));
    let sets = wfkit_features::FeatureSet::ALL.map(|set| (set.name(), set.name()));
    did_you_mean(wrong, attacks.chain(sets))
}

fn names() -> String {
    attacks().iter().map(|attack| attack.name).collect::<Vec<_>>().join(", ")
}

fn quoted(name: &Option<String>) -> String {
    name.as_ref().map_or("nothing".to_owned(), |name| format!("{name:?}"))
}

/// For samples of another kind than the attack takes.
pub(super) fn wrong_kind(attack: &str, samples: Samples<'_>) -> AttackError {
    let (needs, hint) = match samples {
        Samples::Traces(_) => ("a feature matrix", ""),
        Samples::Features(_) => ("traces", "; for features there are forest and extra-trees"),
    };
    AttackError::Kind { attack: attack.to_owned(), needs, found: samples.kind(), hint }
}
