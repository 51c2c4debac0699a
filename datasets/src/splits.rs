//! Which traces to train on and which to test on. Traces are named by their row.
//!
//! Every split made here is of disjoint, non-empty parts in ascending order, and the same input and seed give the same split.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_metrics::seed::mix;
use wfkit_metrics::{ClassMap, class_order};

use crate::Groups;

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
    /// Classes with fewer groups than folds, and how many they have: some test parts lack them.
    pub sparse_classes: Vec<(String, usize)>,
}

/// Why there is no split.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SplitError {
    /// Fewer than two folds.
    #[error("{0} folds: a cross-validation needs at least 2")]
    Folds(usize),
    /// More folds than traces that are no copies of each other.
    #[error("{folds} folds of {groups} traces (copies and pages counted once): some would be empty")]
    TooManyFolds {
        /// Folds asked for.
        folds: usize,
        /// Groups of traces at hand.
        groups: usize,
    },
    /// A class cannot be in both parts.
    #[error("class {class} has one {} only: it cannot be both trained on and tested on", lonely(*traces))]
    LonelyClass {
        /// The class.
        class: String,
        /// Traces that it has, all copies of one load or of one page.
        traces: usize,
    },
    /// Pages that occur in several sessions cannot be dealt out to so many folds.
    #[error("{pages} pages of the background for {folds} folds: each fold needs a page of its own")]
    TooFewPages {
        /// Pages there are.
        pages: usize,
        /// Folds wanted.
        folds: usize,
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

fn lonely(traces: usize) -> String {
    match traces {
        0 | 1 => "trace".to_owned(),
        copies => format!("load or page ({copies} traces of it)"),
    }
}

/// `k` folds with each class spread evenly, no group torn apart. Where every row is a group of its own, the traces of a class in two test
/// parts, and the sizes of two test parts, differ by one at most. Which group of a class goes where is drawn with `seed`, large groups first.
///
/// A group belongs to the class of its first row.
///
/// # Errors
/// Fewer than 2 folds, more folds than groups, a class of one group. A class of fewer than `k` groups is no error, see
/// [`Folds::sparse_classes`].
///
/// # Panics
/// If there are not as many labels as rows in groups.
pub fn stratified_k_fold<S: AsRef<str>>(
    labels: &[S],
    groups: &Groups,
    k: usize,
    seed: u64,
) -> Result<Folds, SplitError> {
    assert_eq!(labels.len(), groups.of_row().len(), "a label for every row");
    match k {
        0 | 1 => return Err(SplitError::Folds(k)),
        _ if k > groups.len() => return Err(SplitError::TooManyFolds { folds: k, groups: groups.len() }),
        _ => {}
    }
    let classes = ClassMap::from_labels(labels);
    let rows_of = groups.members();
    let mut groups_of_class = vec![Vec::new(); classes.len()];
    for (group, rows) in rows_of.iter().enumerate() {
        groups_of_class[classes.index_of(labels[rows[0]].as_ref()).expect("made of these labels")].push(group);
    }
    let mut fold_of_group = vec![0; groups.len()];
    let mut sparse_classes = Vec::new();
    // Each class goes on where the one before ended, so that the remainders, too, are spread.
    let mut next = 0;
    for (column, (class, mut members)) in classes.names().iter().zip(groups_of_class).enumerate() {
        if members.len() < 2 {
            let traces = members.first().map_or(0, |&group| rows_of[group].len());
            return Err(SplitError::LonelyClass { class: class.clone(), traces });
        }
        if members.len() < k {
            sparse_classes.push((class.clone(), members.len()));
        }
        members.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(mix(seed, column as u64)));
        members.sort_by_key(|&group| Reverse(rows_of[group].len())); // stable: equal sizes stay shuffled
        let mut filled = vec![0; k];
        for group in members {
            let fold = (0..k).map(|turn| (next + turn) % k).min_by_key(|&fold| filled[fold]).expect("there are folds");
            filled[fold] += rows_of[group].len();
            fold_of_group[group] = fold;
            next = (fold + 1) % k;
        }
    }
    let fold_of: Vec<usize> = groups.of_row().iter().map(|&group| fold_of_group[group]).collect();
    let name = |fold| format!("fold {}", fold + 1);
    Ok(Folds { splits: (0..k).map(|fold| fold_split(name(fold), &fold_of, fold)).collect(), sparse_classes })
}

