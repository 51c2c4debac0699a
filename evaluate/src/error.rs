//! Why an experiment has no result.

use thiserror::Error;
use wfkit_classify::{AttackError, EvaluateError};
use wfkit_datasets::splits::SplitError;
use wfkit_defend::DefendError;
use wfkit_metrics::ScoreError;

/// Why an experiment has no result.
#[derive(Debug, Error)]
pub enum ExperimentError {
    /// There is no such attack, or it cannot be trained or asked.
    #[error(transparent)]
    Attack(#[from] AttackError),
    /// An attack fails in a fold.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// Traces cannot be defended.
    #[error(transparent)]
    Defend(Box<DefendError>),
    /// What attacks said has no scores.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The samples cannot be split so.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A class is not among those of the samples.
    #[error("there is no class {0}")]
    NoClass(String),
    /// The samples are of too few sessions, whose names are given.
    #[error("{} sessions, needed are two", .0.len())]
    FewSessions(Vec<String>),
    /// Something speaks against it, which is told.
    #[error("{0}")]
    Unfit(String),
    /// What was measured cannot be kept.
    #[error(transparent)]
    Memory(Box<dyn std::error::Error + Send + Sync>),
    /// No attack could be measured; why the first could not.
    #[error("no attack could be measured: {0}")]
    NoAttack(Box<ExperimentError>),
    /// The observer gave up.
    #[error("cancelled")]
    Cancelled,
}

impl From<DefendError> for ExperimentError {
    fn from(error: DefendError) -> Self {
        Self::Defend(Box::new(error))
    }
}

impl ExperimentError {
    /// The error and what caused it, without the causes that it tells itself.
    pub fn told(&self) -> String {
        let mut told = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let text = error.to_string();
            if !told.contains(&text) {
                told = format!("{told}: {text}");
            }
            cause = error.source();
        }
        told
    }
}
