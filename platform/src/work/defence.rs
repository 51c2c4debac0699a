//! A defence: check, cost, split, house attacks.

use wfkit_competition::{CheckReport, SplitOptions, check_defense, read_defense, split};
use wfkit_datasets::formats::{ReadError, ReadLimits, Source};
use wfkit_metrics::Volume;

use super::outcome::{Outcome, SplitLine};
use super::{Done, Upload, house, likeness, on_thread, simulate};
use crate::game::Kind;
use crate::store::submissions::{self, State, Submission};
use crate::store::{Conn, rounds, teams};
use crate::{App, Failure};

pub(super) async fn perform(app: &App, submission: &Submission) -> Result<Done, Failure> {
    let mut conn = app.store.read().await?;
    let round = rounds::by_id(&mut conn, &submission.round_id).await?;
    let team = teams::by_id(&mut conn, &submission.team_id).await?;
    let others = others(&mut conn, submission).await?;
    let share = match submission.is_specification() {
        true => simulate::share_of(&mut conn, submission).await?,
        false => 0,
    };
    drop(conn);
    let (Some(round), Some(team)) = (round, team) else {
        return Err(Failure::Broken(format!("submission {} without a round or team", submission.id)));
    };
    let (app, submission) = (app.clone(), submission.clone());
    on_thread(move || {
        let settings = &round.settings;
        if submission.is_specification()
            && let Err(reason) = simulate::simulate(&app.files, &round, &submission, share, &app.world.id())?
        {
            let mut outcome = Outcome::default();
            outcome.refuse(reason);
            let reason = Some(outcome.sentence());
            return Ok(Done { state: State::Refused, reason, outcome, scores: Vec::new() });
        }
        let upload = Upload::open(&app.0, &submission)?;
        let limits = &ReadLimits::UPLOAD;
        // Medians are all that overheads are of; a set of one volume has them.
        let baseline = settings.baseline.map(|baseline| {
            let [in_bytes, out_bytes, seconds] =
                [baseline.in_bytes, baseline.out_bytes, baseline.seconds].map(|summary| summary.median);
            vec![Volume { in_bytes, out_bytes, seconds }]
        });
        let source = Source::reader(&upload.name, &upload.file);
        let report: CheckReport =
            check_defense(source, &settings.rules, limits, baseline.as_deref()).map_err(broken)?;
        let mut outcome = Outcome::from(&report);
        if !report.accepted {
            let reason = outcome.sentence();
            return Ok(Done { state: State::Refused, reason: Some(reason), outcome, scores: Vec::new() });
        }

        let again = Upload::open(&app.0, &submission)?;
        let set = read_defense(Source::reader(&again.name, &again.file), limits).map_err(broken)?;
        let options = SplitOptions {
            team_id: team.number as u64,
            test_traces: settings.test_traces,
            seed: submission.seed as u64,
        };
        // Whole or not at all: work that is done again finds it complete, or begins anew.
        let folder = app.files.of_submission(&submission.id);
        let unfinished = folder.join(format!("split.{}", app.world.id()));
        std::fs::create_dir_all(&unfinished)?;
        let report = split(&set, &options, &unfinished);
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                let _ = std::fs::remove_dir_all(&unfinished);
                outcome.refuse(error.to_string());
                let reason = outcome.sentence();
                return Ok(Done { state: State::Refused, reason: Some(reason), outcome, scores: Vec::new() });
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
        let hashes = likeness::of(&set);
        for other in &others {
            let count = likeness::shared(&app.files.of_submission(&other.id), &hashes) as u64;
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
        likeness::keep(&folder, &hashes, &app.world.id())?;
        if report.twins_in_train > 0 {
            let text = "test traces with an identical twin in the train set: whoever attacks looks them up";
            outcome.warn(text, report.twins_in_train as u64, Vec::new());
        }
        let scores = house::attack(&app.files, &submission, &team)?;
        Ok(Done { state: State::Done, reason: None, outcome, scores })
    })
    .await
}

/// A defence that traces could be taken from.
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
