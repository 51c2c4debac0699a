//! Who did what: one row for all that changes what others see.

use super::Conn;
use crate::{Millis, World};

/// One entry.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Entry {
    /// When.
    pub at: Millis,
    /// Who: the name of an account, or what acted without one.
    pub account: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// How.
    pub detail: String,
}

/// Writes one entry, in the transaction of what it tells of.
pub async fn record(
    conn: &mut Conn,
    world: &World,
    account: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO audit (id, at, account, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(world.id())
        .bind(world.clock.now())
        .bind(account)
        .bind(action)
        .bind(subject)
        .bind(detail)
        .execute(conn)
        .await?;
    Ok(())
}

/// The newest entries, those of one action if it is named.
pub async fn newest(conn: &mut Conn, action: &str, most: i64) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as(
        "SELECT at, account, action, subject, detail FROM audit WHERE $1 = '' OR action = $1 ORDER BY at DESC, id LIMIT $2",
    )
    .bind(action)
    .bind(most)
    .fetch_all(conn)
    .await
}

/// Every kind of action there is.
pub async fn actions(conn: &mut Conn) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT DISTINCT action FROM audit ORDER BY action").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(action,)| action).collect())
}
