//! What is known of the traces that somebody's probabilities are of, and the files that say them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ndarray::Array2;
use wfkit_classify::Samples;
use wfkit_datasets::splits::Split;
use wfkit_datasets::{
    Aligned, FileKind, Findings, FoldFile, Label, ProbabilityTable, TraceKey, Truth, splits_of_folds,
};
use wfkit_features::FeatureMatrix;
use wfkit_metrics::{Probabilities, Utility};

use crate::error::{at, file};
use crate::split::of_file;
use crate::{
    ExperimentError, Features, Labelled, LeakageEstimate, LeakageReport, LowerBound, Measured, PairedComparison,
    Setting, TRIVIAL, attack, compare, given, measure, open_world, splits_testing,
};

/// What is known of the traces that probabilities are of.
#[derive(Debug)]
pub struct KnownTraces {
    /// The traces; a table of classes is features without a column.
    pub input: Labelled,
    /// What they are called, in their order.
    pub truth: Truth,
    /// The one file of the truth, whose rows need not be in the order of keys.
    file: Option<PathBuf>,
    is_table: bool,
}

impl KnownTraces {
    /// What is told by one file that is no traces and no features, but a table with their classes; none where it is none.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn of_table(paths: &[PathBuf]) -> Result<Option<Self>, ExperimentError> {
        let Some(path) = one_file(paths) else { return Ok(None) };
        let is_table = match FileKind::of(path).map_err(file)? {
            // Whatever else stands beside the keys, they tell the classes.
            Some(FileKind::Folds | FileKind::Probabilities) => true,
            None => Truth::is_table(path),
            Some(_) => false,
        };
        if !is_table {
            return Ok(None);
        }
        let truth = Truth::read(path).map_err(file)?;
        let labels: Vec<Label> = truth.keys.iter().map(|key| Label::new(key.clone(), None)).collect();
        let values = Array2::zeros((truth.keys.len(), 0));
        let matrix = FeatureMatrix::new(Vec::new(), labels, values).map_err(file)?;
        let input = Labelled::Features(Features { matrix, fitted_on_all_rows: Vec::new() });
        Ok(Some(Self { input, truth, file: Some(path.clone()), is_table }))
    }

    /// What is told by traces or features that were read from these files, which `name` lists.
    pub fn of(input: Labelled, paths: &[PathBuf], name: String) -> Self {
        let samples = input.samples();
        let keys: Vec<TraceKey> = (0..samples.len()).map(|row| samples.key(row).clone()).collect();
        let truth = Truth { name, keys, has_keys: true };
        Self { input, truth, file: one_file(paths).cloned(), is_table: false }
    }

    /// The traces, as attacks take them.
    pub fn samples(&self) -> Samples<'_> {
        self.input.samples()
    }

    /// What the traces at `rows` cost.
    pub fn utility(&self, rows: &[usize]) -> Utility {
        match self.is_table {
            true => Utility::unknown("a table of classes does not tell what traces cost"),
            false => self.input.utility(rows.iter().copied()),
        }
    }

    /// The fold of every trace, and what to call the folds.
    ///
    /// # Errors
    /// As [`of_file`].
    pub fn folds(&self, path: &Path) -> Result<(Vec<i64>, String), ExperimentError> {
        let read = FoldFile::read(path).map_err(file)?;
        let fold_of = of_file(self.samples(), &read, &self.truth.name).map_err(file)?;
        let folds = fold_of.iter().collect::<BTreeSet<_>>().len();
        Ok((fold_of, format!("{folds} folds of {}, which keep together: {}", path.display(), read.together())))
    }

    /// The probabilities of a file beside these traces; with `partial`, though it has no row of some of them.
    ///
    /// # Errors
    /// A file that is no probabilities of these traces, or whose rows could be those of others.
    pub fn beside(&self, path: &Path, partial: bool) -> Result<Aligned, ExperimentError> {
        let table = ProbabilityTable::read(path, &self.truth.classes()).map_err(file)?;
        if !table.has_keys() {
            self.check_order(path)?;
        }
        table.align(&self.truth, partial).map_err(file)
    }

    /// Scores what files say of these traces, the first of them tested against the others.
    ///
    /// # Errors
    /// Files that are no probabilities or folds of these traces, no trace that all of them have a row of, and what scores refuse.
    pub fn score(
        &self,
        files: &[&PathBuf],
        options: &ScoreOfFiles<'_>,
        setting: Setting<'_>,
    ) -> Result<ScoredFiles, ExperimentError> {
        let (samples, observer) = (self.samples(), setting.observer);
        let folds = options.folds.map(|path| self.folds(path)).transpose()?;
        let (mut given, mut problems) = (Vec::new(), Vec::new());
        for path in files {
            let aligned = self.beside(path, options.partial)?;
            let notes: Vec<String> = aligned.notes.iter().map(|note| format!("{}: {note}", path.display())).collect();
            notes.iter().for_each(|note| observer.warn(note));
            problems.extend(notes);
            given.push(aligned);
        }
        let rows = common_rows(&given);
        if rows.is_empty() {
            let reason = format!("no trace of {} has a row in every file", self.truth.name);
            return Err(ExperimentError::Unfit(reason));
        }
        let splits: Option<Vec<Split>> = folds.as_ref().map(|(fold_of, _)| splits_of_folds(fold_of));
        let measured: Vec<Measured> = names_of_files(files)
            .into_iter()
            .zip(&given)
            .map(|(name, aligned)| {
                let said = self::given(name, said_of(aligned, &rows), &rows, samples, splits.as_deref());
                Measured::of(said, samples, setting.seed)
            })
            .collect::<Result<_, _>>()?;
        let Some((first, others)) = measured.split_first() else {
            return Err(ExperimentError::Unfit("there is no file of probabilities".to_owned()));
        };
        let split = folds.map_or_else(|| NO_FOLDS.to_owned(), |(_, name)| name);
        let mut findings = Findings::new(self.utility(&rows), first.privacy());
        findings.problems = problems;
        findings.dropped = self.input.dropped();
        findings
            .count("scored traces", rows.len())
            .count("scored loads", first.evaluation.origins.len())
            .count("classes", first.evaluation.probabilities.classes().len())
            .count("rows rescaled to sum to 1", given[0].rescaled);
        if rows.len() < samples.len() {
            findings.dropped.insert("no row in every file".to_owned(), (samples.len() - rows.len()) as u64);
        }
        let extras = &mut findings.privacy.extras;
        extras.set("split", &split).set("calibration", CALIBRATION).set("reliability", first.reliability());
        let trivial = match (&splits, &self.input) {
            (Some(splits), Labelled::Traces(_)) => {
                let splits = splits_testing(splits, &rows);
                let measured = measure(&attack(TRIVIAL)?, samples, &splits, setting);
                Some(measured.map_err(at("the trivial attack"))?)
            }
            _ => None,
        };
        if splits.is_some() {
            let overlap = first.overlap();
            extras.set("overlap", &overlap).set("folds", &first.evaluation.folds);
            if overlap.learned_from() > 0 {
                let told = overlap.in_words();
                observer.warn(&format!("where models learned by these folds, {told}: the scores are too high"));
            }
        }
        if let Some(trivial) = &trivial {
            extras.set("trivial", trivial.summary());
        }
        if let Some(class) = options.open_world {
            extras.set("open_world", open_world(first, class, options.base_rates, setting.seed)?);
        }
        let beside: Vec<&Measured> = trivial.iter().chain(others).collect();
        extras.set("leakage", leakage_of_files(first, &beside));
        let compared = compare(first, others);
        if !others.is_empty() {
            extras.set("against", &compared);
        }
        Ok(ScoredFiles { findings, measured, trivial, compared, split })
    }

    /// Traces are in the order of their keys, whatever the order of the file: refuses to take rows by an order that the file does not have.
    fn check_order(&self, path: &Path) -> Result<(), ExperimentError> {
        let (Labelled::Traces(_), Some(file)) = (&self.input, &self.file) else { return Ok(()) };
        let Ok(there) = Truth::read(file) else { return Ok(()) }; // Packets, one a row, whose traces have the order of their keys here.
        if there.keys.len() != self.truth.keys.len() || there.keys == self.truth.keys {
            return Ok(());
        }
        Err(ExperimentError::Unfit(format!(
            "{}: no columns class and rep, and {} is not in the order of its keys, so that nobody knows which row is of which trace: add the \
             columns class, rep and session",
            path.display(),
            file.display()
        )))
    }
}