/// At most `k` folds of whole sessions, as equal in size as handing out the largest session first makes them: no test trace shares
/// its session or its group with a training trace. Sessions that share a group stay together. With as many folds as sessions, each split bears
/// the name of its test session.
///
/// `page` is what a row must not share with the other side either, although it occurs in several sessions (a page of the background): such a
/// page is given to one of the folds, tested in that fold in its sessions, and trained on in other folds in theirs; the rest of its traces
/// is in neither part.
///
/// # Errors
/// A trace without session, a single session, fewer than 2 folds, fewer pages than folds.
pub fn by_session<S: AsRef<str>>(
    sessions: &[Option<S>],
    groups: &Groups,
    page: impl Fn(usize) -> Option<String>,
    k: usize,
) -> Result<Vec<Split>, SplitError> {
    if k < 2 {
        return Err(SplitError::Folds(k));
    }
    if let Some(row) = sessions.iter().position(Option::is_none) {
        return Err(SplitError::NoSession { row });
    }
    // What is kept together: sessions, and sessions that share a load.
    let units = groups.join(|row| sessions[row].as_ref().map(AsRef::as_ref));
    let mut members: Vec<(usize, Vec<&str>)> = vec![(0, Vec::new()); units.len()];
    for (&unit, session) in units.of_row().iter().zip(sessions.iter().flatten()) {
        let (size, names) = &mut members[unit];
        *size += 1;
        if !names.contains(&session.as_ref()) {
            names.push(session.as_ref());
        }
    }
    for (_, names) in &mut members {
        names.sort_by(|a, b| class_order(a, b));
    }
    match members.as_slice() {
        [] => return Err(SplitError::EmptyPart("split")),
        [(_, names)] => return Err(SplitError::OneSession { session: names.join(" + ") }),
        _ => {}
    }

    let mut ordered: Vec<usize> = (0..members.len()).collect();
    ordered
        .sort_by(|&a, &b| members[b].0.cmp(&members[a].0).then_with(|| class_order(members[a].1[0], members[b].1[0])));
    let mut folds: Vec<(usize, Vec<usize>)> = vec![(0, Vec::new()); k.min(members.len())];
    for unit in ordered {
        let smallest = folds.iter_mut().min_by_key(|(total, _)| *total).expect("at least two folds");
        smallest.0 += members[unit].0;
        smallest.1.push(unit);
    }
    let mut folds: Vec<(Vec<&str>, Vec<usize>)> = folds
        .into_iter()
        .map(|(_, units)| (units.iter().flat_map(|&unit| members[unit].1.clone()).collect(), units))
        .collect();
    for (names, _) in &mut folds {
        names.sort_by(|a, b| class_order(a, b));
    }
    folds.sort_by(|a, b| class_order(a.0[0], b.0[0]));

    let mut fold_of_unit = vec![0; members.len()];
    for (fold, (_, units)) in folds.iter().enumerate() {
        units.iter().for_each(|&unit| fold_of_unit[unit] = fold);
    }
    let fold_of: Vec<usize> = units.of_row().iter().map(|&unit| fold_of_unit[unit]).collect();
    let fold_of_page = folds_of_pages(&(0..fold_of.len()).map(page).collect::<Vec<_>>(), folds.len())?;
    let name = |fold: usize| match folds[fold].0.as_slice() {
        [session] => format!("session {session}"),
        several => format!("fold {} ({} sessions)", fold + 1, several.len()),
    };
    let split = |fold: usize| {
        let rows = |tested: bool| {
            let stays = |&row: &usize| {
                (fold_of[row] == fold) == tested && fold_of_page[row].is_none_or(|of_page| (of_page == fold) == tested)
            };
            (0..fold_of.len()).filter(stays).collect()
        };
        not_empty(Split { name: name(fold), train: rows(false), test: rows(true) })
    };
    (0..folds.len()).map(split).collect()
}

/// The fold of the page of every row, pages dealt out in the order of their names; none for rows without a page.
fn folds_of_pages(pages: &[Option<String>], folds: usize) -> Result<Vec<Option<usize>>, SplitError> {
    let names: BTreeSet<&String> = pages.iter().flatten().collect();
    if !names.is_empty() && names.len() < folds {
        return Err(SplitError::TooFewPages { pages: names.len(), folds });
    }
    let fold_of: HashMap<&String, usize> = names.into_iter().zip((0..folds).cycle()).collect();
    Ok(pages.iter().map(|page| page.as_ref().map(|page| fold_of[page])).collect())
}

