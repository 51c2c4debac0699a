//! Accounts: making them, signing in, passwords.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use crate::post::Letter;
use crate::store::accounts::{self, Account, ApiToken, Invitation, NewSession};
use crate::store::{Writing, attempts, audit, settings, teams};
use crate::{App, Failure, Millis, Registration};

/// Who asks, as the audit log names them.
#[derive(Debug, Clone)]
pub struct Person {
    /// The id of the account.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl From<&Account> for Person {
    fn from(account: &Account) -> Self {
        Self { id: account.id.clone(), name: account.name.clone() }
    }
}

/// Somebody who wants an account.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Newcomer {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The password again, so that it is the one that was meant.
    pub again: String,
    /// The invitation code, where one is asked for.
    #[serde(default)]
    pub code: String,
}

/// How long a link to set a password works.
pub(super) const RESET: Millis = 24 * 3_600_000;
/// The same for a whole course, who may not look at their mail today.
const IMPORTED: Millis = 14 * RESET;
pub(super) const RESET_PURPOSE: &str = "password";

fn check_name(name: &str) -> Option<(&'static str, String)> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let fits = (3..=40).contains(&name.len());
    (!plain || !fits).then(|| ("name", "3 to 40 letters, digits, dots, hyphens or underscores".to_owned()))
}

fn check_email(email: &str) -> Option<(&'static str, String)> {
    let sound = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty()
                && host.contains('.')
                && !host.contains('@')
                && !host.starts_with('.')
                && !host.ends_with('.')
        });
    (!sound).then(|| ("email", "an address such as name@example.org".to_owned()))
}

fn check_password(name: &str, password: &str, again: &str) -> Option<(&'static str, String)> {
    let count = password.chars().count();
    let different: std::collections::BTreeSet<char> = password.chars().collect();
    let message = if !(10..=200).contains(&count) {
        "10 to 200 characters"
    } else if different.len() < 5 {
        "too few different characters"
    } else if password.to_lowercase().contains(&name.to_lowercase()) {
        "not with the account's name in it"
    } else if password != again {
        return Some(("again", "not the same password".to_owned()));
    } else {
        return None;
    };
    Some(("password", message.to_owned()))
}

impl App {
    fn argon(&self) -> Argon2<'static> {
        let (memory, passes) = self.options.password_cost;
        let params = Params::new(memory, passes, 1, None).unwrap_or_default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }

    /// At most two at a time, away from the threads that answer: each takes memory and time on purpose.
    async fn hash(&self, password: &str) -> Result<String, Failure> {
        let _turn = self.passwords.acquire().await.map_err(|error| Failure::Broken(error.to_string()))?;
        let (argon, password, random) = (self.argon(), password.to_owned(), self.world.random.clone());
        let hash = tokio::task::spawn_blocking(move || {
            let mut salt = [0; 16];
            random(&mut salt);
            argon.hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string())
        });
        let hash = hash.await.map_err(|error| Failure::Broken(error.to_string()))?;
        hash.map_err(|error| Failure::Broken(format!("argon2: {error}")))
    }

    async fn verify(&self, password: &str, hash: &str) -> Result<bool, Failure> {
        let _turn = self.passwords.acquire().await.map_err(|error| Failure::Broken(error.to_string()))?;
        let (argon, password, hash) = (self.argon(), password.to_owned(), hash.to_owned());
        let right = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash).is_ok_and(|hash| argon.verify_password(password.as_bytes(), &hash).is_ok())
        });
        right.await.map_err(|error| Failure::Broken(error.to_string()))
    }
}

