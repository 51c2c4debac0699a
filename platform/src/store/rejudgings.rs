//! Rejudgings: submissions that are checked and scored again beside what counts.

use super::Conn;
use super::results::{self, ScoreRow};
use super::submissions::Ended;
use crate::Millis;
use crate::game::Kind;

/// A rejudging.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Rejudging {
    /// Its id.
    pub id: String,
    /// The round of its submissions.
    pub round_id: String,
    /// What they are.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who began it.
    pub account: String,
    /// When.
    pub created_at: Millis,
    /// `open`, `applied` or `dropped`.
    pub state: String,
}

/// One of its submissions.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Rejudged {
    /// The submission.
    pub submission_id: String,
    /// What it would be; none until it is known.
    pub state: Option<String>,
    /// Why it would be refused or failed.
    pub reason: Option<String>,
    /// What was found, as JSON.
    pub outcome: Option<String>,
    /// Its scores, as JSON.
    pub scores: Option<String>,
    /// What checked and scored it.
    pub scorer: Option<String>,
}

const SELECT: &str = "SELECT id, round_id, kind, reason, account, created_at, state FROM rejudging";

/// Begins one over the submissions of a round and kind that are settled now; how many those are.
pub async fn begin(conn: &mut Conn, new: &Rejudging, kind: Kind) -> sqlx::Result<u64> {
    sqlx::query(
        "INSERT INTO rejudging (id, round_id, kind, reason, account, created_at, state) VALUES ($1, $2, $3, $4, $5, $6, 'open')",
    )
    .bind(&new.id)
    .bind(&new.round_id)
    .bind(kind.name())
    .bind(&new.reason)
    .bind(&new.account)
    .bind(new.created_at)
    .execute(&mut *conn)
    .await?;
    let listed = sqlx::query(
        "INSERT INTO rejudged (rejudging_id, submission_id) SELECT $1, id FROM submission
         WHERE round_id = $2 AND kind = $3 AND state NOT IN ('queued', 'running')",
    )
    .bind(&new.id)
    .bind(&new.round_id)
    .bind(kind.name())
    .execute(conn)
    .await?;
    Ok(listed.rows_affected())
}

/// All, newest first.
pub async fn all(conn: &mut Conn) -> sqlx::Result<Vec<Rejudging>> {
    let sql = format!("{SELECT} ORDER BY created_at DESC, id");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(conn).await
}

/// The one of an id.
pub async fn by_id(conn: &mut Conn, id: &str) -> sqlx::Result<Option<Rejudging>> {
    let sql = format!("{SELECT} WHERE id = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(conn).await
}

/// Its submissions.
pub async fn list(conn: &mut Conn, id: &str) -> sqlx::Result<Vec<Rejudged>> {
    sqlx::query_as(
        "SELECT submission_id, state, reason, outcome, scores, scorer FROM rejudged WHERE rejudging_id = $1 ORDER BY submission_id",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// What one of its submissions came to.
pub async fn end(conn: &mut Conn, id: &str, submission: &str, ended: &Ended, scores: &str) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE rejudged SET state = $1, reason = $2, outcome = $3, scores = $4, scorer = $5
         WHERE rejudging_id = $6 AND submission_id = $7 AND state IS NULL",
    )
    .bind(ended.state.name())
    .bind(&ended.reason)
    .bind(&ended.outcome)
    .bind(scores)
    .bind(&ended.scorer)
    .bind(id)
    .bind(submission)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends an open rejudging; false where it is not open.
pub async fn close(conn: &mut Conn, id: &str, state: &str, now: Millis) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE rejudging SET state = $1, ended_at = $2 WHERE id = $3 AND state = 'open'")
        .bind(state)
        .bind(now)
        .bind(id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Has what was found count.
pub async fn apply(conn: &mut Conn, one: &Rejudged, scores: &[ScoreRow]) -> sqlx::Result<()> {
    sqlx::query("UPDATE submission SET state = $1, reason = $2, outcome = $3, scorer = $4 WHERE id = $5")
        .bind(&one.state)
        .bind(&one.reason)
        .bind(&one.outcome)
        .bind(&one.scorer)
        .bind(&one.submission_id)
        .execute(&mut *conn)
        .await?;
    results::replace(conn, &one.submission_id, scores).await
}
