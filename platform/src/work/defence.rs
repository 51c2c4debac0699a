//! A defence: check, cost, split, house attacks.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wfkit_competition::{FileCheck, Implausible, SplitOptions, check_defense, split_and_read};
use wfkit_datasets::formats::{ReadError, ReadLimits, Source};

use super::outcome::{Outcome, SplitLine};
use super::{Done, Lab, house, likeness, open_upload, simulate};
use crate::game::{Kind, Round, spread};
use crate::store::submissions::{self, State, Submission};
use crate::store::teams::Team;
use crate::store::{Conn, rounds, teams};
use crate::{App, Failure, Files};

/// A defence, and what its check needs of others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Defending {
    pub(super) submission: Submission,
    round: Round,
    team: Team,
    others: Vec<Other>,
    /// Which share of the undefended traffic its team has.
    share: usize,
    /// What records it, where that is to be done.
    lab: Option<Lab>,
}

/// What the database knows of a defence.
pub(super) async fn gather(app: &App, submission: &Submission) -> Result<Defending, Failure> {
    let mut conn = app.store.read().await?;
    let round = rounds::by_id(&mut conn, &submission.round_id).await?;
    let team = teams::by_id(&mut conn, &submission.team_id).await?;
    let others = others(&mut conn, submission).await?;
    let share = match submission.is_specification() {
        true => simulate::share_of(&mut conn, submission).await?,
        false => 0,
    };
    let (Some(round), Some(team)) = (round, team) else {
        return Err(Failure::Broken(format!("submission {} without a round or team", submission.id)));
    };
    let lab = if submission.is_recording() { app.options.lab.clone() } else { None };
    Ok(Defending { submission: submission.clone(), round, team, others, share, lab })
}

impl Defending {
    /// The files that it needs.
    pub(super) fn reads(&self, files: &Files) -> Vec<PathBuf> {
        let mut paths = vec![files.upload(&self.submission.id, &self.submission.file_name)];
        if self.submission.is_specification() {
            paths.push(files.baseline(&self.round.id));
        }
        paths
    }

    /// Those that make its work less, or its report longer, where they are there.
    pub(super) fn may_read(&self, files: &Files) -> Vec<PathBuf> {
        let hashes = self.others.iter().map(|other| likeness::file(&files.of_submission(&other.id)));
        hashes.chain([files.defended(&self.submission.id)]).collect()
    }

    /// Has the laboratory record it, where that is to be done; what it is refused for.
    pub(super) fn record(&self, files: &Files) -> Result<Result<(), String>, Failure> {
        match &self.lab {
            Some(lab) => lab.record(files, &self.round, &self.submission),
            None if self.submission.is_recording() && !files.defended(&self.submission.id).exists() => {
                Ok(Err("there is no laboratory here: ask the organisers".to_owned()))
            }
            None => Ok(Ok(())),
        }
    }

