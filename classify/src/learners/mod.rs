//! What learns from a feature matrix: our own forest, and other libraries' forests as second opinions.

pub(crate) mod aligned;
pub(crate) mod blend;
pub(crate) mod boosting;
#[cfg(feature = "second-opinions")]
mod linfa;
pub(crate) mod native;
pub(crate) mod pool;
#[cfg(feature = "second-opinions")]
mod smartcore;
pub(crate) mod stored;
pub(crate) mod svm;

use std::fmt;
use std::str::FromStr;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::{Groups, Trace};
use wfkit_metrics::{Observer, Silent, did_you_mean_one_of};

use crate::alignment::{Alignment, AlignmentError};
use crate::forest::{Forest, ForestError, ForestParams, OutOfBag, Thresholds, Values};

pub use stored::Kind;

/// Who grows the trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The forest of this crate, [`Forest`].
    #[default]
    Native,
    /// The trees of smartcore. Its forest answers with a class alone, so the probability of a class is the share of trees
    /// that vote for it: with full-grown trees about the same as averaged leaves, with shallow ones coarser. Its bootstrap
    /// draws each class apart, and a node whose drawn features all happen to be constant becomes a leaf, which hurts where
    /// many features are constant. Reproducible. Its models cannot be saved.
    Smartcore,
    /// The trees of linfa. Probabilities are shares of votes, as with smartcore. Each tree, rather than each node, gets one
    /// random subset of the features, drawn with replacement, which costs many points of accuracy. **Not reproducible**: its
    /// trees break ties and sum impurities in the order of a hash map, which differs from run to run whatever the seed. Its
    /// models cannot be saved.
    Linfa,
}

/// What a [`Learner`] learns from.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a> {
    /// Shape `(n_rows, n_features)`, finite.
    pub x: Values<'a>,
    /// The trace of every row, for those who learn from packets; empty where there are none.
    pub traces: &'a [&'a Trace],
    /// A label in `0..n_classes` for each row.
    pub labels: &'a [usize],
    /// Number of classes, of which some may have no row.
    pub n_classes: usize,
    /// Which rows belong together, as copies of one load do; none where every row stands for itself. Whatever a learner draws, leaves out or holds
    /// back, it does by group.
    pub groups: Option<&'a Groups>,
    /// The class that stands for everything else, in an open world.
    pub background: Option<usize>,
    /// The seed.
    pub seed: u64,
    /// Who watches.
    pub observer: &'a dyn Observer,
}

/// What a [`Model`] is shown: a row of features for every trace, and the trace itself.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Shape `(n_rows, n_features)`; without columns for those who look at packets alone.
    pub x: Values<'a>,
    /// The trace of every row; empty where there are features alone.
    pub traces: &'a [&'a Trace],
}

impl<'a> From<Values<'a>> for Shown<'a> {
    fn from(x: Values<'a>) -> Self {
        Self { x, traces: &[] }
    }
}

impl<'a> From<ArrayView2<'a, f64>> for Shown<'a> {
    fn from(x: ArrayView2<'a, f64>) -> Self {
        Values::from(x).into()
    }
}

impl<'a> Training<'a> {
    /// Rows that all stand for themselves.
    pub fn new(x: impl Into<Values<'a>>, labels: &'a [usize], n_classes: usize, seed: u64) -> Self {
        let observer = &Silent;
        Self { x: x.into(), traces: &[], labels, n_classes, groups: None, background: None, seed, observer }
    }

    /// The same rows, with their traces.
    pub fn of_traces(self, traces: &'a [&'a Trace]) -> Self {
        Self { traces, ..self }
    }

    /// The same rows in a world where a class stands for everything else.
    pub fn with_background(self, background: Option<usize>) -> Self {
        Self { background, ..self }
    }

    /// The same rows, in groups.
    pub fn grouped(self, groups: &'a Groups) -> Self {
        Self { groups: (!groups.are_rows()).then_some(groups), ..self }
    }

    /// The same, watched by somebody.
    pub fn watched_by(self, observer: &'a dyn Observer) -> Self {
        Self { observer, ..self }
    }

    /// The same with another seed.
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// Something that can be fitted to labelled rows; its parameters are its own. [`Attack::of_learner`](crate::Attack::of_learner) makes an attack of it.
pub trait Learner: Send + Sync {
    /// Learns from labelled rows. Whatever it draws follows from the seed of the training, and whatever it holds back from the groups.
    ///
    /// # Errors
    /// If it can learn nothing from them; a learner outside of this crate says why as [`LearnError::Own`].
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError>;

