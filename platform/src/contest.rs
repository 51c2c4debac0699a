//! From the database to boards, and who sees how much of them: the one place that pages, exports and the API ask.

use std::collections::BTreeMap;

use crate::game::{Attack, Audience, Board, Contest, Defence, Kind, Part, Phase, Round, Row};
use crate::store::accounts::Account;
use crate::store::submissions::State;
use crate::store::teams::Team;
use crate::store::{Conn, house, results, rounds, submissions, teams};
use crate::work::{AttackDetail, Outcome};
use crate::{Failure, Millis};

/// How much of the scores of a round somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    All,
    /// Those of one team, its id.
    Own(String),
    Nothing,
}

impl Sight {
    pub(crate) fn of(round: &Round, account: Option<&Account>, team: Option<&Team>, now: Millis) -> Self {
        let organises = account.is_some_and(Account::organises);
        match round.audience(now) {
            _ if organises => Self::All,
            Audience::Everyone => Self::All,
            Audience::Accounts if account.is_some() => Self::All,
            Audience::Accounts | Audience::Nobody => Self::Nothing,
            Audience::OwnTeam => team.map_or(Self::Nothing, |team| Self::Own(team.id.clone())),
        }
    }

    /// Whether the scores of a team are to be seen.
    pub(crate) fn covers(&self, team_id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Own(own) => own == team_id,
            Self::Nothing => false,
        }
    }
}

/// A board as somebody sees it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) contest: Contest,
    pub(crate) board: Board,
    pub(crate) sight: Sight,
    pub(crate) frozen: bool,
    /// Whether the round is over, and numbers have all their digits.
    pub(crate) over: bool,
}

/// As many decimals as pages show of a score.
pub(crate) fn four_decimals(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

pub(crate) async fn load(conn: &mut Conn, round: &Round) -> Result<Contest, Failure> {
    let teams: BTreeMap<String, (i64, String)> =
        teams::all(conn).await?.into_iter().map(|team| (team.id, (team.number, team.name))).collect();
    let mut defences = Vec::new();
    for one in submissions::of_round(conn, &round.id, Kind::Defence).await? {
        let outcome: Outcome = one.outcome.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        if let (State::Done, Some(cost)) = (one.state(), outcome.cost) {
            let chosen_at = one.chosen();
            defences.push(Defence {
                id: one.id,
                team: one.team_id,
                chosen_at,
                utility: cost.utility,
                volumes: cost.volumes,
            });
        }
    }
    let uploads = submissions::of_round(conn, &round.id, Kind::Attack).await?;
    let done: BTreeMap<&str, (&str, Millis, Option<Millis>)> = uploads
        .iter()
        .filter(|one| one.state() == State::Done)
        .map(|one| (one.id.as_str(), (one.team_id.as_str(), one.received_at, one.chosen_at)))
        .collect();
    let known = house::known(conn, &round.id).await?;
    let mut attacks = Vec::new();
    for row in results::of_round(conn, &round.id).await? {
        let part = Part::EACH.into_iter().find(|part| part.name() == row.part);
        let Some(part) = part else { continue };
        let detail: AttackDetail = serde_json::from_str(&row.detail)?;
        let (by, at, chosen_at) = match done.get(row.submission_id.as_str()) {
            Some(&(team, at, chosen_at)) => (Ok(team.to_owned()), at, chosen_at),
            None if row.attacker != "team" => {
                // Those that run with the check of the defence are as old as it.
                let of = (row.submission_id.clone(), row.attacker.clone());
                (Err(row.attacker.clone()), known.get(&of).copied().unwrap_or(0), None)
            }
            None => continue, // being scored again
        };
        attacks.push(Attack {
            submission: row.submission_id,
            by,
            on: row.defender_id,
            at,
            chosen_at,
            part,
            roc_auc: row.roc_auc,
            interval: detail.interval,
            accuracy: row.accuracy,
        });
    }
    Ok(Contest {
        round: round.clone(),
        teams,
        defences,
        pins: rounds::pins(conn, &round.id).await?.into_iter().collect(),
        matches: rounds::matches(conn, &round.id).await?,
        attacks,
    })
}

/// The board of a round as somebody sees it: as of the freeze, the public half, the own line only, or nothing.
pub(crate) async fn seen(
    conn: &mut Conn,
    round: &Round,
    account: Option<&Account>,
    team: Option<&Team>,
    now: Millis,
) -> Result<Seen, Failure> {
    let sight = Sight::of(round, account, team, now);
    let organises = account.is_some_and(Account::organises);
    let (as_of, part) = round.shown(organises, now);
    let contest = load(conn, round).await?;
    let mut board = contest.board(as_of, part);
    compare_with_previous(conn, round, account, team, now, &mut board).await?;
    if let Sight::Own(_) | Sight::Nothing = sight {
        let own = |number: i64| contest.teams.iter().any(|(id, (team, _))| *team == number && sight.covers(id));
        board.rows.retain(|row| own(row.team));
        // A rank would tell of the others.
        for row in &mut board.rows {
            (row.rank, row.change, row.on_front) = (None, None, false);
        }
    }
    let over = round.phase(now) == Phase::Closed;
    if !over {
        board.rows.iter_mut().for_each(round_off);
    }
    Ok(Seen { contest, board, sight, frozen: round.frozen(now) && !organises, over })
}

/// Ranks are those of all digits; what is shown of them while a round runs are four, so that uploading again and again tells little.
fn round_off(row: &mut Row) {
    for score in [&mut row.utility, &mut row.privacy, &mut row.attack, &mut row.total].into_iter().flatten() {
        *score = four_decimals(*score);
    }
    row.overheads = row.overheads.map(|overheads| overheads.map(four_decimals));
    row.roc_auc = row.roc_auc.map(|(low, high)| (four_decimals(low), four_decimals(high)));
}

async fn compare_with_previous(
    conn: &mut Conn,
    round: &Round,
    account: Option<&Account>,
    team: Option<&Team>,
    now: Millis,
    board: &mut Board,
) -> Result<(), Failure> {
    let all = rounds::all(conn).await?;
    let previous = all.into_iter().rfind(|other| other.number < round.number && other.phase(now) == Phase::Closed);
    let Some(previous) = previous.filter(|previous| Sight::of(previous, account, team, now) == Sight::All) else {
        return Ok(());
    };
    let (as_of, part) = previous.shown(false, now);
    let before = load(conn, &previous).await?.board(as_of, part);
    for row in &mut board.rows {
        let rank = before.rows.iter().find(|other| other.team == row.team).and_then(|other| other.rank);
        row.change = rank.zip(row.rank).map(|(before, now)| before as i64 - now as i64);
    }
    Ok(())
}