/// Trains on what started before `cut_ns` (Unix ns UTC), tests on what started then or later. Of a group with traces on both sides, the later ones
/// are in neither part: they would be tested after their like was learned from.
///
/// # Errors
/// A trace without start time, an empty part.
pub fn by_time(start_ns: &[Option<i64>], groups: &Groups, cut_ns: i64) -> Result<Split, SplitError> {
    let mut later = Vec::with_capacity(start_ns.len());
    for (row, start_ns) in start_ns.iter().enumerate() {
        later.push(start_ns.ok_or(SplitError::NoStart { row })? >= cut_ns);
    }
    let mut learned = vec![false; groups.len()];
    for (&group, &later) in groups.of_row().iter().zip(&later) {
        learned[group] |= !later;
    }
    let (after, train): (Vec<usize>, Vec<usize>) = (0..later.len()).partition(|&row| later[row]);
    let test = after.into_iter().filter(|&row| !learned[groups.of_row()[row]]).collect();
    not_empty(Split { name: "time".to_owned(), train, test })
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
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn sessions_apart<S: AsRef<str>>(sessions: &[Option<S>], k: usize) -> Result<Vec<Split>, SplitError> {
        by_session(sessions, &Groups::of_rows(sessions.len()), |_| None, k)
    }

    fn time(starts: &[Option<i64>], cut_ns: i64) -> Result<Split, SplitError> {
        by_time(starts, &Groups::of_rows(starts.len()), cut_ns)
    }

    /// Groups of rows with the same name.
    fn named(names: &[&str]) -> Groups {
        Groups::of_rows(names.len()).join(|row| Some(names[row]))
    }

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
            let folds = stratified_k_fold(&labels, &Groups::of_rows(labels.len()), k, seed).unwrap();
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
            prop_assert_eq!(stratified_k_fold(&labels, &Groups::of_rows(labels.len()), k, seed).unwrap(), folds);
        }

        #[test]
        fn sessions_stay_whole(sessions in proptest::collection::vec(0..6u8, 2..40), k in 2..8usize) {
            let names: Vec<Option<String>> = sessions.iter().map(|s| Some(s.to_string())).collect();
            let distinct: BTreeSet<u8> = sessions.iter().copied().collect();
            prop_assume!(distinct.len() > 1);
            let splits = sessions_apart(&names, k).unwrap();
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
        let first = stratified_k_fold(&labels, &Groups::of_rows(40), 2, 1).unwrap();
        assert_ne!(stratified_k_fold(&labels, &Groups::of_rows(40), 2, 2).unwrap(), first);
    }

    #[test]
    fn impossible_folds_are_refused_by_name() {
        let folds = |labels: &[&str], k| stratified_k_fold(labels, &Groups::of_rows(labels.len()), k, 0).unwrap_err();
        assert_eq!(folds(&["a", "a"], 1), SplitError::Folds(1));
        assert_eq!(folds(&["a", "a"], 3), SplitError::TooManyFolds { folds: 3, groups: 2 });
        assert_eq!(folds(&[], 2), SplitError::TooManyFolds { folds: 2, groups: 0 });
        assert_eq!(folds(&["a", "a", "b"], 2), SplitError::LonelyClass { class: "b".into(), traces: 1 });
    }

    #[test]
    fn folds_of_sessions_are_balanced_and_named() {
        let sessions: Vec<Option<&str>> =
            [("10", 5), ("2", 3), ("b", 2)].iter().flat_map(|&(name, n)| vec![Some(name); n]).collect();
        let splits = sessions_apart(&sessions, 9).unwrap();
        let named: Vec<(&str, usize)> = splits.iter().map(|s| (s.name.as_str(), s.test.len())).collect();
        assert_eq!(named, [("session 2", 3), ("session 10", 5), ("session b", 2)]);
        let splits = sessions_apart(&sessions, 2).unwrap();
        let named: Vec<(&str, usize)> = splits.iter().map(|s| (s.name.as_str(), s.test.len())).collect();
        assert_eq!(named, [("fold 1 (2 sessions)", 5), ("session 10", 5)]);
    }

    #[test]
    fn sessions_that_cannot_be_split_are_named() {
        assert_eq!(sessions_apart(&[Some("a"), None], 2), Err(SplitError::NoSession { row: 1 }));
        assert_eq!(sessions_apart(&[Some("a"), Some("a")], 2), Err(SplitError::OneSession { session: "a".into() }));
        assert_eq!(sessions_apart(&[Some("a"), Some("b")], 1), Err(SplitError::Folds(1)));
        assert_eq!(sessions_apart::<&str>(&[], 2), Err(SplitError::EmptyPart("split")));
    }

    #[test]
    fn the_cut_itself_is_tested_on() {
        let split = time(&[Some(9), Some(10), Some(11), Some(-1)], 10).unwrap();
        assert_eq!((split.train, split.test), (vec![0, 3], vec![1, 2]));
        assert_eq!(time(&[Some(1), None, None], 1), Err(SplitError::NoStart { row: 1 }));
        assert_eq!(time(&[Some(1)], 1), Err(SplitError::EmptyPart("train on")));
        assert_eq!(time(&[Some(0)], 1), Err(SplitError::EmptyPart("test on")));
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
    fn copies_stay_together_in_folds() {
        // Three loads of class a with 1, 2 and 3 copies, four of class b with one each.
        let names = ["x", "y", "y", "z", "z", "z", "1", "2", "3", "4"];
        let labels = ["a", "a", "a", "a", "a", "a", "b", "b", "b", "b"];
        for seed in 0..20 {
            let folds = stratified_k_fold(&labels, &named(&names), 2, seed).unwrap();
            disjoint_and_complete(&folds.splits, 10);
            for split in &folds.splits {
                let trained: HashSet<&str> = split.train.iter().map(|&row| names[row]).collect();
                assert!(split.test.iter().all(|&row| !trained.contains(names[row])));
                assert_eq!(split.test.iter().filter(|&&row| row < 6).count(), 3, "as even as groups allow");
            }
        }
        assert_eq!(
            stratified_k_fold(&["a", "a", "b", "b"], &named(&["x", "x", "1", "2"]), 2, 0),
            Err(SplitError::LonelyClass { class: "a".into(), traces: 2 })
        );
    }

    #[test]
    fn sessions_that_share_a_load_stay_together() {
        let sessions = [Some("1"), Some("1"), Some("2"), Some("3")];
        let splits = by_session(&sessions, &named(&["x", "y", "y", "z"]), |_| None, 9).unwrap();
        let tested: Vec<&[usize]> = splits.iter().map(|split| split.test.as_slice()).collect();
        assert_eq!(tested, [&[0, 1, 2][..], &[3]]);
        let all = by_session(&sessions, &named(&["x", "x", "x", "x"]), |_| None, 2);
        assert_eq!(all, Err(SplitError::OneSession { session: "1 + 2 + 3".into() }));
    }

    #[test]
    fn a_page_of_several_sessions_is_on_one_side() {
        // Two sessions; in each a watched trace and the pages p and q.
        let sessions = ["1", "1", "1", "2", "2", "2"].map(Some);
        let pages = [None, Some("p"), Some("q"), None, Some("p"), Some("q")];
        let page = |row: usize| pages[row].map(str::to_owned);
        let splits = by_session(&sessions, &Groups::of_rows(6), page, 2).unwrap();
        let parts: Vec<(&[usize], &[usize])> =
            splits.iter().map(|split| (split.train.as_slice(), split.test.as_slice())).collect();
        assert_eq!(parts, [(&[3, 5][..], &[0, 1][..]), (&[0, 1], &[3, 5])]);
        let one = |row: usize| pages[row].map(|_| "p".to_owned());
        let few = by_session(&sessions, &Groups::of_rows(6), one, 2);
        assert_eq!(few, Err(SplitError::TooFewPages { pages: 1, folds: 2 }));
    }

    #[test]
    fn what_was_learned_from_before_the_cut_is_not_tested_after_it() {
        let starts = [1, 2, 3, 4].map(Some);
        let split = by_time(&starts, &named(&["x", "y", "x", "z"]), 3).unwrap();
        assert_eq!((split.train, split.test), (vec![0, 1], vec![3]));
    }
}
