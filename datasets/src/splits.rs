//! Which traces to train on and which to test on. Traces are named by their row.
//!
//! Every split made here is of disjoint, non-empty parts in ascending order, and the same input and seed give the same split.

use std::collections::{BTreeSet, HashMap, HashSet};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_metrics::seed::mix;
use wfkit_metrics::{ClassMap, class_order};

use crate::{LabelledTrace, TraceSet};

/// Rows to train on and rows to test on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// What to call it in a report.
    pub name: String,
    /// Rows of the training part, ascending.
    pub train: Vec<usize>,
    /// Rows of the test part, ascending.
    pub test: Vec<usize>,
}

/// The splits of a k-fold cross-validation: together their test parts hold every row once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    /// One split a fold.
    pub splits: Vec<Split>,
    /// Classes with fewer traces than folds, and how many they have: some test parts lack them.
    pub sparse_classes: Vec<(String, usize)>,
}

/// Why there is no split.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SplitError {
    /// Fewer than two folds.
    #[error("{0} folds: a cross-validation needs at least 2")]
    Folds(usize),
    /// More folds than traces.
    #[error("{folds} folds of {traces} traces: some would be empty")]
    TooManyFolds {
        /// Folds asked for.
        folds: usize,
        /// Traces at hand.
        traces: usize,
    },
    /// A class cannot be in both parts.
    #[error("class {class} has one trace only: it cannot be both trained on and tested on")]
    LonelyClass {
        /// The class.
        class: String,
    },
    /// A trace has no session.
    #[error("trace {row} has no session, so it cannot be kept with its session")]
    NoSession {
        /// Its row.
        row: usize,
    },
    /// There is nothing to split by.
    #[error("all traces are of one session ({session}): there is none left to train on")]
    OneSession {
        /// The session.
        session: String,
    },
    /// A trace has no start time.
    #[error("trace {row} has no start time, so it is neither before nor after the cut")]
    NoStart {
        /// Its row.
        row: usize,
    },
    /// One part is empty.
    #[error("no trace to {0}")]
    EmptyPart(&'static str),
    /// A row is not there.
    #[error("row {row} of {rows} rows")]
    Row {
        /// The row asked for.
        row: usize,
        /// Rows there are.
        rows: usize,
    },
    /// A row was named twice.
    #[error("row {row} is named twice")]
    Doubled {
        /// The row.
        row: usize,
    },
}

/// `k` folds with each class spread evenly: the traces of a class in two test parts, and the sizes of two test parts, differ by
/// one at most. Which trace of a class goes where is drawn with `seed`.
///
/// # Errors
/// Fewer than 2 folds, more folds than traces, a class of one trace. A class of fewer than `k` traces is no error, see
/// [`Folds::sparse_classes`].
pub fn stratified_k_fold<S: AsRef<str>>(labels: &[S], k: usize, seed: u64) -> Result<Folds, SplitError> {
    check_folds(k, labels.len())?;
    let classes = ClassMap::from_labels(labels);
    let mut members = vec![Vec::new(); classes.len()];
    for (row, label) in labels.iter().enumerate() {
        members[classes.index_of(label.as_ref()).expect("made of these labels")].push(row);
    }
    let mut fold_of = vec![0; labels.len()];
    let mut sparse_classes = Vec::new();
    // Each class goes on where the one before ended, so that the remainders, too, are spread.
    let mut next = 0;
    for (column, (class, mut rows)) in classes.names().iter().zip(members).enumerate() {
        if rows.len() < 2 {
            return Err(SplitError::LonelyClass { class: class.clone() });
        }
        if rows.len() < k {
            sparse_classes.push((class.clone(), rows.len()));
        }
        rows.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(mix(seed, column as u64)));
        for row in rows {
            fold_of[row] = next;
            next = (next + 1) % k;
        }
    }
    let name = |fold| format!("fold {}", fold + 1);
    Ok(Folds { splits: (0..k).map(|fold| fold_split(name(fold), &fold_of, fold)).collect(), sparse_classes })
}

