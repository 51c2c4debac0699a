//! Attacks by name.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::Trace;
use wfkit_features::{FeatureExtractor, FeatureMatrix, FeatureSpec, SpecError};
use wfkit_metrics::{ClassMap, Probabilities};

use crate::backend::{Backend, LearnError, Learner, Model};
use crate::forest::ForestParams;
use crate::samples::{Samples, Taken};

/// An attack that has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AttackInfo {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// Where it is from.
    pub source: &'static str,
    /// What it does, in one line.
    pub description: &'static str,
}

/// All attacks that have a name of their own. Beside them, a list of feature sets (`kfp-core,cumul`) is a forest of 100
/// trees over all of them.
pub fn attacks() -> &'static [AttackInfo] {
    &ATTACKS
}

const ATTACKS: [AttackInfo; 10] = [
    AttackInfo {
        name: "totals",
        aliases: &[],
        source: "the floor that any other attack must beat",
        description: "packets, bytes and duration into a forest of 100 trees",
    },
    AttackInfo {
        name: "sequence",
        aliases: &[],
        source: "example attack of the Secret Race Strolling competition, EPFL, 2022",
        description: "signed sizes in order, padded with 0, into a forest of 260 trees",
    },
    AttackInfo {
        name: "sequence-1500",
        aliases: &[],
        source: "as sequence",
        description: "sequence of the first 1,500 packets at most",
    },
    AttackInfo {
        name: "kfp-175",
        aliases: &["kfp"],
        source: "J. Hayes, G. Danezis: k-fingerprinting, USENIX Security 2016; features as in its code, 100 trees for 1,000",
        description: "counts, order, rates and gaps as published into a forest of 100 trees",
    },
    AttackInfo {
        name: "kfp-core",
        aliases: &[],
        source: "as kfp-175",
        description: "kfp-175 without the columns that mean different things in different traces",
    },
    AttackInfo {
        name: "kfp-size",
        aliases: &[],
        source: "as kfp-175, and the size features of its text",
        description: "kfp-core and statistics of packet sizes",
    },
    AttackInfo {
        name: "cumul",
        aliases: &["cumul-forest"],
        source: "A. Panchenko et al.: Website fingerprinting at Internet scale, NDSS 2016; a forest in place of its SVM",
        description: "104 numbers on the cumulated sizes into a forest of 100 trees",
    },
    AttackInfo {
        name: "cumul-common",
        aliases: &[],
        source: "as cumul, sampled as most published code does",
        description: "cumul that starts at the first packet",
    },
    AttackInfo {
        name: "forest",
        aliases: &[],
        source: "L. Breiman: Random forests, Machine Learning 45, 2001",
        description: "a forest of 100 trees over a feature matrix",
    },
    AttackInfo {
        name: "extra-trees",
        aliases: &[],
        source: "P. Geurts, D. Ernst, L. Wehenkel: Extremely randomized trees, Machine Learning 63, 2006",
        description: "100 trees with random thresholds over a feature matrix",
    },
];

/// What to change about an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttackOptions {
    /// Number of trees; the attack's own by default.
    pub trees: Option<usize>,
    /// Who grows them; [`Backend::Native`] by default.
    pub backend: Backend,
}

/// Features and a classifier.
pub struct Attack {
    name: String,
    /// The features that it takes from traces; none if it is given features.
    spec: Option<FeatureSpec>,
    params: ForestParams,
    backend: Backend,
    learner: Box<dyn Learner>,
}

/// An attack that has learned from labelled samples.
#[derive(Debug)]
pub struct FittedAttack {
    pub(crate) about: About,
    pub(crate) extractor: Option<FeatureExtractor>,
    pub(crate) model: Box<dyn Model>,
}

/// What there is to know of a fitted attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Name of the attack.
    pub attack: String,
    /// Who grew the trees.
    pub backend: Backend,
    /// How they grew.
    pub params: ForestParams,
    /// The seed they grew from.
    pub seed: u64,
    /// The classes, in the order of the probabilities.
    pub classes: ClassMap,
    /// How many samples of each class it has learned from, shape `(n_classes,)`.
    pub trained_on: Vec<usize>,
    /// The names of the features, in the order of the columns.
    pub features: Vec<String>,
}

