//! Attacks of the house that take long: which defence waits for which of them.

use std::collections::BTreeMap;

use super::Conn;
use crate::Millis;

/// One of them on one defence.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct House {
    /// The defence.
    pub submission_id: String,
    /// The name of the attacker.
    pub attacker: String,
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    /// Why it failed.
    pub reason: Option<String>,
}

/// Has an attacker run on a defence, again if it has run.
pub async fn queue(conn: &mut Conn, submission_id: &str, attacker: &str, now: Millis) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO house (submission_id, attacker, state, queued_at) VALUES ($1, $2, 'queued', $3)
         ON CONFLICT (submission_id, attacker) DO UPDATE SET state = 'queued', queued_at = excluded.queued_at, finished_at = NULL,
         reason = NULL",
    )
    .bind(submission_id)
    .bind(attacker)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Has an attacker run on every defence that passed its check and that it has never been asked about: those of before it was chosen.
pub async fn queue_missing(conn: &mut Conn, attacker: &str, now: Millis) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "INSERT INTO house (submission_id, attacker, state, queued_at)
         SELECT id, $1, 'queued', $2 FROM submission WHERE kind = 'defence' AND state = 'done'
         AND NOT EXISTS (SELECT 1 FROM house WHERE house.submission_id = submission.id AND house.attacker = $3)",
    )
    .bind(attacker)
    .bind(now)
    .bind(attacker)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Nothing is to run on a defence any more.
pub async fn forget(conn: &mut Conn, submission_id: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM house WHERE submission_id = $1").bind(submission_id).execute(conn).await?;
    Ok(())
}

/// An attack begins; false where there is none to do.
pub async fn begin(conn: &mut Conn, of: &(String, String)) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE house SET state = 'running' WHERE submission_id = $1 AND attacker = $2 AND state IN ('queued', 'running')",
    )
    .bind(&of.0)
    .bind(&of.1)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// An attack ends, with a reason where it failed.
pub async fn end(conn: &mut Conn, of: &(String, String), failed: Option<&str>, now: Millis) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE house SET state = $1, reason = $2, finished_at = $3, known_at = COALESCE(known_at, $4)
         WHERE submission_id = $5 AND attacker = $6",
    )
    .bind(if failed.is_some() { "failed" } else { "done" })
    .bind(failed)
    .bind(now)
    .bind(if failed.is_some() { None } else { Some(now) })
    .bind(&of.0)
    .bind(&of.1)
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of a defence, by name.
pub async fn of_submission(conn: &mut Conn, submission_id: &str) -> sqlx::Result<Vec<House>> {
    sqlx::query_as(
        "SELECT submission_id, attacker, state, reason FROM house WHERE submission_id = $1 ORDER BY attacker",
    )
    .bind(submission_id)
    .fetch_all(conn)
    .await
}

/// When the score of each on each defence of a round was first known.
pub async fn known(conn: &mut Conn, round_id: &str) -> sqlx::Result<BTreeMap<(String, String), Millis>> {
    let rows: Vec<(String, String, Millis)> = sqlx::query_as(
        "SELECT house.submission_id, house.attacker, house.known_at FROM house
         JOIN submission ON submission.id = house.submission_id
         WHERE submission.round_id = $1 AND house.known_at IS NOT NULL",
    )
    .bind(round_id)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(submission, attacker, at)| ((submission, attacker), at)).collect())
}

/// How many are in each state.
pub async fn counts(conn: &mut Conn) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as("SELECT state, COUNT(*) FROM house GROUP BY state ORDER BY state").fetch_all(conn).await
}
