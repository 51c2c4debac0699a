//! Checks and scores, away from the requests that wait for nobody.
//!
//! The `submission` table is the queue: a worker takes the one that has waited longest, on a lease that it extends while it
//! works. A worker that dies extends nothing, and the sweep puts its submission back. Whatever ends the work does so in one
//! transaction with its results, and only while the lease is still its own: so work may be done twice, but counts once.

mod apart;
mod attack;
mod defence;
mod house;
mod likeness;
mod outcome;
mod record;
mod settle;
mod simulate;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::sync::watch;

pub use apart::{Apart, run_job};
pub(crate) use attack::matches_of;
pub use house::HouseAttacker;
pub(crate) use house::{CONTROL, predict};
pub use outcome::{AttackDetail, CostLine, Outcome, ProblemKind, SplitLine};
pub use record::Lab;
pub use settle::{candidates, settle_due};

use crate::game::Kind;
use crate::post::{self, Letter};
use crate::store::Conn;
use crate::store::results::{self, ScoreRow};
use crate::store::submissions::{self, Ended, State, Submission};
use crate::store::{accounts, attempts, house as house_table, rejudgings, rounds, teams};
use crate::{App, Failure, Files, Millis};

/// What checks and scores; kept with every result, changed whenever a number could.
pub const SCORER: &str = concat!("wfkit ", env!("CARGO_PKG_VERSION"), "/1");

/// A worker that says nothing for so long is lost.
const LEASE: Millis = 20_000;
/// How often it says something.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often a submission may take its worker along before it is left alone.
const MOST_ATTEMPTS: i64 = 25;
/// How often somebody looks for what was lost.
const SWEEP: Duration = Duration::from_secs(5);
/// Files that belong to nothing are removed when they are so old.
const ORPHANS: Millis = 3_600_000;

/// Rings when a submission is queued, so that a worker of this process need not wait for its next look.
#[derive(Debug, Default)]
pub struct Bell(Notify);

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }
}

/// Workers and the sweep, until told to stop; what a worker has begun it ends.
pub async fn run(app: App, workers: usize, stop: watch::Receiver<bool>) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..workers {
        tasks.spawn(work(app.clone(), stop.clone()));
    }
    tasks.spawn(sweep_often(app.clone(), stop.clone()));
    tasks.spawn(deliver_often(app, stop));
    while tasks.join_next().await.is_some() {}
}

