//! Rounds, which defences they pinned, and their matches.

use super::Conn;
use crate::Millis;
use crate::game::{Round, Settings};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    number: i64,
    name: String,
    opens_at: Millis,
    defence_at: Millis,
    attack_at: Millis,
    closes_at: Millis,
    settings: String,
    seed: i64,
    settled_at: Option<Millis>,
}

impl TryFrom<Row> for Round {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let settings: Settings =
            serde_json::from_str(&row.settings).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self {
            id: row.id,
            number: row.number,
            name: row.name,
            opens_at: row.opens_at,
            defence_at: row.defence_at,
            attack_at: row.attack_at,
            closes_at: row.closes_at,
            settings,
            seed: row.seed,
            settled_at: row.settled_at,
        })
    }
}

const SELECT: &str =
    "SELECT id, number, name, opens_at, defence_at, attack_at, closes_at, settings, seed, settled_at FROM round";

/// All rounds, by number.
pub async fn all(conn: &mut Conn) -> sqlx::Result<Vec<Round>> {
    let sql = format!("{SELECT} ORDER BY number");
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(conn).await?;
    rows.into_iter().map(Round::try_from).collect()
}

/// The round of a number.
pub async fn by_number(conn: &mut Conn, number: i64) -> sqlx::Result<Option<Round>> {
    let sql = format!("{SELECT} WHERE number = $1");
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(number).fetch_optional(conn).await?;
    row.map(Round::try_from).transpose()
}

/// The round of an id.
pub async fn by_id(conn: &mut Conn, id: &str) -> sqlx::Result<Option<Round>> {
    let sql = format!("{SELECT} WHERE id = $1");
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(conn).await?;
    row.map(Round::try_from).transpose()
}

/// Makes a round, or changes the one of its id.
pub async fn save(conn: &mut Conn, round: &Round) -> sqlx::Result<()> {
    let settings = serde_json::to_string(&round.settings).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(
        "INSERT INTO round (id, number, name, opens_at, defence_at, attack_at, closes_at, settings, seed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, opens_at = excluded.opens_at, defence_at = excluded.defence_at,
         attack_at = excluded.attack_at, closes_at = excluded.closes_at, settings = excluded.settings, seed = excluded.seed",
    )
    .bind(&round.id)
    .bind(round.number)
    .bind(&round.name)
    .bind(round.opens_at)
    .bind(round.defence_at)
    .bind(round.attack_at)
    .bind(round.closes_at)
    .bind(settings)
    .bind(round.seed)
    .execute(conn)
    .await?;
    Ok(())
}

/// Pins defences and draws matches, once: false where that was done before.
pub async fn settle(
    conn: &mut Conn,
    round_id: &str,
    pins: &[(String, String)],
    matches: &[(String, String)],
    now: Millis,
) -> sqlx::Result<bool> {
    let first = sqlx::query("UPDATE round SET settled_at = $1 WHERE id = $2 AND settled_at IS NULL")
        .bind(now)
        .bind(round_id)
        .execute(&mut *conn)
        .await?;
    if first.rows_affected() == 0 {
        return Ok(false);
    }
    for (team, submission) in pins {
        sqlx::query("INSERT INTO pin (round_id, team_id, submission_id) VALUES ($1, $2, $3)")
            .bind(round_id)
            .bind(team)
            .bind(submission)
            .execute(&mut *conn)
            .await?;
    }
    for (position, (attacker, defender)) in matches.iter().enumerate() {
        sqlx::query("INSERT INTO game (round_id, attacker_id, defender_id, position) VALUES ($1, $2, $3, $4)")
            .bind(round_id)
            .bind(attacker)
            .bind(defender)
            .bind(position as i64)
            .execute(&mut *conn)
            .await?;
    }
    Ok(true)
}

/// Which submission each team defends with, by team.
pub async fn pins(conn: &mut Conn, round_id: &str) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT team_id, submission_id FROM pin WHERE round_id = $1 ORDER BY team_id")
        .bind(round_id)
        .fetch_all(conn)
        .await
}

/// The matches of a round, attacker and defender, as drawn.
pub async fn matches(conn: &mut Conn, round_id: &str) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT attacker_id, defender_id FROM game WHERE round_id = $1 ORDER BY position")
        .bind(round_id)
        .fetch_all(conn)
        .await
}