    /// Whether it asks neighbours, who must all agree before a class is named in a world where one class stands for everything else; that class is
    /// answered where they do not.
    fn asks_for_unanimity(&self) -> bool {
        false
    }
}

/// What a [`Learner`] learned.
pub trait Model: fmt::Debug + Send + Sync {
    /// Class probabilities, shape `(n_rows, n_classes)`, of rows with as many columns as it was fitted to.
    fn predict(&self, shown: Shown<'_>) -> Array2<f64>;

    /// Whether it looks at traces, so that features alone will not do.
    fn reads_traces(&self) -> bool {
        self.alignment().is_some()
    }

    /// One line on what this is, with what a reader of its scores must know.
    fn describe(&self) -> String;

    /// Number of nodes of all trees, leaves included, where the library tells.
    fn n_nodes(&self) -> Option<usize> {
        None
    }

    /// The forest, if it is one of ours and nothing else.
    fn as_forest(&self) -> Option<&Forest> {
        None
    }

    /// The alignment that it is, or that it is made with, if there is one.
    fn alignment(&self) -> Option<&Alignment> {
        None
    }

    /// The numbers of its net, as safetensors; none where it is not one net.
    fn weights(&self) -> Option<Vec<u8>> {
        None
    }

    /// The same net with the numbers of these safetensors, or why they are not its numbers; none where it is not one net.
    fn with_weights(&self, _safetensors: &[u8]) -> Option<Result<Box<dyn Model>, String>> {
        None
    }

    /// What it says of its training rows `x`, each judged only by what did not see it; none for models that cannot be judged so, or
    /// were read from a file and would have to learn again.
    fn out_of_bag(&self, _x: Values<'_>) -> Option<OutOfBag> {
        None
    }

    /// How its trees grew, the first forest's where it has several; none of what has no trees of ours.
    fn forest_params(&self) -> Option<&ForestParams> {
        self.as_forest().map(Forest::params)
    }

    /// What is written to a model file; none for the models of other libraries, and of learners outside of this crate, whose models cannot be
    /// saved.
    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        None
    }
}

/// Why nothing was learned.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum LearnError {
    /// The rows or parameters are unfit for a forest.
    #[error(transparent)]
    Forest(#[from] ForestError),
    /// The library refused.
    #[error("{backend}: {message}")]
    Library {
        /// Which library.
        backend: Backend,
        /// Its words.
        message: String,
    },
    /// The library of gradient boosting refused.
    #[error("gradient boosting: {0}")]
    Boosting(
        /// Its words.
        String,
    ),
    /// What to align cannot be aligned.
    #[error(transparent)]
    Alignment(#[from] AlignmentError),
    /// A learner outside of this crate refused.
    #[error("{0}")]
    Own(
        /// Its words.
        String,
    ),
    /// Nets are not part of this build.
    #[error(
        "this wfkit was built without neural nets; build it by `cargo install --path . --features deep`, on a machine with a GPU of NVIDIA by \
         `--features deep-cuda`"
    )]
    WithoutNets,
    /// Forests of other libraries are not part of this build.
    #[error(
        "this wfkit was built without the forest of {0}; build it by `cargo install --path . --features second-opinions`"
    )]
    WithoutSecondOpinions(Backend),
    /// The library has no such classifier.
    #[error("{0} has no classifier of extra-trees; only native has")]
    NoExtraTrees(Backend),
}

