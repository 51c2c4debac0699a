//! Class names and their column order.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The classes of a task, in the order of every matrix column that belongs to them.
///
/// Names that are whole numbers come first, by value (so `2` stands before `10`); all other names follow in
/// byte order. The order depends on the names alone, never on the order in which they were seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClassMap {
    names: Vec<String>,
}

impl ClassMap {
    /// The distinct names among `labels`, in class order.
    pub fn from_labels<I, S>(labels: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let distinct: BTreeSet<String> = labels.into_iter().map(|label| label.as_ref().to_owned()).collect();
        let mut names: Vec<String> = distinct.into_iter().collect();
        names.sort_by(|a, b| class_order(a, b));
        Self { names }
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no class at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, in class order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The column of `name`, if it is one of the classes.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|probe| class_order(probe, name)).ok()
    }
}

/// Whole numbers by value, then all other names by bytes.
pub fn class_order(a: &str, b: &str) -> std::cmp::Ordering {
    let key = |name: &str| match name.parse::<u64>() {
        Ok(number) => (0, number, name.to_owned()),
        Err(_) => (1, 0, name.to_owned()),
    };
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_value_before_names() {
        let classes = ClassMap::from_labels(["b", "10", "a", "2", "10", "-1"]);
        assert_eq!(classes.names(), ["2", "10", "-1", "a", "b"]);
        assert_eq!(classes.index_of("10"), Some(1));
        assert_eq!(classes.index_of("b"), Some(4));
        assert_eq!(classes.index_of("3"), None);
    }

    #[test]
    fn numbers_written_differently_stay_apart() {
        let classes = ClassMap::from_labels(["01", "1"]);
        assert_eq!(classes.len(), 2);
        assert_eq!(classes.index_of("01"), Some(0));
        assert_eq!(classes.index_of("1"), Some(1));
    }
}
