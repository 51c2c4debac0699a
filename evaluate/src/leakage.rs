//! What traffic gives away whoever attacks, as far as what was measured can tell.

use serde::Serialize;
use wfkit_classify::{Calibration, ErrorsAt, NearestNeighbourErrors};
use wfkit_metrics::{BayesError, ErrorOf, Information, Leakage, cover_hart_bound};

use crate::Measured;

/// An estimate of the Bayes error, and bits; none where there is no score.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "there is one a report")]
pub enum LeakageReport {
    /// What can be told.
    Estimated(LeakageEstimate),
    /// Why nothing can.
    Unscored {
        /// Traces tested.
        n: usize,
        /// Why.
        reason: String,
    },
}

/// What the traffic gives away, by all that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeakageEstimate {
    /// Traces tested.
    pub n: usize,
    /// Loads that they are copies of.
    pub origins: u64,
    /// Classes of the task.
    pub classes: usize,
    /// At the error of the attack that it is about.
    pub of_this_attack: Leakage,
    /// The least error of all that was tried.
    pub bayes_error: Option<BayesError>,
    /// At that error.
    pub at_that_error: Option<Leakage>,
    /// Bits, from calibrated probabilities.
    pub information: Option<Information>,
    /// Errors in the features of each attack that has some.
    pub nearest_neighbours: Vec<NeighbourErrors>,
    /// Of Cover and Hart.
    pub asymptotic_lower_bound: LowerBound,
    /// How little of this is sure.
    pub caution: String,
}

/// A lower bound that endlessly many traces would have.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum LowerBound {
    /// From nearest neighbours.
    Computed {
        /// The bound.
        value: f64,
        /// Whether nothing that was tried is below it.
        holds: bool,
        /// In words.
        told: String,
    },
    /// It was not computed.
    Missing {
        /// Why.
        reason: String,
    },
}

/// Errors of nearest neighbours in the features of an attack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NeighbourErrors {
    /// The attack.
    pub features_of: String,
    /// Neighbours that vote.
    pub k: usize,
    /// Error of the nearest.
    pub nearest_error: f64,
    /// Error of the k nearest.
    pub k_nearest_error: f64,
    /// Of Cover and Hart.
    pub asymptotic_lower_bound: f64,
    /// By rising training size; the last is that of all.
    pub by_training_size: Vec<ErrorsOfSize>,
}

/// Errors of nearest neighbours among so many training traces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorsOfSize {
    /// Training traces.
    pub train: usize,
    /// How often they were drawn.
    pub draws: usize,
    /// Neighbours that vote.
    pub k: usize,
    /// Error of the nearest.
    pub nearest_error: f64,
    /// Error of the k nearest.
    pub k_nearest_error: f64,
}

