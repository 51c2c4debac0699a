//! Which traces are trained on and which are tested: never copies of one load, nor, unless asked for, one page of the background, on both
//! sides.

use std::collections::{BTreeSet, HashMap, HashSet};

use wfkit_classify::Samples;
use wfkit_datasets::splits::{self, Split, SplitError, stratified_k_fold};
use wfkit_datasets::{FoldFile, Groups, ReadError, TraceKey};
use wfkit_metrics::seed::mix;

use crate::Setting;

/// Whether a page of the background may be trained on and tested, in different visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// Never: who meets an unknown page has not trained on it.
    Apart,
    /// It may, which finds fewer false alarms than a real background gives.
    Shared,
}

impl Pages {
    /// Whether it may.
    pub fn shared(shared: bool) -> Self {
        if shared { Self::Shared } else { Self::Apart }
    }

    /// Which rows no split may part.
    fn groups(self, samples: Samples<'_>) -> Groups {
        match self {
            Self::Apart => samples.groups(),
            Self::Shared => samples.origins(),
        }
    }
}

/// Stratified folds; says aloud which classes have fewer loads than folds.
pub fn stratified(
    samples: Samples<'_>,
    folds: usize,
    pages: Pages,
    setting: Setting<'_>,
) -> Result<Vec<Split>, SplitError> {
    stratified_in(samples, &pages.groups(samples), folds, setting)
}

/// As [`stratified`], groups kept together.
pub fn stratified_in(
    samples: Samples<'_>,
    groups: &Groups,
    folds: usize,
    setting: Setting<'_>,
) -> Result<Vec<Split>, SplitError> {
    let labels: Vec<&str> = (0..samples.len()).map(|row| samples.key(row).class.as_str()).collect();
    let folds = stratified_k_fold(&labels, groups, folds, setting.seed)?;
    if let Some((class, loads)) = folds.sparse_classes.first() {
        let others = folds.sparse_classes.len() - 1;
        let more = if others > 0 { format!(" and {others} more classes") } else { String::new() };
        setting.observer.warn(&format!("class {class} ({loads} loads or pages){more}: fewer than folds"));
    }
    Ok(folds.splits)
}

/// Stratified folds of the classes that have two loads or pages at least; those of the others are in every training part, and never tested.
/// Also how many traces are not tested for that.
pub fn stratified_of_several(
    samples: Samples<'_>,
    folds: usize,
    pages: Pages,
    seed: u64,
) -> Result<(Vec<Split>, usize), SplitError> {
    let groups = pages.groups(samples);
    let mut groups_of: HashMap<&str, usize> = HashMap::new();
    for rows in groups.members() {
        *groups_of.entry(&samples.key(rows[0]).class).or_default() += 1;
    }
    let several = |&row: &usize| groups_of.get(samples.key(row).class.as_str()).is_some_and(|&groups| groups > 1);
    let (tested, alone): (Vec<usize>, Vec<usize>) = (0..samples.len()).partition(several);
    let labels: Vec<&str> = tested.iter().map(|&row| samples.key(row).class.as_str()).collect();
    let found = stratified_k_fold(&labels, &groups.select(&tested), folds, seed)?;
    let rows = |places: &[usize]| -> Vec<usize> { places.iter().map(|&place| tested[place]).collect() };
    let of_samples = |split: &Split| Split {
        name: split.name.clone(),
        train: rows(&split.train).into_iter().chain(alone.iter().copied()).collect(),
        test: rows(&split.test),
    };
    Ok((found.splits.iter().map(of_samples).collect(), alone.len()))
}

/// Folds of whole sessions.
pub fn by_session(samples: Samples<'_>, folds: usize, pages: Pages) -> Result<Vec<Split>, SplitError> {
    let sessions: Vec<Option<&str>> = (0..samples.len()).map(|row| samples.key(row).session.as_deref()).collect();
    let page = |row: usize| samples.page(row).filter(|_| pages == Pages::Apart).map(str::to_owned);
    splits::by_session(&sessions, &samples.origins(), page, folds)
}

/// The folds of a file: every trace tested once. Refuses folds that part what the file says, or would say, to be together.
pub fn of_file(samples: Samples<'_>, file: &FoldFile, traces: &str) -> Result<Vec<i64>, ReadError> {
    let keys: Vec<TraceKey> = (0..samples.len()).map(|row| samples.key(row).clone()).collect();
    let fold_of = file.fold_of(&keys, traces)?;
    let (together, rows) = (file.together(), Groups::of_rows(samples.len()));
    let of = |groups: &Groups, what: &str| file.keeps(groups, &fold_of, &keys, what);
    if together.origins {
        of(&samples.origins(), "the same load")?;
    }
    if together.pages {
        of(&rows.join(|row| samples.page(row)), "the same page of the background")?;
    }
    if together.sessions {
        of(&rows.join(|row| samples.key(row).session.as_deref()), "the same session")?;
    }
    Ok(fold_of)
}

/// What started before a moment (Unix ns UTC) to train on, the rest to test on.
pub fn by_moment(samples: Samples<'_>, cut_ns: i64, pages: Pages) -> Result<Split, SplitError> {
    let starts: Vec<Option<i64>> = (0..samples.len()).map(|row| samples.start_ns(row)).collect();
    splits::by_time(&starts, &pages.groups(samples), cut_ns)
}

/// Of these rows, those of at most `count` loads of each class, with all their copies: the loads of the least hash of load and seed.
pub fn some_loads<'a>(
    rows: &[usize],
    class_of: impl Fn(usize) -> &'a str,
    groups: &Groups,
    count: usize,
    seed: u64,
) -> Vec<usize> {
    let mut loads: HashMap<&str, BTreeSet<(u64, usize)>> = HashMap::new();
    for &row in rows {
        let group = groups.of_row()[row];
        loads.entry(class_of(row)).or_default().insert((mix(seed, group as u64), group));
    }
    let taken: HashSet<usize> =
        loads.values().flat_map(|of_class| of_class.iter().take(count)).map(|&(_, group)| group).collect();
    rows.iter().copied().filter(|&row| taken.contains(&groups.of_row()[row])).collect()
}
