//! The database, behind one module: SQL that SQLite and PostgreSQL both read, over one schema.
//!
//! Statements are functions over a connection, one file a table or two, so that whoever needs several of them does so in one
//! transaction. Writing transactions go one after another: SQLite has one writer, and a queue of our own is fairer than its.

pub mod accounts;
pub mod attempts;
pub mod audit;
pub mod rejudgings;
pub mod results;
pub mod rounds;
pub mod settings;
pub mod submissions;
pub mod teams;

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

/// What statements run on; another database would be named here.
pub type Conn = sqlx::SqliteConnection;

/// A transaction that writes.
pub type Writing = Transaction<'static, Sqlite>;

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl Store {
    /// Opens the file `path`, makes it if need be, and brings its schema up to date.
    ///
    /// # Errors
    /// What the system or the database refuses, such as a schema newer than this program.
    pub async fn open(path: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A transaction is on the disk when it is committed: what was accepted stays so after a loss of power.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30));
        let pool = |most| SqlitePoolOptions::new().max_connections(most).acquire_timeout(Duration::from_secs(60));
        let writer = pool(1).connect_with(options.clone()).await?;
        sqlx::migrate!("./migrations").run(&writer).await?;
        let readers = pool(8).connect_with(options).await?;
        Ok(Self { readers, writer })
    }

    /// A connection to read from.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn read(&self) -> sqlx::Result<PoolConnection<Sqlite>> {
        self.readers.acquire().await
    }

    /// A transaction to write in; it takes the lock at once, so that what it has read still holds when it writes.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn write(&self) -> sqlx::Result<Writing> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// Writes a copy of the whole database to `path`, as of one instant, while others go on.
    ///
    /// # Errors
    /// What the database refuses, such as a file that exists.
    pub async fn copy_to(&self, path: &Path) -> sqlx::Result<()> {
        let mut conn = self.readers.acquire().await?;
        sqlx::query("VACUUM INTO $1").bind(path.to_string_lossy().into_owned()).execute(&mut *conn).await?;
        Ok(())
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// How an organiser's name is compared: nobody is to look like somebody else.
pub(crate) fn key(name: &str) -> String {
    name.trim().to_lowercase()
}
