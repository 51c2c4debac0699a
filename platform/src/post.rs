//! Mail: written by templates into the outbox of the database, in the transaction of what it tells of, and sent from there. So none is
//! lost, nobody waits for a mail server, and what cannot be sent is tried again. A process that is killed between sending and noting it
//! sends twice, under the same `Message-ID`.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use askama::Template;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{Message, SmtpTransport, Transport};

use crate::store::accounts::Account;
use crate::store::{Conn, Writing, jobs, mail};
use crate::work::handed;
use crate::{App, Failure, Millis};

const MINUTE: Millis = 60_000;

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct Post {
    /// Who it is from: `Race <race@example.org>`.
    pub from: String,
    /// The address of the site, which links begin with: `https://race.example.org`.
    pub site: String,
    /// What carries it.
    pub carrier: Carrier,
}

/// What carries mail.
#[derive(Clone)]
pub enum Carrier {
    /// Files in a folder, one a mail.
    Folder(PathBuf),
    /// A mail server.
    Smtp(SmtpTransport),
}

impl fmt::Debug for Carrier {
    /// Without passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder(_) => "Folder",
            Self::Smtp(_) => "Smtp",
        })
    }
}

impl Carrier {
    /// A folder from `file:DIR`, or a mail server from `smtp://USER:PASSWORD@HOST:PORT` or `smtps://..`.
    ///
    /// # Errors
    /// An address that is neither; it is not repeated, since it may hold a password.
    pub fn parse(address: &str) -> Result<Self, String> {
        if let Some(folder) = address.strip_prefix("file:") {
            return Ok(Self::Folder(folder.into()));
        }
        if !address.starts_with("smtp://") && !address.starts_with("smtps://") {
            return Err("begins with neither file:, smtp:// nor smtps://".to_owned());
        }
        let server = SmtpTransport::from_url(address).map_err(|error| error.to_string())?;
        Ok(Self::Smtp(server.timeout(Some(Duration::from_secs(30))).build()))
    }

    fn send(&self, id: &str, message: &Message) -> Result<(), String> {
        match self {
            Self::Smtp(server) => server.send(message).map(drop).map_err(|error| error.to_string()),
            Self::Folder(folder) => {
                let write = || {
                    std::fs::create_dir_all(folder)?;
                    let unfinished = folder.join(format!("{id}.unfinished"));
                    std::fs::write(&unfinished, message.formatted())?;
                    std::fs::rename(unfinished, folder.join(format!("{id}.eml")))
                };
                write().map_err(|error: std::io::Error| error.to_string())
            }
        }
    }
}

