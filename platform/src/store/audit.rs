//! Who did what: one row for all that changes what others see.

use super::Conn;
use super::paging::{self, Ask, Expression, Listed, Paged};
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

/// What entries are sorted by.
pub mod by {
    use super::Expression;

    /// When.
    pub const AT: Expression = Expression::number("audit.at");
    /// Who.
    pub const ACCOUNT: Expression = Expression::text("audit.account");
    /// What was done.
    pub const ACTION: Expression = Expression::text("audit.action");
    /// To what.
    pub const SUBJECT: Expression = Expression::text("audit.subject");
}

/// A page of entries, those of one action or of one account if they are named.
pub async fn page(conn: &mut Conn, action: &str, account: &str, ask: &Ask<Expression>) -> sqlx::Result<Paged<Entry>> {
    let list = Listed {
        columns: "at, account, action, subject, detail",
        from: "audit",
        id: "audit.id",
        filter: "($1 = '' OR audit.action = $1) AND ($2 = '' OR audit.account = $2)",
        values: &[action, account],
    };
    paging::page(conn, list, ask).await
}

/// Every kind of action there is.
pub async fn actions(conn: &mut Conn) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT DISTINCT action FROM audit ORDER BY action").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(action,)| action).collect())
}
