//! Accounts, sessions, tokens, invitations.

use serde::Serialize;

use super::paging::{self, Ask, Expression, Listed, Paged};
use super::{Conn, key};
use crate::{Millis, digest};

/// Somebody who can sign in.
#[derive(Debug, Clone, sqlx::FromRow, Serialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its name, which others see.
    pub name: String,
    /// Where mail goes; only organisers see it.
    pub email: String,
    /// The hash of the password.
    #[serde(skip)]
    pub password: String,
    /// `player` or `organiser`.
    pub role: String,
    /// Whether it may not sign in: 0 or 1, as both databases have it.
    pub locked: i64,
    /// Since when.
    pub created_at: Millis,
    /// When somebody followed a link that was sent to the address.
    pub confirmed_at: Option<Millis>,
}

impl Account {
    /// Whether it runs the competition.
    pub fn organises(&self) -> bool {
        self.role == "organiser"
    }
}

const COLUMNS: &str = "id, name, email, password, role, locked, created_at, confirmed_at";

/// Makes an account. Names and addresses that differ in case only are the same: the database refuses the second.
pub async fn insert(conn: &mut Conn, account: &Account) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO account (id, name, name_key, email, email_key, password, role, locked, created_at, confirmed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&account.id)
    .bind(&account.name)
    .bind(key(&account.name))
    .bind(&account.email)
    .bind(key(&account.email))
    .bind(&account.password)
    .bind(&account.role)
    .bind(account.locked)
    .bind(account.created_at)
    .bind(account.confirmed_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// The account of a name.
pub async fn by_name(conn: &mut Conn, name: &str) -> sqlx::Result<Option<Account>> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE name_key = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(key(name)).fetch_optional(conn).await
}

/// The account of an address.
pub async fn by_email(conn: &mut Conn, email: &str) -> sqlx::Result<Option<Account>> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE email_key = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(key(email)).fetch_optional(conn).await
}

/// An account and its team, for organisers.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AccountLine {
    /// Its name.
    pub name: String,
    /// Its address.
    pub email: String,
    /// Its role.
    pub role: String,
    /// Whether it is locked: 0 or 1.
    pub locked: i64,
    /// Its team.
    pub team: Option<String>,
}

/// What accounts are sorted by.
pub mod by {
    use super::Expression;

    /// The name.
    pub const NAME: Expression = Expression::text("account.name_key");
    /// The address.
    pub const EMAIL: Expression = Expression::text("account.email_key");
    /// The role.
    pub const ROLE: Expression = Expression::text("account.role");
    /// The name of the team.
    pub const TEAM: Expression = Expression::text("COALESCE(team.name_key, '')");
}

/// A page of the accounts, those with some letters in their name, address or team if they are given.
pub async fn page(conn: &mut Conn, search: &str, ask: &Ask<Expression>) -> sqlx::Result<Paged<AccountLine>> {
    // What means something else in a pattern is a letter here.
    let pattern: String =
        key(search).chars().flat_map(|c| ['!', c].into_iter().skip(usize::from(!"!%_".contains(c)))).collect();
    let pattern = format!("%{pattern}%");
    let list = Listed {
        columns: "account.name, account.email, account.role, account.locked, team.name AS team",
        from: "account LEFT JOIN membership ON membership.account_id = account.id
               LEFT JOIN team ON team.id = membership.team_id",
        id: "account.id",
        filter: "(account.name_key LIKE $1 ESCAPE '!' OR account.email_key LIKE $1 ESCAPE '!'
                 OR team.name_key LIKE $1 ESCAPE '!')",
        values: &[&pattern],
    };
    paging::page(conn, list, ask).await
}

/// How many accounts there are.
pub async fn count(conn: &mut Conn) -> sqlx::Result<i64> {
    Ok(sqlx::query_as::<_, (i64,)>("SELECT COUNT(*) FROM account").fetch_one(conn).await?.0)
}

/// Sets the password, and ends all sessions and tokens: whoever knew the old one is out.
pub async fn set_password(conn: &mut Conn, account_id: &str, password: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE account SET password = $1 WHERE id = $2")
        .bind(password)
        .bind(account_id)
        .execute(&mut *conn)
        .await?;
    end_all(conn, account_id).await
}

