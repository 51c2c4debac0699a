//! Classes that are named in one text.

use std::borrow::Cow;
use std::fs;
use std::str::FromStr;

use crate::canonical_class;

/// Classes, by the names that all files have them by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassList(pub Vec<String>);

impl FromStr for ClassList {
    type Err = String;

    /// Classes as `a,b` or as the lines of `@FILE`; empty ones do not count.
    fn from_str(list: &str) -> Result<Self, String> {
        let text = match list.strip_prefix('@') {
            Some(file) => fs::read_to_string(file).map_err(|error| format!("{file}: cannot read: {error}"))?,
            None => list.replace(',', "\n"),
        };
        let names: Vec<String> =
            text.lines().map(canonical_class).filter(|name| !name.is_empty()).map(Cow::into_owned).collect();
        if names.is_empty() { Err("it names no class".to_owned()) } else { Ok(Self(names)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_in_a_text_or_a_file() {
        let names = |list: &str| list.parse::<ClassList>().map(|ClassList(names)| names);
        assert_eq!(names("01, b,,c "), Ok(vec!["1".to_owned(), "b".to_owned(), "c".to_owned()]));
        assert_eq!(names(","), Err("it names no class".to_owned()));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("classes.txt");
        fs::write(&file, "a,b\n\n2.0\n").unwrap();
        assert_eq!(names(&format!("@{}", file.display())), Ok(vec!["a,b".to_owned(), "2".to_owned()]));
        assert!(names("@/no/such/file").unwrap_err().starts_with("/no/such/file: cannot read: "));
    }
}
