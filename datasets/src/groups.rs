//! Which rows belong together, so that no split, bag or resample tears them apart.

use std::collections::HashMap;

use crate::{Label, TraceSet};

/// Rows that belong together: copies of one load, and what shows one page of the background.
///
/// Groups are numbered by their first row, rows of none but their own group included, so that a set without copies and pages has as
/// many groups as rows, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    of_row: Vec<usize>,
    len: usize,
}

impl Groups {
    /// Every row a group of its own.
    pub fn of_rows(rows: usize) -> Self {
        Self { of_row: (0..rows).collect(), len: rows }
    }

    /// Groups of copies: rows of one origin, and the load that they were made of where it is there itself.
    pub fn by_origin(set: &TraceSet) -> Self {
        let traces = set.traces();
        if traces.iter().all(|labelled| labelled.origin.is_none()) {
            return Self::of_rows(traces.len());
        }
        let origins: Vec<String> = traces.iter().map(|labelled| labelled.origin_of_copies()).collect();
        // Two loads with the same packets are no copies of each other, so a load joins its copies only.
        let copied: std::collections::HashSet<&str> =
            traces.iter().filter_map(|labelled| labelled.origin.as_deref()).collect();
        Self::joined(traces.len(), |row| Some(origins[row].as_str()).filter(|origin| copied.contains(origin)))
    }

    /// As [`by_origin`](Self::by_origin), from labels; a load without its packets is known by its likeness.
    pub fn by_origin_of_labels(labels: &[Label]) -> Self {
        let own: Vec<Option<String>> = labels.iter().map(Label::origin_of_copies).collect();
        let copied: std::collections::HashSet<&str> =
            labels.iter().filter_map(|label| label.origin.as_deref()).collect();
        Self::joined(labels.len(), |row| own[row].as_deref().filter(|origin| copied.contains(origin)))
    }

    /// These groups, joined where rows have the same name.
    pub fn join<'a>(&self, name_of: impl Fn(usize) -> Option<&'a str>) -> Self {
        let mut parent: Vec<usize> = (0..self.len).collect();
        let mut named: HashMap<&str, usize> = HashMap::new();
        for row in 0..self.of_row.len() {
            let Some(name) = name_of(row) else { continue };
            let group = root(&mut parent, self.of_row[row]);
            let other = *named.entry(name).or_insert(group);
            let other = root(&mut parent, other);
            parent[group.max(other)] = group.min(other);
        }
        let roots: Vec<usize> = self.of_row.iter().map(|&group| root(&mut parent, group)).collect();
        Self::numbered(&roots)
    }

    fn joined<'a>(rows: usize, name_of: impl Fn(usize) -> Option<&'a str>) -> Self {
        Self::of_rows(rows).join(name_of)
    }

    /// Numbers groups by their first row.
    fn numbered(of_row: &[usize]) -> Self {
        let mut numbers = HashMap::new();
        let mut number = |group: &usize| {
            let next = numbers.len();
            *numbers.entry(*group).or_insert(next)
        };
        let of_row = of_row.iter().map(&mut number).collect();
        Self { of_row, len: numbers.len() }
    }

    /// The group of every row.
    pub fn of_row(&self) -> &[usize] {
        &self.of_row
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether every row is a group of its own.
    pub fn are_rows(&self) -> bool {
        self.len == self.of_row.len()
    }

    /// The rows of every group, ascending.
    pub fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.len];
        for (row, &group) in self.of_row.iter().enumerate() {
            members[group].push(row);
        }
        members
    }

    /// The groups of some rows, renumbered.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self::numbered(&rows.iter().map(|&row| self.of_row[row]).collect::<Vec<_>>())
    }
}

/// The group that a group was joined to in the end.
fn root(parent: &mut [usize], mut group: usize) -> usize {
    while parent[group] != group {
        parent[group] = parent[parent[group]];
        group = parent[group];
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LabelledTrace, Layer, Provenance, Trace, TraceKey};

    fn load(rep: i64, size: i32, origin: Option<&str>, page: Option<&str>) -> LabelledTrace {
        LabelledTrace {
            origin: origin.map(str::to_owned),
            page: page.map(str::to_owned),
            ..LabelledTrace::new(
                TraceKey { class: "a".into(), rep, session: None },
                None,
                Trace::new(vec![0], vec![size]).unwrap(),
            )
        }
    }

    fn set(traces: Vec<LabelledTrace>) -> TraceSet {
        TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    #[test]
    fn copies_belong_to_the_load_they_were_made_of() {
        let first = load(0, 7, None, None);
        let origin = first.origin_of_copies();
        let traces = vec![
            first,
            load(1, 8, Some("x"), None),
            load(2, 9, Some(&origin), None),
            load(3, 8, Some("x"), None),
            load(4, 9, None, None),
            load(5, 9, None, None),
        ];
        let labels: Vec<Label> = traces.iter().map(Label::from).collect();
        let groups = Groups::by_origin(&set(traces));
        assert_eq!((groups.of_row(), groups.len()), ([0, 1, 0, 1, 2, 3].as_slice(), 4));
        assert_eq!(Groups::by_origin_of_labels(&labels), groups);
        assert_eq!(groups.members(), [vec![0, 2], vec![1, 3], vec![4], vec![5]]);
        assert_eq!(groups.select(&[3, 5, 1]).of_row(), [0, 1, 0]);
    }

    #[test]
    fn pages_join_groups_of_copies() {
        let traces = vec![
            load(0, 1, Some("x"), Some("p")),
            load(1, 2, Some("x"), None),
            load(2, 3, None, Some("q")),
            load(3, 4, None, Some("p")),
            load(4, 5, None, None),
        ];
        let set = set(traces);
        let groups = Groups::by_origin(&set).join(|row| set.traces()[row].page.as_deref());
        assert_eq!(groups.of_row(), [0, 0, 1, 0, 2]);
    }

    #[test]
    fn rows_are_groups_where_nothing_is_known() {
        let groups = Groups::by_origin(&set(vec![load(0, 1, None, None), load(1, 1, None, None)]));
        assert!(groups.are_rows() && groups == Groups::of_rows(2));
    }
}