/// The address is right: somebody followed a link that was sent there.
pub async fn set_confirmed(conn: &mut Conn, account_id: &str, now: Millis) -> sqlx::Result<()> {
    sqlx::query("UPDATE account SET confirmed_at = $1 WHERE id = $2 AND confirmed_at IS NULL")
        .bind(now)
        .bind(account_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// The account of an id.
pub async fn by_id(conn: &mut Conn, id: &str) -> sqlx::Result<Option<Account>> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE id = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(conn).await
}

/// Locks or unlocks an account, and ends its sessions and tokens.
pub async fn set_locked(conn: &mut Conn, account_id: &str, locked: bool) -> sqlx::Result<()> {
    sqlx::query("UPDATE account SET locked = $1 WHERE id = $2")
        .bind(i64::from(locked))
        .bind(account_id)
        .execute(&mut *conn)
        .await?;
    end_all(conn, account_id).await
}

async fn end_all(conn: &mut Conn, account_id: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM session WHERE account_id = $1").bind(account_id).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM api_token WHERE account_id = $1").bind(account_id).execute(conn).await?;
    Ok(())
}

/// How long a session lasts.
pub const SESSION: Millis = 14 * 24 * 3_600_000;

/// A session, as far as its cookie tells.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Session {
    /// Its id, which is no secret.
    pub id: String,
    /// Its account.
    pub account_id: String,
    /// What forms must send back.
    pub csrf: String,
    /// What the next page tells.
    pub notice: Option<String>,
    /// When it was last used, to [`SEEN`].
    pub seen_at: Millis,
}

/// How roughly is noted when a session was last used.
pub const SEEN: Millis = 10 * 60_000;

/// A session that begins.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: &'a str,
    /// What its cookie holds; only its hash is kept.
    pub secret: &'a str,
    /// What forms must send back.
    pub csrf: &'a str,
    /// Whose it is.
    pub account_id: &'a str,
    /// Roughly with what it was begun, such as `Firefox on Linux`.
    pub browser: &'a str,
}

/// Begins a session.
pub async fn begin_session(conn: &mut Conn, new: &NewSession<'_>, now: Millis) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO session (id, token_hash, account_id, csrf, browser, created_at, seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new.id)
    .bind(digest(new.secret))
    .bind(new.account_id)
    .bind(new.csrf)
    .bind(new.browser)
    .bind(now)
    .bind(now)
    .bind(now + SESSION)
    .execute(conn)
    .await?;
    Ok(())
}

/// A session, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SessionLine {
    /// Its id.
    pub id: String,
    /// Since when.
    pub created_at: Millis,
    /// When it was last used, to [`SEEN`].
    pub seen_at: Millis,
    /// Roughly with what it was begun.
    pub browser: String,
}

/// The sessions of an account, last used first.
pub async fn sessions(conn: &mut Conn, account_id: &str, now: Millis) -> sqlx::Result<Vec<SessionLine>> {
    sqlx::query_as(
        "SELECT id, created_at, seen_at, browser FROM session WHERE account_id = $1 AND expires_at > $2
         ORDER BY seen_at DESC, created_at DESC, id",
    )
    .bind(account_id)
    .bind(now)
    .fetch_all(conn)
    .await
}

/// A session is used.
pub async fn see_session(conn: &mut Conn, id: &str, now: Millis) -> sqlx::Result<()> {
    sqlx::query("UPDATE session SET seen_at = $1 WHERE id = $2").bind(now).bind(id).execute(conn).await?;
    Ok(())
}

/// Ends a session of an account by its id; whether there was one.
pub async fn end_session_of(conn: &mut Conn, account_id: &str, id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM session WHERE account_id = $1 AND id = $2")
        .bind(account_id)
        .bind(id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all sessions of an account but the one of a secret; how many.
pub async fn end_other_sessions(conn: &mut Conn, account_id: &str, secret: &str) -> sqlx::Result<u64> {
    let done = sqlx::query("DELETE FROM session WHERE account_id = $1 AND token_hash <> $2")
        .bind(account_id)
        .bind(digest(secret))
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// The session of a cookie, and its account unless that is locked.
pub async fn session(conn: &mut Conn, secret: &str, now: Millis) -> sqlx::Result<Option<(Session, Account)>> {
    let session: Option<Session> = sqlx::query_as(
        "SELECT id, account_id, csrf, notice, seen_at FROM session WHERE token_hash = $1 AND expires_at > $2",
    )
    .bind(digest(secret))
    .bind(now)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(session) = session else { return Ok(None) };
    Ok(unlocked(conn, &session.account_id).await?.map(|account| (session, account)))
}

async fn unlocked(conn: &mut Conn, id: &str) -> sqlx::Result<Option<Account>> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE id = $1 AND locked = 0");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(conn).await
}

/// Ends a session.
pub async fn end_session(conn: &mut Conn, secret: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM session WHERE token_hash = $1").bind(digest(secret)).execute(conn).await?;
    Ok(())
}

/// What the next page of a session tells; nothing clears it.
pub async fn set_notice(conn: &mut Conn, secret: &str, notice: Option<&str>) -> sqlx::Result<()> {
    sqlx::query("UPDATE session SET notice = $1 WHERE token_hash = $2")
        .bind(notice)
        .bind(digest(secret))
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets sessions and links that have ended.
pub async fn prune(conn: &mut Conn, now: Millis) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM session WHERE expires_at <= $1").bind(now).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM one_time WHERE expires_at <= $1").bind(now).execute(conn).await?;
    Ok(())
}

/// A token of the API, without its secret.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ApiToken {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// Since when.
    pub created_at: Millis,
}

