//! Attacks of the house that take long: which defence waits for which of them.

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
        "INSERT INTO house (submission_id, attacker, state, attempts, queued_at) VALUES ($1, $2, 'queued', 0, $3)
         ON CONFLICT (submission_id, attacker) DO UPDATE SET state = 'queued', attempts = 0, worker = NULL, lease_until = NULL,
         queued_at = excluded.queued_at, finished_at = NULL, reason = NULL",
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
        "INSERT INTO house (submission_id, attacker, state, attempts, queued_at)
         SELECT id, $1, 'queued', 0, $2 FROM submission WHERE kind = 'defence' AND state = 'done'
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

/// A worker takes the one that has waited longest.
pub async fn claim(conn: &mut Conn, worker: &str, lease_until: Millis) -> sqlx::Result<Option<(String, String)>> {
    let next: Option<(String, String)> = sqlx::query_as(
        "SELECT submission_id, attacker FROM house WHERE state = 'queued' ORDER BY queued_at, submission_id, attacker LIMIT 1",
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some((submission, attacker)) = next else { return Ok(None) };
    let taken = sqlx::query(
        "UPDATE house SET state = 'running', worker = $1, lease_until = $2, attempts = attempts + 1
         WHERE submission_id = $3 AND attacker = $4 AND state = 'queued'",
    )
    .bind(worker)
    .bind(lease_until)
    .bind(&submission)
    .bind(&attacker)
    .execute(conn)
    .await?;
    Ok((taken.rows_affected() > 0).then_some((submission, attacker)))
}

/// The worker still works on it.
pub async fn extend(conn: &mut Conn, of: &(String, String), worker: &str, lease_until: Millis) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE house SET lease_until = $1 WHERE submission_id = $2 AND attacker = $3 AND worker = $4 AND state = 'running'",
    )
    .bind(lease_until)
    .bind(&of.0)
    .bind(&of.1)
    .bind(worker)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the work of a worker, with a reason where it failed; false where somebody else has it meanwhile.
pub async fn end(
    conn: &mut Conn,
    of: &(String, String),
    worker: &str,
    failed: Option<&str>,
    now: Millis,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE house SET state = $1, reason = $2, finished_at = $3, lease_until = NULL
         WHERE submission_id = $4 AND attacker = $5 AND worker = $6 AND state = 'running'",
    )
    .bind(if failed.is_some() { "failed" } else { "done" })
    .bind(failed)
    .bind(now)
    .bind(&of.0)
    .bind(&of.1)
    .bind(worker)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Puts back what lost workers had; gives up on what killed `most` of them. How many of each.
pub async fn requeue_lost(conn: &mut Conn, now: Millis, most: i64) -> sqlx::Result<(u64, u64)> {
    let failed = sqlx::query(
        "UPDATE house SET state = 'failed', finished_at = $1, lease_until = NULL,
         reason = 'The attack was begun several times and never came to an end.'
         WHERE state = 'running' AND lease_until < $2 AND attempts >= $3",
    )
    .bind(now)
    .bind(now)
    .bind(most)
    .execute(&mut *conn)
    .await?;
    let queued = sqlx::query(
        "UPDATE house SET state = 'queued', worker = NULL, lease_until = NULL WHERE state = 'running' AND lease_until < $1",
    )
    .bind(now)
    .execute(conn)
    .await?;
    Ok((queued.rows_affected(), failed.rows_affected()))
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

/// How many are in each state.
pub async fn counts(conn: &mut Conn) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as("SELECT state, COUNT(*) FROM house GROUP BY state ORDER BY state").fetch_all(conn).await
}
