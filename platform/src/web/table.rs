//! Tables that can be sorted, and lists that go on: the one place that reads `?sort=..&order=..&after=..&limit=..`, and writes the links
//! that say so. They are links, so that a table is sorted without a script; what a table can be sorted by is a list of its own.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::store::paging::{Ask, Expression, Key, Paged, Place};
use crate::{App, Failure};

/// Rows of a page where nothing is said, and at most.
const LIMIT: usize = 50;
pub(crate) const MOST: usize = 200;

/// A column of a table. `S` is what sorts by it: an expression of SQL, or a function of rows that are in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<S> {
    name: &'static str,
    label: &'static str,
    class: &'static str,
    /// Whether the largest come first when it is chosen: the newest, the best.
    down: bool,
    by: Option<S>,
}

/// Columns of a list in the database.
pub(crate) type Listed = [Column<Expression>];

/// Columns of one that is in memory.
pub(crate) type InMemory<R> = [Column<fn(&R) -> Key>];

impl<S: Copy> Column<S> {
    const fn new(name: &'static str, label: &'static str, class: &'static str, down: bool, by: S) -> Self {
        Self { name, label, class, down, by: Some(by) }
    }

    /// One of texts.
    pub(crate) const fn text(name: &'static str, label: &'static str, by: S) -> Self {
        Self::new(name, label, "", false, by)
    }

    /// The one that tells whose row it is; it stays in sight where the others scroll.
    pub(crate) const fn row(name: &'static str, label: &'static str, by: S) -> Self {
        Self::new(name, label, "row", false, by)
    }

    /// The same, of times.
    pub(crate) const fn row_of_time(name: &'static str, label: &'static str, by: S) -> Self {
        Self::new(name, label, "row", true, by)
    }

    /// One of instants.
    pub(crate) const fn time(name: &'static str, label: &'static str, by: S) -> Self {
        Self::new(name, label, "", true, by)
    }

    /// One of figures, of which more is better.
    pub(crate) const fn number(name: &'static str, label: &'static str, by: S) -> Self {
        Self::new(name, label, "n", true, by)
    }

    /// One of ordinals, of which the first is 1.
    pub(crate) const fn ordinal(name: &'static str, label: &'static str, by: S) -> Self {
        Self::new(name, label, "n", false, by)
    }

    /// One that nothing is sorted by.
    pub(crate) const fn plain(label: &'static str) -> Self {
        Self { name: "", label, class: "", down: false, by: None }
    }
}

/// What a table can be sorted by.
pub(crate) fn names<S: Copy>(columns: &[Column<S>]) -> Vec<&'static str> {
    columns.iter().filter(|column| column.by.is_some()).map(|column| column.name).collect()
}

/// What was asked for: the address of a page without the site.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    path: String,
    pairs: Vec<(String, String)>,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(pairs) =
            pairs.map_err(|_| Failure::Bad("What follows the question mark cannot be read.".to_owned()))?;
        Ok(Self { path: parts.uri.path().to_owned(), pairs })
    }
}

impl Asked {
    /// A page without anything behind the question mark.
    pub(crate) fn of(path: &str) -> Self {
        Self { path: path.to_owned(), pairs: Vec::new() }
    }

    /// A value; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.pairs.iter().rfind(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

/// The head of a column, as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) label: String,
    pub(crate) class: &'static str,
    /// Where it is sorted by this column; empty where it cannot be.
    pub(crate) link: String,
    /// How it is sorted by this column now: as `aria-sort` has it, empty if it is not.
    pub(crate) sorted: &'static str,
}

impl Head {
    /// One that nothing is sorted by, after all others.
    pub(crate) fn plain(label: impl Into<String>, class: &'static str) -> Self {
        Self { label: label.into(), class, link: String::new(), sorted: "" }
    }
}

/// Links to the other pages of a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct More {
    /// Empty on the first page.
    pub(crate) first: String,
    /// Empty on the last.
    pub(crate) next: String,
}

/// A table, as it was asked for.
#[derive(Debug)]
pub(crate) struct Table<'a, S: 'static> {
    asked: &'a Asked,
    columns: &'static [Column<S>],
    keeps: &'static [&'static str],
    sorted: usize,
    descending: bool,
}

