//! `wfkit score`: class probabilities of anybody's attack, scored like our own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use ndarray::Array2;
use wfkit_classify::Samples;
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Aligned, FileKind, FoldFile, Label, ProbabilityTable, TraceKey, Truth, splits_of_folds};
use wfkit_evaluate::split::of_file;
use wfkit_evaluate::{
    ExperimentError, LeakageEstimate, LeakageReport, LowerBound, Measured, TRIVIAL, attack, compare, measure,
    open_world, splits_testing,
};
use wfkit_features::FeatureMatrix;
use wfkit_metrics::{Probabilities, Utility, did_you_mean_one_of};

use crate::cli;
use crate::context::{Context, count, write_picture, write_sheet};
use crate::input::{list, read_labelled};
use wfkit_datasets::digests;
use wfkit_evaluate::{Features, Labelled};
use wfkit_report::picture::reliability;
use wfkit_report::text::{compared as compared_text, sheet};

/// What the calibration is said to be.
const CALIBRATION: &str = "none here: probabilities are those of the file";

pub(crate) fn run(options: &cli::Score, context: &Context<'_>) -> Result<()> {
    let files: Vec<&PathBuf> = options.probabilities.iter().chain(&options.against).collect();
    let known = Traces::read(&options.truth, context)?;
    let samples = known.input.samples();
    if let Some(class) = &options.open_world {
        let classes = samples.classes();
        let meant = did_you_mean_one_of(class, classes.names().iter().map(String::as_str));
        ensure!(classes.index_of(class).is_some(), "--open-world {class}: there is no such class{meant}");
    }
    let folds = options.split_file.as_deref().map(|path| known.folds(path)).transpose()?;
    let given: Vec<Aligned> =
        files.iter().map(|path| known.beside(path, options.partial, context)).collect::<Result<_>>()?;
    let rows = common_rows(&given);
    ensure!(!rows.is_empty(), "no trace of {} has a row in every file", known.truth.name);
    let splits: Option<Vec<Split>> = folds.as_ref().map(|(fold_of, _)| splits_of_folds(fold_of));
    let measured: Vec<Measured> = names(&files)
        .into_iter()
        .zip(&given)
        .map(|(name, given)| {
            let evaluation = wfkit_evaluate::given(name, said(given, &rows), &rows, samples, splits.as_deref());
            Measured::of(evaluation, samples, context.seed)
        })
        .collect::<Result<_, ExperimentError>>()?;
    let (first, others) = measured.split_first().expect("clap demands a file");

    let split = match &folds {
        Some((_, name)) => name.clone(),
        None => "not told: intervals and tests take all traces as tested by one model; --split-file tells the folds"
            .to_owned(),
    };
    let inputs: Vec<PathBuf> = files.into_iter().chain(&options.truth).chain(&options.split_file).cloned().collect();
    let mut report = context.stage("score", digests(&inputs)?, known.utility(&rows), first.privacy());
    report.dropped = known.input.dropped();
    count(&mut report.counts, "scored traces", rows.len());
    count(&mut report.counts, "scored loads", first.evaluation.origins.len());
    count(&mut report.counts, "classes", first.evaluation.probabilities.classes().len());
    count(&mut report.counts, "rows rescaled to sum to 1", given[0].rescaled);
    if rows.len() < samples.len() {
        report.dropped.insert("no row in every file".to_owned(), (samples.len() - rows.len()) as u64);
    }
    let extras = &mut report.privacy.extras;
    extras.set("split", split.as_str()).set("calibration", CALIBRATION).set("reliability", first.reliability());
    let trivial = match (&splits, &known.input) {
        (Some(splits), Labelled::Traces(_)) => Some(trivial(samples, &rows, splits, context)?),
        _ => None,
    };
    if folds.is_some() {
        let overlap = first.overlap();
        extras.set("overlap", &overlap).set("folds", &first.evaluation.folds);
        if overlap.learned_from() > 0 {
            let told = super::evaluate::learned_from(&overlap);
            context.printer.warn(&format!("where models learned by these folds, {told}: the scores are too high"));
        }
    }
    if let Some(trivial) = &trivial {
        extras.set("trivial", trivial.summary());
    }
    if let Some(class) = &options.open_world {
        extras.set("open_world", open_world(first, class, &options.base_rate, context.seed)?);
    }
    let beside: Vec<&Measured> = trivial.iter().chain(others).collect();
    let mut leakage = first.leakage(&beside);
    if let LeakageReport::Estimated(LeakageEstimate { asymptotic_lower_bound, .. }) = &mut leakage
        && matches!(asymptotic_lower_bound, LowerBound::Missing { .. })
    {
        let reason = "not computed: probabilities have no features to be near in".to_owned();
        *asymptotic_lower_bound = LowerBound::Missing { reason };
    }
    extras.set("leakage", leakage);
    let compared = compare(first, others);
    if !others.is_empty() {
        extras.set("against", &compared);
        context.printer.text(&compared_text(&measured, &compared))?;
    }
    if let Some(path) = &options.sheet {
        let attacks: Vec<&Measured> = measured.iter().chain(&trivial).collect();
        write_sheet(path, |form| sheet(form, &report, &attacks, &split))?;
    }
    if let Some(path) = &options.picture {
        write_picture(path, &reliability(&first.attack, &first.reliability()).svg())?;
    }
    context.finish_and_print(report, None)
}

