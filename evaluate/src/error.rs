//! Why an experiment has no result.

use std::error::Error;
use std::fmt::Display;

use thiserror::Error as ThisError;
use wfkit_classify::{AttackError, EvaluateError, ExplainError};
use wfkit_datasets::splits::SplitError;
use wfkit_datasets::{Overlap, SessionError, WriteError};
use wfkit_defend::{DefendError, DefenseSpecError};
use wfkit_metrics::{Cancelled, ScoreError};

/// Why an experiment has no result.
#[derive(Debug, ThisError)]
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
    /// Features cannot be explained.
    #[error(transparent)]
    Explain(#[from] ExplainError),
    /// No sessions can be made.
    #[error(transparent)]
    Sessions(#[from] SessionError),
    /// A defence is none.
    #[error(transparent)]
    Defense(#[from] DefenseSpecError),
    /// A class is not among those of the samples.
    #[error("there is no class {0}")]
    NoClass(String),
    /// The samples are of too few sessions, whose names are given.
    #[error("{} sessions, needed are two", .0.len())]
    FewSessions(Vec<String>),
    /// Traces would be scored that were learned from.
    #[error("{}, so the scores would be too high", .0.in_words())]
    LearnedFrom(Box<Overlap>),
    /// What is asked for, as `few-shot`, is of one collection and its splits.
    #[error("{0} works on one collection, not on two")]
    OneCollection(&'static str),
    /// What is asked for, as `early`, is of traces.
    #[error("{0} needs traces, not features")]
    TracesOnly(&'static str),
    /// An open world has no scores.
    #[error("no scores with {class} unmonitored")]
    OpenWorld {
        /// The class that stands for everything unmonitored.
        class: String,
        /// Why not.
        source: Box<ExperimentError>,
    },
    /// Nothing was tested on another part than it was trained on.
    #[error("no {part} could be tested after learning from another: {}", reasons.join("; "))]
    NothingAcross {
        /// What a part is: `session` or `file`.
        part: &'static str,
        /// Every reason once.
        reasons: Vec<String>,
    },
    /// Something speaks against it, which is told.
    #[error("{0}")]
    Unfit(String),
    /// What was measured cannot be kept.
    #[error(transparent)]
    Memory(Box<dyn Error + Send + Sync>),
    /// A file cannot be read or written, or holds something else.
    #[error(transparent)]
    File(Box<dyn Error + Send + Sync>),
    /// Where something failed that does not tell it.
    #[error("{what}")]
    At {
        /// Where, or what.
        what: String,
        /// What failed.
        source: Box<dyn Error + Send + Sync>,
    },
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

impl From<Cancelled> for ExperimentError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<WriteError> for ExperimentError {
    fn from(error: WriteError) -> Self {
        file(error)
    }
}

/// Of a file, which the error names.
pub(crate) fn file(error: impl Into<Box<dyn Error + Send + Sync>>) -> ExperimentError {
    ExperimentError::File(error.into())
}

/// Of something that the error does not name.
pub(crate) fn at<E: Into<Box<dyn Error + Send + Sync>>>(what: impl Display) -> impl FnOnce(E) -> ExperimentError {
    move |error| ExperimentError::At { what: what.to_string(), source: error.into() }
}

impl ExperimentError {
    /// The error and what caused it, without the causes that it tells itself.
    pub fn in_words(&self) -> String {
        let mut told = self.to_string();
        let mut cause = self.source();
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
