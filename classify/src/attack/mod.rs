//! Attacks by name.

mod best;
mod catalogue;
mod error;
mod fitted;
mod input;

use std::sync::Arc;

use ndarray::{Array2, Axis};
use wfkit_datasets::Groups;
use wfkit_datasets::splits::{Split, stratified_k_fold};
use wfkit_features::FeatureSpec;
use wfkit_metrics::seed::mix;
use wfkit_metrics::{Observer, Silent, Work};

use crate::calibrate::{Calibration, Calibrator};
use crate::deep::{self, Architecture};
use crate::forest::{ClassWeights, ForestParams, Splits};
use crate::learners::aligned::Align;
use crate::learners::boosting::Boosting;
use crate::learners::pool::Candidate;
use crate::learners::svm::Svm;
use crate::learners::{Backend, Learner, Training};
use crate::neighbours::nearest_leaves::NearestLeaves;
use crate::neighbours::wang_knn::WangKnn;
use crate::samples::{AttackFeatures, Samples, ascending};
use catalogue::{CANDIDATES, Classifier};

pub(crate) use best::judged_rows;
use best::{Best, judgeable, of_several_groups};
pub use catalogue::{AttackInfo, attacks, every_attack};
pub use error::AttackError;
use error::wrong_kind;
pub use fitted::{About, FittedAttack};
pub use input::AttackInput;
use input::Learned;
pub(crate) use input::Sees;

/// Folds of the training part behind a calibration, where the classifier has no out-of-bag estimate.
const INNER_FOLDS: usize = 5;

/// What to change about an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttackOptions {
    /// Number of trees; the attack's own by default.
    pub trees: Option<usize>,
    /// Who grows them; [`Backend::Native`] by default.
    pub backend: Backend,
    /// Whether every class counts the same, whatever the number of its traces, see [`ClassWeights::Balanced`].
    pub balanced: bool,
    /// How many splits lie above a leaf at most; no limit by default.
    pub max_depth: Option<u32>,
    /// How many training traces a leaf holds at least; 1 by default.
    pub min_samples_leaf: Option<usize>,
    /// How many leaves a tree has at most, which then grows best first; no limit by default.
    pub max_leaf_nodes: Option<u32>,
    /// Between which values features are cut.
    pub splits: Splits,
    /// How many times a neural net goes through its rows at most; as often as its authors did by default.
    pub epochs: Option<usize>,
}

/// Features and a classifier.
#[derive(Clone)]
pub struct Attack {
    name: String,
    how: How,
    calibration: Calibration,
    unmonitored: Option<String>,
}

/// How an attack learns.
#[derive(Clone)]
enum How {
    /// This learner, which is shown this.
    Learner(AttackInput, Arc<dyn Learner>),
    /// The feature sets that do best out of bag, into forests that others may join.
    Best(Arc<Best>),
}