/// What is known of the traces that probabilities are of.
struct Traces {
    /// A table of classes is features without a column.
    input: Labelled,
    truth: Truth,
    /// The one file of the truth, whose rows need not be in the order of keys.
    file: Option<PathBuf>,
    is_table: bool,
}

impl Traces {
    fn read(paths: &[PathBuf], context: &Context<'_>) -> Result<Self> {
        let file = match paths {
            [path] if path.is_file() => Some(path.clone()),
            _ => None,
        };
        let kind = file.as_deref().map(FileKind::of).transpose()?.flatten();
        let is_table = match (&file, kind) {
            // Whatever else stands beside the keys, they tell the classes.
            (Some(_), Some(FileKind::Folds | FileKind::Probabilities)) => true,
            (Some(path), None) => Truth::is_table(path),
            _ => false,
        };
        if let (Some(path), true) = (&file, is_table) {
            let truth = Truth::read(path)?;
            let labels: Vec<Label> = truth.keys.iter().map(|key| Label::new(key.clone(), None)).collect();
            let matrix = FeatureMatrix::new(Vec::new(), labels, Array2::zeros((truth.keys.len(), 0)))?;
            let input = Labelled::Features(Features { matrix, fitted_on_all_rows: Vec::new() });
            return Ok(Self { input, truth, file, is_table });
        }
        let input = read_labelled(paths, context)?;
        let samples = input.samples();
        let keys: Vec<TraceKey> = (0..samples.len()).map(|row| samples.key(row).clone()).collect();
        let truth = Truth { name: list(paths), keys, has_keys: true };
        Ok(Self { input, truth, file, is_table })
    }

    /// What the traces at `rows` cost.
    fn utility(&self, rows: &[usize]) -> Utility {
        match self.is_table {
            true => Utility::unknown("a table of classes does not tell what traces cost"),
            false => self.input.utility(rows.iter().copied()),
        }
    }

    /// The fold of every trace, and what to call the folds.
    fn folds(&self, path: &Path) -> Result<(Vec<i64>, String)> {
        let file = FoldFile::read(path)?;
        let fold_of = of_file(self.input.samples(), &file, &self.truth.name)?;
        let folds = fold_of.iter().collect::<BTreeSet<_>>().len();
        Ok((fold_of, format!("{folds} folds of {}, which keep together: {}", path.display(), file.together())))
    }

    /// Probabilities of a file beside these traces.
    fn beside(&self, path: &Path, partial: bool, context: &Context<'_>) -> Result<Aligned> {
        let table = ProbabilityTable::read(path, &self.truth.classes())?;
        if !table.has_keys() {
            self.check_order(path)?;
        }
        let aligned = table.align(&self.truth, partial)?;
        for note in &aligned.notes {
            context.warn_of_input(&format!("{}: {note}", path.display()));
        }
        Ok(aligned)
    }

    /// Traces are in the order of their keys, whatever the order of the file: refuses to take rows by an order that the file does not have.
    fn check_order(&self, path: &Path) -> Result<()> {
        let (Labelled::Traces(_), Some(file)) = (&self.input, &self.file) else { return Ok(()) };
        let Ok(there) = Truth::read(file) else { return Ok(()) }; // Packets, one a row, whose traces have the order of their keys here.
        ensure!(
            there.keys.len() != self.truth.keys.len() || there.keys == self.truth.keys,
            "{}: no columns class and rep, and {} is not in the order of its keys, so that nobody knows which row is of which trace: add the \
             columns class, rep and session",
            path.display(),
            file.display()
        );
        Ok(())
    }
}

/// Traces that every file has a row of, ascending.
fn common_rows(given: &[Aligned]) -> Vec<usize> {
    let mut count: BTreeMap<usize, usize> = BTreeMap::new();
    given.iter().flat_map(|aligned| &aligned.rows).for_each(|&row| *count.entry(row).or_default() += 1);
    count.into_iter().filter(|&(_, files)| files == given.len()).map(|(row, _)| row).collect()
}

/// What to call each file: its name without its ending, or its path where two have one name.
fn names(files: &[&PathBuf]) -> Vec<String> {
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

/// What a file says of the traces at `rows`.
fn said(given: &Aligned, rows: &[usize]) -> Probabilities {
    let places: Vec<usize> =
        rows.iter().map(|row| given.rows.binary_search(row).expect("every file has this trace")).collect();
    given.probabilities.select(&places)
}

/// The trivial attack on the same folds and traces.
fn trivial(samples: Samples<'_>, rows: &[usize], splits: &[Split], context: &Context<'_>) -> Result<Measured> {
    measure(&attack(TRIVIAL)?, samples, &splits_testing(splits, rows), context.setting()).context("the trivial attack")
}
