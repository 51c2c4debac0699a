//! How numbers and times look.

use std::fmt;

use crate::Millis;
use crate::world::{iso, utc};

/// A number with so many decimals, or a dash.
pub(crate) fn number(value: impl Into<Option<f64>>, decimals: usize) -> String {
    value.into().map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
}

/// A share as a percentage with sign.
pub(crate) fn percent(value: impl Into<Option<f64>>) -> String {
    value.into().map_or_else(|| "–".to_owned(), |value| format!("{:+.0} %", value * 100.0))
}

/// Bytes with thousands marked, or another whole number.
pub(crate) fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

/// A size in the unit that fits.
pub(crate) fn size(bytes: i64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// An instant as a `time` element: UTC, which the script puts into the reader's zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When(pub(crate) Millis);

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\">{}</time>", iso(self.0), utc(self.0))
    }
}

impl askama::filters::HtmlSafe for When {}

/// How long until then, roughly; what the script counts down.
pub(crate) fn until(at: Millis, now: Millis) -> String {
    let minutes = ((at - now).max(0)) / 60_000;
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A field of CSV: quoted where it must be, and never a formula of a spreadsheet.
pub(crate) fn csv_field(text: &str) -> String {
    let formula =
        text.starts_with(['=', '+', '@', '\t', '\r']) || (text.starts_with('-') && text.parse::<f64>().is_err());
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fields() {
        assert_eq!((number(1.236, 2), number(None, 2)), ("1.24".into(), "–".into()));
        assert_eq!(
            (count(1_234_567.0), count(999.0), count(1000.0)),
            ("1,234,567".into(), "999".into(), "1,000".into())
        );
        assert_eq!(size(52_428_800), "50.0 MiB");
        assert_eq!(csv_field("=1+1"), "'=1+1");
        assert_eq!((csv_field("-1.5"), csv_field("a,\"b\"")), ("-1.5".into(), "\"a,\"\"b\"\"\"".into()));
        assert_eq!(When(0).to_string(), "<time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00 UTC</time>");
        assert_eq!((until(90_000_000, 0), until(5, 10)), ("1 d 1 h".into(), "0 min".into()));
    }
}
