//! What comes into an experiment from outside: a seed, the time, whoever watches, and whether to go on.

use std::time::Duration;

use crate::ExperimentError;

/// Watches an experiment. Every method may be called from any thread.
pub trait Observer: Sync {
    /// A piece of work of so many steps begins; another begins only after its [`end`](Self::end).
    fn begin(&self, _work: &str, _steps: u64) {}

    /// What of it is done now.
    fn about(&self, _what: &str) {}

    /// One step of it is done.
    fn step(&self) {}

    /// It is done.
    fn end(&self) {}

    /// Something that whoever reads the result should know.
    fn warn(&self, _message: &str) {}

    /// The time, for what is said of costs; nothing else depends on it.
    fn now(&self) -> Moment {
        Moment::default()
    }

    /// Whether to give up, asked before each attack, draw and fold that is looked at for itself.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches, no time passes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// A point in time, since a beginning of the observer's choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// On the wall.
    pub wall: Duration,
    /// Used by all threads on all cores.
    pub cpu: Duration,
}

/// What every experiment is given besides its data.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Seed of everything random.
    pub seed: u64,
    /// Who watches.
    pub observer: &'a dyn Observer,
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
