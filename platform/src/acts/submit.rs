//! Uploads: streaming, limits, acceptance.

use std::path::PathBuf;

use axum::body::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use wfkit_datasets::formats::ReadLimits;
use wfkit_datasets::hex;
use wfkit_defend::{DefenseSpec, DefenseSpecError};

use super::Person;
use crate::game::{Counting, Kind, Phase, Round, Slots};
use crate::store::submissions::{self, New, State, Submission};
use crate::store::teams::{self, Team};
use crate::store::{Conn, attempts, audit, jobs, rounds};
use crate::world::counted;
use crate::{App, Failure, Millis};

/// Plain text may be as large as an archive of it may unpack to in practice: a full upload has some 50 MB.
const PLAIN_BYTES: u64 = 256 << 20;

/// A file that has arrived, on disk; removed again if it is not accepted.
#[derive(Debug)]
pub struct Received {
    path: PathBuf,
    bytes: u64,
    sha256: String,
    form: Form,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Zip,
    Specification,
    Recording,
}

impl Received {
    fn into_form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// Where it is, as long as this lives.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// All of it, in memory.
    pub(crate) async fn bytes(&self) -> std::io::Result<Vec<u8>> {
        tokio::fs::read(&self.path).await
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // Of an accepted file nothing is left here.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes a stream to disk while it arrives, and not more of it than is allowed.
///
/// # Errors
/// Streams that are too long, empty or break off, and what the system refuses.
pub async fn receive<E: std::fmt::Display>(
    app: &App,
    stream: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Received, Failure> {
    let path = app.files.incoming(&app.world.id());
    let mut received = Received { path, bytes: 0, sha256: String::new(), form: Form::Plain };
    let mut file = tokio::io::BufWriter::with_capacity(1 << 18, tokio::fs::File::create(&received.path).await?);
    let mut hash = Sha256::new();
    let mut start = Vec::with_capacity(4);
    let mut stream = std::pin::pin!(stream);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Failure::Bad(format!("The upload broke off: {error}")))?;
        received.bytes += chunk.len() as u64;
        start.extend(chunk.iter().take(4 - start.len()));
        let zip = start.starts_with(b"PK\x03\x04");
        received.form = if zip { Form::Zip } else { Form::Plain };
        let most = if zip { ReadLimits::UPLOAD.compressed_bytes } else { PLAIN_BYTES };
        if received.bytes > most {
            let kind = if zip { "An archive" } else { "A plain file" };
            return Err(Failure::TooLarge(format!("{kind} may have {} MiB at most.", most >> 20)));
        }
        hash.update(&chunk);
        file.write_all(&chunk).await?;
    }
    if received.bytes == 0 {
        return Err(Failure::field("file", "the file is empty"));
    }
    file.flush().await?;
    file.into_inner().sync_all().await?;
    received.sha256 = hex(&hash.finalize());
    Ok(received)
}

/// A team to attack.
#[derive(Debug, Clone)]
pub struct Target {
    /// The team.
    pub team: Team,
    /// The defence that it was pinned to.
    pub defence: String,
}

/// The teams that a team attacks in a round.
///
/// # Errors
/// What the database refuses.
pub async fn targets(conn: &mut Conn, round: &Round, team_id: &str) -> Result<Vec<Target>, Failure> {
    let pins: std::collections::BTreeMap<String, String> = rounds::pins(conn, &round.id).await?.into_iter().collect();
    let mut targets = Vec::new();
    for (attacker, defender) in rounds::matches(conn, &round.id).await? {
        if attacker == team_id
            && let Some(team) = teams::by_id(conn, &defender).await?
            && let Some(defence) = pins.get(&defender)
        {
            targets.push(Target { team, defence: defence.clone() });
        }
    }
    targets.sort_by_key(|target| target.team.number);
    Ok(targets)
}

/// What a team has left to upload in a round.
///
/// # Errors
/// What the database refuses.
pub async fn slots(
    app: &App,
    conn: &mut Conn,
    round: &Round,
    team_id: &str,
    kind: Kind,
    against: Option<&str>,
) -> Result<Slots, Failure> {
    let earlier = earlier(conn, round, team_id, kind, against).await?;
    let counted: Vec<_> = earlier
        .iter()
        .filter(|one| one.state() != State::Failed)
        .map(|one| (one.received_at, one.state() != State::Refused))
        .collect();
    Ok(round.settings.limits.slots(&counted, app.now()))
}

async fn earlier(
    conn: &mut Conn,
    round: &Round,
    team_id: &str,
    kind: Kind,
    against: Option<&str>,
) -> Result<Vec<Submission>, Failure> {
    let all = submissions::of_round(conn, &round.id, kind).await?;
    Ok(all.into_iter().filter(|one| one.team_id == team_id && one.against.as_deref() == against).collect())
}

/// Before a file is read: whether the phase takes it and the account has not sent too many. It counts
/// as one, whatever becomes of it.
///
/// # Errors
/// Phases, limits.
pub async fn announce(app: &App, person: &Person, team: &Team, round: &Round, kind: Kind) -> Result<(), Failure> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    attempts::check(&mut tx, attempts::UPLOADS, &person.id, now).await?;
    attempts::record(&mut tx, attempts::UPLOADS, &person.id, now).await?;
    check_phase(app, &mut tx, round, team, kind, None).await?;
    tx.commit().await?;
    Ok(())
}

