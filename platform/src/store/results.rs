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

/// Keeps the scores of a submission, in place of any that it had.
pub async fn replace(conn: &mut Conn, submission_id: &str, rows: &[ScoreRow]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM result WHERE submission_id = $1").bind(submission_id).execute(&mut *conn).await?;
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
