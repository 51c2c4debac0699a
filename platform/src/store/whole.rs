//! The whole database as plain values: what copies, archives and the way from one kind of database to the other are made of.

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Column, Row};

use super::{Conn, Kind, Store};

/// Every table, those that others refer to first; without jobs, which follow from the others.
pub const TABLES: [&str; 20] = [
    "setting",
    "account",
    "invitation",
    "one_time",
    "session",
    "api_token",
    "attempt",
    "team",
    "membership",
    "round",
    "submission",
    "pin",
    "game",
    "result",
    "announcement",
    "audit",
    "rejudging",
    "rejudged",
    "house",
    "mail",
];

/// Columns of earlier versions, which said who was working on what: jobs do now, and follow from what is to be done.
const GONE: [&str; 3] = ["worker", "lease_until", "attempts"];

/// All rows of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// A value for each column: text, a number or nothing.
    pub rows: Vec<Vec<Value>>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Whole,
    Number,
}

impl Store {
    /// All tables as of one instant, while others go on.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn tables(&self) -> sqlx::Result<Vec<Table>> {
        let begin = match self.kind {
            Kind::Sqlite => "BEGIN",
            Kind::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        let mut tx = self.readers.begin_with(begin).await?;
        let mut tables = Vec::new();
        for name in TABLES {
            tables.push(self.table(&mut tx, name).await?);
        }
        tx.commit().await?;
        Ok(tables)
    }

    async fn table(&self, conn: &mut Conn, name: &str) -> sqlx::Result<Table> {
        let columns = self.columns(conn, name).await?;
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let sql = format!("SELECT {} FROM {name} ORDER BY {}", names.join(", "), names.join(", "));
        let mut found = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch(conn);
        let mut rows = Vec::new();
        while let Some(row) = found.try_next().await? {
            let value = |(column, &(_, holds)): (usize, &(String, Holds))| value_of(&row, column, holds);
            rows.push(
                row.columns()
                    .iter()
                    .map(|column| column.ordinal())
                    .zip(&columns)
                    .map(value)
                    .collect::<Result<_, _>>()?,
            );
        }
        Ok(Table { name: name.to_owned(), columns: names, rows })
    }

    /// Columns of a table of this database, and what they hold.
    async fn columns(&self, conn: &mut Conn, table: &str) -> sqlx::Result<Vec<(String, Holds)>> {
        let sql = match self.kind {
            Kind::Sqlite => "SELECT name, lower(type) FROM pragma_table_info($1)",
            Kind::Postgres => {
                "SELECT column_name::text, data_type::text FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position"
            }
        };
        let rows: Vec<(String, String)> = sqlx::query_as(sql).bind(table).fetch_all(conn).await?;
        let column = |(name, kind): (String, String)| {
            let holds = match kind.as_str() {
                "bigint" => Holds::Whole,
                "double precision" => Holds::Number,
                _ => Holds::Text,
            };
            (name, holds)
        };
        Ok(rows.into_iter().map(column).collect())
    }

    /// Fills a database that has nothing in it, whole or not at all.
    ///
    /// # Errors
    /// A database with accounts, a table or column that this version does not know, and what the database refuses.
    pub async fn fill(&self, tables: &[Table]) -> sqlx::Result<()> {
        let mut tx = self.write().await?;
        let (accounts,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM account").fetch_one(&mut *tx).await?;
        if accounts > 0 {
            return Err(refused("the database has accounts already; name one that is empty"));
        }
        for name in TABLES {
            let Some(table) = tables.iter().find(|table| table.name == name) else { continue };
            let known = self.columns(&mut tx, name).await?;
            let (mut names, mut holds) = (Vec::new(), Vec::new());
            for column in &table.columns {
                match known.iter().find(|(known, _)| known == column) {
                    Some((_, one)) => {
                        names.push(column.as_str());
                        holds.push(Some(*one));
                    }
                    None if GONE.contains(&column.as_str()) => holds.push(None),
                    None => {
                        return Err(refused(format!(
                            "table {name} has a column {column}, which this version does not know"
                        )));
                    }
                }
            }
            let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
            let sql = format!("INSERT INTO {name} ({}) VALUES ({})", names.join(", "), places.join(", "));
            for (number, row) in (1..).zip(&table.rows) {
                if row.len() != holds.len() {
                    return Err(refused(format!("table {name}, row {number}: {} values", row.len())));
                }
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.clone()));
                for (value, holds) in row.iter().zip(&holds) {
                    query = match holds {
                        // PostgreSQL has no zero bytes in texts; SQLite took them.
                        Some(Holds::Text) => query.bind(value.as_str().map(|text| text.replace('\0', ""))),
                        Some(Holds::Whole) => query.bind(value.as_i64()),
                        Some(Holds::Number) => query.bind(value.as_f64()),
                        None => query,
                    };
                }
                query.execute(&mut *tx).await?;
            }
        }
        if let Some(table) = tables.iter().find(|table| !TABLES.contains(&table.name.as_str())) {
            return Err(refused(format!("there is a table {}, which this version does not know", table.name)));
        }
        tx.commit().await
    }
}

fn refused(why: impl Into<String>) -> sqlx::Error {
    sqlx::Error::Protocol(why.into())
}

fn value_of(row: &sqlx::any::AnyRow, column: usize, holds: Holds) -> sqlx::Result<Value> {
    Ok(match holds {
        Holds::Text => row.try_get::<Option<String>, _>(column)?.into(),
        Holds::Whole => row.try_get::<Option<i64>, _>(column)?.into(),
        Holds::Number => row.try_get::<Option<f64>, _>(column)?.into(),
    })
}