async fn work(app: App, mut stop: watch::Receiver<bool>) {
    let worker = app.world.id();
    while !*stop.borrow() {
        match step(&app, &worker).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(failure) => tracing::error!("worker: {failure:?}"),
        }
        tokio::select! {
            () = app.bell.0.notified() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn sweep_often(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(failure) = sweep(&app).await {
            tracing::error!("sweep: {failure:?}");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn deliver_often(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(failure) = post::deliver(&app).await {
            tracing::error!("mail: {failure:?}");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Everything that time brings: lost work is queued again, rounds are settled, what has ended is forgotten.
///
/// # Errors
/// What the system or the database refuses.
pub async fn sweep(app: &App) -> Result<(), Failure> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    let (queued, failed) = submissions::requeue_lost(&mut tx, now, MOST_ATTEMPTS).await?;
    let (again, given_up) = house_table::requeue_lost(&mut tx, now, MOST_ATTEMPTS).await?;
    let mut missing = 0;
    for attacker in &app.options.house {
        missing += house_table::queue_missing(&mut tx, attacker.name(), now).await?;
    }
    accounts::prune(&mut tx, now).await?;
    attempts::prune(&mut tx, now).await?;
    tx.commit().await?;
    if queued + failed > 0 {
        tracing::warn!(queued, failed, "submissions whose worker was lost");
    }
    if again + given_up > 0 {
        tracing::warn!(again, given_up, "house attacks whose worker was lost");
    }
    if queued + again + missing > 0 {
        app.bell.ring();
    }
    settle_due(app).await?;
    let known: std::collections::HashSet<String> =
        submissions::ids(&mut *app.store.read().await?).await?.into_iter().collect();
    app.files.sweep(now, now - ORPHANS, |id| known.contains(id)).await?;
    Ok(())
}

/// Works until nothing is queued; for tests and the demo, which have no workers.
///
/// # Errors
/// As [`sweep`].
pub async fn drain(app: &App) -> Result<usize, Failure> {
    let worker = app.world.id();
    let mut done = 0;
    while step(app, &worker).await? {
        done += 1;
    }
    Ok(done)
}

/// What is to be computed, with all that the database knows of it: whoever computes needs files and nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Job {
    Defence(Box<defence::Defending>),
    Attack(Box<attack::Attacking>),
    House(Box<house::Slowly>),
}

/// What work came to.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    state: State,
    reason: Option<String>,
    outcome: Outcome,
    scores: Vec<ScoreRow>,
}

impl Done {
    fn refused(outcome: Outcome) -> Self {
        Self { state: State::Refused, reason: Some(outcome.sentence()), outcome, scores: Vec::new() }
    }
}

impl Job {
    /// Does what takes long and is not to be limited as a check is; why it is refused, where it is.
    fn prepare(&self, files: &Files) -> Result<Option<Done>, Failure> {
        let Self::Defence(defence) = self else { return Ok(None) };
        Ok(defence.record(files)?.err().map(|reason| {
            let mut outcome = Outcome::default();
            outcome.refuse(reason);
            Done::refused(outcome)
        }))
    }

    /// Computes it; `unique` is a name that nobody else uses.
    fn run(&self, files: &Files, unique: &str) -> Result<Done, Failure> {
        match self {
            Self::Defence(defence) => defence.run(files, unique),
            Self::Attack(attack) => attack.run(files),
            Self::House(attack) => attack.run(files),
        }
    }

    /// Has it computed: in a process of its own with limits, or on a thread of this one. What it made is kept when this returns.
    async fn perform(self, app: &App) -> Result<Done, Failure> {
        let (files, unique) = (app.files.clone(), app.world.id());
        let (made_of, upload) = match &self {
            Self::Defence(defence) => {
                files.fetch_if_there(&defence.may_read(&files), &unique).await?;
                files.fetch(&defence.reads(&files), &unique).await?;
                (Some(defence.submission.id.clone()), defence.submission.file_name.clone())
            }
            Self::Attack(attack) => {
                files.fetch(&attack.reads(&files), &unique).await?;
                (None, String::new())
            }
            Self::House(attack) => {
                files.fetch(&attack.reads(&files), &unique).await?;
                (None, String::new())
            }
        };
        let done = match &app.options.apart {
            Some(apart) => apart.run(&self, &files, &unique).await?,
            None => {
                let files = files.clone();
                on_thread(move || match self.prepare(&files)? {
                    Some(refused) => Ok(refused),
                    None => self.run(&files, &unique),
                })
                .await?
            }
        };
        if let Some(id) = made_of {
            files.keep_made(&id, &upload).await?;
        }
        Ok(done)
    }
}

/// Takes one submission and works on it; false where none waits. What teams wait for comes before attacks of the
/// house, and these before rejudgings.
async fn step(app: &App, worker: &str) -> Result<bool, Failure> {
    let mut tx = app.store.write().await?;
    let now = app.now();
    let taken = submissions::claim(&mut tx, worker, app.options.lab.is_some(), now, now + LEASE).await?;
    tx.commit().await?;
    let Some(submission) = taken else { return Ok(attack_of_house(app, worker).await? || rejudge(app, worker).await?) };

    let heart = tokio::spawn(beat(app.clone(), Held::Submission(submission.id.clone()), worker.to_owned()));
    let (ended, scores) = concluded(app, &submission).await?;
    heart.abort();
    let mut tx = app.store.write().await?;
    if submissions::end(&mut tx, &submission.id, worker, &ended, app.now()).await? {
        results::replace(&mut tx, &submission.id, &scores).await?;
        queue_house(app, &mut tx, &submission, ended.state, app.now()).await?;
        tell_of(app, &mut tx, &submission, &ended).await?;
        tx.commit().await?;
        app.bell.ring();
    }
    Ok(true)
}

/// The mail to whoever uploaded it.
async fn tell_of(app: &App, conn: &mut Conn, submission: &Submission, ended: &Ended) -> Result<(), Failure> {
    let round = rounds::by_id(conn, &submission.round_id).await?;
    let account = accounts::by_id(conn, &submission.account_id).await?;
    let (Some(round), Some(account)) = (round, account) else { return Ok(()) };
    let letter = Letter::Checked {
        kind: submission.kind().name(),
        round: round.number,
        state: ended.state.name(),
        reason: ended.reason.as_deref(),
        submission: &submission.id,
    };
    app.write_to(conn, &account, &letter).await
}

/// After a defence was checked: what is now to attack it. Scores of a defence that does not count any more are gone already.
pub(crate) async fn queue_house(
    app: &App,
    conn: &mut Conn,
    submission: &Submission,
    state: State,
    now: Millis,
) -> sqlx::Result<()> {
    match (submission.kind(), state) {
        (Kind::Attack, _) => {}
        (Kind::Defence, State::Done) => {
            for attacker in &app.options.house {
                house_table::queue(conn, &submission.id, attacker.name(), now).await?;
            }
        }
        (Kind::Defence, _) => house_table::forget(conn, &submission.id).await?,
    }
    Ok(())
}

/// As [`step`], for attacks of the house that take long.
async fn attack_of_house(app: &App, worker: &str) -> Result<bool, Failure> {
    let Ok(_turn) = app.house.try_acquire() else { return Ok(false) };
    let mut tx = app.store.write().await?;
    let Some(taken) = house_table::claim(&mut tx, worker, app.now() + LEASE).await? else { return Ok(false) };
    let submission = submissions::by_id(&mut tx, &taken.0).await?;
    let team = match &submission {
        Some(submission) => teams::by_id(&mut tx, &submission.team_id).await?,
        None => None,
    };
    tx.commit().await?;
    let (Some(submission), Some(team)) = (submission, team) else {
        return Err(Failure::Broken(format!("no submission {} or no team of it", taken.0)));
    };
    let heart = tokio::spawn(beat(app.clone(), Held::House(taken.clone()), worker.to_owned()));
    let result = match HouseAttacker::by_name(&taken.1) {
        Some(attacker) => Job::House(Box::new(house::Slowly { submission, team, attacker })).perform(app).await,
        None => Err(Failure::Broken(format!("no house attacker is called {}", taken.1))),
    };
    heart.abort();
    let failed = result.as_ref().err().map(|failure| {
        tracing::error!(submission = taken.0, attacker = taken.1, "{failure:?}");
        match failure {
            Failure::TooLarge(limit) => limit.as_str(),
            _ => "The server could not run it. Organisers see why, and can have the defence checked again.",
        }
    });
    let mut tx = app.store.write().await?;
    if house_table::end(&mut tx, &taken, worker, failed, app.now()).await? {
        let scores = result.map(|done| done.scores).unwrap_or_default();
        results::replace_house(&mut tx, &taken, &scores).await?;
        tx.commit().await?;
    }
    Ok(true)
}

/// As [`step`], beside what counts.
async fn rejudge(app: &App, worker: &str) -> Result<bool, Failure> {
    let mut tx = app.store.write().await?;
    let now = app.now();
    let Some(taken) = rejudgings::claim(&mut tx, worker, now, now + LEASE).await? else { return Ok(false) };
    let submission = submissions::by_id(&mut tx, &taken.1).await?;
    tx.commit().await?;
    let submission = submission.ok_or_else(|| Failure::Broken(format!("no submission {}", taken.1)))?;
    let heart = tokio::spawn(beat(app.clone(), Held::Rejudged(taken.clone()), worker.to_owned()));
    let (ended, scores) = concluded(app, &submission).await?;
    heart.abort();
    let mut tx = app.store.write().await?;
    rejudgings::end(&mut tx, &taken, worker, &ended, &serde_json::to_string(&scores)?).await?;
    tx.commit().await?;
    Ok(true)
}

/// What work came to, whatever it came to.
async fn concluded(app: &App, submission: &Submission) -> Result<(Ended, Vec<ScoreRow>), Failure> {
    let scorer = SCORER.to_owned();
    match perform(app, submission).await {
        Ok(done) => {
            let outcome = Some(serde_json::to_string(&done.outcome)?);
            Ok((Ended { state: done.state, reason: done.reason, outcome, scorer }, done.scores))
        }
        Err(Failure::TooLarge(limit)) => {
            tracing::error!(submission = submission.id, "{limit}");
            let mut outcome = Outcome::default();
            outcome.refuse(limit);
            let reason = Some(outcome.sentence());
            let outcome = Some(serde_json::to_string(&outcome)?);
            Ok((Ended { state: State::Refused, reason, outcome, scorer }, Vec::new()))
        }
        Err(failure) => {
            tracing::error!(submission = submission.id, "{failure:?}");
            let reason = "The server could not check it. Organisers see why, and can have it checked again.".to_owned();
            Ok((Ended { state: State::Failed, reason: Some(reason), outcome: None, scorer }, Vec::new()))
        }
    }
}

/// What a worker has a lease on.
enum Held {
    Submission(String),
    House((String, String)),
    Rejudged((String, String)),
}

async fn beat(app: App, held: Held, worker: String) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let extended = async {
            let mut tx = app.store.write().await?;
            let until = app.now() + LEASE;
            match &held {
                Held::Submission(id) => submissions::extend(&mut tx, id, &worker, until).await?,
                Held::House(of) => house_table::extend(&mut tx, of, &worker, until).await?,
                Held::Rejudged(of) => rejudgings::extend(&mut tx, of, &worker, until).await?,
            }
            tx.commit().await
        };
        if let Err(error) = extended.await {
            tracing::warn!("heartbeat: {error}");
        }
    }
}

async fn perform(app: &App, submission: &Submission) -> Result<Done, Failure> {
    let job = match submission.kind() {
        Kind::Defence => Job::Defence(Box::new(defence::gather(app, submission).await?)),
        Kind::Attack => Job::Attack(Box::new(attack::gather(app, submission).await?)),
    };
    job.perform(app).await
}

/// Runs what takes the processor on a thread of its own; a panic there is an error here.
pub(crate) async fn on_thread<T: Send + 'static>(
    task: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let result = tokio::task::spawn_blocking(task).await;
    result.map_err(|error| Failure::Broken(format!("the check panicked: {error}")))?
}

/// The file with the traces or probabilities of a submission.
pub(crate) fn upload_of(files: &Files, submission: &Submission) -> std::path::PathBuf {
    match submission.is_of_words() {
        true => files.defended(&submission.id),
        false => files.upload(&submission.id, &submission.file_name),
    }
}

/// Shared by checks: that file, opened, under a name that says nothing of this machine.
pub(crate) fn open_upload(files: &Files, submission: &Submission) -> std::io::Result<(String, std::fs::File)> {
    let path = upload_of(files, submission);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, std::fs::File::open(path)?))
}
