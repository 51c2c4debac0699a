//! The host's split of a defence file: what attackers train on, what they classify, and the truth.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;
use wfkit_datasets::formats::{ReadError, ReadLimits, WriteError};
use wfkit_datasets::{Findings, LabelledTrace, TraceSet};
use wfkit_metrics::{PrivacyReport, Utility};

use crate::captures::{read_captures, write_captures};
use crate::defense::{read_defense, write_train};
use crate::draws::Draws;
use crate::rules::class_number;
use crate::truth::{read_truth, write_truth};

/// Ids are drawn from 1 to this number, which the narrowest integers of any reader hold.
const LARGEST_ID: u64 = i32::MAX as u64;

/// How a defence is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitOptions {
    /// Whose defence it is.
    pub team_id: u64,
    /// Number of traces in the test set.
    pub test_traces: usize,
    /// Decides which traces those are, and all ids. To be kept from the teams.
    pub seed: u64,
}

impl SplitOptions {
    /// Test traces of the full game.
    pub const TEST_TRACES: usize = 300;
}

/// What a split wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitReport {
    /// Whose defence it is.
    pub team_id: u64,
    /// Labelled traces for the attackers: `cell_id,rep,direction_size,timestamp`.
    pub train: PathBuf,
    /// Traces to classify: `capture_id,direction_size,timestamp`.
    pub test: PathBuf,
    /// The truth, for the host: `capture_id,cell_id`.
    pub verif: PathBuf,
    /// Number of classes, each in the train and in the test set.
    pub classes: usize,
    /// Traces in the train set.
    pub train_traces: usize,
    /// Traces in the test set.
    pub test_traces: usize,
    /// Traces that have an identical twin in the set.
    pub twins: usize,
    /// Of the test traces, those with an identical twin in the train set: 0 wherever a split without them was found.
    pub twins_in_train: usize,
}

impl SplitReport {
    /// What was written, for a report; the traces that were split give away this.
    pub fn findings(&self, set: &TraceSet, privacy: PrivacyReport) -> Findings {
        let mut findings = Findings::new(Utility::of(&set.volumes()), privacy);
        findings
            .count_set(set)
            .count("train traces", self.train_traces)
            .count("test traces", self.test_traces)
            .count("traces with a twin", self.twins)
            .count("test traces with a twin to train on", self.twins_in_train);
        findings
    }

    /// That traces have twins, in words; nothing where none has.
    pub fn warning(&self) -> Option<String> {
        let Self { twins, twins_in_train, .. } = self;
        let with_twin = "of them are test traces with a twin to train on";
        (*twins > 0).then(|| format!("{twins} traces have a twin of the same packets; {twins_in_train} {with_twin}"))
    }
}

/// What a split wrote, as whoever reads the files has it.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitParts {
    /// Labelled traces for the attackers, as [`read_defense`] reads them.
    pub train: TraceSet,
    /// Traces to classify, as [`read_captures`] reads them.
    pub test: TraceSet,
    /// The class of each of these, as [`read_truth`] reads it.
    pub truth: BTreeMap<i64, String>,
}

