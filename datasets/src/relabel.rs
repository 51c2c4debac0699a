//! Open worlds made of closed ones.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::{LabelledTrace, TraceKey, TraceSet};

/// Why a set has no such open world.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RelabelError {
    /// A class to watch is not there.
    #[error("no trace of class {class:?} to monitor; there are {there}")]
    NoSuchClass {
        /// The class.
        class: String,
        /// Some of those that are there.
        there: String,
    },
    /// Nothing is watched.
    #[error("no class to monitor is named")]
    NothingMonitored,
    /// Nothing is left for the background.
    #[error("every class is monitored: none is left for the unmonitored class")]
    NoBackground,
    /// The background would have the name of a watched class.
    #[error("class {0:?} is monitored, so the unmonitored class needs another name")]
    NameTaken(String),
}

/// The same traces with all classes but those in `monitored` made one, `unmonitored`; what a trace of it shows, its class of before, becomes its
/// page (unless it has one already). Reps of the unmonitored class are numbered anew, from 0 in the order of the set; all else stays.
pub fn relabel(set: &TraceSet, monitored: &[String], unmonitored: &str) -> Result<TraceSet, RelabelError> {
    let watched: BTreeSet<&str> = monitored.iter().map(String::as_str).collect();
    if watched.is_empty() {
        return Err(RelabelError::NothingMonitored);
    }
    if watched.contains(unmonitored) {
        return Err(RelabelError::NameTaken(unmonitored.to_owned()));
    }
    let classes = set.classes();
    if let Some(absent) = watched.iter().find(|&&class| classes.index_of(class).is_none()) {
        let mut there = classes.names().iter().take(8).cloned().collect::<Vec<_>>().join(", ");
        if classes.len() > 8 {
            there.push_str(", ..");
        }
        return Err(RelabelError::NoSuchClass { class: (*absent).to_owned(), there });
    }
    let mut next = 0;
    let mut background = |labelled: &LabelledTrace| {
        let key = TraceKey { class: unmonitored.to_owned(), rep: next, session: labelled.key.session.clone() };
        next += 1;
        let page = labelled.page.clone().or_else(|| Some(labelled.key.class.clone()));
        LabelledTrace { key, page, ..labelled.clone() }
    };
    let one = |labelled: &LabelledTrace| match watched.contains(labelled.key.class.as_str()) {
        true => labelled.clone(),
        false => background(labelled),
    };
    let traces: Vec<LabelledTrace> = set.traces().iter().map(one).collect();
    if next == 0 {
        return Err(RelabelError::NoBackground);
    }
    Ok(TraceSet::new(traces, set.provenance().clone()).expect("reps of the background are numbered, other keys stay"))
}

/// The background of an open world: traces that have a page, and the pages that they show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfBackground {
    /// Number of traces.
    pub traces: usize,
    /// Number of pages.
    pub pages: usize,
}

impl OfBackground {
    /// What a set has of it.
    pub fn in_set(set: &TraceSet) -> Self {
        let pages = || set.traces().iter().filter_map(|labelled| labelled.page.as_ref());
        Self { traces: pages().count(), pages: pages().collect::<BTreeSet<_>>().len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layer, Provenance, Trace};

    fn set() -> TraceSet {
        let one = |(class, rep): (&str, i64)| {
            let key = TraceKey { class: class.to_owned(), rep, session: Some("day".to_owned()) };
            LabelledTrace::new(key, Some(rep), Trace::new(vec![0], vec![rep as i32 + 1]).unwrap())
        };
        let keys = [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("c", 1)];
        TraceSet::new(keys.map(one).into(), Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    #[test]
    fn what_is_not_watched_becomes_pages_of_one_class() {
        let open = relabel(&set(), &["b".to_owned()], "other").unwrap();
        let told: Vec<(String, Option<&str>)> =
            open.traces().iter().map(|t| (format!("{} {}", t.key.class, t.key.rep), t.page.as_deref())).collect();
        let expected =
            [("b 0", None), ("b 1", None), ("other 0", Some("a")), ("other 1", Some("a")), ("other 2", Some("c"))];
        assert_eq!(told, expected.map(|(key, page)| (key.to_owned(), page)));
        assert_eq!(OfBackground::in_set(&open), OfBackground { traces: 3, pages: 2 });
        // Once more with fewer classes to watch, pages stay those of the first time.
        let again = relabel(&open, &["b".to_owned()], "rest").unwrap();
        assert_eq!(again.traces().last().unwrap().page.as_deref(), Some("c"));
    }

    #[test]
    fn impossible_worlds_are_refused_by_name() {
        let error = |monitored: &[&str], name| {
            let monitored: Vec<String> = monitored.iter().map(|class| (*class).to_owned()).collect();
            relabel(&set(), &monitored, name).unwrap_err().to_string()
        };
        assert_eq!(error(&["d"], "other"), "no trace of class \"d\" to monitor; there are a, b, c");
        assert!(error(&["a", "b", "c"], "other").contains("none is left"));
        assert!(error(&["a"], "a").contains("another name"));
        assert!(error(&[], "a").contains("no class to monitor"));
    }
}