impl Attack {
    /// The attack of that name, or of that alias, or over that list of feature sets.
    pub fn by_name(name: &str, options: &AttackOptions) -> Result<Self, AttackError> {
        let name = name.trim();
        let known = every_attack().iter().find(|attack| attack.name == name || attack.aliases.contains(&name));
        let (name, input, classifier) = match known {
            Some(attack) => {
                let input = match (attack.features, attack.classifier) {
                    (Some(list), _) => AttackInput::Features(sets(list)?),
                    (None, Classifier::Alignment | Classifier::Net(_)) => AttackInput::Packets,
                    (None, _) => AttackInput::Given,
                };
                (attack.name.to_owned(), input, attack.classifier)
            }
            None => {
                // `best+deep` with a slip of the pen is meant as an attack.
                let is_joined =
                    name.contains(',') || name.split_once('+').is_some_and(|(first, _)| sets(first).is_ok());
                let spec = match (sets(name), is_joined) {
                    (Err(_), false) => return Err(AttackError::Unknown { name: name.to_owned() }),
                    (spec, _) => spec?,
                };
                (spec.to_string(), AttackInput::Features(spec), Classifier::Forest(100))
            }
        };
        let backend = options.backend;
        let params = match classifier {
            Classifier::Forest(trees) => ForestParams::random_forest().with_trees(trees),
            Classifier::Best | Classifier::BestWithNet => ForestParams::random_forest().with_trees(250),
            Classifier::ExtraTrees => ForestParams::extra_trees(),
            Classifier::NearestLeaves
            | Classifier::WangKnn
            | Classifier::Svm
            | Classifier::Boosting
            | Classifier::Alignment
            | Classifier::Net(_) => ForestParams::random_forest(),
        };
        let AttackOptions { trees, backend: _, balanced, max_depth, min_samples_leaf, max_leaf_nodes, splits, epochs } =
            *options;
        let is_limited = max_depth.is_some() || min_samples_leaf.is_some() || max_leaf_nodes.is_some();
        let is_shaped = balanced || is_limited || splits != Splits::Exact;
        let is_forest = !matches!(
            classifier,
            Classifier::WangKnn | Classifier::Svm | Classifier::Boosting | Classifier::Alignment | Classifier::Net(_)
        );
        let is_ours = backend == Backend::Native && is_forest;
        if is_shaped && !is_ours {
            return Err(AttackError::OwnForestsOnly { attack: name, backend });
        }
        if trees.is_some() && !is_forest {
            return Err(AttackError::NoTrees { attack: name });
        }
        if epochs.is_some() && !matches!(classifier, Classifier::Net(_) | Classifier::BestWithNet) {
            return Err(AttackError::NoEpochs { attack: name });
        }
        let params = ForestParams {
            trees: trees.unwrap_or(params.trees),
            max_depth,
            max_leaf_nodes,
            splits,
            min_samples_leaf: min_samples_leaf.unwrap_or(params.min_samples_leaf),
            class_weights: if balanced { ClassWeights::Balanced } else { ClassWeights::Equal },
            ..params
        };
        let how = |learner: Arc<dyn Learner>| How::Learner(input, learner);
        let how = match (classifier, backend) {
            (Classifier::Forest(_) | Classifier::ExtraTrees, _) => {
                let learner = backend.learner(params);
                how(learner.map_err(|source| AttackError::Learn { attack: name.clone(), source })?.into())
            }
            (_, Backend::Smartcore | Backend::Linfa) => return Err(AttackError::NotAForest { attack: name, backend }),
            (Classifier::NearestLeaves, _) => how(Arc::new(NearestLeaves(params))),
            (Classifier::WangKnn, _) => how(Arc::new(WangKnn)),
            (Classifier::Svm, _) => how(Arc::new(Svm)),
            (Classifier::Boosting, _) => how(Arc::new(Boosting)),
            (Classifier::Alignment, _) => how(Arc::new(Align)),
            (Classifier::Net(architecture), _) => how(deep::learner(architecture, epochs)
                .map_err(|source| AttackError::Learn { attack: name.clone(), source })?),
            (Classifier::Best | Classifier::BestWithNet, _) => How::Best(Arc::new(Best {
                candidates: CANDIDATES.into_iter().map(sets).collect::<Result<_, _>>()?,
                joining: joining(&name, classifier, options)?,
                params,
            })),
        };
        let calibration = match classifier {
            Classifier::Best | Classifier::BestWithNet | Classifier::Alignment | Classifier::Net(_) => {
                Calibration::Temperature
            }
            _ => Calibration::None,
        };
        Ok(Self { name, how, calibration, unmonitored: None })
    }

    /// An attack of your own: this learner, shown this, under a name of its own. It is trained, calibrated, judged and compared as those of the
    /// catalogue; its probabilities are not calibrated by default, and its models cannot be saved.
    pub fn of_learner(name: &str, input: AttackInput, learner: impl Learner + 'static) -> Self {
        let how = How::Learner(input, Arc::new(learner));
        Self { name: name.to_owned(), how, calibration: Calibration::None, unmonitored: None }
    }

    /// The same attack with its probabilities calibrated so. Attacks are not calibrated by default, except `best`, `alignment`
    /// and nets, which are by temperature.
    pub fn calibrated(self, calibration: Calibration) -> Self {
        Self { calibration, ..self }
    }

    /// How its probabilities are calibrated.
    pub fn calibration(&self) -> Calibration {
        self.calibration
    }

