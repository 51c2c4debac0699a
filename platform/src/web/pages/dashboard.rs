//! What a member of a team finds on the start page: what to do now, how far its uploads have got, what came of the last rounds.

use crate::acts::{slots, targets};
use crate::contest::{self, Sight};
use crate::game::{Kind, Part, Phase, Round, Slots};
use crate::store::Conn;
use crate::store::paging::Ask;
use crate::store::submissions::{self, State, Submission};
use crate::store::teams::Team;
use crate::web::guard::Viewer;
use crate::web::show::{When, number};
use crate::{App, Failure, Millis};

/// Something that a team can do now.
pub(crate) struct Todo {
    pub(crate) text: String,
    /// When the next upload may be sent, where none is left.
    pub(crate) next_at: Option<When>,
    pub(crate) link: String,
    pub(crate) label: &'static str,
}

/// An upload, as far as it has got.
pub(crate) struct Recent {
    pub(crate) id: String,
    pub(crate) at: When,
    pub(crate) what: String,
    pub(crate) state: &'static str,
    pub(crate) words: String,
}

/// The line of the team on the board of a round.
pub(crate) struct Standing {
    pub(crate) round: i64,
    pub(crate) name: String,
    pub(crate) rank: String,
    pub(crate) total: String,
    pub(crate) utility: String,
    pub(crate) privacy: String,
    pub(crate) attack: String,
}

#[derive(Default)]
pub(crate) struct Dashboard {
    pub(crate) todo: Vec<Todo>,
    pub(crate) recent: Vec<Recent>,
    pub(crate) results: Vec<Standing>,
    /// Whether something on it moves by itself.
    pub(crate) moves: bool,
}

/// Uploads that it shows.
const RECENT: usize = 5;
/// Rounds whose results it shows.
const ROUNDS: usize = 3;

impl Dashboard {
    /// Of a team, over the rounds that are announced, newest first.
    pub(crate) async fn of(
        app: &App,
        conn: &mut Conn,
        viewer: &Viewer,
        team: &Team,
        rounds: &[&Round],
    ) -> Result<Self, Failure> {
        let now = app.now();
        let mut found = Self::default();
        for round in rounds {
            found.todo.extend(to_do(app, conn, team, round).await?);
        }
        let ask = Ask { by: submissions::by::RECEIVED, descending: true, after: None, limit: RECENT };
        for one in submissions::page_of_team(conn, &team.id, "", &ask).await?.rows {
            found.moves |= !one.state().is_final();
            found.recent.push(recent(conn, rounds, one).await?);
        }
        for round in rounds {
            if found.results.len() < ROUNDS && round.phase(now) >= Phase::Attack {
                found.results.extend(standing(conn, viewer, team, round, now).await?);
            }
        }
        Ok(found)
    }
}

fn left(slots: &Slots) -> (String, Option<When>) {
    match slots.next_at {
        Some(at) if !slots.free() => ("No upload is left: the next place is free at".to_owned(), Some(When(at))),
        _ => (format!("Uploads left: {} accepted, {} in all.", slots.accepted_left, slots.total_left), None),
    }
}

async fn to_do(app: &App, conn: &mut Conn, team: &Team, round: &Round) -> Result<Option<Todo>, Failure> {
    let now = app.now();
    let number = round.number;
    match round.phase(now) {
        Phase::Defence => {
            let (left, next_at) = left(&slots(app, conn, round, &team.id, Kind::Defence, None).await?);
            let contest = contest::load(conn, round).await?;
            let stands = match contest.defence_of(&team.id, now) {
                Some(_) => "you have a defence that counts; a better one may take its place.",
                None => "upload your defence: none counts yet.",
            };
            let text = format!("Round {number}: {stands} {left}");
            Ok(Some(Todo { text, next_at, link: format!("/rounds/{number}/defence"), label: "Upload a defence" }))
        }
        Phase::Attack => {
            let targets = targets(conn, round, &team.id).await?;
            if targets.is_empty() {
                return Ok(None);
            }
            let (left, next_at) = left(&slots(app, conn, round, &team.id, Kind::Attack, None).await?);
            let contest = contest::load(conn, round).await?;
            let done = |defender: &str| contest.counting(&team.id, defender, now, Part::Public).is_some();
            let open: Vec<&str> =
                targets.iter().filter(|one| !done(&one.team.id)).map(|one| one.team.name.as_str()).collect();
            let (all, done) = (targets.len(), targets.len() - open.len());
            let stands = match open.as_slice() {
                [] => format!("attacked {done} of {all}; a better attack may take the place of one."),
                [..] => format!("attacked {done} of {all}; still to attack: {}.", open.join(", ")),
            };
            let text = format!("Round {number}: {stands} {left}");
            Ok(Some(Todo { text, next_at, link: format!("/rounds/{number}/attack"), label: "Download and attack" }))
        }
        _ => Ok(None),
    }
}

async fn recent(conn: &mut Conn, rounds: &[&Round], one: Submission) -> Result<Recent, Failure> {
    let round = rounds.iter().find(|round| round.id == one.round_id).map_or(0, |round| round.number);
    let reason = || one.reason.clone().unwrap_or_default();
    let words = match one.state() {
        State::Queued => match submissions::ahead(conn, &one).await? {
            0 => "next in the queue".to_owned(),
            ahead => format!("{ahead} before it in the queue"),
        },
        State::Running => "being checked now".to_owned(),
        State::Done => "checked".to_owned(),
        State::Held => "checked; it counts once organisers accept it".to_owned(),
        State::Refused => reason(),
        State::Failed => reason(),
    };
    Ok(Recent {
        at: When(one.received_at),
        what: format!("{} of round {round}", one.kind().name()),
        state: one.state().name(),
        words,
        id: one.id,
    })
}

async fn standing(
    conn: &mut Conn,
    viewer: &Viewer,
    team: &Team,
    round: &Round,
    now: Millis,
) -> Result<Option<Standing>, Failure> {
    let seen = contest::seen(conn, round, viewer.account.as_ref(), viewer.team.as_ref(), now).await?;
    if seen.sight == Sight::Nothing {
        return Ok(None);
    }
    let row = seen.board.rows.into_iter().find(|row| row.team == team.number);
    Ok(row.map(|row| Standing {
        round: round.number,
        name: round.name.clone(),
        rank: row.rank.map_or("–".to_owned(), |rank| rank.to_string()),
        total: number(row.total, 2),
        utility: number(row.utility, 4),
        privacy: number(row.privacy, 4),
        attack: number(row.attack, 4),
    }))
}
