//! Checks, scores, attacks of the house and mail, away from the requests that wait for nobody.
//!
//! What is to be done follows from the database: each piece of it is a job there ([`jobs`]). The queue is told of jobs, by their ids, and
//! hands them out; whoever is handed one begins it in the database, and ends it in one transaction with its results, which counts only
//! while nobody else has begun it since. So work may be done twice, but counts once. What the queue does not know is told it again.

mod apart;
mod attack;
mod defence;
mod handed;
mod house;
mod likeness;
mod outcome;
mod record;
mod settle;
mod simulate;
mod trial;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

pub use apart::{Apart, run_job};
pub(crate) use attack::matches_of;
pub use handed::handed;
pub(crate) use handed::{queue_house, tell_of};
pub use house::HouseAttacker;
pub(crate) use house::{CONTROL, answers, predict, read_by_answers, references};
pub use outcome::{AttackDetail, CostLine, Outcome, ProblemKind, SplitLine};
pub use record::Lab;
pub use settle::{candidates, settle_due};
pub(crate) use trial::try_defence;

use crate::store::results::ScoreRow;
use crate::store::submissions::{self, State, Submission};
use crate::store::{Line, Queue, accounts, attempts, house as house_table, jobs};
use crate::{App, Failure, Files, Millis};

/// What checks and scores; kept with every result, changed whenever a number could.
pub const SCORER: &str = concat!("wfkit ", env!("CARGO_PKG_VERSION"), "/1");

/// How often somebody looks for what time brings and for what was lost.
const SWEEP: Duration = Duration::from_secs(5);
/// How often a process that nobody rings looks for jobs that the queue was not told of.
const LOOK: Duration = Duration::from_secs(1);
/// Files that belong to nothing are removed when they are so old.
const ORPHANS: Millis = 3_600_000;

/// Rings when there is more to do, so that this process need not wait for its next look.
#[derive(Debug, Default)]
pub struct Bell(Notify);

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }
}

