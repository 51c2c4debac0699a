//! The queue: apalis, with tables of its own in the same database. It hands out [jobs](super::jobs) to the workers of all processes, hears
//! their hearts beat, and hands on what a dead one had. It knows a job by its id alone, and is told of it after the transaction that wants
//! it: what gets lost between is told again.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{BackendExt, BoxDynError, Event, Monitor, MonitorError, TaskBuilder, TaskSink, TaskSinkError};
use apalis::prelude::{WorkerBuilder, WorkerBuilderExt};
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::watch;

use super::Store;
use super::jobs::{Job, Kind};
use crate::Millis;

/// How often a worker says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// One that has not said so this many times is dead.
const MISSED: usize = 5;
/// How often a worker looks for work that other processes have put into the queue.
const LOOK: Duration = Duration::from_secs(1);
/// What has ended is forgotten after so many seconds.
const KEPT: i64 = 3600;

/// What stands in line together: a line has its own workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Checks and, after them, rejudgings.
    Checks,
    /// Checks of what the laboratory records first.
    Recordings,
    /// Attacks of the house.
    House,
    /// Mail.
    Mail,
}

impl Line {
    const EACH: [Self; 4] = [Self::Checks, Self::Recordings, Self::House, Self::Mail];

    fn name(self) -> &'static str {
        match self {
            Self::Checks => "checks",
            Self::Recordings => "recordings",
            Self::House => "house",
            Self::Mail => "mail",
        }
    }

    fn of(job: &Job) -> Option<Self> {
        Some(match job.kind()? {
            Kind::Check | Kind::Rejudge => Self::Checks,
            Kind::Record => Self::Recordings,
            Kind::House => Self::House,
            Kind::Mail => Self::Mail,
        })
    }
}

/// How many workers a process has at each line.
pub(crate) type Lines = Vec<(Line, usize)>;

/// What does a job that was handed out. One that fails is handed out again.
pub(crate) type Handler = Arc<dyn Fn(Line, String) -> BoxFuture<'static, Result<(), BoxDynError>> + Send + Sync>;

/// Why the queue does not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("tables of the queue: {0}")]
    Tables(#[from] MigrateError),
    #[error("a job for the queue: {0}")]
    Job(String),
    #[error("workers: {0}")]
    Workers(#[from] MonitorError),
}

/// The queue; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    tables: Tables,
    /// What names of lines begin with: competitions that share a database of PostgreSQL, each in a schema, share the tables of the queue.
    competition: String,
}