/// Makes an account for a newcomer from an address of the network.
///
/// # Errors
/// Fields that are wrong, all at once; a name or address that is taken; registration that is closed; too many of them.
pub async fn register(app: &App, newcomer: &Newcomer, address: &str) -> Result<Person, Failure> {
    if app.options.registration == Registration::Closed {
        return Err(Failure::Forbidden("Registration is closed. Ask the organisers.".to_owned()));
    }
    let name = newcomer.name.trim().to_owned();
    let email = newcomer.email.trim().to_owned();
    let wrong: Vec<_> =
        [check_name(&name), check_email(&email), check_password(&name, &newcomer.password, &newcomer.again)]
            .into_iter()
            .flatten()
            .collect();
    if !wrong.is_empty() {
        return Err(Failure::Invalid(wrong));
    }
    let now = app.now();
    let mut tx = app.store.write().await?;
    attempts::check(&mut tx, attempts::REGISTRATIONS, address, now).await?;
    attempts::record(&mut tx, attempts::REGISTRATIONS, address, now).await?;
    tx.commit().await?;

    let password = app.hash(&newcomer.password).await?;
    let mut tx = app.store.write().await?;
    let mut taken = Vec::new();
    if accounts::by_name(&mut tx, &name).await?.is_some() {
        taken.push(("name", "somebody has it already".to_owned()));
    }
    if accounts::by_email(&mut tx, &email).await?.is_some() {
        taken.push(("email", "there is an account of this address".to_owned()));
    }
    if !taken.is_empty() {
        return Err(Failure::Invalid(taken));
    }
    if app.options.registration == Registration::Invitation {
        attempts::check(&mut tx, attempts::WRONG_CODES, address, now).await?;
        if !accounts::use_invitation(&mut tx, &newcomer.code).await? {
            attempts::record(&mut tx, attempts::WRONG_CODES, address, now).await?;
            tx.commit().await?;
            return Err(Failure::field("code", "not an invitation that is still open"));
        }
    }
    let account = Account {
        id: app.world.id(),
        name,
        email,
        password,
        role: "player".to_owned(),
        locked: 0,
        created_at: now,
        confirmed_at: None,
    };
    accounts::insert(&mut tx, &account).await?;
    super::addresses::ask_to_confirm(app, &mut tx, &account).await?;
    audit::record(&mut tx, &app.world, &account.name, "register", &account.name, "").await?;
    tx.commit().await?;
    Ok(Person::from(&account))
}

/// Whether name and password are right.
///
/// # Errors
/// Where they are not, without saying which; too many wrong ones of the account, or too many from the address.
pub async fn sign_in(app: &App, name: &str, password: &str, address: &str) -> Result<Person, Failure> {
    let now = app.now();
    let who = crate::store::key(name);
    let mut tx = app.store.write().await?;
    attempts::check(&mut tx, attempts::SIGN_INS, address, now).await?;
    attempts::check(&mut tx, attempts::WRONG_PASSWORDS, &who, now).await?;
    attempts::record(&mut tx, attempts::SIGN_INS, address, now).await?;
    // Counted before the password is looked at, so that many at once are no way around; forgotten if it is right.
    attempts::record(&mut tx, attempts::WRONG_PASSWORDS, &who, now).await?;
    let account = accounts::by_name(&mut tx, name).await?;
    tx.commit().await?;

    let right = match &account {
        Some(account) => app.verify(password, &account.password).await?,
        None => {
            // As slow as if there were such an account.
            app.hash(password).await?;
            false
        }
    };
    match account {
        Some(account) if right && account.locked == 0 => {
            let mut tx = app.store.write().await?;
            attempts::forget(&mut tx, attempts::WRONG_PASSWORDS, &who).await?;
            tx.commit().await?;
            Ok(Person::from(&account))
        }
        _ => Err(Failure::field("name", "no such name with this password, or the account is locked")),
    }
}

