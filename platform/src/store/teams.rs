//! Teams and who is in them.

use serde::{Deserialize, Serialize};

use super::{Conn, key};
use crate::Millis;

/// A team.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: String,
    /// Its number, the `team_id` of competition files.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// Whoever knows it may join.
    #[serde(skip)]
    pub code: String,
}

/// Makes a team; its number is the next.
pub async fn insert(conn: &mut Conn, id: &str, name: &str, code: &str, now: Millis) -> sqlx::Result<i64> {
    let (number,): (i64,) = sqlx::query_as(
        "INSERT INTO team (id, number, name, name_key, code, created_at)
         SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5 FROM team RETURNING number",
    )
    .bind(id)
    .bind(name)
    .bind(key(name))
    .bind(code)
    .bind(now)
    .fetch_one(conn)
    .await?;
    Ok(number)
}

/// All teams, by number.
pub async fn all(conn: &mut Conn) -> sqlx::Result<Vec<Team>> {
    sqlx::query_as("SELECT id, number, name, code FROM team ORDER BY number").fetch_all(conn).await
}

/// The team of a number.
pub async fn by_number(conn: &mut Conn, number: i64) -> sqlx::Result<Option<Team>> {
    sqlx::query_as("SELECT id, number, name, code FROM team WHERE number = $1").bind(number).fetch_optional(conn).await
}

/// The team of an id.
pub async fn by_id(conn: &mut Conn, id: &str) -> sqlx::Result<Option<Team>> {
    sqlx::query_as("SELECT id, number, name, code FROM team WHERE id = $1").bind(id).fetch_optional(conn).await
}

/// The team of a name.
pub async fn by_name(conn: &mut Conn, name: &str) -> sqlx::Result<Option<Team>> {
    sqlx::query_as("SELECT id, number, name, code FROM team WHERE name_key = $1")
        .bind(key(name))
        .fetch_optional(conn)
        .await
}

/// The team that a code lets into.
pub async fn by_code(conn: &mut Conn, code: &str) -> sqlx::Result<Option<Team>> {
    sqlx::query_as("SELECT id, number, name, code FROM team WHERE code = $1")
        .bind(code.trim())
        .fetch_optional(conn)
        .await
}

/// The team of an account.
pub async fn of_account(conn: &mut Conn, account_id: &str) -> sqlx::Result<Option<Team>> {
    sqlx::query_as(
        "SELECT team.id, team.number, team.name, team.code FROM team
         JOIN membership ON membership.team_id = team.id WHERE membership.account_id = $1",
    )
    .bind(account_id)
    .fetch_optional(conn)
    .await
}

/// Names of the players of a team.
pub async fn members(conn: &mut Conn, team_id: &str) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT account.name FROM account JOIN membership ON membership.account_id = account.id
         WHERE membership.team_id = $1 ORDER BY account.name_key",
    )
    .bind(team_id)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Puts an account into a team, out of any other.
pub async fn join(conn: &mut Conn, account_id: &str, team_id: &str, now: Millis) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO membership (account_id, team_id, joined_at) VALUES ($1, $2, $3)
         ON CONFLICT (account_id) DO UPDATE SET team_id = excluded.team_id, joined_at = excluded.joined_at",
    )
    .bind(account_id)
    .bind(team_id)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes an account out of its team.
pub async fn leave(conn: &mut Conn, account_id: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM membership WHERE account_id = $1").bind(account_id).execute(conn).await?;
    Ok(())
}

/// Gives a team another code.
pub async fn set_code(conn: &mut Conn, team_id: &str, code: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE team SET code = $1 WHERE id = $2").bind(code).bind(team_id).execute(conn).await?;
    Ok(())
}
