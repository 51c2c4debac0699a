//! Class names and their column order.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The classes of a task, in the order of every matrix column that belongs to them.
///
/// Names that are whole numbers come first, by value (so `2` stands before `10`); all other names follow in
/// byte order. The order depends on the names alone, never on the order in which they were seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ClassMap {
    names: Vec<String>,
}

/// Names read back that are not in class order, or not distinct: sorting them now would part them from their columns.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("class {index} (`{name}`) does not come after `{before}`")]
pub struct ClassOrderError {
    /// Position of the name, counted from 0.
    pub index: usize,
    /// The name found there.
    pub name: String,
    /// The name before it.
    pub before: String,
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

impl TryFrom<Vec<String>> for ClassMap {
    type Error = ClassOrderError;

    fn try_from(names: Vec<String>) -> Result<Self, ClassOrderError> {
        match names.windows(2).position(|pair| class_order(&pair[0], &pair[1]).is_ge()) {
            None => Ok(Self { names }),
            Some(index) => {
                Err(ClassOrderError { index: index + 1, name: names[index + 1].clone(), before: names[index].clone() })
            }
        }
    }
}

impl From<ClassMap> for Vec<String> {
    fn from(classes: ClassMap) -> Self {
        classes.names
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

    #[test]
    fn numbers_too_large_to_read_are_names() {
        let classes = ClassMap::from_labels(["99999999999999999999999", "3", ""]);
        assert_eq!(classes.names(), ["3", "", "99999999999999999999999"]);
        assert!(classes.names().iter().enumerate().all(|(index, name)| classes.index_of(name) == Some(index)));
    }

    #[test]
    fn reads_back_only_what_is_in_order() {
        let classes = ClassMap::from_labels(["2", "10", "a"]);
        let json = serde_json::to_string(&classes).unwrap();
        assert_eq!(json, r#"["2","10","a"]"#);
        assert_eq!(serde_json::from_str::<ClassMap>(&json).unwrap(), classes);
        let swapped = serde_json::from_str::<ClassMap>(r#"["10","2"]"#).unwrap_err().to_string();
        assert!(swapped.contains("class 1 (`2`) does not come after `10`"), "{swapped}");
        assert!(serde_json::from_str::<ClassMap>(r#"["a","a"]"#).is_err());
    }

    #[test]
    fn no_labels_no_classes() {
        let classes = ClassMap::from_labels([] as [&str; 0]);
        assert!(classes.is_empty());
        assert_eq!(classes.index_of(""), None);
    }
}
