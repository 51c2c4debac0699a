//! Lists that grow, read a page at a time: sorted by one column, ties by id, from a place on that a cursor names. Whatever comes or goes
//! between two pages, nothing is shown twice and nothing that stayed is left out.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::Conn;

/// What a row is sorted by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// A number; whole ones to 2^53, which times in milliseconds are.
    Number(f64),
    /// A text.
    Text(String),
    /// Nothing: comes last, whichever way is sorted.
    Missing,
}

impl Key {
    /// A text, as it is compared: without regard to case.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_lowercase())
    }

    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => turned(a.total_cmp(b)),
            (Self::Text(a), Self::Text(b)) => turned(a.cmp(b)),
            (Self::Missing, Self::Missing) => Ordering::Equal,
            (Self::Missing, _) | (Self::Text(_), Self::Number(_)) => Ordering::Greater,
            (_, Self::Missing) | (Self::Number(_), Self::Text(_)) => Ordering::Less,
        }
    }
}

impl From<Option<f64>> for Key {
    fn from(number: Option<f64>) -> Self {
        number.filter(|number| !number.is_nan()).map_or(Self::Missing, Self::Number)
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Number(number as f64)
    }
}

/// The last row of a page: the next one begins behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// What it is sorted by.
    pub key: Key,
    /// Its id.
    pub id: String,
}

/// What SQL sorts by: an expression that is never null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expression {
    sql: &'static str,
    text: bool,
}

impl Expression {
    /// A text.
    pub const fn text(sql: &'static str) -> Self {
        Self { sql, text: true }
    }

    /// A whole number.
    pub const fn number(sql: &'static str) -> Self {
        Self { sql, text: false }
    }
}

/// Which page of a list.
#[derive(Debug, Clone)]
pub struct Ask<S> {
    /// What it is sorted by.
    pub by: S,
    /// Whether the largest come first.
    pub descending: bool,
    /// Behind which row it begins; with the first without.
    pub after: Option<Place>,
    /// Rows at most.
    pub limit: usize,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Paged<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next one begins, if there is more.
    pub next: Option<Place>,
}

/// A list in SQL, all of whose parts stand in this program; what is asked for comes as `values` of `filter`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    pub(super) columns: &'a str,
    pub(super) from: &'a str,
    /// What tells rows apart.
    pub(super) id: &'a str,
    pub(super) filter: &'a str,
    pub(super) values: &'a [&'a str],
}

/// A page of a list in the database.
pub(super) async fn page<T>(conn: &mut Conn, list: Listed<'_>, ask: &Ask<Expression>) -> sqlx::Result<Paged<T>>
where
    T: for<'r> FromRow<'r, AnyRow>,
{
    let Listed { columns, from, id, filter, values } = list;
    let Expression { sql, text } = ask.by;
    let (way, beyond) = if ask.descending { ("DESC", "<") } else { ("ASC", ">") };
    let behind = match &ask.after {
        Some(_) => format!(" AND ({sql}, {id}) {beyond} (${}, ${})", values.len() + 1, values.len() + 2),
        None => String::new(),
    };
    // One more tells whether there is a next page.
    let sql = format!(
        "SELECT {columns}, {sql} AS place_key, {id} AS place_id FROM {from} WHERE {filter}{behind}
         ORDER BY place_key {way}, place_id {way} LIMIT {}",
        ask.limit + 1
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for value in values {
        query = query.bind(*value);
    }
    if let Some(place) = &ask.after {
        query = match (&place.key, text) {
            (Key::Text(key), true) => query.bind(key.as_str()),
            (Key::Number(key), false) => query.bind(*key as i64),
            // A cursor is of one list in one order (`web::table`), whose keys are all of one kind.
            _ => return Err(sqlx::Error::Protocol("a place of another list".to_owned())),
        };
        query = query.bind(place.id.as_str());
    }
    let found = query.fetch_all(conn).await?;
    let place = |row: &AnyRow| -> sqlx::Result<Place> {
        let key = match text {
            true => Key::Text(row.try_get("place_key")?),
            false => Key::from(row.try_get::<i64, _>("place_key")?),
        };
        Ok(Place { key, id: row.try_get("place_id")? })
    };
    let next = match found.len() > ask.limit {
        true => Some(place(&found[ask.limit - 1])?),
        false => None,
    };
    let rows = found.iter().take(ask.limit).map(T::from_row).collect::<sqlx::Result<_>>()?;
    Ok(Paged { rows, next })
}

/// Sorts rows that are in memory; ties stay as they are.
pub(crate) fn sort<T>(rows: &mut [T], by: fn(&T) -> Key, descending: bool) {
    rows.sort_by(|a, b| by(a).compare(&by(b), descending));
}

/// A page of a list that is in memory.
pub(crate) fn paged<T>(mut rows: Vec<T>, id: fn(&T) -> String, ask: &Ask<fn(&T) -> Key>) -> Paged<T> {
    let place = |row: &T| Place { key: (ask.by)(row), id: id(row) };
    let order = |a: &Place, b: &Place| a.key.compare(&b.key, ask.descending).then_with(|| a.id.cmp(&b.id));
    rows.sort_by_cached_key(id);
    sort(&mut rows, ask.by, ask.descending);
    if let Some(after) = &ask.after {
        rows.retain(|row| order(&place(row), after) == Ordering::Greater);
    }
    let next = (rows.len() > ask.limit).then(|| place(&rows[ask.limit - 1]));
    rows.truncate(ask.limit);
    Paged { rows, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_last_and_pages_have_every_row_once() {
        type Line = (Option<f64>, &'static str);
        let rows: Vec<Line> = vec![(Some(2.0), "d"), (None, "a"), (Some(1.0), "c"), (Some(2.0), "b"), (None, "e")];
        for (descending, expected) in [(false, "cbdae"), (true, "bdcae")] {
            for limit in 1..=6 {
                let (mut text, mut after) = (String::new(), None);
                loop {
                    let ask = Ask { by: (|row: &Line| Key::from(row.0)) as fn(&Line) -> Key, descending, after, limit };
                    let page = paged(rows.clone(), |row| row.1.to_owned(), &ask);
                    assert!(page.rows.len() <= limit);
                    text.extend(page.rows.iter().map(|row| row.1));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(text, expected, "{limit} at a time");
            }
        }
    }
}