/// What a cursor says. Whoever makes one by hand gets no further than with a link: it names a place in a list that is theirs to see.
#[derive(Serialize, Deserialize)]
struct Cursor {
    /// Of which list, in which order.
    of: String,
    at: Place,
}

impl<'a, S: Copy> Table<'a, S> {
    /// A table that is sorted by its first column with `unasked` as its name where nothing is asked for. `keeps` are the filters that
    /// links keep.
    ///
    /// # Errors
    /// A column or an order that is none, with those that there are.
    pub(crate) fn read(
        asked: &'a Asked,
        columns: &'static [Column<S>],
        unasked: &'static str,
        keeps: &'static [&'static str],
    ) -> Result<Self, Failure> {
        let sort = asked.get("sort");
        let name = if sort.is_empty() { unasked } else { sort };
        let Some(sorted) = columns.iter().position(|column| column.by.is_some() && column.name == name) else {
            let known = names(columns).join(", ");
            return Err(Failure::Bad(format!("sort: {} is none of {known}", shown(name))));
        };
        let descending = match asked.get("order") {
            "" => columns[sorted].down,
            "asc" => false,
            "desc" => true,
            other => return Err(Failure::Bad(format!("order: {} is neither asc nor desc", shown(other)))),
        };
        Ok(Self { asked, columns, keeps, sorted, descending })
    }

    /// What it is sorted by, and whether the largest come first.
    pub(crate) fn order(&self) -> (S, bool) {
        (self.columns[self.sorted].by.expect("it was found among those that have one"), self.descending)
    }

    /// The page that is asked for.
    ///
    /// # Errors
    /// A limit that is none, a cursor that is not of this list in this order.
    pub(crate) fn ask(&self) -> Result<Ask<S>, Failure> {
        let wrong = || Failure::Bad(format!("limit: a whole number from 1 to {MOST}"));
        let limit = match self.asked.get("limit") {
            "" => LIMIT,
            text => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(wrong)?,
        };
        let after =
            match self.asked.get("after") {
                "" => None,
                text => Some(self.place(text).ok_or_else(|| {
                    Failure::Bad("after: not a cursor that this list gave out in this order".to_owned())
                })?),
            };
        let (by, descending) = self.order();
        Ok(Ask { by, descending, after, limit })
    }

    fn of(&self) -> String {
        let mut of = format!("{} {} {}", self.asked.path, self.columns[self.sorted].name, self.descending);
        for name in self.keeps {
            of += &format!(" {}", self.asked.get(name));
        }
        of.trim_start_matches("/api/v1").to_owned()
    }

    /// A cursor: letters and digits, the last of which tell whether the others are as they were given out.
    fn cursor(&self, at: &Place) -> String {
        let text = serde_json::to_string(&Cursor { of: self.of(), at: at.clone() }).expect("texts and numbers");
        format!("{}{}", wfkit_datasets::hex(text.as_bytes()), &crate::digest(&text)[..8])
    }

    fn place(&self, cursor: &str) -> Option<Place> {
        let (text, sum) = cursor.split_at_checked(cursor.len().checked_sub(8)?)?;
        let digits = text.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> =
            digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        let text = String::from_utf8(bytes?).ok()?;
        let Cursor { of, at } = serde_json::from_str(&text).ok()?;
        // A zero byte is no text to PostgreSQL, and no id of ours.
        let plain = |text: &str| !text.contains('\0');
        let plain = plain(&at.id) && if let Key::Text(text) = &at.key { plain(text) } else { true };
        (plain && crate::digest(&text)[..8] == *sum && of == self.of()).then_some(at)
    }

    fn link(&self, pairs: &[(&str, &str)]) -> String {
        let kept = self.keeps.iter().chain(&["limit"]).map(|name| (*name, self.asked.get(name)));
        let pairs = kept.chain(pairs.iter().copied()).filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        match pairs.is_empty() {
            true => self.asked.path.clone(),
            false => format!("{}?{}", self.asked.path, pairs.join("&")),
        }
    }

    fn order_name(descending: bool) -> &'static str {
        if descending { "desc" } else { "asc" }
    }

    /// The heads of the columns.
    pub(crate) fn heads(&self) -> Vec<Head> {
        let head = |(index, column): (usize, &Column<S>)| {
            let here = index == self.sorted;
            let to = if here { !self.descending } else { column.down };
            let link = match column.by {
                Some(_) => self.link(&[("sort", column.name), ("order", Self::order_name(to))]),
                None => String::new(),
            };
            let sorted = match (here, self.descending) {
                (false, _) => "",
                (true, false) => "ascending",
                (true, true) => "descending",
            };
            Head { label: column.label.to_owned(), class: column.class, link, sorted }
        };
        self.columns.iter().enumerate().map(head).collect()
    }

    /// Links to the other pages.
    pub(crate) fn more<T>(&self, page: &Paged<T>) -> More {
        let order = [("sort", self.asked.get("sort")), ("order", self.asked.get("order"))];
        let next = |place: &Place| self.link(&[order[0], order[1], ("after", &self.cursor(place))]);
        More {
            first: if self.asked.get("after").is_empty() { String::new() } else { self.link(&order) },
            next: page.next.as_ref().map_or_else(String::new, next),
        }
    }

    /// A page of a list of the API: its items, and where the next one is, in the document and as a `Link`.
    pub(crate) fn document<T>(&self, page: &Paged<T>, items: &[serde_json::Value]) -> Response {
        let More { next, .. } = self.more(page);
        let there = (!next.is_empty()).then_some(&next);
        let mut response = axum::Json(serde_json::json!({ "items": items, "next": there })).into_response();
        if let Some(next) = there
            && let Ok(value) = HeaderValue::from_str(&format!("<{next}>; rel=\"next\""))
        {
            response.headers_mut().insert(header::LINK, value);
        }
        response
    }
}

