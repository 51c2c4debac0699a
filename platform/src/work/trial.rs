//! A file that is checked and not kept: what a defence would be told if it were uploaded, as far as the file alone tells.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use wfkit_competition::{FileCheck, check_defense};
use wfkit_datasets::formats::{ReadError, ReadLimits, Source};

use super::{Done, Job, Outcome};
use crate::game::{Round, Settings};
use crate::store::submissions::State;
use crate::{App, Failure};

/// A defence on trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Trial {
    file: PathBuf,
    settings: Settings,
}

/// So many at once in a process: uploads come first.
static AT_ONCE: Semaphore = Semaphore::const_new(1);

/// Checks a file by the rules of a round, with the limits of a job; nothing of it is kept.
///
/// # Errors
/// [`Failure::TooLarge`] where it outgrew a limit; what the system refuses.
pub(crate) async fn try_defence(app: &App, round: &Round, file: PathBuf) -> Result<Outcome, Failure> {
    let _turn = AT_ONCE.acquire().await.map_err(|error| Failure::Broken(error.to_string()))?;
    let trial = Trial { file, settings: round.settings.clone() };
    Ok(Job::Trial(Box::new(trial)).perform(app).await?.outcome)
}

impl Trial {
    pub(super) fn run(&self) -> Result<Done, Failure> {
        let file = std::fs::File::open(&self.file)?;
        let source = Source::reader("defence", &file);
        let broken = |error: ReadError| Failure::Broken(error.to_string());
        let baseline = self.settings.measure();
        let read = check_defense(source, &self.settings.rules, &ReadLimits::UPLOAD, baseline.as_ref());
        let FileCheck { report, checked } = read.map_err(broken)?;
        let state = if checked.is_some() { State::Done } else { State::Refused };
        Ok(Done { state, reason: None, outcome: Outcome::from(&report), scores: Vec::new() })
    }
}
