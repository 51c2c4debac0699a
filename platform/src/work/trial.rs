//! A file that is checked and not kept: what a defence would be told if it were uploaded, as far as the file alone tells.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use wfkit_competition::{Rules, read_checked_defense};
use wfkit_datasets::formats::{ReadError, ReadLimits, Source};
use wfkit_metrics::{Volume, VolumeSummary};

use super::{Done, Job, Outcome};
use crate::game::Round;
use crate::store::submissions::State;
use crate::{App, Failure};

/// A defence on trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Trial {
    file: PathBuf,
    rules: Rules,
    baseline: Option<VolumeSummary>,
}

/// So many at once in a process: uploads come first.
static AT_ONCE: Semaphore = Semaphore::const_new(1);

/// Checks a file by the rules of a round, with the limits of a job; nothing of it is kept.
///
/// # Errors
/// [`Failure::TooLarge`] where it outgrew a limit; what the system refuses.
pub(crate) async fn try_defence(app: &App, round: &Round, file: PathBuf) -> Result<Outcome, Failure> {
    let _turn = AT_ONCE.acquire().await.map_err(|error| Failure::Broken(error.to_string()))?;
    let trial = Trial { file, rules: round.settings.rules, baseline: round.settings.baseline };
    Ok(Job::Trial(Box::new(trial)).perform(app).await?.outcome)
}

impl Trial {
    pub(super) fn run(&self) -> Result<Done, Failure> {
        let baseline = self.baseline.map(|one| {
            let [in_bytes, out_bytes, seconds] = [one.in_bytes, one.out_bytes, one.seconds].map(|part| part.median);
            vec![Volume { in_bytes, out_bytes, seconds }]
        });
        let file = std::fs::File::open(&self.file)?;
        let source = Source::reader("defence", &file);
        let broken = |error: ReadError| Failure::Broken(error.to_string());
        let read = read_checked_defense(source, &self.rules, &ReadLimits::UPLOAD, baseline.as_deref());
        let (report, set) = read.map_err(broken)?;
        let state = if set.is_some() { State::Done } else { State::Refused };
        Ok(Done { state, reason: None, outcome: Outcome::from(&report), scores: Vec::new() })
    }
}
