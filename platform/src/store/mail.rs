//! Mail that waits to be sent.

use super::Conn;
use super::paging::{self, Ask, Expression, Listed, Paged};
use crate::Millis;

/// Attempts before a mail waits for an organiser: with pauses of up to an hour, those of a day and a half.
pub const MOST_ATTEMPTS: i64 = 40;

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Mail {
    /// Its id, also of its `Message-ID`.
    pub id: String,
    /// To whom.
    pub address: String,
    /// About what.
    pub subject: String,
    /// Its text; empty when it was sent.
    pub body: String,
    /// When it was written.
    pub created_at: Millis,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    pub next_at: Millis,
    /// When it was sent.
    pub sent_at: Option<Millis>,
    /// Why the last attempt failed.
    pub reason: Option<String>,
}

const COLUMNS: &str = "id, address, subject, body, created_at, attempts, next_at, sent_at, reason";

/// Writes one, to be sent at once.
pub async fn insert(
    conn: &mut Conn,
    id: &str,
    address: &str,
    subject: &str,
    body: &str,
    now: Millis,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO mail (id, address, subject, body, created_at, attempts, next_at) VALUES ($1, $2, $3, $4, $5, 0, $6)",
    )
    .bind(id)
    .bind(address)
    .bind(subject)
    .bind(body)
    .bind(now)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// One is tried, and next at `next_at` should nothing more be heard of it; none where it was sent.
pub async fn attempt(conn: &mut Conn, id: &str, next_at: impl Fn(i64) -> Millis) -> sqlx::Result<Option<Mail>> {
    let sql = format!("SELECT {COLUMNS} FROM mail WHERE id = $1 AND sent_at IS NULL");
    let one: Option<Mail> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *conn).await?;
    if let Some(one) = &one {
        sqlx::query("UPDATE mail SET attempts = attempts + 1, next_at = $1 WHERE id = $2")
            .bind(next_at(one.attempts))
            .bind(&one.id)
            .execute(conn)
            .await?;
    }
    Ok(one)
}

/// It was sent.
pub async fn sent(conn: &mut Conn, id: &str, now: Millis) -> sqlx::Result<()> {
    sqlx::query("UPDATE mail SET sent_at = $1, body = '', reason = NULL WHERE id = $2")
        .bind(now)
        .bind(id)
        .execute(conn)
        .await?;
    Ok(())
}

/// It was not.
pub async fn failed(conn: &mut Conn, id: &str, reason: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE mail SET reason = $1 WHERE id = $2").bind(reason).bind(id).execute(conn).await?;
    Ok(())
}

/// One was begun many times and never came to an end: it waits for an organiser.
pub async fn give_up(conn: &mut Conn, id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE mail SET attempts = $1 WHERE id = $2").bind(MOST_ATTEMPTS).bind(id).execute(&mut *conn).await?;
    failed(conn, id, "Sending it was begun several times and never came to an end.").await
}

/// Has all that wait be tried at once, those that were given up too; how many.
pub async fn retry(conn: &mut Conn, now: Millis) -> sqlx::Result<u64> {
    let done =
        sqlx::query("UPDATE mail SET attempts = 0, next_at = $1 WHERE sent_at IS NULL").bind(now).execute(conn).await?;
    Ok(done.rows_affected())
}

/// What mails are sorted by.
pub mod by {
    use super::Expression;

    /// When they were sent; those that wait are the newest.
    pub const SENT: Expression = Expression::number("COALESCE(mail.sent_at, 9000000000000 + mail.created_at)");
    /// When they were written.
    pub const WRITTEN: Expression = Expression::number("mail.created_at");
    /// To whom.
    pub const TO: Expression = Expression::text("mail.address");
    /// About what.
    pub const ABOUT: Expression = Expression::text("mail.subject");
    /// How often they were tried.
    pub const ATTEMPTS: Expression = Expression::number("mail.attempts");
}

/// A page of them.
pub async fn page(conn: &mut Conn, ask: &Ask<Expression>) -> sqlx::Result<Paged<Mail>> {
    let list = Listed { columns: COLUMNS, from: "mail", id: "mail.id", filter: "1 = 1", values: &[] };
    paging::page(conn, list, ask).await
}

/// How many wait, and how many of these have failed before.
pub async fn waiting(conn: &mut Conn) -> sqlx::Result<(i64, i64)> {
    let (waiting,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM mail WHERE sent_at IS NULL").fetch_one(&mut *conn).await?;
    let (failing,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM mail WHERE sent_at IS NULL AND reason IS NOT NULL")
        .fetch_one(conn)
        .await?;
    Ok((waiting, failing))
}