/// There is no such backend.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no backend is named {:?}{}; there are native, smartcore, linfa", .0, did_you_mean_one_of(.0, Backend::ALL.map(Backend::name)))]
pub struct UnknownBackend(String);

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Native, Self::Smartcore, Self::Linfa];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Smartcore => "smartcore",
            Self::Linfa => "linfa",
        }
    }

    /// Whose it is.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Native => "wfkit's own",
            Self::Smartcore => "smartcore's",
            Self::Linfa => "linfa's",
        }
    }

    /// A learner of this backend. The other libraries honour the number of trees and, like ours, look at the square root of
    /// the number of features; they have no extra-trees for classification, and are part of builds with `second-opinions` alone.
    pub fn learner(self, params: ForestParams) -> Result<Box<dyn Learner>, LearnError> {
        if params.trees == 0 {
            return Err(ForestError::Param { name: "the number of trees", value: 0, least: 1 }.into());
        }
        match self {
            Self::Native => Ok(Box::new(native::Native(params))),
            _ if params.thresholds == Thresholds::Random => Err(LearnError::NoExtraTrees(self)),
            #[cfg(feature = "second-opinions")]
            Self::Smartcore => Ok(Box::new(smartcore::Smartcore { trees: params.trees })),
            #[cfg(feature = "second-opinions")]
            Self::Linfa => Ok(Box::new(linfa::Linfa { trees: params.trees })),
            #[cfg(not(feature = "second-opinions"))]
            Self::Smartcore | Self::Linfa => Err(LearnError::WithoutSecondOpinions(self)),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, UnknownBackend> {
        Self::ALL.into_iter().find(|backend| backend.name() == name).ok_or_else(|| UnknownBackend(name.to_owned()))
    }
}

/// The share of trees that vote for each class, shape `(n_rows, n_classes)`, from the vote of each tree for each row.
#[cfg(feature = "second-opinions")]
fn shares_of_votes(votes: &[Vec<usize>], n_rows: usize, n_classes: usize) -> Array2<f64> {
    let mut shares = Array2::zeros((n_rows, n_classes));
    for of_tree in votes {
        for (row, &class) in of_tree.iter().enumerate() {
            shares[(row, class)] += 1.0;
        }
    }
    shares / votes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{stream, unit};

    /// Three classes that differ in the first two of five columns.
    fn rows(n: usize, seed: u64) -> (Array2<f64>, Vec<usize>) {
        let labels: Vec<usize> = (0..n).map(|row| row % 3).collect();
        let mut rng = stream(seed, 0);
        let centre = |class: usize, column: usize| match column {
            0 => class as f64,
            1 => (class == 1) as u8 as f64,
            _ => 0.0,
        };
        let x = Array2::from_shape_fn((n, 5), |(row, column)| centre(labels[row], column) + 1.2 * unit(&mut rng));
        (x, labels)
    }

    /// The contract of every backend.
    #[test]
    fn each_backend_learns_distributions() {
        let ((x, labels), (x_test, truth)) = (rows(240, 1), rows(300, 2));
        for backend in Backend::ALL {
            let learner = backend.learner(ForestParams::default().with_trees(30)).unwrap();
            let model = learner.fit(&Training::new(x.view(), &labels, 4, 7)).unwrap();
            let p = model.predict(x_test.view().into());
            assert_eq!(p.dim(), (300, 4), "{backend}");
            assert!(p.column(3).iter().all(|&p| p == 0.0), "{backend}: nobody is of the class without rows");
            let mut right = 0;
            for (row, &class) in p.rows().into_iter().zip(&truth) {
                assert!((row.sum() - 1.0).abs() < 1e-12, "{backend}: {row}");
                right += usize::from(row.iter().all(|&p| p <= row[class]));
            }
            assert!(right > 240, "{backend}: {right} of 300 right");
            assert_eq!(
                model.predict(Array2::zeros((0, 5)).view().into()).dim(),
                (0, 4),
                "{backend}: no rows, no answers"
            );
            assert_eq!(model.as_forest().is_some(), backend == Backend::Native);
            assert!(model.describe().contains("30"), "{}", model.describe());
        }
    }

    #[test]
    fn native_and_smartcore_repeat_themselves_on_any_number_of_threads() {
        let (x, labels) = rows(150, 3);
        for backend in [Backend::Native, Backend::Smartcore] {
            let on = |threads| {
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                    let learner = backend.learner(ForestParams::default().with_trees(9)).unwrap();
                    learner.fit(&Training::new(x.view(), &labels, 3, 5)).unwrap().predict(x.view().into())
                })
            };
            assert!(on(1) == on(3), "{backend}");
        }
    }

    #[test]
    fn backends_refuse_what_they_have_not() {
        for backend in [Backend::Smartcore, Backend::Linfa] {
            let error = backend.learner(ForestParams::extra_trees()).err().unwrap();
            assert_eq!(error, LearnError::NoExtraTrees(backend));
        }
        for backend in Backend::ALL {
            let error = backend.learner(ForestParams::default().with_trees(0)).err().unwrap();
            assert_eq!(error.to_string(), "the number of trees is 0, but must be at least 1");
            assert_eq!(backend.name().parse(), Ok(backend));
        }
        let error = "sklearn".parse::<Backend>().unwrap_err().to_string();
        assert_eq!(error, "no backend is named \"sklearn\"; there are native, smartcore, linfa");
    }
}