#[derive(Debug, Clone)]
enum Tables {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Does the same with either kind of tables, whose types have nothing in common but their names.
macro_rules! either {
    ($tables:expr, |$pool:ident, $library:ident, $storage:ident| $body:expr) => {
        match $tables {
            Tables::Sqlite($pool) => {
                use apalis_sqlite::{self as $library, SqliteStorage as $storage};
                $body
            }
            Tables::Postgres($pool) => {
                use apalis_postgres::{self as $library, PostgresStorage as $storage};
                $body
            }
        }
    };
}

impl Queue {
    /// Opens it, and brings its tables up to date.
    pub(crate) async fn open(store: &Store) -> Result<Self, QueueError> {
        let (tables, competition) = match store.kind {
            super::Kind::Sqlite => {
                // One connection: there is one writer. What a loss of power takes from the queue is told it again.
                let options = SqliteConnectOptions::from_str(&store.address)?
                    .busy_timeout(Duration::from_secs(60))
                    .synchronous(SqliteSynchronous::Normal);
                (
                    Tables::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?),
                    String::new(),
                )
            }
            super::Kind::Postgres => {
                let (schema,): (String,) =
                    sqlx::query_as("SELECT current_schema()::text").fetch_one(&mut *store.read().await?).await?;
                // A type that the tables need is made where they are.
                let options = PgConnectOptions::from_str(&store.address)?
                    .options([("search_path", "apalis,public"), ("client_min_messages", "warning")]);
                (Tables::Postgres(PgPoolOptions::new().max_connections(3).connect_with(options).await?), schema + " ")
            }
        };
        let queue = Self { tables, competition };
        let mut tries = 0;
        // Several processes may begin at the same time with tables that are not there yet.
        while let Err(error) = queue.migrate().await {
            tries += 1;
            if tries > 20 {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(queue)
    }

    async fn migrate(&self) -> Result<(), QueueError> {
        match &self.tables {
            Tables::Sqlite(pool) => {
                let mut migrations = SqliteStorage::migrations();
                // Beside that of our own tables.
                migrations.dangerous_set_table_name("apalis_migrations");
                migrations.run(pool).await?;
            }
            Tables::Postgres(pool) => PostgresStorage::migrations().run(pool).await?,
        }
        Ok(())
    }

    fn line(&self, line: Line) -> String {
        format!("{}{}", self.competition, line.name())
    }

    /// Tells it of a job; of one that it knows nothing changes. `now` is when it is.
    pub(crate) async fn push(&self, job: &Job, now: Millis) -> Result<(), QueueError> {
        let line = Line::of(job).ok_or_else(|| QueueError::Job(format!("{job:?} is of a later version")))?;
        let due_at = if line == Line::Mail { job.due_at } else { now };
        let wait = Duration::from_millis(due_at.saturating_sub(now).max(0).unsigned_abs());
        let mut task = TaskBuilder::new(job.id.clone())
            .idempotency_key(&job.id)
            .priority(usize::try_from(job.priority).unwrap_or(0));
        if !wait.is_zero() {
            task = task.run_after(wait + Duration::from_secs(1));
        }
        let task = task.build();
        let refused = |error: &sqlx::Error| error.as_database_error().is_some_and(|error| error.is_unique_violation());
        either!(&self.tables, |pool, library, Storage| {
            let config = library::Config::default().queue(self.line(line));
            match Storage::<String>::new(pool).with_config(config).push_task(task).await {
                Ok(()) => Ok(()),
                Err(TaskSinkError::PushError(library::Error::Database(error))) if refused(&error) => Ok(()),
                Err(error) => Err(QueueError::Job(error.to_string())),
            }
        })
    }

    /// Ids of the jobs that it will hand out or has handed out, without those that have ended.
    pub(crate) async fn alive(&self) -> Result<HashSet<String>, QueueError> {
        let of = |table: &str| {
            sqlx::AssertSqlSafe(format!(
                "SELECT idempotency_key FROM {table} WHERE job_type IN ($1, $2, $3, $4) AND idempotency_key IS NOT NULL
                 AND (status IN ('Pending', 'Queued', 'Running') OR (status = 'Failed' AND attempts < max_attempts))"
            ))
        };
        let [checks, recordings, house, mail] = Line::EACH.map(|line| self.line(line));
        let rows: Vec<(String,)> = match &self.tables {
            Tables::Sqlite(pool) => {
                let rows = sqlx::query_as(of("Jobs")).bind(checks).bind(recordings).bind(house).bind(mail);
                rows.fetch_all(pool).await?
            }
            Tables::Postgres(pool) => {
                let rows = sqlx::query_as(of("apalis.jobs")).bind(checks).bind(recordings).bind(house).bind(mail);
                rows.fetch_all(pool).await?
            }
        };
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Forgets what has ended, and workers that are dead and have nothing.
    pub(crate) async fn tidy(&self) -> Result<(), QueueError> {
        let ended = "(status IN ('Done', 'Killed') OR (status = 'Failed' AND attempts >= max_attempts))";
        match &self.tables {
            Tables::Sqlite(pool) => {
                let old = format!("CAST(strftime('%s', 'now') AS INTEGER) - {KEPT}");
                let jobs = format!("DELETE FROM Jobs WHERE {ended} AND done_at < {old}");
                let workers = format!(
                    "DELETE FROM Workers WHERE last_seen < {old} AND NOT EXISTS (SELECT 1 FROM Jobs WHERE lock_by = Workers.id)"
                );
                for sql in [jobs, workers] {
                    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await?;
                }
            }
            Tables::Postgres(pool) => {
                let old = format!("now() - interval '{KEPT} seconds'");
                let jobs = format!("DELETE FROM apalis.jobs WHERE {ended} AND done_at < {old}");
                let workers = format!(
                    "DELETE FROM apalis.workers WHERE last_seen < {old}
                     AND NOT EXISTS (SELECT 1 FROM apalis.jobs WHERE lock_by = workers.id)"
                );
                for sql in [jobs, workers] {
                    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await?;
                }
            }
        }
        Ok(())
    }

    /// Workers, until told to stop; what one has begun it ends. They look for work when the bell rings and every second, and one that
    /// the database fails begins anew after a moment. `name` is one that no other process has, nor this one had before.
    pub(crate) async fn run(
        &self,
        name: &str,
        lines: &Lines,
        handler: Handler,
        bell: watch::Receiver<()>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), QueueError> {
        let stopped = async move { stop.wait_for(|stop| *stop).await.map(drop).map_err(std::io::Error::other) };
        if lines.is_empty() {
            return Ok(stopped.await.map_err(MonitorError::ShutdownSignal)?);
        }
        let mut monitor = Monitor::new()
            .should_restart(|worker, error| {
                tracing::error!(worker = worker.name(), "begins anew: {error}");
                true
            })
            .on_event(|worker, event| {
                if let Event::Error(error) = event {
                    tracing::error!(worker = worker.name(), "{error}");
                }
            });
        for &(line, workers) in lines {
            let (name, queue) = (format!("{name} {}", line.name()), self.line(line));
            let (handler, bell) = (handler.clone(), bell.clone());
            monitor = either!(self.tables.clone(), |pool, library, Storage| {
                monitor.register(move |begun_before| {
                    let config = library::Config::default()
                        .queue(&queue)
                        // One at a time: hearts do not beat while jobs of a batch wait for a worker.
                        .batch_size(1)
                        .heartbeat_interval(HEARTBEAT)
                        .missed_heartbeats(MISSED);
                    let pause = if begun_before == 0 { Duration::ZERO } else { Duration::from_secs(1) };
                    let storage = Storage::<String>::new(&pool).with_config(config);
                    let storage = storage.before_start(move |_| async move {
                        tokio::time::sleep(pause).await;
                        Ok(())
                    });
                    let handler = handler.clone();
                    WorkerBuilder::new(format!("{name} {begun_before}"))
                        .backend(storage.poll_with_stream(Box::pin(rings(bell.clone()))))
                        .concurrency(workers)
                        .build(move |id: String| handler(line, id))
                })
            });
        }
        Ok(monitor.run_with_signal(stopped).await?)
    }
}

/// When to look for work.
fn rings(bell: watch::Receiver<()>) -> impl Stream<Item = ()> + Send {
    futures_util::stream::unfold(bell, |mut bell| async move {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            Ok(()) = bell.changed() => {}
        }
        Some(((), bell))
    })
}
