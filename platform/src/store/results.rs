//! Scores of attacks, by part of the test set.

use serde::{Deserialize, Serialize};

use super::Conn;

/// One score.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize, Deserialize)]
pub struct ScoreRow {
    /// The attack; of a house attacker the attacked defence.
    pub submission_id: String,
    /// `team`, or the name of the house attacker.
    pub attacker: String,
    /// The attacked team.
    pub defender_id: String,
    /// `public`, `private` or `all`.
    pub part: String,
    /// What scored it.
    pub scorer: String,
    /// Test traces of the part.
    pub traces: i64,
    /// Share of them that were told right.
    pub accuracy: f64,
    /// Macro one-vs-rest.
    pub roc_auc: f64,
    /// All else, as JSON.
    pub detail: String,
}

/// Keeps the scores of a submission, in place of any that it had; those of house attackers that run by themselves stay until they have
/// run again, unless there are no scores at all.
pub async fn replace(conn: &mut Conn, submission_id: &str, rows: &[ScoreRow]) -> sqlx::Result<()> {
    let all = if rows.is_empty() { 1 } else { 0_i64 };
    sqlx::query(
        "DELETE FROM result WHERE submission_id = $1 AND ($2 = 1 OR attacker NOT IN
         (SELECT house.attacker FROM house WHERE house.submission_id = $3))",
    )
    .bind(submission_id)
    .bind(all)
    .bind(submission_id)
    .execute(&mut *conn)
    .await?;
    insert(conn, rows).await
}

/// Keeps the scores of one house attacker on a defence, in place of any that it had.
pub async fn replace_house(conn: &mut Conn, of: &(String, String), rows: &[ScoreRow]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM result WHERE submission_id = $1 AND attacker = $2")
        .bind(&of.0)
        .bind(&of.1)
        .execute(&mut *conn)
        .await?;
    insert(conn, rows).await
}

async fn insert(conn: &mut Conn, rows: &[ScoreRow]) -> sqlx::Result<()> {
    for row in rows {
        sqlx::query(
            "INSERT INTO result (submission_id, attacker, defender_id, part, scorer, traces, accuracy, roc_auc, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&row.submission_id)
        .bind(&row.attacker)
        .bind(&row.defender_id)
        .bind(&row.part)
        .bind(&row.scorer)
        .bind(row.traces)
        .bind(row.accuracy)
        .bind(row.roc_auc)
        .bind(&row.detail)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// All scores of a round.
pub async fn of_round(conn: &mut Conn, round_id: &str) -> sqlx::Result<Vec<ScoreRow>> {
    sqlx::query_as(
        "SELECT result.submission_id, attacker, defender_id, part, result.scorer, traces, accuracy, roc_auc, detail FROM result
         JOIN submission ON submission.id = result.submission_id WHERE submission.round_id = $1
         ORDER BY result.submission_id, attacker, defender_id, part",
    )
    .bind(round_id)
    .fetch_all(conn)
    .await
}

/// All scores of a submission.
pub async fn of_submission(conn: &mut Conn, submission_id: &str) -> sqlx::Result<Vec<ScoreRow>> {
    sqlx::query_as(
        "SELECT submission_id, attacker, defender_id, part, scorer, traces, accuracy, roc_auc, detail FROM result
         WHERE submission_id = $1 ORDER BY attacker, defender_id, part",
    )
    .bind(submission_id)
    .fetch_all(conn)
    .await
}
