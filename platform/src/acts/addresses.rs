//! Addresses of accounts: that they are right, and links that go to them.

use super::Person;
use super::accounts::{RESET, RESET_PURPOSE};
use crate::post::Letter;
use crate::store::accounts::{self, Account};
use crate::store::{Conn, Writing, attempts, audit};
use crate::{App, Failure, Millis};

/// How long a link that confirms an address works.
const CONFIRM: Millis = 14 * 24 * 3_600_000;
const CONFIRM_PURPOSE: &str = "confirm";

/// Writes the mail that confirms the address of an account.
pub(super) async fn ask_to_confirm(app: &App, tx: &mut Writing, account: &Account) -> Result<(), Failure> {
    if app.options.post.is_none() {
        return Ok(());
    }
    let secret = app.world.secret();
    accounts::insert_one_time(tx, &secret, CONFIRM_PURPOSE, Some(&account.id), app.now() + CONFIRM).await?;
    app.write_to(tx, account, &Letter::Confirm(&secret)).await
}

/// Sends that mail again.
///
/// # Errors
/// An address that is confirmed, a server that sends no mail, too many of them.
pub async fn confirm_again(app: &App, account: &Account) -> Result<(), Failure> {
    if app.options.post.is_none() {
        return Err(Failure::Conflict("This server sends no mail.".to_owned()));
    }
    if account.confirmed_at.is_some() {
        return Err(Failure::Conflict("The address is confirmed.".to_owned()));
    }
    let now = app.now();
    let mut tx = app.store.write().await?;
    attempts::check(&mut tx, attempts::MAIL, &account.id, now).await?;
    attempts::record(&mut tx, attempts::MAIL, &account.id, now).await?;
    ask_to_confirm(app, &mut tx, account).await?;
    tx.commit().await?;
    Ok(())
}

/// Confirms an address by the link that was sent to it.
///
/// # Errors
/// A link that was used or is too old.
pub async fn confirm(app: &App, secret: &str) -> Result<(), Failure> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    let Some(id) = accounts::use_one_time(&mut tx, secret, CONFIRM_PURPOSE, now).await?.flatten() else {
        return Err(Failure::Conflict(
            "This link was used already, or is older than two weeks. The page of your account sends another."
                .to_owned(),
        ));
    };
    accounts::set_confirmed(&mut tx, &id, now).await?;
    audit::record(&mut tx, &app.world, "a link", "confirm address", &id, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Whether the address must be confirmed before a team is made or joined: where mail is sent, nobody plays under the address of another.
pub(super) async fn check_confirmed(app: &App, conn: &mut Conn, person: &Person) -> Result<(), Failure> {
    if app.options.post.is_none() {
        return Ok(());
    }
    match accounts::by_name(conn, &person.name).await? {
        Some(account) if account.confirmed_at.is_some() || account.organises() => Ok(()),
        _ => Err(Failure::Conflict(
            "Confirm your address first, by the link in the mail that went there; the page of your account sends another."
                .to_owned(),
        )),
    }
}

/// Sends a link that sets a new password to whoever has the account of this name or address. Whether there is one is not told.
///
/// # Errors
/// A server that sends no mail; too many of them, from an address of the network or for an account.
pub async fn forgot(app: &App, who: &str, address: &str) -> Result<(), Failure> {
    if app.options.post.is_none() {
        return Err(Failure::Conflict("This server sends no mail. Ask the organisers for a link.".to_owned()));
    }
    let now = app.now();
    let who = crate::store::key(who);
    if who.is_empty() {
        return Err(Failure::field("who", "a name or an address"));
    }
    let mut tx = app.store.write().await?;
    for rate_of in [address, who.as_str()] {
        attempts::check(&mut tx, attempts::MAIL, rate_of, now).await?;
        attempts::record(&mut tx, attempts::MAIL, rate_of, now).await?;
    }
    let account = match accounts::by_name(&mut tx, &who).await? {
        Some(account) => Some(account),
        None => accounts::by_email(&mut tx, &who).await?,
    };
    if let Some(account) = account.filter(|account| account.locked == 0) {
        let secret = app.world.secret();
        accounts::insert_one_time(&mut tx, &secret, RESET_PURPOSE, Some(&account.id), now + RESET).await?;
        app.write_to(&mut tx, &account, &Letter::Reset(&secret)).await?;
        audit::record(&mut tx, &app.world, "a visitor", "ask for a reset link", &account.name, "").await?;
    }
    tx.commit().await?;
    Ok(())
}
