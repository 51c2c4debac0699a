//! What comes into an experiment from outside: a seed, the time, whoever watches, and whether to go on.

use wfkit_classify::Event;
use wfkit_metrics::{Observer, Silent, Work};

use crate::ExperimentError;

/// What every experiment is given besides its data.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Seed of everything random.
    pub seed: u64,
    /// Who watches.
    pub observer: &'a dyn Observer,
}

/// Every fold that has predicted is a step of `work`.
pub(crate) fn by_fold<'a>(work: &'a Work<'_>) -> impl Fn(Event<'_>) + Sync + 'a {
    |event| {
        if matches!(event, Event::PredictDone { .. }) {
            work.step();
        }
    }
}

impl Setting<'_> {
    /// Nobody watches.
    pub fn silent(seed: u64) -> Self {
        Self { seed, observer: &Silent }
    }

    /// Gives up where the observer says so.
    pub(crate) fn go_on(&self) -> Result<(), ExperimentError> {
        if self.observer.is_cancelled() { Err(ExperimentError::Cancelled) } else { Ok(()) }
    }
}
