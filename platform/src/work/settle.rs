//! The end of a defence phase: which submission each team defends with, and who attacks whom.

use std::collections::BTreeMap;

use crate::game::{Incomplete, Kind, Phase, Round, draw};
use crate::store::submissions::{self, State, Submission};
use crate::store::{Conn, audit, rounds, settings, teams};
use crate::{App, Failure};

/// Settles every round whose defence phase is over and whose defences are all checked.
///
/// # Errors
/// What the database refuses.
pub async fn settle_due(app: &App) -> Result<(), Failure> {
    let now = app.now();
    let due: Vec<Round> = {
        let mut conn = app.store.read().await?;
        let all = rounds::all(&mut conn).await?;
        all.into_iter().filter(|round| round.settled_at.is_none() && round.phase(now) >= Phase::Attack).collect()
    };
    for round in due {
        let mut tx = app.store.write().await?;
        if submissions::open(&mut tx, &round.id, Kind::Defence).await? > 0 {
            continue;
        }
        let pins = candidates(&mut tx, &round).await?;
        let teams: Vec<String> = pins.keys().cloned().collect();
        let matches = draw(&teams, round.settings.matches_per_team, round.seed);
        let pinned: Vec<(String, String)> = pins.into_iter().map(|(team, defence)| (team, defence.id)).collect();
        if rounds::settle(&mut tx, &round.id, &pinned, &matches, now).await? {
            let detail = format!("{} defences pinned, {} matches, seed {}", pinned.len(), matches.len(), round.seed);
            audit::record(&mut tx, &app.world, "the clock", "settle", &format!("round {}", round.number), &detail)
                .await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// The defence of each team that would be pinned now: of those that passed the check the one that was uploaded or chosen last.
/// Teams without one are not matched, neither are teams with empty seats where the round says so.
///
/// # Errors
/// What the database refuses.
pub async fn candidates(conn: &mut Conn, round: &Round) -> Result<BTreeMap<String, Submission>, Failure> {
    let mut last: BTreeMap<String, Submission> = BTreeMap::new();
    for submission in submissions::of_round(conn, &round.id, Kind::Defence).await? {
        if submission.state() != State::Done {
            continue;
        }
        let later = last.get(&submission.team_id).is_none_or(|other| other.chosen() <= submission.chosen());
        if later {
            last.insert(submission.team_id.clone(), submission);
        }
    }
    let size = settings::competition(conn).await?.team_size as usize;
    let least = if round.settings.incomplete == Incomplete::SitOut { size } else { 1 };
    let mut complete = BTreeMap::new();
    for (team, submission) in last {
        if teams::members(conn, &team).await?.len() >= least {
            complete.insert(team, submission);
        }
    }
    Ok(complete)
}