/// Why an attack does not exist, learns nothing or says nothing.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum AttackError {
    /// There is no such attack.
    #[error("no attack is named {name:?}; there are {}, and lists of feature sets such as kfp-core,cumul", names())]
    Unknown {
        /// The name found.
        name: String,
    },
    /// A list of feature sets is not one.
    #[error("attack {list:?}: {source}")]
    List {
        /// The list.
        list: String,
        /// What is wrong with it.
        source: SpecError,
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
    #[error("attack {attack}: all {samples} training samples are of one class, {class}")]
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

fn names() -> String {
    ATTACKS.map(|attack| attack.name).join(", ")
}

fn quoted(name: &Option<String>) -> String {
    name.as_ref().map_or("nothing".to_owned(), |name| format!("{name:?}"))
}

impl Attack {
    /// The attack of that name, or of that alias, or over that list of feature sets.
    pub fn by_name(name: &str, options: &AttackOptions) -> Result<Self, AttackError> {
        let name = name.trim();
        let known = ATTACKS.iter().find(|attack| attack.name == name || attack.aliases.contains(&name));
        let params = match known.map(|attack| attack.name) {
            Some("extra-trees") => ForestParams::extra_trees(),
            Some("sequence" | "sequence-1500") => ForestParams::random_forest().with_trees(260),
            _ => ForestParams::random_forest(),
        };
        let params = ForestParams { trees: options.trees.unwrap_or(params.trees), ..params };
        let (name, spec) = match known {
            Some(AttackInfo { name: name @ ("forest" | "extra-trees"), .. }) => ((*name).to_owned(), None),
            Some(attack) => (attack.name.to_owned(), Some(features(attack.name)?)),
            None => {
                let spec = match (features(name), name.contains(',')) {
                    (Err(_), false) => return Err(AttackError::Unknown { name: name.to_owned() }),
                    (spec, _) => spec?,
                };
                (spec.to_string(), Some(spec))
            }
        };
        let backend = options.backend;
        let learner =
            backend.learner(params.clone()).map_err(|source| AttackError::Learn { attack: name.clone(), source })?;
        Ok(Self { name, spec, params, backend, learner })
    }

    /// Its name; for a list of feature sets, the list.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it takes traces; otherwise a feature matrix.
    pub fn takes_traces(&self) -> bool {
        self.spec.is_some()
    }

    /// Learns from labelled samples: what the features need to know, then the classifier.
    pub fn fit(&self, samples: Samples<'_>, seed: u64) -> Result<FittedAttack, AttackError> {
        let attack = || self.name.clone();
        let (extractor, taken) = self.take_features(samples)?;
        let classes = samples.classes();
        match classes.names() {
            [] => return Err(AttackError::NoSamples { attack: attack() }),
            [class] => {
                let (class, samples) = (class.clone(), samples.len());
                return Err(AttackError::OneClass { attack: attack(), class, samples });
            }
            _ => {}
        }
        let labels: Vec<usize> = samples.labels(&classes).into_iter().flatten().collect();
        let mut trained_on = vec![0; classes.len()];
        for &label in &labels {
            trained_on[label] += 1;
        }
        let model = self
            .learner
            .fit(taken.values(), &labels, classes.len(), seed)
            .map_err(|source| AttackError::Learn { attack: attack(), source })?;
        let about = About {
            attack: attack(),
            backend: self.backend,
            params: self.params.clone(),
            seed,
            classes,
            trained_on,
            features: taken.matrix().names().to_vec(),
        };
        Ok(FittedAttack { about, extractor, model })
    }

    fn take_features<'a>(&self, samples: Samples<'a>) -> Result<(Option<FeatureExtractor>, Taken<'a>), AttackError> {
        match (&self.spec, samples) {
            (Some(spec), Samples::Traces(set)) => {
                let traces: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
                let extractor = spec.fit(&traces);
                let matrix = extractor.transform(set);
                Ok((Some(extractor), Taken::Now(matrix)))
            }
            (None, Samples::Features(matrix)) => Ok((None, Taken::Before(matrix))),
            _ => Err(wrong_kind(&self.name, samples)),
        }
    }
}

impl FittedAttack {
    /// What there is to know of it.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The classes, in the order of the probabilities.
    pub fn classes(&self) -> &ClassMap {
        &self.about.classes
    }

    /// What takes the features from traces; none if the attack is given features.
    pub fn extractor(&self) -> Option<&FeatureExtractor> {
        self.extractor.as_ref()
    }

    /// The classifier.
    pub fn model(&self) -> &dyn Model {
        &*self.model
    }

    /// Class probabilities, shape `(n_traces, n_classes)`, in the order of the samples, whose own classes do not matter.
    ///
    /// A feature matrix must have the very columns of the training samples.
    pub fn predict(&self, samples: Samples<'_>) -> Result<Probabilities, AttackError> {
        let taken = match (&self.extractor, samples) {
            (Some(extractor), Samples::Traces(set)) => Taken::Now(extractor.transform(set)),
            (None, Samples::Features(matrix)) => Taken::Before(matrix),
            _ => return Err(wrong_kind(&self.about.attack, samples)),
        };
        self.check_names(taken.matrix())?;
        let values = self.model.predict(taken.values());
        let probabilities = Probabilities::new(self.about.classes.clone(), values);
        Ok(probabilities.expect("averages of class fractions, and shares of votes, are distributions"))
    }

    fn check_names(&self, matrix: &FeatureMatrix) -> Result<(), AttackError> {
        let (found, expected) = (matrix.names(), &self.about.features);
        let differs = |&column: &usize| found.get(column) != expected.get(column);
        match (0..found.len().max(expected.len())).find(differs) {
            None => Ok(()),
            Some(column) => {
                let (found, expected) = (found.get(column).cloned(), expected.get(column).cloned());
                Err(AttackError::Features { column, found, expected })
            }
        }
    }
}

fn features(list: &str) -> Result<FeatureSpec, AttackError> {
    list.parse().map_err(|source| AttackError::List { list: list.to_owned(), source })
}

fn wrong_kind(attack: &str, samples: Samples<'_>) -> AttackError {
    let (needs, hint) = match samples {
        Samples::Traces(_) => ("a feature matrix", ""),
        Samples::Features(_) => ("traces", "; for features there are forest and extra-trees"),
    };
    AttackError::Kind { attack: attack.to_owned(), needs, found: samples.kind(), hint }
}