fn one_file(paths: &[PathBuf]) -> Option<&PathBuf> {
    match paths {
        [path] if path.is_file() => Some(path),
        _ => None,
    }
}

/// What is said where nobody tells the folds.
const NO_FOLDS: &str =
    "not told: intervals and tests take all traces as tested by one model; --split-file tells the folds";

/// What the calibration is said to be.
const CALIBRATION: &str = "none here: probabilities are those of the file";

/// How files of probabilities are scored.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScoreOfFiles<'a> {
    /// The file of the folds that the probabilities come from.
    pub folds: Option<&'a Path>,
    /// Whether files may lack rows of some traces, which are then not scored.
    pub partial: bool,
    /// The class that stands for everything unmonitored.
    pub open_world: Option<&'a str>,
    /// Shares of monitored visits that open-world scores are restated for.
    pub base_rates: &'a [f64],
}

/// What files of probabilities are worth.
#[derive(Debug)]
pub struct ScoredFiles {
    /// All of it, for a report.
    pub findings: Findings,
    /// Each file, in their order.
    pub measured: Vec<Measured>,
    /// The trivial attack on the same folds, where these are told and there are traces for it.
    pub trivial: Option<Measured>,
    /// The first file tested against each of the others.
    pub compared: Vec<PairedComparison>,
    /// How it was trained and tested, in words.
    pub split: String,
}

