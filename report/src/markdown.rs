//! Markdown as mdBook and others show it.

use std::fmt::Write as _;

/// A table; no line of it where there are no rows.
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = line(&header.map(str::to_owned));
    let _ = writeln!(text, "|{}", "---|".repeat(N));
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text.push('\n');
    text
}

fn line<const N: usize>(cells: &[String; N]) -> String {
    format!("| {} |\n", cells.each_ref().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).join(" | "))
}

/// A list; nothing where there are no items.
pub fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let mut text: String = items.into_iter().map(|item| format!("- {}\n", prose(item))).collect();
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Text of the program, whose angle brackets, stars and underscores are meant as they stand. What is in backticks stays.
pub fn prose(text: &str) -> String {
    let mut parts = text.split('`').enumerate().peekable();
    let mut shown = String::new();
    while let Some((place, part)) = parts.next() {
        if place % 2 == 1 && parts.peek().is_some() {
            let _ = write!(shown, "`{part}`");
        } else if place % 2 == 1 {
            let _ = write!(shown, "\\`{}", escaped(part)); // a backtick that nothing closes
        } else {
            shown.push_str(&escaped(part));
        }
    }
    shown
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut all, c| {
        if matches!(c, '<' | '>' | '*' | '_' | '[' | ']') {
            all.push('\\');
        }
        all.push(c);
        all
    })
}

/// As it would be typed.
pub fn code(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_markup_is_shown_as_it_stands() {
        assert_eq!(prose("a <FILE>, `x <y> | z` and q_1*"), "a \\<FILE\\>, `x <y> | z` and q\\_1\\*");
        assert_eq!(prose("it's ` alone"), "it's \\` alone");
        assert_eq!(table(["a"], &[[code("x|y")]]), "| a |\n|---|\n| `x\\|y` |\n\n");
        assert_eq!(table(["a"], &[]), "");
    }
}