/// Before a file is read that is only tried: whether the account has not sent too many.
///
/// # Errors
/// The limit.
pub async fn announce_trial(app: &App, person: &Person) -> Result<(), Failure> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    attempts::check(&mut tx, attempts::TRIALS, &person.id, now).await?;
    attempts::record(&mut tx, attempts::TRIALS, &person.id, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether the game allows an upload now: the one place that pages, the API and acceptance itself ask.
async fn check_phase(
    app: &App,
    conn: &mut Conn,
    round: &Round,
    team: &Team,
    kind: Kind,
    against: Option<&str>,
) -> Result<(), Failure> {
    let now = app.now();
    let phase = round.phase(now);
    if phase != kind.phase() || (kind == Kind::Defence && round.settled_at.is_some()) {
        let text = format!(
            "Round {} is in its {} phase; it takes {}s in its {} phase.",
            round.number,
            phase.name(),
            kind.name(),
            kind.phase().name()
        );
        return Err(Failure::Conflict(text));
    }
    if kind == Kind::Attack {
        if round.settled_at.is_none() {
            return Err(Failure::Conflict(
                "The last defences are still checked. Matches are drawn in a minute.".to_owned(),
            ));
        }
        let targets = targets(conn, round, &team.id).await?;
        if targets.is_empty() {
            return Err(Failure::Conflict(
                "Your team has no match in this round: it had no defence when matches were drawn.".to_owned(),
            ));
        }
        if let Some(against) = against
            && !targets.iter().any(|target| target.team.id == against)
        {
            return Err(Failure::field("against", "not a team that you attack"));
        }
    }
    Ok(())
}

/// Whether a place is left.
async fn check_limits(
    app: &App,
    conn: &mut Conn,
    round: &Round,
    team: &Team,
    kind: Kind,
    against: Option<&str>,
) -> Result<(), Failure> {
    let now = app.now();
    let slots = slots(app, conn, round, &team.id, kind, against).await?;
    if !slots.free() {
        let limits = round.settings.limits;
        let again_at = slots.next_at.unwrap_or(now);
        let detail = format!(
            "In any {} a team has room for {} and {} in all. The next place is free at {}.",
            counted(limits.window_hours, "hour"),
            counted(limits.accepted, &format!("accepted {}", kind.name())),
            limits.total,
            crate::world::utc(again_at)
        );
        return Err(Failure::TooMany { detail, again_at });
    }
    Ok(())
}

/// Accepts a file that has arrived: from here on it is kept, and will be checked and scored. `against` is the number of a
/// team; without it an attack is on all opponents. The same file again, sent by a client that did not hear the answer, is the
/// submission that it already is: the answer says `false`.
///
/// # Errors
/// Phases, limits, teams that are not to be attacked; and what the system refuses, in which case nothing was accepted.
pub async fn submit(
    app: &App,
    person: &Person,
    team: &Team,
    round: &Round,
    kind: Kind,
    against: Option<i64>,
    received: Received,
) -> Result<(Submission, bool), Failure> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    // Again, in the transaction: it may have been settled while the file arrived.
    let round = rounds::by_id(&mut tx, &round.id).await?.ok_or(Failure::NotFound)?;
    if round.phase(now) < Phase::Opening {
        return Err(Failure::NotFound);
    }
    let against = match against {
        Some(number) => {
            let unknown = || Failure::field("against", "not a team that you attack");
            Some(teams::by_number(&mut tx, number).await?.ok_or_else(unknown)?.id)
        }
        None => None,
    };
    let last = earlier(&mut tx, &round, &team.id, kind, against.as_deref()).await?.into_iter().next_back();
    // No two arrive at the same instant, so that there always is a last one.
    let received_at = last.as_ref().map_or(now, |last| now.max(last.received_at + 1));
    if let Some(last) = last
        && last.sha256 == received.sha256
        && last.state() != State::Failed
    {
        return Ok((last, false));
    }
    check_phase(app, &mut tx, &round, team, kind, against.as_deref()).await?;
    check_limits(app, &mut tx, &round, team, kind, against.as_deref()).await?;

    let id = app.world.id();
    let file_name = match received.form {
        Form::Plain => format!("{}.csv", kind.name()),
        Form::Zip => format!("{}.csv.zip", kind.name()),
        Form::Specification => submissions::SPECIFICATION.to_owned(),
        Form::Recording => submissions::RECORDING.to_owned(),
    };
    app.files.accept(&received.path, &id, &file_name).await?;
    let new = New {
        id: &id,
        round_id: &round.id,
        team_id: &team.id,
        account_id: &person.id,
        kind,
        against: against.as_deref(),
        file_name: &file_name,
        bytes: received.bytes as i64,
        sha256: &received.sha256,
        seed: app.world.seed(),
        received_at,
    };
    let stored = async {
        submissions::insert(&mut tx, &new).await?;
        jobs::want(&mut tx, &app.world).await?;
        let subject = format!("submission {id}");
        let detail =
            format!("{} of team {} in round {}, sha256 {}", kind.name(), team.number, round.number, received.sha256);
        audit::record(&mut tx, &app.world, &person.name, "upload", &subject, &detail).await?;
        let submission = submissions::by_id(&mut tx, &id).await?;
        tx.commit().await?;
        submission.ok_or(sqlx::Error::RowNotFound)
    };
    match stored.await {
        Ok(submission) => {
            app.bell.ring();
            Ok((submission, true))
        }
        Err(error) => {
            // Whether it was committed is unknown where the error came with the commit: a folder without a row is swept later.
            Err(error.into())
        }
    }
}