    /// The same attack in a world where this class stands for everything that is not watched: `kfp-knn` and `wang-knn` then answer with
    /// it where the nearest traces do not all agree, as published; for `alignment` and `best` it is a class without an order of its own; others
    /// learn it as any class.
    pub fn unmonitored(self, class: &str) -> Self {
        Self { unmonitored: Some(class.to_owned()), ..self }
    }

    /// Its name; for a list of feature sets, the list.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The feature sets that it takes from traces; none for an attack that is given features, chooses among several lists or looks at packets.
    pub fn features(&self) -> Option<&FeatureSpec> {
        match &self.how {
            How::Learner(AttackInput::Features(spec), _) => Some(spec),
            How::Learner(AttackInput::Given | AttackInput::Tensor(_) | AttackInput::Packets, _) | How::Best(_) => None,
        }
    }

    /// Whether it takes traces; otherwise a feature matrix.
    pub fn takes_traces(&self) -> bool {
        !matches!(self.how, How::Learner(AttackInput::Given, _))
    }

    /// Learns from labelled samples: what the features need to know, then the classifier, then how sure it may be.
    ///
    /// A calibration is learned out of bag where the classifier can be judged so, else in five stratified folds of these samples.
    pub fn fit(&self, samples: Samples<'_>, seed: u64) -> Result<FittedAttack, AttackError> {
        self.fit_watched(samples, seed, &Silent)
    }

    /// The same, watched by somebody.
    pub fn fit_watched(
        &self,
        samples: Samples<'_>,
        seed: u64,
        observer: &dyn Observer,
    ) -> Result<FittedAttack, AttackError> {
        let attack = || self.name.clone();
        let classes = samples.classes();
        match classes.names() {
            [] => {
                self.check_kind(samples)?;
                return Err(AttackError::NoSamples { attack: attack() });
            }
            [class] => {
                self.check_kind(samples)?;
                let (class, samples) = (class.clone(), samples.len());
                return Err(AttackError::OneClass { attack: attack(), class, samples });
            }
            _ => {}
        }
        let labels: Vec<usize> = samples.labels(&classes).into_iter().flatten().collect();
        // Copies of a load, and loads of one page of the background: nothing is judged by what learned from its own kin.
        let groups = samples.groups();
        let background = self.unmonitored.as_ref().and_then(|class| classes.index_of(class));
        let traces = samples.traces();
        let nothing = AttackFeatures::nothing(samples.len());
        let training = Training::new(nothing.values(), &labels, classes.len(), seed)
            .grouped(&groups)
            .of_traces(&traces)
            .with_background(background)
            .watched_by(observer);
        let Learned { sees, taken, model } = self.learn(samples, &training, &groups)?;
        let calibrator = match self.calibration {
            Calibration::None => None,
            calibration => match model.out_of_bag(taken.values()) {
                Some(judged) => {
                    let independent = groups.select(&judgeable(&judged, &labels, &groups)).len();
                    let (probabilities, labels) = judged_rows(&judged, &labels, &groups);
                    calibration.fit(probabilities.view(), &labels, independent)
                }
                None => self.calibrate_in_folds(calibration, samples, seed, observer)?,
            },
        };
        let unless_unanimous = match &self.unmonitored {
            Some(class) if self.asks_for_unanimity() => {
                let missing = || AttackError::NoSuchClass { attack: attack(), class: class.clone() };
                Some(background.ok_or_else(missing)?)
            }
            _ => None,
        };
        let mut trained_on = vec![0; classes.len()];
        for &label in &labels {
            trained_on[label] += 1;
        }
        let about = About {
            attack: attack(),
            seed,
            classes,
            trained_on,
            features: taken.names().to_vec(),
            observed: samples.observed(),
        };
        Ok(FittedAttack { about, sees, model, calibrator, unless_unanimous, learned_from: Vec::new() })
    }

    fn check_kind(&self, samples: Samples<'_>) -> Result<(), AttackError> {
        match self.takes_traces() == matches!(samples, Samples::Traces(_)) {
            true => Ok(()),
            false => Err(wrong_kind(&self.name, samples)),
        }
    }

