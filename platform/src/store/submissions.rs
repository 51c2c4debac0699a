//! Submissions: what was uploaded, and how far its check or score has got. This table is the truth about that: a job of it is made by
//! [`jobs`](super::jobs::want).

use serde::{Deserialize, Serialize};

use super::Conn;
use super::paging::{self, Ask, Expression, Listed, Paged};
use crate::Millis;
use crate::game::Kind;
use crate::work::Outcome;

/// An upload of a team. Its file never changes.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize, Deserialize)]
pub struct Submission {
    /// Its id.
    pub id: String,
    /// Its round.
    pub round_id: String,
    /// Whose it is.
    pub team_id: String,
    /// Who uploaded it.
    pub account_id: String,
    kind: String,
    /// Of an attack on one team only: that team.
    pub against: Option<String>,
    /// What its file is called here.
    pub file_name: String,
    /// Bytes of the file.
    pub bytes: i64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Decides the split.
    pub seed: i64,
    /// When it had arrived.
    pub received_at: Millis,
    /// When the team last chose it.
    pub chosen_at: Option<Millis>,
    state: String,
    /// When the last work on it began.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub finished_at: Option<Millis>,
    /// Why it was refused or failed.
    pub reason: Option<String>,
    /// What the check found, as JSON.
    pub outcome: Option<String>,
}

/// What the file of a defence is called that the server runs.
pub(crate) const SPECIFICATION: &str = "defence.txt";
/// What that of one is called that the laboratory records.
pub(crate) const RECORDING: &str = "secretstroll.toml";

/// How far a submission has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// Checked, and scored where it is an attack.
    Done,
    /// Checked, and it does not count until organisers accept it.
    Held,
    /// The rules do not allow it.
    Refused,
    /// The server could not; organisers may try again.
    Failed,
}

impl State {
    /// Its name, in the database and for readers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl Submission {
    /// Whether it is a defence that the server runs on undefended traffic, and its file the specification.
    pub fn is_specification(&self) -> bool {
        self.file_name == SPECIFICATION
    }

    /// Whether it is a defence of SecretStroll that the laboratory records, and its file what is to be done.
    pub fn is_recording(&self) -> bool {
        self.file_name == RECORDING
    }

    /// Whether its file has words, and the server makes the traces.
    pub fn is_of_words(&self) -> bool {
        self.is_specification() || self.is_recording()
    }

    /// How far it has got.
    pub fn state(&self) -> State {
        [State::Queued, State::Running, State::Done, State::Held, State::Refused]
            .into_iter()
            .find(|state| state.name() == self.state)
            .unwrap_or(State::Failed)
    }

    /// What its check found; nothing where there was none yet.
    ///
    /// # Errors
    /// What was kept by a later version.
    pub fn outcome(&self) -> serde_json::Result<Outcome> {
        Ok(self.outcome.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default())
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        if self.kind == Kind::Defence.name() { Kind::Defence } else { Kind::Attack }
    }

    /// Defences in the order in which teams chose them, latest last.
    pub fn chosen(&self) -> Millis {
        self.chosen_at.unwrap_or(self.received_at)
    }
}

const COLUMNS: &str = "id, round_id, team_id, account_id, kind, against, file_name, bytes, sha256, seed, received_at, \
                       chosen_at, state, started_at, finished_at, reason, outcome";

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM submission {rest}"))
}

/// What lists of submissions are sorted by.
pub mod by {
    use super::Expression;

    /// When they had arrived.
    pub const RECEIVED: Expression = Expression::number("submission.received_at");
    /// The number of the round.
    pub const ROUND: Expression =
        Expression::number("(SELECT round.number FROM round WHERE round.id = submission.round_id)");
    /// The name of the team.
    pub const TEAM: Expression =
        Expression::text("(SELECT team.name_key FROM team WHERE team.id = submission.team_id)");
    /// Defences and attacks.
    pub const KIND: Expression = Expression::text("submission.kind");
    /// How far they have got.
    pub const STATE: Expression = Expression::text("submission.state");
    /// Bytes of the file.
    pub const SIZE: Expression = Expression::number("submission.bytes");
}

const fn listed<'a>(filter: &'a str, values: &'a [&'a str]) -> Listed<'a> {
    Listed { columns: COLUMNS, from: "submission", id: "submission.id", filter, values }
}

/// A new one, not yet in the database.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its round.
    pub round_id: &'a str,
    /// Whose it is.
    pub team_id: &'a str,
    /// Who uploaded it.
    pub account_id: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Of an attack on one team only: that team.
    pub against: Option<&'a str>,
    /// What its file is called here.
    pub file_name: &'a str,
    /// Bytes of the file.
    pub bytes: i64,
    /// SHA-256 of the file.
    pub sha256: &'a str,
    /// Decides the split.
    pub seed: i64,
    /// When it had arrived.
    pub received_at: Millis,
}