/// Keeps a token by the hash of its secret.
pub async fn insert_token(conn: &mut Conn, token: &ApiToken, secret: &str, account_id: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO api_token (id, token_hash, account_id, label, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(&token.id)
        .bind(digest(secret))
        .bind(account_id)
        .bind(&token.label)
        .bind(token.created_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// The tokens of an account.
pub async fn tokens(conn: &mut Conn, account_id: &str) -> sqlx::Result<Vec<ApiToken>> {
    sqlx::query_as("SELECT id, label, created_at FROM api_token WHERE account_id = $1 ORDER BY created_at, id")
        .bind(account_id)
        .fetch_all(conn)
        .await
}

/// Ends a token of an account; whether there was one.
pub async fn delete_token(conn: &mut Conn, account_id: &str, id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM api_token WHERE id = $1 AND account_id = $2")
        .bind(id)
        .bind(account_id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends a token by its secret.
pub async fn end_token(conn: &mut Conn, secret: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM api_token WHERE token_hash = $1").bind(digest(secret)).execute(conn).await?;
    Ok(())
}

/// The account of a token, unless it is locked.
pub async fn by_token(conn: &mut Conn, secret: &str) -> sqlx::Result<Option<Account>> {
    let row: Option<(String,)> = sqlx::query_as("SELECT account_id FROM api_token WHERE token_hash = $1")
        .bind(digest(secret))
        .fetch_optional(&mut *conn)
        .await?;
    match row {
        Some((id,)) => unlocked(conn, &id).await,
        None => Ok(None),
    }
}

/// An invitation, without its code.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// Whom it is for.
    pub note: String,
    /// How many may still register with it.
    pub uses_left: i64,
    /// Since when.
    pub created_at: Millis,
}

/// Keeps an invitation by the hash of its code.
pub async fn invite(conn: &mut Conn, invitation: &Invitation, code: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO invitation (id, code_hash, note, uses_left, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(&invitation.id)
        .bind(digest(code))
        .bind(&invitation.note)
        .bind(invitation.uses_left)
        .bind(invitation.created_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// All invitations.
pub async fn invitations(conn: &mut Conn) -> sqlx::Result<Vec<Invitation>> {
    sqlx::query_as("SELECT id, note, uses_left, created_at FROM invitation ORDER BY created_at, id")
        .fetch_all(conn)
        .await
}

/// Uses an invitation once; whether it could be.
pub async fn use_invitation(conn: &mut Conn, code: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE invitation SET uses_left = uses_left - 1 WHERE code_hash = $1 AND uses_left > 0")
        .bind(digest(code.trim()))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Keeps a link that works once.
pub async fn insert_one_time(
    conn: &mut Conn,
    secret: &str,
    purpose: &str,
    account_id: Option<&str>,
    expires_at: Millis,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO one_time (token_hash, purpose, account_id, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(digest(secret))
        .bind(purpose)
        .bind(account_id)
        .bind(expires_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Uses a link; the account it is of, `Some(None)` where it is of none, `None` where it does not work.
pub async fn use_one_time(
    conn: &mut Conn,
    secret: &str,
    purpose: &str,
    now: Millis,
) -> sqlx::Result<Option<Option<String>>> {
    let row: Option<(Option<String>,)> = sqlx::query_as(
        "DELETE FROM one_time WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 RETURNING account_id",
    )
    .bind(digest(secret))
    .bind(purpose)
    .bind(now)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(account,)| account))
}