/// At most `k` folds of whole sessions, as equal in size as handing out the largest session first makes them: no test trace shares
/// its session with a training trace. With as many folds as sessions, each split bears the name of its test session.
///
/// # Errors
/// A trace without session, a single session, fewer than 2 folds.
pub fn by_session<S: AsRef<str>>(sessions: &[Option<S>], k: usize) -> Result<Vec<Split>, SplitError> {
    if k < 2 {
        return Err(SplitError::Folds(k));
    }
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    for (row, session) in sessions.iter().enumerate() {
        let session = session.as_ref().ok_or(SplitError::NoSession { row })?;
        *sizes.entry(session.as_ref()).or_default() += 1;
    }
    let mut ordered: Vec<(&str, usize)> = sizes.into_iter().collect();
    ordered.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| class_order(a.0, b.0)));
    match ordered.as_slice() {
        [] => return Err(SplitError::EmptyPart("split")),
        [(session, _)] => return Err(SplitError::OneSession { session: (*session).to_owned() }),
        _ => {}
    }

    let mut folds: Vec<(usize, Vec<&str>)> = vec![(0, Vec::new()); k.min(ordered.len())];
    for (session, size) in ordered {
        let smallest = folds.iter_mut().min_by_key(|(total, _)| *total).expect("at least two folds");
        smallest.0 += size;
        smallest.1.push(session);
    }
    for (_, names) in &mut folds {
        names.sort_by(|a, b| class_order(a, b));
    }
    folds.sort_by(|a, b| class_order(a.1[0], b.1[0]));

    let fold_of_session: HashMap<&str, usize> =
        folds.iter().enumerate().flat_map(|(fold, (_, names))| names.iter().map(move |&name| (name, fold))).collect();
    let fold_of: Vec<usize> = sessions.iter().flatten().map(|session| fold_of_session[session.as_ref()]).collect();
    let name = |fold: usize| match folds[fold].1.as_slice() {
        [session] => format!("session {session}"),
        several => format!("fold {} ({} sessions)", fold + 1, several.len()),
    };
    Ok((0..folds.len()).map(|fold| fold_split(name(fold), &fold_of, fold)).collect())
}

/// Trains on what started before `cut_ns` (Unix ns UTC), tests on what started then or later.
///
/// # Errors
/// A trace without start time, an empty part.
pub fn by_time(start_ns: &[Option<i64>], cut_ns: i64) -> Result<Split, SplitError> {
    let mut later = Vec::with_capacity(start_ns.len());
    for (row, start_ns) in start_ns.iter().enumerate() {
        later.push(usize::from(start_ns.ok_or(SplitError::NoStart { row })? >= cut_ns));
    }
    not_empty(fold_split("time".to_owned(), &later, 1))
}

/// The split of these rows, of `rows` in all; a row may be in neither part.
///
/// # Errors
/// A row that is not there or named twice, an empty part.
pub fn explicit(rows: usize, mut train: Vec<usize>, mut test: Vec<usize>) -> Result<Split, SplitError> {
    let mut seen = BTreeSet::new();
    for &row in train.iter().chain(&test) {
        if row >= rows {
            return Err(SplitError::Row { row, rows });
        }
        if !seen.insert(row) {
            return Err(SplitError::Doubled { row });
        }
    }
    train.sort_unstable();
    test.sort_unstable();
    not_empty(Split { name: "explicit".to_owned(), train, test })
}

/// Test traces that a classifier has already seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaks {
    /// Test traces whose packets, one by one, are those of a training trace.
    pub by_content: usize,
    /// Test traces whose class, session and rep are those of a training trace.
    pub by_key: usize,
}

impl Leaks {
    /// Whether no test trace was seen.
    pub fn is_empty(&self) -> bool {
        self.by_content == 0 && self.by_key == 0
    }
}

/// Test traces of `split` that are in its training part.
///
/// # Panics
/// If the split has rows that the set has not.
pub fn leaks(set: &TraceSet, split: &Split) -> Leaks {
    let traces = set.traces();
    leaks_between(split.train.iter().map(|&row| &traces[row]), split.test.iter().map(|&row| &traces[row]))
}