impl Measured {
    /// What the traffic gives away whoever attacks, as far as this attack, the `others` that were measured on the same traces, and nearest
    /// neighbours in the features of each can tell: an estimate of the Bayes error, and bits.
    pub fn leakage(&self, others: &[&Self]) -> LeakageReport {
        let n = self.evaluation.rows.len();
        let (Some(accuracy), Some(chance)) = (self.scores.accuracy, self.scores.chance_accuracy) else {
            return LeakageReport::Unscored { n, reason: "no score".to_owned() };
        };
        let (guess, classes) = (1.0 - chance, self.evaluation.probabilities.classes().len());
        let all: Vec<&Self> = std::iter::once(self).chain(others.iter().copied()).collect();
        let neighbours: Vec<(&str, Neighbours)> =
            all.iter().filter_map(|one| Some((one.attack.as_str(), one.neighbours()?))).collect();
        let attacks = all.iter().filter_map(|one| Some((one.attack.clone(), 1.0 - one.scores.accuracy?)));
        let near = neighbours.iter().flat_map(|(attack, near)| {
            let (nearest, k_nearest) = near.errors();
            let k = near.of_all().k;
            [
                (format!("nearest neighbour in the features of {attack}"), nearest),
                (format!("{k} nearest neighbours in the features of {attack}"), k_nearest),
            ]
        });
        let tried: Vec<ErrorOf> = attacks.chain(near).map(|(by, error)| ErrorOf { by, error }).collect();
        let worth = self.scores.intervals_95.as_ref().and_then(|all| all.effective_traces).unwrap_or(n as f64);
        let least = BayesError::least_of(tried, worth / self.widened_by().powi(2));
        let calibrated = Calibration::Temperature.across(
            &self.evaluation.probabilities,
            &self.evaluation.truth,
            &self.evaluation.tested_in,
        );
        let bounds = neighbours.iter().map(|(_, near)| cover_hart_bound(near.errors().0, classes));
        let bound = bounds.min_by(f64::total_cmp);
        let asymptotic_lower_bound = match (bound, &least) {
            (Some(value), Some(least)) if least.estimate < value => {
                let by = &least.by;
                let told = format!("fails: {by} has {:.4}, so there are too few traces for it", least.estimate);
                LowerBound::Computed { value, holds: false, told }
            }
            (Some(value), _) => {
                let told =
                    "of Cover and Hart, from the nearest neighbour; true of endlessly many traces only".to_owned();
                LowerBound::Computed { value, holds: true, told }
            }
            (None, _) => {
                LowerBound::Missing { reason: "not computed: distances would take longer than the attack".to_owned() }
            }
        };
        let fewest = self.scores.per_class.iter().map(|class| class.origins).min().unwrap_or(0);
        let caution =
            "an estimate from what was tried, no bound: another attack, other features or more traces may do better";
        let caution = match fewest {
            0..100 => format!("{caution}; here a class has {fewest} traces, too few to rely on it"),
            _ => caution.to_owned(),
        };
        LeakageReport::Estimated(LeakageEstimate {
            n,
            origins: self.scores.origins,
            classes,
            of_this_attack: Leakage::at(1.0 - accuracy, guess),
            at_that_error: least.as_ref().map(|least| Leakage::at(least.estimate, guess)),
            bayes_error: least,
            information: Information::shown_by(&calibrated, &self.evaluation.truth).ok(),
            nearest_neighbours: neighbours
                .iter()
                .map(|(attack, near)| near.neighbour_errors(attack, classes))
                .collect(),
            asymptotic_lower_bound,
            caution,
        })
    }

    /// Errors of nearest neighbours in its features, over all splits.
    fn neighbours(&self) -> Option<Neighbours> {
        let folds: Option<Vec<&NearestNeighbourErrors>> =
            self.evaluation.folds.iter().map(|fold| fold.nearest.as_ref()).collect();
        let folds = folds.filter(|folds| !folds.is_empty())?;
        // Folds may differ by a trace or two; from the largest size down, they are of like sizes.
        let sizes = folds.iter().map(|fold| fold.curve.len()).min()?;
        let at = |back: usize| -> Vec<ErrorsAt> {
            folds.iter().map(|fold| fold.curve[fold.curve.len() - 1 - back]).collect()
        };
        Some(Neighbours((0..sizes).rev().map(at).collect()))
    }
}

/// Errors of nearest neighbours in the features of an attack, of every fold, by rising training size; the last is that of all.
struct Neighbours(Vec<Vec<ErrorsAt>>);

impl Neighbours {
    fn of_all(&self) -> ErrorsAt {
        self.0.last().and_then(|folds| folds.first().copied()).expect("there is a fold, and it has a size")
    }

    /// Of the nearest and of the k nearest, among all training traces.
    fn errors(&self) -> (f64, f64) {
        self.0.last().map(|folds| shares(folds)).expect("there is a size")
    }

    fn neighbour_errors(&self, attack: &str, classes: usize) -> NeighbourErrors {
        let (nearest_error, k_nearest_error) = self.errors();
        let at = |folds: &Vec<ErrorsAt>| {
            let (nearest_error, k_nearest_error) = shares(folds);
            let train = folds.iter().map(|fold| fold.train).sum::<usize>() / folds.len();
            ErrorsOfSize { train, draws: folds[0].draws, k: folds[0].k, nearest_error, k_nearest_error }
        };
        NeighbourErrors {
            features_of: attack.to_owned(),
            k: self.of_all().k,
            nearest_error,
            k_nearest_error,
            asymptotic_lower_bound: cover_hart_bound(nearest_error, classes),
            by_training_size: self.0.iter().map(at).collect(),
        }
    }
}

/// Shares of wrong decisions of the nearest and of the k nearest.
fn shares(folds: &[ErrorsAt]) -> (f64, f64) {
    let asked: usize = folds.iter().map(|fold| fold.tested * fold.draws).sum();
    let share = |wrong: usize| wrong as f64 / asked.max(1) as f64;
    (
        share(folds.iter().map(|fold| fold.wrong_by_nearest).sum()),
        share(folds.iter().map(|fold| fold.wrong_by_k_nearest).sum()),
    )
}