/// Workers and the sweep, until told to stop; what a worker has begun it ends.
///
/// # Errors
/// A queue that does not open: nothing would be done.
pub async fn run(app: App, workers: usize, stop: watch::Receiver<bool>) -> Result<(), Failure> {
    let broken = |error: crate::store::QueueError| Failure::Broken(format!("the queue: {error}"));
    let queue = Queue::open(&app.store).await.map_err(broken)?;
    let (rung, bell) = watch::channel(());
    let mut tasks = JoinSet::new();
    tasks.spawn(tell_often(app.clone(), queue.clone(), rung, stop.clone()));
    tasks.spawn(sweep_often(app.clone(), queue.clone(), stop.clone()));
    let mut lines = Vec::new();
    if workers > 0 {
        // An attack of the house takes all cores: one at a time, beside the workers that teams wait for. A recording waits more than it works.
        lines.extend([(Line::Checks, workers), (Line::House, 1)]);
        lines.extend(app.options.lab.is_some().then_some((Line::Recordings, 1)));
    }
    lines.extend(app.options.post.is_some().then_some((Line::Mail, 1)));
    let (doing, stopping) = (app.clone(), stop.clone());
    let handler = Arc::new(move |line, id: String| {
        let (app, stop) = (doing.clone(), stopping.clone());
        // On a task of its own: work goes on to its end also where the queue loses its connection.
        let work = tokio::spawn(async move {
            if line == Line::House {
                handed::wait_for_checks(&app, stop).await?;
            }
            handed(&app, &id).await.map(drop)
        });
        let done = async move {
            let failure = match work.await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(failure)) => format!("{failure:?}"),
                Err(error) => format!("it panicked: {error}"),
            };
            Err(failure.into())
        };
        Box::pin(done) as _
    });
    // No two have the same name, also not one after another.
    queue.run(&app.world.id(), &lines, handler, bell, stop).await.map_err(broken)?;
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// Tells the queue of jobs that it does not know, and rings for its workers.
async fn tell_often(app: App, queue: Queue, rung: watch::Sender<()>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match tell(&app, &queue).await {
            Ok(0) => {}
            Ok(_) => drop(rung.send(())),
            Err(failure) => tracing::error!("queue: {failure:?}"),
        }
        tokio::select! {
            () = app.bell.0.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn tell(app: &App, queue: &Queue) -> Result<usize, Failure> {
    let new = jobs::not_handed(&mut *app.store.read().await?).await?;
    for job in &new {
        queue.push(job, app.now()).await.map_err(|error| Failure::Broken(error.to_string()))?;
    }
    if !new.is_empty() {
        let mut tx = app.store.write().await?;
        for job in &new {
            jobs::handed(&mut tx, &job.id).await?;
        }
        tx.commit().await?;
    }
    Ok(new.len())
}

async fn sweep_often(app: App, queue: Queue, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(failure) = sweep(&app).await {
            tracing::error!("sweep: {failure:?}");
        }
        if let Err(failure) = find_lost(&app, &queue).await {
            tracing::error!("sweep of the queue: {failure:?}");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Jobs that the queue was told of and has no more, though they have not ended: it is told anew.
async fn find_lost(app: &App, queue: &Queue) -> Result<(), Failure> {
    let broken = |error: crate::store::QueueError| Failure::Broken(error.to_string());
    // In this order: what ends between is not lost.
    let known = jobs::known(&mut *app.store.read().await?).await?;
    let alive = queue.alive().await.map_err(broken)?;
    let lost: Vec<&String> = known.iter().filter(|id| !alive.contains(*id)).collect();
    if !lost.is_empty() {
        tracing::warn!(jobs = lost.len(), "lost by the queue, which is told of them again");
        let mut tx = app.store.write().await?;
        for id in lost {
            jobs::renew(&mut tx, id, &app.world.id()).await?;
        }
        tx.commit().await?;
        app.bell.ring();
    }
    queue.tidy().await.map_err(broken)
}

/// Everything that time brings: what is to be done and has no job gets one, rounds are settled, what has ended is forgotten.
///
/// # Errors
/// What the system or the database refuses.
pub async fn sweep(app: &App) -> Result<(), Failure> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    for attacker in &app.options.house {
        house_table::queue_missing(&mut tx, attacker.name(), now).await?;
    }
    let wanted = jobs::want(&mut tx, &app.world).await?;
    accounts::prune(&mut tx, now).await?;
    attempts::prune(&mut tx, now).await?;
    tx.commit().await?;
    if wanted > 0 {
        app.bell.ring();
    }
    settle_due(app).await?;
    let known: std::collections::HashSet<String> =
        submissions::ids(&mut *app.store.read().await?).await?.into_iter().collect();
    app.files.sweep(now, now - ORPHANS, |id| known.contains(id)).await?;
    Ok(())
}

/// Works until nothing is left to do but mail, one job after another and without the queue; for tests and the demo, which have no workers.
///
/// # Errors
/// As [`sweep`].
pub async fn drain(app: &App) -> Result<usize, Failure> {
    let mut kinds = vec![jobs::Kind::Check, jobs::Kind::House, jobs::Kind::Rejudge];
    // Without a laboratory, recordings wait for a process that has one.
    kinds.extend(app.options.lab.is_some().then_some(jobs::Kind::Record));
    let mut done = 0;
    loop {
        let next = jobs::next(&mut *app.store.read().await?, app.now(), &kinds).await?;
        let Some(job) = next else { return Ok(done) };
        handed(app, &job.id).await?;
        done += 1;
    }
}

/// What is to be computed, with all that the database knows of it: whoever computes needs files and nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Job {
    Defence(Box<defence::Defending>),
    Attack(Box<attack::Attacking>),
    House(Box<house::Slowly>),
    Trial(Box<trial::Trial>),
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
            Self::Trial(trial) => trial.run(),
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
            Self::Trial(_) => (None, String::new()),
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