/// Begins a session, roughly with that browser; its secret, for the cookie.
///
/// # Errors
/// What the database refuses.
pub async fn begin_session(app: &App, account_id: &str, browser: &str) -> Result<String, Failure> {
    let (secret, csrf) = (app.world.secret(), app.world.secret());
    let new = NewSession { id: &app.world.id(), secret: &secret, csrf: &csrf, account_id, browser };
    let mut tx = app.store.write().await?;
    accounts::begin_session(&mut tx, &new, app.now()).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Changes a password; all sessions and tokens of the account end.
///
/// # Errors
/// A wrong old password, a new one that is no good.
pub async fn change_password(app: &App, account: &Account, old: &str, new: &str, again: &str) -> Result<(), Failure> {
    let now = app.now();
    let who = crate::store::key(&account.name);
    if let Some(wrong) = check_password(&account.name, new, again) {
        return Err(Failure::Invalid(vec![wrong]));
    }
    let mut tx = app.store.write().await?;
    attempts::check(&mut tx, attempts::WRONG_PASSWORDS, &who, now).await?;
    attempts::record(&mut tx, attempts::WRONG_PASSWORDS, &who, now).await?;
    tx.commit().await?;
    if !app.verify(old, &account.password).await? {
        return Err(Failure::field("old", "not the password of this account"));
    }
    set_password(app, &account.id, &account.name, new).await
}

async fn set_password(app: &App, id: &str, name: &str, password: &str) -> Result<(), Failure> {
    let hash = app.hash(password).await?;
    let mut tx = app.store.write().await?;
    accounts::set_password(&mut tx, id, &hash).await?;
    attempts::forget(&mut tx, attempts::WRONG_PASSWORDS, &crate::store::key(name)).await?;
    audit::record(&mut tx, &app.world, name, "change password", name, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Tokens of an account.
const TOKENS: usize = 20;
/// The label of those that sign-ins over the API make.
const SIGN_IN_LABEL: &str = "sign-in of a program";

/// A token of the API; its secret, which nothing shows again.
///
/// # Errors
/// A label that is no good, too many tokens.
pub async fn new_token(app: &App, person: &Person, label: &str) -> Result<String, Failure> {
    let label = label.trim();
    if !(1..=60).contains(&label.chars().count()) {
        return Err(Failure::field("label", "1 to 60 characters, such as what it is for"));
    }
    let mut tx = app.store.write().await?;
    if accounts::tokens(&mut tx, &person.id).await?.len() >= TOKENS {
        return Err(Failure::Conflict(format!("An account has at most {TOKENS} tokens. Revoke one first.")));
    }
    insert_token(app, tx, person, label).await
}

/// The token of a program that signed in. Where there are too many, the oldest sign-in of a program ends.
///
/// # Errors
/// Too many tokens that were made by hand.
pub async fn sign_in_token(app: &App, person: &Person) -> Result<String, Failure> {
    let mut tx = app.store.write().await?;
    let tokens = accounts::tokens(&mut tx, &person.id).await?;
    if tokens.len() >= TOKENS {
        let Some(oldest) = tokens.iter().find(|token| token.label == SIGN_IN_LABEL) else {
            return Err(Failure::Conflict(format!(
                "An account has at most {TOKENS} tokens. Revoke one on the page of your account."
            )));
        };
        accounts::delete_token(&mut tx, &person.id, &oldest.id).await?;
    }
    insert_token(app, tx, person, SIGN_IN_LABEL).await
}

async fn insert_token(app: &App, mut tx: Writing, person: &Person, label: &str) -> Result<String, Failure> {
    let secret = app.world.secret();
    let token = ApiToken { id: app.world.id(), label: label.to_owned(), created_at: app.now() };
    accounts::insert_token(&mut tx, &token, &secret, &person.id).await?;
    audit::record(&mut tx, &app.world, &person.name, "new token", &person.name, label).await?;
    tx.commit().await?;
    Ok(secret)
}

/// An invitation for so many; its code, which nothing shows again.
///
/// # Errors
/// A number that is no good.
pub async fn invite(app: &App, by: &str, note: &str, uses: i64) -> Result<String, Failure> {
    if !(1..=10_000).contains(&uses) {
        return Err(Failure::field("uses", "1 to 10,000"));
    }
    let code = app.world.code();
    let invitation = Invitation {
        id: app.world.id(),
        note: note.trim().chars().take(200).collect(),
        uses_left: uses,
        created_at: app.now(),
    };
    let mut tx = app.store.write().await?;
    accounts::invite(&mut tx, &invitation, &code).await?;
    audit::record(&mut tx, &app.world, by, "invite", &invitation.note, &format!("{uses} uses")).await?;
    tx.commit().await?;
    Ok(code)
}

/// Makes an organiser, who sets a password by the link whose secret this returns.
///
/// # Errors
/// A name or address that is no good or taken.
pub async fn make_organiser(app: &App, by: &str, name: &str, email: &str) -> Result<String, Failure> {
    let wrong: Vec<_> = [check_name(name), check_email(email)].into_iter().flatten().collect();
    if !wrong.is_empty() {
        return Err(Failure::Invalid(wrong));
    }
    let secret = app.world.secret();
    let mut tx = app.store.write().await?;
    if accounts::by_name(&mut tx, name).await?.is_some() || accounts::by_email(&mut tx, email).await?.is_some() {
        return Err(Failure::field("name", "there is an account of this name or address"));
    }
    let account = Account {
        id: app.world.id(),
        name: name.to_owned(),
        email: email.to_owned(),
        password: "none".to_owned(), // no hash, so no password fits
        role: "organiser".to_owned(),
        locked: 0,
        created_at: app.now(),
        confirmed_at: None,
    };
    accounts::insert(&mut tx, &account).await?;
    app.write_to(&mut tx, &account, &Letter::Reset(&secret)).await?;
    accounts::insert_one_time(&mut tx, &secret, RESET_PURPOSE, Some(&account.id), app.now() + RESET).await?;
    audit::record(&mut tx, &app.world, by, "make organiser", name, "").await?;
    tx.commit().await?;
    Ok(secret)
}

/// Makes an account for each line `name,email` or `name,email,team`, all of them or none; teams are made where there are none of
/// the name. The secrets of the links by which their passwords are set, by name.
///
/// # Errors
/// Every line that is no good, with its number.
pub async fn import(app: &App, by: &str, list: &str) -> Result<Vec<(String, String)>, Failure> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    let size = settings::competition(&mut tx).await?.team_size as usize;
    let (mut wrong, mut made) = (Vec::new(), Vec::new());
    // As spreadsheets write them: with a mark in front, any ends of lines, quotes, fields without anything at the end.
    let list = list.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    for (number, line) in (1..).zip(list.lines()) {
        let fields: Vec<&str> =
            line.split([',', ';', '\t']).map(|field| field.trim().trim_matches('"').trim()).collect();
        let (name, email, team) = match fields.as_slice() {
            [head, ..] if number == 1 && head.eq_ignore_ascii_case("name") => continue,
            all if all.iter().all(|field| field.is_empty()) => continue,
            [name, email] => (*name, *email, ""),
            [name, email, team, rest @ ..] if rest.iter().all(|field| field.is_empty()) => (*name, *email, *team),
            _ => {
                wrong.push(("list", format!("line {number}: not `name,email` or `name,email,team`")));
                continue;
            }
        };
        let mut problems: Vec<String> =
            [check_name(name), check_email(email)].into_iter().flatten().map(|(_, message)| message).collect();
        if accounts::by_name(&mut tx, name).await?.is_some() || accounts::by_email(&mut tx, email).await?.is_some() {
            problems.push("there is an account of this name or address".to_owned());
        }
        if !team.is_empty() && super::teams::check_name(team).is_err() {
            problems.push("teams have 2 to 40 letters, digits, spaces or . _ ' -".to_owned());
        }
        if !problems.is_empty() {
            wrong.extend(problems.into_iter().map(|problem| ("list", format!("line {number}, `{name}`: {problem}"))));
            continue;
        }
        let account = Account {
            id: app.world.id(),
            name: name.to_owned(),
            email: email.to_owned(),
            password: "none".to_owned(),
            role: "player".to_owned(),
            locked: 0,
            created_at: now,
            confirmed_at: None,
        };
        accounts::insert(&mut tx, &account).await?;
        if !team.is_empty() {
            let id = match teams::by_name(&mut tx, team).await? {
                Some(team) => team.id,
                None => {
                    if let Some(told) = super::teams::why_taken(&mut tx, team).await? {
                        wrong.push(("list", format!("line {number}, team {team}: {told}")));
                        continue;
                    }
                    let id = app.world.id();
                    teams::insert(&mut tx, &id, team, &app.world.code(), now).await?;
                    id
                }
            };
            if teams::members(&mut tx, &id).await?.len() >= size {
                wrong.push(("list", format!("line {number}, `{name}`: team {team} is full")));
                continue;
            }
            teams::join(&mut tx, &account.id, &id, now).await?;
        }
        let secret = app.world.secret();
        accounts::insert_one_time(&mut tx, &secret, RESET_PURPOSE, Some(&account.id), now + IMPORTED).await?;
        app.write_to(&mut tx, &account, &Letter::Welcome(&secret)).await?;
        made.push((account.name, secret));
    }
    if made.is_empty() && wrong.is_empty() {
        wrong.push(("list", "no line has a name".to_owned()));
    }
    if !wrong.is_empty() {
        wrong.truncate(20);
        return Err(Failure::Invalid(wrong));
    }
    audit::record(&mut tx, &app.world, by, "import accounts", "", &format!("{} accounts", made.len())).await?;
    tx.commit().await?;
    Ok(made)
}

/// The secret of a link by which an account sets a new password, once and within a day.
///
/// # Errors
/// No such account.
pub async fn reset_link(app: &App, by: &str, name: &str) -> Result<String, Failure> {
    let secret = app.world.secret();
    let mut tx = app.store.write().await?;
    let account = accounts::by_name(&mut tx, name).await?.ok_or(Failure::NotFound)?;
    accounts::insert_one_time(&mut tx, &secret, RESET_PURPOSE, Some(&account.id), app.now() + RESET).await?;
    app.write_to(&mut tx, &account, &Letter::Reset(&secret)).await?;
    audit::record(&mut tx, &app.world, by, "reset link", &account.name, "").await?;
    tx.commit().await?;
    Ok(secret)
}

/// Sets a password by such a link.
///
/// # Errors
/// A link that was used or is too old, a password that is no good.
pub async fn use_reset_link(app: &App, secret: &str, password: &str, again: &str) -> Result<(), Failure> {
    // What the password must be like is said before the link is used up.
    if let Some(wrong) = check_password("\n", password, again) {
        return Err(Failure::Invalid(vec![wrong]));
    }
    let hash = app.hash(password).await?;
    let mut tx = app.store.write().await?;
    let id = accounts::use_one_time(&mut tx, secret, RESET_PURPOSE, app.now()).await?.flatten();
    let account = match id {
        Some(id) => accounts::by_id(&mut tx, &id).await?,
        None => None,
    };
    let Some(Account { id, name, .. }) = account else {
        return Err(Failure::Conflict(
            "This link was used already, or is older than a day. Ask for another.".to_owned(),
        ));
    };
    // Whose it is the link told; it stays as good as it was.
    if let Some(wrong) = check_password(&name, password, again) {
        return Err(Failure::Invalid(vec![wrong]));
    }
    accounts::set_password(&mut tx, &id, &hash).await?;
    // Whoever has the link has it from the address, or from the organisers.
    accounts::set_confirmed(&mut tx, &id, app.now()).await?;
    audit::record(&mut tx, &app.world, "a reset link", "change password", &name, "").await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_passwords() {
        let long = "a".repeat(41);
        for name in ["ab", "a/b", "a b", "ä-b", long.as_str(), ""] {
            assert!(check_name(name).is_some(), "{name}");
        }
        assert!(check_name("al-Bo_2.x").is_none());
        for email in ["a", "a@b", "@b.c", "a@b.c ", "a b@c.d", "a@.c", "a@b@c.d"] {
            assert!(check_email(email).is_some(), "{email}");
        }
        assert!(check_email("alice@example.org").is_none());
        let wrong = |password: &str| check_password("alice", password, password).map(|(field, _)| field);
        assert_eq!(wrong("a"), Some("password"));
        assert_eq!(wrong("aaaaaaaaaaaa"), Some("password"));
        assert_eq!(wrong("xxALICE12345"), Some("password"));
        assert_eq!(wrong("correct horse"), None);
        assert_eq!(check_password("alice", "correct horse", "other").map(|(field, _)| field), Some("again"));
    }
}
