//! Tables and pictures as HTML.

use std::fmt::Write as _;

use super::ROWS;
use crate::canvas::escaped;
use crate::picture::Picture;
use crate::table::{Cell, Table};

/// Texts of a table up to this long stand to the right, in one line.
const SHORT: usize = 28;

/// A paragraph.
pub(super) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", prose(text))
}

/// A text for people: numbers stay beside their percent sign.
pub(super) fn prose(text: &str) -> String {
    escaped(text).replace(" %", "\u{a0}%")
}

/// Something to open.
pub(super) fn details(summary: &str, inner: &str) -> String {
    format!("<details><summary>{}</summary>\n{inner}</details>\n", escaped(summary))
}

/// A table that scrolls by itself where it is wider than the page. Its first column is what each row is about.
pub(super) fn table(caption: &str, table: &Table) -> String {
    let columns: Vec<String> = table.columns().iter().map(|name| name.replace('_', " ")).collect();
    let shown = table.rows().len().min(ROWS);
    let mut html = begun(caption, &columns);
    for row in &table.rows()[..shown] {
        html += "<tr>";
        for cell in row {
            let number = if cell.is_number() { " class=n" } else { "" };
            let _ = write!(html, "<td{number}>{}", escaped(&cell.text()));
        }
        html += "\n";
    }
    html += "</table></div>\n";
    if shown < table.rows().len() {
        let left = table.rows().len() - shown;
        html += &paragraph(&format!("{left} rows more: wfkit plot writes all of them with --out FILE.csv."));
    }
    html
}

/// A table of texts; all columns but the first stand to the right.
pub(super) fn texts(caption: &str, columns: &[&str], rows: &[Vec<String>]) -> String {
    let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    let mut html = begun(caption, &columns);
    for row in rows {
        html += "<tr>";
        for (at, cell) in row.iter().enumerate() {
            let _ = match at {
                0 => write!(html, "<th scope=row>{}</th>", escaped(cell)),
                _ if cell.chars().count() <= SHORT => write!(html, "<td class=n>{}", escaped(cell)),
                _ => write!(html, "<td>{}", escaped(cell)),
            };
        }
        html += "\n";
    }
    html + "</table></div>\n"
}

fn begun(caption: &str, columns: &[String]) -> String {
    let heads: String = columns.iter().map(|name| format!("<th scope=col>{}</th>", escaped(name))).collect();
    let by_class = if columns.first().is_some_and(|first| first == "class") { " data-classes" } else { "" };
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{0}\"><table{by_class}><caption>{0}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n",
        escaped(caption)
    )
}

/// A picture with its finding, how it is read, and its data.
pub(super) fn picture(picture: &Picture) -> String {
    let paper = if picture.is_on_paper() { " paper" } else { "" };
    format!(
        "<figure><h3>{}</h3>\n<p class=\"finding\">{}</p>\n<div class=\"scroll{paper}\" tabindex=\"0\" role=\"group\" aria-label=\"{}\">{}</div>\n\
         <figcaption>{}</figcaption>\n{}</figure>\n",
        escaped(&picture.title),
        prose(&picture.finding),
        escaped(&format!("Picture: {}", picture.title)),
        picture.inside_a_page(),
        prose(picture.reading),
        details("The data as a table", &table(&picture.title, &picture.table))
    )
}

/// A score with its interval.
pub(super) fn with_interval(value: Option<f64>, interval: Option<(f64, f64)>) -> String {
    match (value, interval) {
        (Some(value), Some((low, high))) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        (Some(value), None) => format!("{value:.3}"),
        (None, _) => "none".to_owned(),
    }
}

/// As a table writes it.
pub(super) fn cell(cell: impl Into<Cell>) -> String {
    cell.into().text()
}
