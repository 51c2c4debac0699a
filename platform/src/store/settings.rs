//! Settings of the whole competition, announcements.

use serde::{Deserialize, Serialize};

use super::Conn;
use crate::Millis;
use crate::game::Aggregation;

/// What holds for all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Competition {
    /// How the totals of rounds become one.
    pub aggregation: Aggregation,
    /// Players of a team.
    pub team_size: u32,
    /// Players may no longer make, join or leave teams.
    pub teams_locked: bool,
}

impl Default for Competition {
    fn default() -> Self {
        Self { aggregation: Aggregation::Sum, team_size: 2, teams_locked: false }
    }
}

/// What holds now.
pub async fn competition(conn: &mut Conn) -> sqlx::Result<Competition> {
    let text: Option<(String,)> =
        sqlx::query_as("SELECT value FROM setting WHERE name = 'competition'").fetch_optional(conn).await?;
    let text = text.map_or("{}".to_owned(), |(text,)| text);
    serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Changes it.
pub async fn set_competition(conn: &mut Conn, to: &Competition) -> sqlx::Result<()> {
    let text = serde_json::to_string(to).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query("INSERT INTO setting (name, value) VALUES ('competition', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(text)
        .execute(conn)
        .await?;
    Ok(())
}

/// What organisers tell all.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Announcement {
    /// When.
    pub at: Millis,
    /// What.
    pub text: String,
}

/// The newest ten.
pub async fn announcements(conn: &mut Conn) -> sqlx::Result<Vec<Announcement>> {
    sqlx::query_as("SELECT at, text FROM announcement ORDER BY at DESC, id LIMIT 10").fetch_all(conn).await
}

/// One more.
pub async fn announce(conn: &mut Conn, id: &str, at: Millis, text: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO announcement (id, at, text) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(at)
        .bind(text)
        .execute(conn)
        .await?;
    Ok(())
}