/// Why there is no split.
#[derive(Debug, Error)]
pub enum DefenseSplitError {
    /// A class is not named as the competition does.
    #[error("class `{0}` is not a whole number from 1")]
    Class(String),
    /// A class has a single trace.
    #[error("class {0} has one trace; it takes two to have one in the train and one in the test set")]
    OneTrace(String),
    /// The test set cannot have a trace of every class.
    #[error("{test} test traces cannot cover {classes} classes; with --test {classes} there is one of each")]
    TooFewTest {
        /// Test traces asked for.
        test: usize,
        /// Classes of the set.
        classes: usize,
    },
    /// The train set would not have a trace of every class.
    #[error("{test} of {traces} traces in the test set leave too few to train on all of {classes} classes; --test may be {} at most", traces.saturating_sub(*classes))]
    TooManyTest {
        /// Test traces asked for.
        test: usize,
        /// Traces of the set.
        traces: usize,
        /// Classes of the set.
        classes: usize,
    },
    /// More traces than there are ids.
    #[error("{0} traces are too many to draw ids for")]
    TooMany(usize),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What was written cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What was written, read again, is not the split that was meant.
    #[error("{}: {what}", path.display())]
    Reread {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
}

/// The files of a split: to train on, to classify, and what those are.
pub fn split_paths(team_id: u64, out_dir: &Path) -> [PathBuf; 3] {
    ["train", "test", "verif"].map(|part| out_dir.join(format!("team_{team_id}_{part}.csv.zip")))
}

/// Splits a defence into `team_N_train.csv.zip`, `team_N_test.csv.zip` and `team_N_verif.csv.zip` in the folder `out_dir`, which is
/// made if need be, reads them again and checks them.
///
/// Traces are told apart by their place in the set, so none is in two files; the test set has exactly the number of traces
/// asked for, and every class has a trace in both. Identical traces stay on one side, since a twin with a label
/// gives the other away. Where no such split is found (when a defence makes most traces identical) twins may be parted, and
/// the report counts them.
///
/// `rep` in the train file and `capture_id` in the test file are new, all different, drawn at random; rows are sorted by them, so
/// neither an id nor an order nor a gap tells anything. The generator is keyed by the seed, the team and every trace with its
/// label: whoever guesses the seed, but has not the whole labelled set, cannot repeat the draws.
///
/// # Errors
/// A set for which there is no such split, and what the system refuses.
pub fn split(set: &TraceSet, options: &SplitOptions, out_dir: &Path) -> Result<SplitReport, DefenseSplitError> {
    Ok(split_and_read(set, options, out_dir)?.0)
}

/// As [`split`], with what the files hold: they were read to check them, and a large one is not read twice.
///
/// # Errors
/// As [`split`].
pub fn split_and_read(
    set: &TraceSet,
    options: &SplitOptions,
    out_dir: &Path,
) -> Result<(SplitReport, SplitParts), DefenseSplitError> {
    let classes = set.classes().len();
    check(set, classes, options.test_traces)?;
    let hashes: Vec<[u8; 32]> = set.traces().iter().map(|labelled| labelled.trace.content_hash()).collect();
    let mut draws = Draws::new(key(set, &hashes, options));
    let in_test = draw_test(set, &hashes, options.test_traces, &mut draws);
    let ids = draws.distinct(set.len(), LARGEST_ID);

    let side = |test: bool| {
        let rows = (0..set.len()).filter(|&row| in_test[row] == test);
        rows.map(|row| (ids[row], &set.traces()[row])).collect::<Vec<_>>()
    };
    let (mut train, mut test) = (side(false), side(true));
    let number = |labelled: &LabelledTrace| class_number(&labelled.key.class);
    train.sort_by_key(|&(id, labelled)| (number(labelled), id));
    test.sort_by_key(|&(id, _)| id);

    let [train_path, test_path, verif_path] = split_paths(options.team_id, out_dir);
    let twins = Twins::of(&hashes, &in_test);
    let report = SplitReport {
        team_id: options.team_id,
        train: train_path,
        test: test_path,
        verif: verif_path,
        classes,
        train_traces: train.len(),
        test_traces: test.len(),
        twins: twins.all,
        twins_in_train: twins.parted,
    };
    std::fs::create_dir_all(out_dir).map_err(|source| WriteError::Io { path: out_dir.to_owned(), source })?;
    write_train(&report.train, train.iter().map(|&(id, labelled)| (labelled.key.class.as_str(), id, &labelled.trace)))?;
    write_captures(&report.test, test.iter().map(|&(id, labelled)| (id, &labelled.trace)))?;
    write_truth(&report.verif, test.iter().map(|&(id, labelled)| (id, labelled.key.class.as_str())))?;
    let parts = reread(&report, &train, &test)?;
    Ok((report, parts))
}

/// Whether there is a split at all.
fn check(set: &TraceSet, classes: usize, test: usize) -> Result<(), DefenseSplitError> {
    for class in set.traces().chunk_by(|a, b| a.key.class == b.key.class) {
        let name = &class[0].key.class;
        if class_number(name).is_none() {
            return Err(DefenseSplitError::Class(name.clone()));
        }
        if class.len() < 2 {
            return Err(DefenseSplitError::OneTrace(name.clone()));
        }
    }
    if test == 0 || test < classes {
        return Err(DefenseSplitError::TooFewTest { test, classes });
    }
    if test > set.len() - classes {
        return Err(DefenseSplitError::TooManyTest { test, traces: set.len(), classes });
    }
    if set.len() as u64 > LARGEST_ID / 2 {
        return Err(DefenseSplitError::TooMany(set.len()));
    }
    Ok(())
}

/// What the draws depend on: seed, team, and every trace with its label.
fn key(set: &TraceSet, hashes: &[[u8; 32]], options: &SplitOptions) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"wfkit competition split 1");
    hasher.update(options.seed.to_le_bytes());
    hasher.update(options.team_id.to_le_bytes());
    for (labelled, hash) in set.traces().iter().zip(hashes) {
        hasher.update(class_number(&labelled.key.class).unwrap_or(0).to_le_bytes());
        hasher.update(hash);
    }
    hasher.finalize().into()
}