/// Test traces that are among the training traces, where they come from two files.
pub fn leaks_between<'a>(
    train: impl IntoIterator<Item = &'a LabelledTrace>,
    test: impl IntoIterator<Item = &'a LabelledTrace>,
) -> Leaks {
    let (contents, keys): (HashSet<_>, HashSet<_>) =
        train.into_iter().map(|labelled| (labelled.trace.content_hash(), &labelled.key)).unzip();
    let mut leaks = Leaks::default();
    for labelled in test {
        leaks.by_content += usize::from(contents.contains(&labelled.trace.content_hash()));
        leaks.by_key += usize::from(keys.contains(&labelled.key));
    }
    leaks
}

fn check_folds(folds: usize, traces: usize) -> Result<(), SplitError> {
    match folds {
        0 | 1 => Err(SplitError::Folds(folds)),
        _ if folds > traces => Err(SplitError::TooManyFolds { folds, traces }),
        _ => Ok(()),
    }
}

/// Tests on the rows of `fold`, trains on all others.
fn fold_split(name: String, fold_of: &[usize], fold: usize) -> Split {
    let (test, train) = (0..fold_of.len()).partition(|&row| fold_of[row] == fold);
    Split { name, train, test }
}

fn not_empty(split: Split) -> Result<Split, SplitError> {
    if split.train.is_empty() {
        Err(SplitError::EmptyPart("train on"))
    } else if split.test.is_empty() {
        Err(SplitError::EmptyPart("test on"))
    } else {
        Ok(split)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Layer, Provenance, Trace, TraceKey};

    fn disjoint_and_complete(splits: &[Split], rows: usize) {
        let mut tested: Vec<usize> = splits.iter().flat_map(|split| split.test.clone()).collect();
        tested.sort_unstable();
        assert_eq!(tested, (0..rows).collect::<Vec<_>>());
        for split in splits {
            let mut both: Vec<usize> = split.train.iter().chain(&split.test).copied().collect();
            both.sort_unstable();
            assert_eq!(both, (0..rows).collect::<Vec<_>>());
            assert!(split.train.is_sorted() && split.test.is_sorted());
            assert!(!split.train.is_empty() && !split.test.is_empty());
        }
    }

    fn within_one(counts: impl Iterator<Item = usize> + Clone) -> bool {
        counts.clone().max().unwrap() - counts.min().unwrap() <= 1
    }

    proptest! {
        #[test]
        fn folds_are_disjoint_complete_and_stratified(
            sizes in proptest::collection::vec(2..9usize, 1..7), k in 2..6usize, seed: u64, order: u64,
        ) {
            let mut labels: Vec<String> =
                sizes.iter().enumerate().flat_map(|(class, &n)| vec![class.to_string(); n]).collect();
            labels.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(order));
            prop_assume!(labels.len() >= k);
            let folds = stratified_k_fold(&labels, k, seed).unwrap();
            prop_assert_eq!(folds.splits.len(), k);
            disjoint_and_complete(&folds.splits, labels.len());
            prop_assert!(within_one(folds.splits.iter().map(|split| split.test.len())));
            for (class, &size) in sizes.iter().enumerate() {
                let class = class.to_string();
                let tested = folds.splits.iter().map(|s| s.test.iter().filter(|&&row| labels[row] == class).count());
                prop_assert!(within_one(tested));
                prop_assert!(folds.splits.iter().all(|s| s.train.iter().any(|&row| labels[row] == class)));
                prop_assert_eq!(folds.sparse_classes.contains(&(class, size)), size < k);
            }
            prop_assert_eq!(stratified_k_fold(&labels, k, seed).unwrap(), folds);
        }

        #[test]
        fn sessions_stay_whole(sessions in proptest::collection::vec(0..6u8, 2..40), k in 2..8usize) {
            let names: Vec<Option<String>> = sessions.iter().map(|s| Some(s.to_string())).collect();
            let distinct: BTreeSet<u8> = sessions.iter().copied().collect();
            prop_assume!(distinct.len() > 1);
            let splits = by_session(&names, k).unwrap();
            prop_assert_eq!(splits.len(), k.min(distinct.len()));
            disjoint_and_complete(&splits, names.len());
            for split in &splits {
                let trained: HashSet<_> = split.train.iter().map(|&row| &names[row]).collect();
                prop_assert!(split.test.iter().all(|&row| !trained.contains(&names[row])));
            }
        }
    }

    #[test]
    fn another_seed_draws_another_split() {
        let labels = vec!["a"; 40];
        let first = stratified_k_fold(&labels, 2, 1).unwrap();
        assert_ne!(stratified_k_fold(&labels, 2, 2).unwrap(), first);
    }

    #[test]
    fn impossible_folds_are_refused_by_name() {
        let folds = |labels: &[&str], k| stratified_k_fold(labels, k, 0).unwrap_err();
        assert_eq!(folds(&["a", "a"], 1), SplitError::Folds(1));
        assert_eq!(folds(&["a", "a"], 3), SplitError::TooManyFolds { folds: 3, traces: 2 });
        assert_eq!(folds(&[], 2), SplitError::TooManyFolds { folds: 2, traces: 0 });
        assert_eq!(folds(&["a", "a", "b"], 2), SplitError::LonelyClass { class: "b".into() });
    }

    #[test]
    fn folds_of_sessions_are_balanced_and_named() {
        let sessions: Vec<Option<&str>> =
            [("10", 5), ("2", 3), ("b", 2)].iter().flat_map(|&(name, n)| vec![Some(name); n]).collect();
        let splits = by_session(&sessions, 9).unwrap();
        let named: Vec<(&str, usize)> = splits.iter().map(|s| (s.name.as_str(), s.test.len())).collect();
        assert_eq!(named, [("session 2", 3), ("session 10", 5), ("session b", 2)]);
        let splits = by_session(&sessions, 2).unwrap();
        let named: Vec<(&str, usize)> = splits.iter().map(|s| (s.name.as_str(), s.test.len())).collect();
        assert_eq!(named, [("fold 1 (2 sessions)", 5), ("session 10", 5)]);
    }

    #[test]
    fn sessions_that_cannot_be_split_are_named() {
        assert_eq!(by_session(&[Some("a"), None], 2), Err(SplitError::NoSession { row: 1 }));
        assert_eq!(by_session(&[Some("a"), Some("a")], 2), Err(SplitError::OneSession { session: "a".into() }));
        assert_eq!(by_session(&[Some("a"), Some("b")], 1), Err(SplitError::Folds(1)));
        assert_eq!(by_session::<&str>(&[], 2), Err(SplitError::EmptyPart("split")));
    }

    #[test]
    fn the_cut_itself_is_tested_on() {
        let split = by_time(&[Some(9), Some(10), Some(11), Some(-1)], 10).unwrap();
        assert_eq!((split.train, split.test), (vec![0, 3], vec![1, 2]));
        assert_eq!(by_time(&[Some(1), None, None], 1), Err(SplitError::NoStart { row: 1 }));
        assert_eq!(by_time(&[Some(1)], 1), Err(SplitError::EmptyPart("train on")));
        assert_eq!(by_time(&[Some(0)], 1), Err(SplitError::EmptyPart("test on")));
    }

    #[test]
    fn explicit_rows_are_checked() {
        let split = explicit(4, vec![3, 0], vec![1]).unwrap();
        assert_eq!((split.train, split.test), (vec![0, 3], vec![1]));
        assert_eq!(explicit(2, vec![0], vec![2]), Err(SplitError::Row { row: 2, rows: 2 }));
        assert_eq!(explicit(2, vec![0], vec![0]), Err(SplitError::Doubled { row: 0 }));
        assert_eq!(explicit(2, vec![], vec![0]), Err(SplitError::EmptyPart("train on")));
    }

    #[test]
    fn leaks_are_found_by_content_and_by_key() {
        let labelled = |class: &str, rep, size| {
            let key = TraceKey { class: class.into(), rep, session: None };
            LabelledTrace::new(key, None, Trace::new(vec![0], vec![size]).unwrap())
        };
        let traces = vec![labelled("a", 1, 5), labelled("a", 2, 6), labelled("b", 1, 5), labelled("b", 2, 7)];
        let set = TraceSet::new(traces.clone(), Provenance::new(Layer::Tcp, vec![])).unwrap();
        let split = explicit(4, vec![0, 1], vec![2, 3]).unwrap();
        assert_eq!(leaks(&set, &split), Leaks { by_content: 1, by_key: 0 });
        assert_eq!(leaks_between(&traces[..2], &[labelled("a", 2, 9)]), Leaks { by_content: 0, by_key: 1 });
        assert!(leaks_between(&traces[..2], &traces[3..]).is_empty());
    }
}