/// Probabilities have no features to be near in.
fn leakage_of_files(first: &Measured, beside: &[&Measured]) -> LeakageReport {
    let mut leakage = first.leakage(beside);
    if let LeakageReport::Estimated(LeakageEstimate { asymptotic_lower_bound, .. }) = &mut leakage
        && matches!(asymptotic_lower_bound, LowerBound::Missing { .. })
    {
        let reason = "not computed: probabilities have no features to be near in".to_owned();
        *asymptotic_lower_bound = LowerBound::Missing { reason };
    }
    leakage
}

/// Traces that every file has a row of, ascending.
pub fn common_rows(given: &[Aligned]) -> Vec<usize> {
    let mut count: BTreeMap<usize, usize> = BTreeMap::new();
    given.iter().flat_map(|aligned| &aligned.rows).for_each(|&row| *count.entry(row).or_default() += 1);
    count.into_iter().filter(|&(_, files)| files == given.len()).map(|(row, _)| row).collect()
}

/// What a file says of the traces at `rows`.
///
/// # Panics
/// If it has no row of one of them.
pub fn said_of(given: &Aligned, rows: &[usize]) -> Probabilities {
    let places: Vec<usize> =
        rows.iter().map(|row| given.rows.binary_search(row).expect("every file has this trace")).collect();
    given.probabilities.select(&places)
}

/// What to call the probabilities of each file: its name without its ending, or its path where two have one name.
pub fn names_of_files(files: &[&PathBuf]) -> Vec<String> {
    let stem = |path: &PathBuf| {
        let name = wfkit_datasets::formats::file_name(path);
        let stem = [".csv.zip", ".csv", ".parquet", ".npz", ".npy"].iter().find_map(|ending| name.strip_suffix(ending));
        stem.unwrap_or(&name).to_owned()
    };
    let stems: Vec<String> = files.iter().map(|path| stem(path)).collect();
    let is_shared = |name: &String| stems.iter().filter(|other| *other == name).count() > 1;
    let name = |(path, stem): (&&PathBuf, &String)| {
        if is_shared(stem) { path.display().to_string() } else { stem.clone() }
    };
    files.iter().zip(&stems).map(name).collect()
}