/// Draws which traces are in the test set; shape `(n_traces,)`.
fn draw_test(set: &TraceSet, hashes: &[[u8; 32]], test: usize, draws: &mut Draws) -> Vec<bool> {
    let classes = set.classes();
    let column = |name: &str| classes.index_of(name).expect("the classes are those of the set");
    let class: Vec<usize> = set.traces().iter().map(|labelled| column(&labelled.key.class)).collect();

    let mut twins: BTreeMap<&[u8; 32], Vec<usize>> = BTreeMap::new();
    for (row, hash) in hashes.iter().enumerate() {
        twins.entry(hash).or_default().push(row);
    }
    let together = twins.into_values().map(|rows| Unit::new(rows, &class)).collect();
    draw_units(&class, together, test, draws).unwrap_or_else(|| {
        let alone = (0..set.len()).map(|row| Unit::new(vec![row], &class)).collect();
        draw_units(&class, alone, test, draws).expect("single traces of classes with two each always split")
    })
}

/// Draws units: one for every class that is not covered yet, then any that fit, until the test set is full. `None` if it does
/// not get full, or some class would lack a trace on either side.
///
/// With units of one trace it always does: each class gives one and keeps one, and of the others any may follow.
fn draw_units(class: &[usize], mut units: Vec<Unit>, test: usize, draws: &mut Draws) -> Option<Vec<bool>> {
    let classes = class.iter().max().map_or(0, |&last| last + 1);
    let mut order: Vec<usize> = (0..classes).collect();
    draws.shuffle(&mut units);
    draws.shuffle(&mut order);
    let mut drawn = Drawn::new(class, classes, test);
    for class in order {
        if drawn.test[class] == 0 {
            let unit = units.iter().find(|unit| unit.of_class.contains_key(&class) && drawn.fits(unit))?;
            drawn.take(unit);
        }
    }
    for unit in &units {
        if !drawn.in_test[unit.rows[0]] && drawn.fits(unit) {
            drawn.take(unit);
        }
    }
    (drawn.count == test).then_some(drawn.in_test)
}

/// Traces that stay together.
struct Unit {
    rows: Vec<usize>,
    /// How many of them are of which class.
    of_class: BTreeMap<usize, usize>,
}

impl Unit {
    fn new(rows: Vec<usize>, class: &[usize]) -> Self {
        let mut of_class = BTreeMap::new();
        for &row in &rows {
            *of_class.entry(class[row]).or_default() += 1;
        }
        Self { rows, of_class }
    }
}