/// Queues a new one.
pub async fn insert(conn: &mut Conn, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO submission (id, round_id, team_id, account_id, kind, against, file_name, bytes, sha256, seed, received_at,
         state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued')",
    )
    .bind(new.id)
    .bind(new.round_id)
    .bind(new.team_id)
    .bind(new.account_id)
    .bind(new.kind.name())
    .bind(new.against)
    .bind(new.file_name)
    .bind(new.bytes)
    .bind(new.sha256)
    .bind(new.seed)
    .bind(new.received_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// The one of an id.
pub async fn by_id(conn: &mut Conn, id: &str) -> sqlx::Result<Option<Submission>> {
    sqlx::query_as(select("WHERE id = $1")).bind(id).fetch_optional(conn).await
}

/// Ids of all there are.
pub async fn ids(conn: &mut Conn) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> = sqlx::query_as("SELECT id FROM submission").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Those of a team, newest first.
pub async fn of_team(conn: &mut Conn, team_id: &str) -> sqlx::Result<Vec<Submission>> {
    sqlx::query_as(select("WHERE team_id = $1 ORDER BY received_at DESC, id")).bind(team_id).fetch_all(conn).await
}

/// A page of those of a team, of one round if its id is given.
pub async fn page_of_team(
    conn: &mut Conn,
    team_id: &str,
    round_id: &str,
    ask: &Ask<Expression>,
) -> sqlx::Result<Paged<Submission>> {
    let filter = "submission.team_id = $1 AND ($2 = '' OR submission.round_id = $2)";
    paging::page(conn, listed(filter, &[team_id, round_id]), ask).await
}

/// Those of a round and kind, oldest first.
pub async fn of_round(conn: &mut Conn, round_id: &str, kind: Kind) -> sqlx::Result<Vec<Submission>> {
    sqlx::query_as(select("WHERE round_id = $1 AND kind = $2 ORDER BY received_at, id"))
        .bind(round_id)
        .bind(kind.name())
        .fetch_all(conn)
        .await
}

/// A page of those of all teams, of one state if it is named.
pub async fn page(conn: &mut Conn, state: &str, ask: &Ask<Expression>) -> sqlx::Result<Paged<Submission>> {
    paging::page(conn, listed("($1 = '' OR submission.state = $1)", &[state]), ask).await
}

/// The newest of all teams.
pub async fn newest(conn: &mut Conn, most: i64) -> sqlx::Result<Vec<Submission>> {
    sqlx::query_as(select("ORDER BY received_at DESC, id LIMIT $1")).bind(most).fetch_all(conn).await
}

/// How many are in each state.
pub async fn counts(conn: &mut Conn) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as("SELECT state, COUNT(*) FROM submission GROUP BY state ORDER BY state").fetch_all(conn).await
}

/// When the one that has waited longest had arrived.
pub async fn oldest_queued(conn: &mut Conn) -> sqlx::Result<Option<Millis>> {
    let row: (Option<Millis>,) =
        sqlx::query_as("SELECT MIN(received_at) FROM submission WHERE state = 'queued'").fetch_one(conn).await?;
    Ok(row.0)
}

/// How many wait before this one.
pub async fn ahead(conn: &mut Conn, submission: &Submission) -> sqlx::Result<i64> {
    let row: (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM submission WHERE state = 'queued' AND (received_at < $1 OR (received_at = $1 AND id < $2))",
    )
    .bind(submission.received_at)
    .bind(&submission.id)
    .fetch_one(conn)
    .await?;
    Ok(row.0)
}

/// How many of a round are not settled yet.
pub async fn open(conn: &mut Conn, round_id: &str, kind: Kind) -> sqlx::Result<i64> {
    let row: (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM submission WHERE round_id = $1 AND kind = $2 AND state IN ('queued', 'running')",
    )
    .bind(round_id)
    .bind(kind.name())
    .fetch_one(conn)
    .await?;
    Ok(row.0)
}

/// A team chooses a defence that it had uploaded before.
pub async fn choose(conn: &mut Conn, id: &str, now: Millis) -> sqlx::Result<()> {
    sqlx::query("UPDATE submission SET chosen_at = $1 WHERE id = $2").bind(now).bind(id).execute(conn).await?;
    Ok(())
}

/// Work on one begins; false where there is none to do.
pub async fn begin(conn: &mut Conn, id: &str, now: Millis) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE submission SET state = 'running', started_at = $1 WHERE id = $2 AND state IN ('queued', 'running')",
    )
    .bind(now)
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How work on a submission ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// A final state.
    pub state: State,
    /// Why it was refused or failed.
    pub reason: Option<String>,
    /// What was found, as JSON.
    pub outcome: Option<String>,
    /// The version of what checked and scored it.
    pub scorer: String,
}

/// Ends the work on one; false where there was none to do.
pub async fn end(conn: &mut Conn, id: &str, ended: &Ended, now: Millis) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE submission SET state = $1, reason = $2, outcome = $3, scorer = $4, finished_at = $5
         WHERE id = $6 AND state IN ('queued', 'running')",
    )
    .bind(ended.state.name())
    .bind(&ended.reason)
    .bind(&ended.outcome)
    .bind(&ended.scorer)
    .bind(now)
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Organisers end work that waits or has begun, whose end then counts for nothing; false where there is none.
pub async fn cancel(conn: &mut Conn, id: &str, now: Millis) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE submission SET state = 'failed', finished_at = $1, reason = 'Organisers cancelled it.'
         WHERE id = $2 AND state IN ('queued', 'running')",
    )
    .bind(now)
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Organisers decide on one that is held; false where it is not. Its outcome says who.
pub async fn decide(
    conn: &mut Conn,
    id: &str,
    state: State,
    reason: Option<&str>,
    outcome: &str,
) -> sqlx::Result<bool> {
    let done =
        sqlx::query("UPDATE submission SET state = $1, reason = $2, outcome = $3 WHERE id = $4 AND state = 'held'")
            .bind(state.name())
            .bind(reason)
            .bind(outcome)
            .bind(id)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() > 0)
}

/// Organisers have one worked on again; false where it is not final.
pub async fn requeue(conn: &mut Conn, id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE submission SET state = 'queued', reason = NULL, finished_at = NULL
         WHERE id = $1 AND state NOT IN ('queued', 'running')",
    )
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
