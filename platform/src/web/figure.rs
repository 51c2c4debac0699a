//! Pictures of `wfkit-report` on pages: the drawing in the reader's colours, what it shows in words, its table, and both as files.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use wfkit_report::picture::Picture;

use super::show::csv_field;
use crate::Failure;

/// Rows of a table that a page shows; the CSV has all.
const ROWS: usize = 40;
/// Pictures are no documents of this site: what they have inside is style, and nothing else may be.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A picture under its name in addresses.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) picture: Picture,
    /// Columns of its table that are known: of an attack of the house areas are all that is kept.
    known: usize,
    /// What is listed beside it, under a heading.
    list: Option<(&'static str, Vec<String>)>,
}

impl Named {
    pub(crate) fn new(name: impl Into<String>, picture: Picture) -> Self {
        Self { name: name.into(), known: picture.table.columns().len(), picture, list: None }
    }

    pub(crate) fn with_columns(self, known: usize) -> Self {
        Self { known, ..self }
    }

    pub(crate) fn with_list(self, heading: &'static str, list: Vec<String>) -> Self {
        Self { list: (!list.is_empty()).then_some((heading, list)), ..self }
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        self.picture.table.columns().iter().take(self.known).copied()
    }

    fn rows(&self) -> impl ExactSizeIterator<Item = Vec<String>> {
        self.picture.table.rows().iter().map(|row| row.iter().take(self.known).map(|cell| cell.text()).collect())
    }

    fn csv(&self) -> String {
        let mut text = self.columns().collect::<Vec<_>>().join(",") + "\n";
        for row in self.rows() {
            text += &(row.iter().map(|field| csv_field(field)).collect::<Vec<_>>().join(",") + "\n");
        }
        text
    }
}

/// A picture on a page.
pub(crate) struct Figure {
    pub(crate) image: String,
    pub(crate) csv: String,
    pub(crate) vega: String,
    pub(crate) title: String,
    pub(crate) finding: String,
    pub(crate) reading: &'static str,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) left_out: usize,
    pub(crate) list: Option<(&'static str, Vec<String>)>,
}

impl Figure {
    /// With its files under `base`, asked for with `query`.
    pub(crate) fn new(one: Named, base: &str, query: &str) -> Self {
        let link = |kind: &str| format!("{base}/{}.{kind}{query}", one.name);
        Self {
            image: link("svg"),
            csv: link("csv"),
            vega: link("json"),
            columns: one.columns().map(|name| name.replace('_', " ")).collect(),
            rows: one.rows().take(ROWS).collect(),
            left_out: one.picture.table.rows().len().saturating_sub(ROWS),
            title: one.picture.title,
            finding: one.picture.finding,
            reading: one.picture.reading,
            list: one.list,
        }
    }
}

/// The picture as an image.
pub(crate) fn image(picture: &Picture) -> Response {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, picture.image()).into_response()
}

/// The file that is asked for as `NAME.svg`, `NAME.csv` or, of Vega-Lite, `NAME.json`.
pub(crate) fn file(all: Vec<Named>, file: &str) -> Result<Response, Failure> {
    let (name, kind) = file.rsplit_once('.').ok_or(Failure::NotFound)?;
    let found = all.into_iter().find(|one| one.name == name).ok_or(Failure::NotFound)?;
    let download = |kind: &'static str| {
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
        ]
    };
    match kind {
        "svg" => Ok(image(&found.picture)),
        "csv" => Ok((download("text/csv; charset=utf-8"), found.csv()).into_response()),
        "json" => Ok((download("application/json"), found.picture.vega_lite()).into_response()),
        _ => Err(Failure::NotFound),
    }
}

/// Whether what a table holds is a number, which stands at the right.
pub(crate) fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok()
}