/// A value that was sent, not too much of it.
fn shown(value: &str) -> String {
    let short: String = value.chars().take(40).collect();
    format!("“{short}”")
}

/// A value of an address.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Line = (i64, &'static str);
    const COLUMNS: &InMemory<Line> = &[
        Column::row("name", "Name", |line: &Line| Key::text(line.1)),
        Column::number("size", "Size", |line: &Line| Key::from(line.0)),
        Column::plain("Why"),
    ];

    fn asked(query: &str) -> Asked {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Asked {
            path: "/things".to_owned(),
            pairs: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    fn refused(query: &str) -> String {
        let asked = asked(query);
        let table = Table::read(&asked, COLUMNS, "name", &["state"]);
        table.and_then(|table| table.ask()).map(|_| ()).expect_err(query).to_string()
    }

    #[test]
    fn what_cannot_be_sorted_by_is_told_with_what_can() {
        assert_eq!(refused("sort=Why"), "sort: “Why” is none of name, size");
        assert_eq!(refused("order=up"), "order: “up” is neither asc nor desc");
        for limit in ["0", "x", "-1", "201", "1e2", "99999999999999999999"] {
            assert_eq!(refused(&format!("limit={limit}")), "limit: a whole number from 1 to 200");
        }
    }

    #[test]
    fn heads_turn_the_order_and_keep_filters() {
        let asked = asked("sort=size&state=a b&limit=7&x=y");
        let heads = Table::read(&asked, COLUMNS, "name", &["state"]).unwrap().heads();
        let told: Vec<_> = heads.iter().map(|head| (head.sorted, head.link.as_str())).collect();
        assert_eq!(
            told,
            [
                ("", "/things?state=a%20b&limit=7&sort=name&order=asc"),
                ("descending", "/things?state=a%20b&limit=7&sort=size&order=asc"),
                ("", ""),
            ]
        );
    }

    #[test]
    fn cursors_are_of_one_list_in_one_order() {
        let plain = asked("");
        let table = Table::read(&plain, COLUMNS, "name", &["state"]).unwrap();
        let place = Place { key: Key::Text("é".to_owned()), id: "x1".to_owned() };
        let cursor = table.cursor(&place);
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(table.place(&cursor), Some(place.clone()));
        for wrong in ["sort=size", "order=desc", "state=done"] {
            assert!(refused(&format!("{wrong}&after={cursor}")).starts_with("after: not a cursor"), "{wrong}");
        }
        for forged in ["", "x", "00", "ÿÿÿÿÿ", &cursor[2..], &cursor.replacen('7', "6", 1)] {
            assert_eq!(table.place(forged), None, "{forged}");
        }
    }
}