    /// Checks, splits and attacks it. `unique` is a name that nobody else uses.
    pub(super) fn run(&self, files: &Files, unique: &str) -> Result<Done, Failure> {
        let Self { submission, round, team, others, share, .. } = self;
        let settings = &round.settings;
        if submission.is_specification()
            && let Err(reason) = simulate::simulate(files, round, submission, *share, unique)?
        {
            let mut outcome = Outcome::default();
            outcome.refuse(reason);
            return Ok(Done::refused(outcome));
        }
        let limits = &ReadLimits::UPLOAD;
        let mut baseline = settings.measure();
        if let Some(baseline) = baseline.as_mut().filter(|_| submission.is_recording()) {
            // The laboratory saw it carry the answers, whatever they weigh.
            baseline.plausibility.verdict = Implausible::Flag;
        }
        let (name, file) = open_upload(files, submission)?;
        let source = Source::reader(&name, &file);
        let FileCheck { report, checked } =
            check_defense(source, &settings.rules, limits, baseline.as_ref()).map_err(broken)?;
        let mut outcome = Outcome { accepted_by: accepted_before(submission)?, ..Outcome::from(&report) };
        let Some(defence) = checked else { return Ok(Done::refused(outcome)) };
        let options = SplitOptions {
            team_id: team.number as u64,
            test_traces: settings.test_traces,
            seed: submission.seed as u64,
        };
        // Whole or not at all: work that is done again finds it complete, or begins anew.
        let folder = files.of_submission(&submission.id);
        let unfinished = folder.join(format!("split.{unique}"));
        std::fs::create_dir_all(&unfinished)?;
        let (report, parts) = match split_and_read(&defence, &options, &unfinished) {
            Ok(made) => made,
            Err(error) => {
                let _ = std::fs::remove_dir_all(&unfinished);
                outcome.refuse(error.to_string());
                return Ok(Done::refused(outcome));
            }
        };
        let place = folder.join("split");
        if place.exists() {
            // The same seed and traces give the same files: those that are there may be in use.
            std::fs::remove_dir_all(&unfinished)?;
        } else if let Err(error) = std::fs::rename(&unfinished, &place)
            && !place.exists()
        {
            return Err(error.into());
        }
        outcome.split = Some(SplitLine::from(&report));
        for leftover in std::fs::read_dir(&folder)?.filter_map(Result::ok) {
            if leftover.file_name().to_string_lossy().starts_with("split.") {
                // Of a process that was killed. What cannot be removed does no harm.
                let _ = std::fs::remove_dir_all(leftover.path()).or_else(|_| std::fs::remove_file(leftover.path()));
            }
        }
        outcome.spread = settings.baseline.map(|undefended| spread(&undefended, &defence.volumes()));
        let hashes = likeness::of(&defence);
        drop(defence);
        for other in others {
            let count = likeness::shared(&files.of_submission(&other.id), &hashes) as u64;
            match (count, &other.own_round) {
                (0, _) => {}
                (_, Some(number)) => {
                    let text = format!(
                        "traces that your defence of round {number} has too: attackers of that round know their labels"
                    );
                    outcome.warn(text, count, Vec::new());
                }
                (_, None) => outcome.note(&other.named, count),
            }
        }
        likeness::keep(&folder, &hashes, unique)?;
        if report.twins_in_train > 0 {
            let text = "test traces with an identical twin in the train set: whoever attacks looks them up";
            outcome.warn(text, report.twins_in_train as u64, Vec::new());
        }
        let scores = house::attack(parts, submission, team)?;
        let reason = outcome.held_for();
        let state = if reason.is_some() { State::Held } else { State::Done };
        Ok(Done { state, reason, outcome, scores })
    }
}

/// The organiser who accepted it when it was checked before.
fn accepted_before(submission: &Submission) -> Result<Option<String>, Failure> {
    Ok(submission.outcome()?.accepted_by)
}

/// A defence that traces could be taken from.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Other {
    id: String,
    named: String,
    /// Of the same team: the round that pinned it, whose train set attackers have.
    own_round: Option<i64>,
}

/// Defences that were pinned in other rounds, and those of other teams in this one.
async fn others(conn: &mut Conn, submission: &Submission) -> Result<Vec<Other>, Failure> {
    let mut others = Vec::new();
    for round in rounds::all(conn).await? {
        let candidates: Vec<(String, String)> = if round.id == submission.round_id {
            let all = submissions::of_round(conn, &round.id, Kind::Defence).await?;
            let done = all.into_iter().filter(|one| one.state() == State::Done && one.team_id != submission.team_id);
            done.map(|one| (one.team_id, one.id)).collect()
        } else {
            rounds::pins(conn, &round.id).await?
        };
        for (team, id) in candidates {
            let own_round = (team == submission.team_id).then_some(round.number);
            let name = teams::by_id(conn, &team).await?.map_or(team, |team| team.name);
            others.push(Other {
                named: format!("submission {id} of team {name} in round {}", round.number),
                id,
                own_round,
            });
        }
    }
    Ok(others)
}

fn broken(error: ReadError) -> Failure {
    Failure::Broken(error.to_string())
}