/// What has been drawn so far.
struct Drawn {
    in_test: Vec<bool>,
    /// Traces of each class on either side.
    test: Vec<usize>,
    train: Vec<usize>,
    count: usize,
    wanted: usize,
    /// Classes without a trace in the test set.
    uncovered: usize,
}

impl Drawn {
    fn new(class: &[usize], classes: usize, wanted: usize) -> Self {
        let mut train = vec![0; classes];
        for &class in class {
            train[class] += 1;
        }
        Self { in_test: vec![false; class.len()], test: vec![0; classes], train, count: 0, wanted, uncovered: classes }
    }

    /// Whether the unit leaves every class a trace in the train set, and room in the test set for those it still lacks.
    fn fits(&self, unit: &Unit) -> bool {
        let keeps_train = unit.of_class.iter().all(|(&class, &traces)| traces < self.train[class]);
        keeps_train && self.count + unit.rows.len() + self.uncovered - self.covers(unit) <= self.wanted
    }

    /// How many classes the unit is the first of.
    fn covers(&self, unit: &Unit) -> usize {
        unit.of_class.keys().filter(|&&class| self.test[class] == 0).count()
    }

    fn take(&mut self, unit: &Unit) {
        self.uncovered -= self.covers(unit);
        self.count += unit.rows.len();
        for &row in &unit.rows {
            self.in_test[row] = true;
        }
        for (&class, &traces) in &unit.of_class {
            self.test[class] += traces;
            self.train[class] -= traces;
        }
    }
}

struct Twins {
    /// Traces that are identical to another.
    all: usize,
    /// Test traces that are identical to a train trace.
    parted: usize,
}

impl Twins {
    fn of(hashes: &[[u8; 32]], in_test: &[bool]) -> Self {
        let mut sides: HashMap<&[u8; 32], [usize; 2]> = HashMap::new();
        for (hash, &test) in hashes.iter().zip(in_test) {
            sides.entry(hash).or_default()[usize::from(test)] += 1;
        }
        let all = sides.values().map(|[train, test]| train + test).filter(|&same| same > 1).sum();
        let parted = sides.values().filter(|[train, _]| *train > 0).map(|[_, test]| test).sum();
        Self { all, parted }
    }
}

/// Reads the three files and compares them with what was meant.
fn reread(
    report: &SplitReport,
    meant_train: &[(i64, &LabelledTrace)],
    meant_test: &[(i64, &LabelledTrace)],
) -> Result<SplitParts, DefenseSplitError> {
    let expect = |same: bool, path: &PathBuf, what| match same {
        true => Ok(()),
        false => Err(DefenseSplitError::Reread { path: path.clone(), what }),
    };
    let limits = ReadLimits::OWN;
    let train = read_defense(&report.train, &limits)?;
    let same = train.traces().iter().zip(meant_train).all(|(found, (id, meant))| {
        found.key.rep == *id && found.key.class == meant.key.class && found.trace == meant.trace
    });
    expect(same && train.len() == meant_train.len(), &report.train, "not the train set that was drawn")?;

    let test = read_captures(&report.test, &limits)?;
    let same = test
        .traces()
        .iter()
        .zip(meant_test)
        .all(|(found, (id, meant))| found.key.rep == *id && found.trace == meant.trace);
    expect(same && test.len() == meant_test.len(), &report.test, "not the test set that was drawn")?;

    let truth = read_truth(&report.verif, &limits)?;
    let same = meant_test.iter().all(|(id, meant)| truth.get(id) == Some(&meant.key.class));
    expect(same && truth.len() == meant_test.len(), &report.verif, "not the truth of the test set")?;

    let ids: HashSet<i64> = meant_train.iter().chain(meant_test).map(|&(id, _)| id).collect();
    expect(ids.len() == meant_train.len() + meant_test.len(), &report.test, "ids that are not all different")?;
    Ok(SplitParts { train, test, truth })
}