/// Accepts a defence as a specification, which the server runs on undefended traffic; otherwise as [`submit`].
///
/// # Errors
/// As [`announce`] and [`submit`]; a round that takes traces alone, a specification that is none.
pub async fn submit_specification(
    app: &App,
    person: &Person,
    team: &Team,
    round: &Round,
    text: &str,
) -> Result<(Submission, bool), Failure> {
    if !round.settings.specifications || round.settings.baseline.is_none() {
        let text = format!("Round {} takes defences as traces, not as specifications.", round.number);
        return Err(Failure::Conflict(text));
    }
    announce(app, person, team, round, Kind::Defence).await?;
    let wrong = |message: String| Failure::field("specification", message);
    let spec: DefenseSpec = text.trim().parse().map_err(|error: DefenseSpecError| wrong(error.to_string()))?;
    if spec.hides_paths() {
        return Err(wrong(
            "it sends over paths that the file would not show, so its cost could not be counted".to_owned(),
        ));
    }
    submit_words(app, person, team, round, spec.to_string(), Form::Specification).await
}

async fn submit_words(
    app: &App,
    person: &Person,
    team: &Team,
    round: &Round,
    text: String,
    form: Form,
) -> Result<(Submission, bool), Failure> {
    let chunk = std::future::ready(Ok::<_, std::convert::Infallible>(Bytes::from(text)));
    let received = receive(app, futures_util::stream::once(chunk)).await?.into_form(form);
    submit(app, person, team, round, Kind::Defence, None, received).await
}

/// Letters of a defence of SecretStroll at most: it has a handful of keys.
const MOST_WORDS: usize = 2000;

/// Accepts a defence of SecretStroll, in TOML, which the laboratory records; otherwise as [`submit`].
///
/// # Errors
/// As [`announce`] and [`submit`]; a round that takes none, a text that is too long or empty. What the defence does wrong the laboratory
/// says.
pub async fn submit_recording(
    app: &App,
    person: &Person,
    team: &Team,
    round: &Round,
    text: &str,
) -> Result<(Submission, bool), Failure> {
    if !round.settings.recordings {
        let text = format!("Round {} has no defences recorded.", round.number);
        return Err(Failure::Conflict(text));
    }
    announce(app, person, team, round, Kind::Defence).await?;
    let text = text.trim().replace("\r\n", "\n");
    if text.is_empty() || text.len() > MOST_WORDS || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Failure::field("recording", "a defence in TOML, such as `padding = 4096`, one key a line"));
    }
    submit_words(app, person, team, round, text + "\n", Form::Recording).await
}

/// Has an earlier defence be the one that counts, or an earlier attack where the round has teams choose.
///
/// # Errors
/// What did not pass the check, another phase, a round that is settled.
pub async fn choose(app: &App, person: &Person, id: &str) -> Result<(), Failure> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    let submission = submissions::by_id(&mut tx, id).await?.ok_or(Failure::NotFound)?;
    let round = rounds::by_id(&mut tx, &submission.round_id).await?.ok_or(Failure::NotFound)?;
    let kind = submission.kind().name();
    if submission.state() != State::Done {
        return Err(Failure::Conflict(format!("Only a {kind} that passed its check can be chosen.")));
    }
    if let Some(reason) = not_to_choose(&round, submission.kind(), now) {
        return Err(Failure::Conflict(reason.to_owned()));
    }
    submissions::choose(&mut tx, id, now).await?;
    audit::record(&mut tx, &app.world, &person.name, &format!("choose {kind}"), &format!("submission {id}"), "")
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Why nothing of a kind can be chosen now, if so.
pub(crate) fn not_to_choose(round: &Round, kind: Kind, now: Millis) -> Option<&'static str> {
    match kind {
        Kind::Defence if round.phase(now) == Phase::Defence && round.settled_at.is_none() => None,
        Kind::Defence => Some("Defences are chosen in the defence phase."),
        Kind::Attack if round.settings.counting != Counting::Chosen => {
            Some("In this round attacks are not chosen: the board says which one counts.")
        }
        Kind::Attack if round.phase(now) == Phase::Attack => None,
        Kind::Attack => Some("Attacks are chosen in the attack phase."),
    }
}
