//! The database, behind one module: SQL that SQLite and PostgreSQL both read, over one schema.
//!
//! Statements are functions over a connection, one file a table or two, so that whoever needs several of them does so in one
//! transaction. Writing transactions go one after another: SQLite has one writer, a line of our own is fairer than its, and what
//! holds of one database then holds of the other. Tables of the queue, which is a library's, are beside ours in the same database
//! (`queue.rs`).

pub mod accounts;
pub mod attempts;
pub mod audit;
pub mod house;
pub mod jobs;
pub mod mail;
pub mod paging;
mod queue;
pub mod rejudgings;
pub mod results;
pub mod rounds;
pub mod settings;
pub mod submissions;
pub mod teams;
pub mod whole;

pub(crate) use queue::{Line, Queue, QueueError};

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, ConnectOptions, Connection, Transaction};

/// What statements run on.
pub type Conn = sqlx::AnyConnection;

/// A transaction that writes.
pub type Writing = Transaction<'static, Any>;

/// Where the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// The database.
#[derive(Clone)]
pub struct Store {
    kind: Kind,
    address: Arc<str>,
    readers: AnyPool,
    writer: AnyPool,
}

impl fmt::Debug for Store {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the file `path`, makes it if need be, and brings its schema up to date.
    ///
    /// # Errors
    /// What the system or the database refuses, such as a schema newer than this program.
    pub async fn open(path: &Path) -> sqlx::Result<Self> {
        // A name may have what means something else in an address.
        let path = std::path::absolute(path).map_err(sqlx::Error::Io)?;
        let name: String = path.to_string_lossy().bytes().map(escaped).collect();
        Self::connect(Kind::Sqlite, &format!("sqlite://{name}?mode=rwc")).await
    }

    /// Opens the database of an address `postgres://USER@HOST/NAME`, and brings its schema up to date. What the address leaves out is
    /// what other programs of PostgreSQL would take, such as the password of `~/.pgpass`.
    ///
    /// # Errors
    /// As [`Store::open`]; no error has the address, which may hold a password.
    pub async fn open_postgres(address: &str) -> sqlx::Result<Self> {
        Self::connect(Kind::Postgres, address).await
    }

    async fn connect(kind: Kind, address: &str) -> sqlx::Result<Self> {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = address.parse()?;
        let options = options.disable_statement_logging();
        let pool = |most| {
            AnyPoolOptions::new().max_connections(most).acquire_timeout(Duration::from_secs(60)).after_connect(
                move |conn, _| {
                    Box::pin(async move {
                        let said: &[&'static str] = if kind == Kind::Sqlite { &SQLITE } else { &POSTGRES };
                        for statement in said {
                            sqlx::query(*statement).execute(&mut *conn).await?;
                        }
                        Ok(())
                    })
                },
            )
        };
        if kind == Kind::Postgres {
            // A pool tries again until its time is over, and then does not say what was wrong.
            Conn::connect_with(&options).await?.close().await?;
        }
        let writer = pool(1).connect_with(options.clone()).await?;
        sqlx::migrate!("./migrations").run(&writer).await?;
        let readers = pool(8).connect_with(options).await?;
        Ok(Self { kind, address: address.into(), readers, writer })
    }

    /// A connection to read from.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn read(&self) -> sqlx::Result<PoolConnection<Any>> {
        self.readers.acquire().await
    }

    /// A transaction to write in; it takes the lock of all writers at once, so that what it has read still holds when it writes: the one
    /// lock that SQLite has, and one of ours in PostgreSQL, which all processes on the database share.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn write(&self) -> sqlx::Result<Writing> {
        match self.kind {
            Kind::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await,
            Kind::Postgres => {
                let mut tx = self.writer.begin().await?;
                sqlx::query("SELECT pg_advisory_xact_lock(hashtext('wfkit ' || current_schema()))")
                    .execute(&mut *tx)
                    .await?;
                Ok(tx)
            }
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// What a connection to SQLite is told. A transaction is on the disk when it is committed: what was accepted stays so after a loss of
/// power.
const SQLITE: [&str; 4] = [
    "PRAGMA busy_timeout = 30000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
];

/// The same of PostgreSQL, whose remarks that a table is there already are nothing to log.
const POSTGRES: [&str; 1] = ["SET client_min_messages = warning"];

fn escaped(byte: u8) -> String {
    let plain = byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

/// How an organiser's name is compared: nobody is to look like somebody else.
pub(crate) fn key(name: &str) -> String {
    name.trim().to_lowercase()
}
