//! Everything that is wrong with a file, in one list.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// How many examples a kind of problem keeps.
const EXAMPLES: usize = 20;
/// How many characters of a value an example keeps: what a stranger put into a file need not be repeated at length.
const VALUE_CHARACTERS: usize = 40;

/// Everything that is wrong with a file: each kind with its count and its first 20 places, in the order of appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems {
    kinds: Vec<Problem>,
}

/// One kind of problem in one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What is wrong, such as `not a number`.
    pub kind: Cow<'static, str>,
    /// The column, empty where the whole row or file is meant.
    pub column: String,
    /// How often it was met.
    pub count: u64,
    /// The first 20 places.
    pub examples: Vec<Example>,
}

/// Where a problem was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The line in the file, 0 where no line can be named.
    pub row: u64,
    /// What stands there, cut after 40 characters.
    pub value: String,
}

impl Problems {
    /// Notes one problem.
    pub fn record(&mut self, kind: impl Into<Cow<'static, str>>, column: &str, row: u64, value: impl fmt::Display) {
        let problem = self.met(kind.into(), column);
        if problem.examples.len() < EXAMPLES {
            problem.examples.push(Example { row, value: shortened(&value.to_string()) });
        }
    }

    /// Notes a problem of the file as a whole, which has no place.
    pub fn whole(&mut self, kind: impl Into<Cow<'static, str>>) {
        self.met(kind.into(), "");
    }

    /// Adds those of another list after its own.
    pub fn append(&mut self, other: Self) {
        self.kinds.extend(other.kinds);
    }

    /// The problem of this kind, counted once more.
    fn met(&mut self, kind: Cow<'static, str>, column: &str) -> &mut Problem {
        let at =
            self.kinds.iter().position(|known| known.kind == kind && known.column == column).unwrap_or_else(|| {
                self.kinds.push(Problem { kind, column: column.to_owned(), count: 0, examples: Vec::new() });
                self.kinds.len() - 1
            });
        let problem = &mut self.kinds[at];
        problem.count += 1;
        problem
    }

    /// Every kind met so far.
    pub fn kinds(&self) -> &[Problem] {
        &self.kinds
    }

    /// Number of problems of all kinds.
    pub fn count(&self) -> u64 {
        self.kinds.iter().map(|problem| problem.count).sum()
    }

    /// The first line that is named in any place; none where no place is known.
    pub fn first_row(&self) -> Option<u64> {
        self.kinds.iter().flat_map(|kind| &kind.examples).map(|example| example.row).min()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }
}

impl fmt::Display for Problems {
    /// One line a kind: count, kind, column, the first three places. The empty list is `no problems`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no problems");
        }
        for (i, problem) in self.kinds.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "\n" })?;
            write!(f, "{} x {}", problem.count, problem.kind)?;
            if !problem.column.is_empty() {
                write!(f, " in column {}", problem.column)?;
            }
            for (i, example) in problem.examples.iter().take(3).enumerate() {
                f.write_str(if i == 0 { ": " } else { ", " })?;
                match example.row {
                    0 => write!(f, "{}", example.value)?,
                    row => write!(f, "row {row} `{}`", example.value)?,
                }
            }
            f.write_str(if problem.count > 3 { ", ..." } else { "" })?;
        }
        Ok(())
    }
}

/// The value on one line, without control characters and addresses of the network, cut where it is long.
pub(crate) fn shortened(value: &str) -> String {
    let value = without_addresses(value);
    let mut characters = value.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = characters.by_ref().take(VALUE_CHARACTERS).collect();
    if characters.next().is_some() {
        short.push_str("...");
    }
    short
}

/// The text with a word for every address in it.
fn without_addresses(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    let mut plain = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !is_part(c)) {
        let word = piece.trim_end_matches(|c: char| !is_part(c));
        let bare = word.trim_matches(['.', ':']);
        if bare.len() > 5 && has_address(bare) {
            plain.push_str("(address)");
            plain.push_str(&piece[word.len()..]);
        } else {
            plain.push_str(piece);
        }
    }
    plain
}

/// Whether a word of hexadecimal digits, points and colons is an address, with or without a port behind it or other numbers around it.
fn has_address(word: &str) -> bool {
    let is_v4 = |text: &str| {
        let numbers: Vec<&str> = text.split('.').collect();
        numbers.len() >= 4 && numbers[..4].join(".").parse::<std::net::Ipv4Addr>().is_ok()
    };
    let is_v6 = |text: &str| text.parse::<std::net::Ipv6Addr>().is_ok();
    let hardware: Vec<&str> = word.split(':').collect();
    word.split(':').any(is_v4)
        || is_v6(word)
        || word.rsplit_once('.').is_some_and(|(address, _)| is_v6(address))
        || (hardware.len() == 6 && hardware.iter().all(|part| part.len() == 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_and_keeps_twenty() {
        let mut problems = Problems::default();
        for row in 0..25 {
            problems.record("not a number", "timestamp", row + 2, "x");
        }
        problems.record("zero size", "direction_size", 9, 0);
        assert_eq!(problems.count(), 26);
        assert_eq!(problems.kinds()[0].examples.len(), 20);
        assert_eq!(
            problems.to_string(),
            "25 x not a number in column timestamp: row 2 `x`, row 3 `x`, row 4 `x`, ...\n\
             1 x zero size in column direction_size: row 9 `0`"
        );
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shortened("a\nb"), "a b");
        for (value, plain) in [
            ("50:198.51.100.7:-600", "(address):-600".replace(":-600", "-600")),
            ("1.5,10.0.0.1,fd00::1", "1.5,(address),(address)".to_owned()),
            ("IP 10.0.0.1.443 > fe80::1.80: x", "IP (address) > (address) x".to_owned()),
            ("02:00:00:00:00:01", "(address)".to_owned()),
            ("12:30:45.5 at 0.0 v1.2.3", "12:30:45.5 at 0.0 v1.2.3".to_owned()),
        ] {
            assert_eq!(shortened(value), plain);
        }
        assert_eq!(shortened(&"x".repeat(41)), format!("{}...", "x".repeat(40)));
    }
}