    fn asks_for_unanimity(&self) -> bool {
        matches!(&self.how, How::Learner(_, learner) if learner.asks_for_unanimity())
    }

    /// From samples, whose features are not taken yet in `training`.
    fn learn<'a>(
        &self,
        samples: Samples<'a>,
        training: &Training<'_>,
        groups: &Groups,
    ) -> Result<Learned<'a>, AttackError> {
        let failed = |source| AttackError::Learn { attack: self.name.clone(), source };
        let (input, learner) = match (&self.how, samples) {
            (How::Learner(input, learner), _) => (input, learner),
            (How::Best(best), Samples::Traces(set)) => return best.fit(set, training, groups).map_err(failed),
            (How::Best(_), Samples::Features(_)) => return Err(wrong_kind(&self.name, samples)),
        };
        let sees = Sees::learned(input, training.traces);
        let taken = sees.take(samples, training.observer).ok_or_else(|| wrong_kind(&self.name, samples))?;
        let model = learner.fit(&Training { x: taken.values(), ..*training }).map_err(failed)?;
        Ok(Learned { sees, taken, model })
    }

    /// From what the attack says of folds that it was not trained on. Classes of a single load or page are trained on, never judged.
    fn calibrate_in_folds(
        &self,
        calibration: Calibration,
        samples: Samples<'_>,
        seed: u64,
        observer: &dyn Observer,
    ) -> Result<Option<Calibrator>, AttackError> {
        let (classes, groups) = (samples.classes(), samples.groups());
        let all: Vec<usize> = samples.labels(&classes).into_iter().flatten().collect();
        let several = of_several_groups(&all, &groups);
        let (judged, alone): (Vec<usize>, Vec<usize>) = (0..samples.len()).partition(|&row| several[all[row]]);
        let labels: Vec<&str> = judged.iter().map(|&row| samples.key(row).class.as_str()).collect();
        let folds = match stratified_k_fold(&labels, &groups.select(&judged), INNER_FOLDS, seed) {
            Ok(folds) => folds.splits,
            Err(_) => return Ok(calibration.fit(Array2::zeros((0, classes.len())).view(), &[], 0)),
        };
        let of_samples = |split: &Split| Split {
            name: split.name.clone(),
            train: split.train.iter().map(|&place| judged[place]).chain(alone.iter().copied()).collect(),
            test: split.test.iter().map(|&place| judged[place]).collect(),
        };
        let folds: Vec<Split> = folds.iter().map(of_samples).collect();
        let plain = self.clone().calibrated(Calibration::None);
        let mut said = Array2::zeros((samples.len(), classes.len()));
        let work = Work::begin(observer, "calibrating", folds.len());
        for (fold, split) in folds.iter().enumerate() {
            let (train, test) = (ascending(&split.train), ascending(&split.test));
            let fitted = plain.fit(samples.select(&train).as_samples(), mix(seed, fold as u64))?;
            let answers = fitted.predict(samples.select(&test).as_samples())?.over(&classes);
            for (&row, answer) in test.iter().zip(answers.values().rows()) {
                said.row_mut(row).assign(&answer);
            }
            work.step();
        }
        let tested: Vec<usize> = ascending(&folds.iter().flat_map(|split| &split.test).copied().collect::<Vec<_>>());
        let truth: Vec<usize> = tested.iter().map(|&row| all[row]).collect();
        Ok(calibration.fit(said.select(Axis(0), &tested).view(), &truth, groups.select(&tested).len()))
    }
}

/// What may join the forests of that attack.
fn joining(name: &str, classifier: Classifier, options: &AttackOptions) -> Result<Vec<Candidate>, AttackError> {
    let mut candidates = vec![Candidate::Alignment];
    if classifier == Classifier::BestWithNet {
        let net = Candidate::net(Architecture::DfSized, options.epochs);
        candidates.push(net.map_err(|source| AttackError::Learn { attack: name.to_owned(), source })?);
    }
    Ok(candidates)
}

fn sets(list: &str) -> Result<FeatureSpec, AttackError> {
    list.parse().map_err(|source| AttackError::List { list: list.to_owned(), source })
}
