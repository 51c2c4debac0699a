//! The fields of a line.

/// Splits a line at a separator. A field in double quotes may hold separators; a quote that nothing closes is a
/// character as any other, so that it never swallows what follows.
pub(super) fn fields(line: &str, separator: char) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, behind) = match quoted(rest, separator) {
            Some(split) => split,
            None => match rest.split_once(separator) {
                Some((field, behind)) => (field, Some(behind)),
                None => (rest, None),
            },
        };
        fields.push(field.trim());
        match behind {
            Some(behind) => rest = behind,
            None => return fields,
        }
    }
}

/// The field in quotes that the text starts with, and what is behind its separator.
fn quoted(text: &str, separator: char) -> Option<(&str, Option<&str>)> {
    let inner = text.trim_start_matches(' ').strip_prefix('"')?;
    let mut from = 0;
    loop {
        let at = from + inner[from..].find('"')?;
        let behind = &inner[at + 1..];
        let end = behind.trim_start_matches(' ');
        if end.is_empty() {
            return Some((&inner[..at], None));
        }
        if let Some(rest) = end.strip_prefix(separator) {
            return Some((&inner[..at], Some(rest)));
        }
        // A quote in the field: written twice, or as it is.
        from = at + 1 + usize::from(behind.starts_with('"'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_and_without_quotes() {
        assert_eq!(fields("a, b ,\"c,d\",", ','), ["a", "b", "c,d", ""]);
        assert_eq!(fields("\"a\" ,\"\",\"say \"\"x\"\", y\"", ','), ["a", "", "say \"\"x\"\", y"]);
        assert_eq!(fields("1,\"GET /x,2", ','), ["1", "\"GET /x", "2"]);
        assert_eq!(fields("a\tb\t", '\t'), ["a", "b", ""]);
        assert_eq!(fields("", ';'), [""]);
        assert_eq!(fields("\"", ','), ["\""]);
        assert_eq!(fields("\"\"\"", ','), ["\"\"\""]);
    }
}