/// What mail is about.
#[derive(Debug, Clone)]
pub(crate) enum Letter<'a> {
    /// The link that confirms an address, its secret.
    Confirm(&'a str),
    /// The link that sets a new password.
    Reset(&'a str),
    /// The link that sets the first password of an account that organisers made.
    Welcome(&'a str),
    /// What became of an upload.
    Checked { kind: &'a str, round: i64, state: &'a str, reason: Option<&'a str>, submission: &'a str },
}

#[derive(Template)]
#[template(path = "mail/confirm.txt")]
struct Confirm<'a> {
    name: &'a str,
    competition: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/reset.txt")]
struct Reset<'a> {
    name: &'a str,
    competition: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/welcome.txt")]
struct Welcome<'a> {
    name: &'a str,
    competition: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/checked.txt")]
struct Checked<'a> {
    name: &'a str,
    competition: &'a str,
    link: &'a str,
    kind: &'a str,
    round: i64,
    state: &'a str,
    reason: Option<&'a str>,
}

impl App {
    /// Puts a mail into the outbox, where mail is sent at all.
    pub(crate) async fn write_to(
        &self,
        conn: &mut Conn,
        account: &Account,
        letter: &Letter<'_>,
    ) -> Result<(), Failure> {
        let Some(post) = &self.options.post else { return Ok(()) };
        let (name, competition) = (account.name.as_str(), self.options.title.as_str());
        let path = match letter {
            Letter::Confirm(secret) => format!("/confirm/{secret}"),
            Letter::Reset(secret) | Letter::Welcome(secret) => format!("/welcome/{secret}"),
            Letter::Checked { submission, .. } => format!("/submissions/{submission}"),
        };
        let link = format!("{}{path}", post.site.trim_end_matches('/'));
        let link = link.as_str();
        let (subject, body) = match *letter {
            Letter::Confirm(_) => ("Confirm your address".to_owned(), Confirm { name, competition, link }.render()),
            Letter::Reset(_) => ("A new password".to_owned(), Reset { name, competition, link }.render()),
            Letter::Welcome(_) => ("Your account".to_owned(), Welcome { name, competition, link }.render()),
            Letter::Checked { kind, round, state, reason, .. } => (
                format!("Round {round}, {kind}: {state}"),
                Checked { name, competition, link, kind, round, state, reason }.render(),
            ),
        };
        let body = body.map_err(|error| Failure::Broken(format!("template: {error}")))?;
        let subject = format!("{competition}: {subject}");
        mail::insert(conn, &self.world.id(), &account.email, &subject, &body, self.now()).await?;
        jobs::want(conn, &self.world).await?;
        Ok(())
    }
}

/// Sends what is due, without the queue; how many were sent.
///
/// # Errors
/// What the database refuses. A mail that cannot be sent is none: why is kept with it.
pub async fn deliver(app: &App) -> Result<usize, Failure> {
    if app.options.post.is_none() {
        return Ok(0);
    }
    let mut sent = 0;
    loop {
        let next = jobs::next(&mut *app.store.read().await?, app.now(), &[jobs::Kind::Mail]).await?;
        let Some(job) = next else { return Ok(sent) };
        sent += usize::from(handed(app, &job.id).await?);
    }
}

/// Sends the mail of a job that was begun; false where it could not be, and is to be tried later.
pub(crate) async fn send(app: &App, mut tx: Writing, job: &jobs::Job, worker: &str) -> Result<bool, Failure> {
    let now = app.now();
    let Some(post) = &app.options.post else {
        return Err(Failure::Broken("mail in a process that sends none".to_owned()));
    };
    let pause = |attempts: i64| now + MINUTE * (1 << attempts.clamp(0, 6)).min(60);
    let Some(one) = mail::attempt(&mut tx, &job.subject, pause).await? else {
        jobs::end(&mut tx, &job.id, worker).await?;
        tx.commit().await?;
        return Ok(false);
    };
    tx.commit().await?;
    let (id, carrier, message) = (one.id.clone(), post.carrier.clone(), message(post, &one, now));
    let result = match message {
        Ok(message) => {
            let carried = tokio::task::spawn_blocking(move || carrier.send(&id, &message)).await;
            carried.unwrap_or_else(|error| Err(error.to_string()))
        }
        Err(reason) => Err(reason),
    };
    let mut tx = app.store.write().await?;
    if !jobs::end(&mut tx, &job.id, worker).await? {
        return Ok(false);
    }
    match &result {
        Ok(()) => mail::sent(&mut tx, &one.id, app.now()).await?,
        Err(reason) => {
            tracing::warn!(mail = one.id, "not sent: {reason}");
            mail::failed(&mut tx, &one.id, reason).await?;
            jobs::want(&mut tx, &app.world).await?;
        }
    }
    tx.commit().await?;
    Ok(result.is_ok())
}

fn message(post: &Post, one: &mail::Mail, now: Millis) -> Result<Message, String> {
    let host = post.site.split("//").last().and_then(|rest| rest.split(['/', ':']).next()).unwrap_or("localhost");
    let from = post.from.parse::<Mailbox>().map_err(|error| format!("the sender's address: {error}"))?;
    let to = one.address.parse::<Mailbox>().map_err(|error| format!("the address: {error}"))?;
    Message::builder()
        .from(from)
        .to(to)
        .subject(&one.subject)
        .message_id(Some(format!("<{}@{host}>", one.id)))
        .date(UNIX_EPOCH + Duration::from_millis(now.unsigned_abs()))
        .header(ContentType::TEXT_PLAIN)
        .body(one.body.clone())
        .map_err(|error| error.to_string())
}
