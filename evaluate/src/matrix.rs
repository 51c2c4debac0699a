//! Trained on each session or file, tested on every other; and within each, by folds.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::json;
use wfkit_classify::{Attack, Samples};
use wfkit_datasets::Findings;
use wfkit_metrics::{ClassMap, PrivacyReport, Scores, Utility};

use crate::split::Pages;
use crate::transfer::{Judge, Judged, Outcome, TransferSource, all_classes, in_order, known, sessions_of, sources};
use crate::{ExperimentError, Labelled, ScoreRow, Scored, Setting, TRIVIAL, attack};

/// What is compared: the sessions of one collection, or several collections.
#[derive(Debug)]
pub struct TransferParts {
    inputs: Vec<Labelled>,
    sources: Vec<TransferSource>,
    /// `session` or `file`.
    part: &'static str,
    /// What the sources are in the order of.
    order: String,
    without_session: usize,
}

/// How a matrix is measured.
#[derive(Debug, Clone, Copy)]
pub struct TransferOptions {
    /// Folds within a part.
    pub folds: usize,
    /// Whether these part the visits of one page.
    pub pages: Pages,
    /// Whether traces that were learned from are scored.
    pub duplicates: bool,
}

/// What a matrix found.
#[derive(Debug)]
pub struct Transfer {
    /// All of it, for a report.
    pub findings: Findings,
    /// The attack.
    pub attack: String,
    /// What a part is: `session` or `file`.
    pub part: &'static str,
    /// Within against across, in words.
    pub told: String,
    /// Names of the parts.
    pub names: Vec<String>,
    /// All cells, row by row.
    pub cells: Vec<MatrixCell>,
}

/// A matrix in a report.
#[derive(Serialize)]
struct MatrixReport<'a> {
    by: &'a str,
    order: &'a str,
    told: &'a str,
    within: Option<ScoreRow>,
    across: ScoreRow,
    learned_from: String,
    false_positive_rate_is: &'static str,
    names: Vec<&'a str>,
    parts: Vec<MatrixPart>,
    cells: &'a [MatrixCell],
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trivial: Option<Ends>,
}

/// Within and across.
#[derive(Serialize)]
struct Ends {
    within: Option<ScoreRow>,
    across: ScoreRow,
}

impl TransferParts {
    /// The sessions of a collection, in the order of time where that is known.
    ///
    /// # Errors
    /// Fewer than two.
    pub fn by_session(input: Labelled) -> Result<Self, ExperimentError> {
        let (parts, without_session) = sessions_of(input.samples());
        if parts.len() < 2 {
            return Err(ExperimentError::FewSessions(parts.into_iter().map(|(name, _)| name).collect()));
        }
        let (sources, order) = in_order(sources(parts));
        Ok(Self { inputs: vec![input], sources, part: "session", order, without_session })
    }

    /// What was read of files, each from one; of the same kind, all traces or all features.
    pub fn of_files(paths: &[PathBuf], inputs: Vec<Labelled>) -> Self {
        let parts = names(paths).into_iter().zip(&inputs).map(|(name, input)| {
            let samples = input.samples();
            let rows: Vec<usize> = (0..samples.len()).collect();
            (name, samples.select(&rows))
        });
        let sources = sources(parts.collect());
        Self { inputs, sources, part: "file", order: "as given".to_owned(), without_session: 0 }
    }

    /// What was read.
    pub fn inputs(&self) -> &[Labelled] {
        &self.inputs
    }

    /// Trains on each part and tests on every other, and within each by folds; the trivial attack, too, where there are traces for it.
    ///
    /// # Errors
    /// That nothing could be tested across, and what attacks and scores refuse.
    pub fn measure(
        &self,
        attack: &Attack,
        options: TransferOptions,
        setting: Setting<'_>,
    ) -> Result<Transfer, ExperimentError> {
        let mut problems = Vec::new();
        if self.without_session > 0 {
            let message = format!("{} traces without session are in no part of the matrix", self.without_session);
            setting.observer.warn(&message);
            problems.push(message);
        }
        let matrix = self.matrix(attack, options, setting)?;
        let (within, across, told) = self.ends(&matrix, setting.seed)?;
        let cells = matrix.cells(setting.seed)?;
        let mut findings = Findings::new(self.utility(), PrivacyReport::of(attack.name(), &across));
        findings.problems = problems;
        for (reason, traces) in self.inputs.iter().flat_map(Labelled::dropped) {
            *findings.dropped.entry(reason).or_default() += traces;
        }
        if self.without_session > 0 {
            findings.dropped.insert("trace without session".to_owned(), self.without_session as u64);
        }
        let (with, without) = matrix.cells_with_and_without_score();
        findings
            .count(&format!("{}s", self.part), self.sources.len())
            .count("traces", self.sources.iter().map(TransferSource::len).sum())
            .count("classes", matrix.classes().len())
            .count("cells with a score", with)
            .count("cells without a score", without);
        let (folds, part) = (options.folds, self.part);
        let mut report = MatrixReport {
            by: part,
            order: &self.order,
            told: &told,
            within: within.as_ref().map(ScoreRow::from),
            across: ScoreRow::from(&across),
            learned_from: format!(
                "across: all of a {part}; within: {} of {folds} folds of it, so a little less",
                folds - 1
            ),
            false_positive_rate_is: FALSE_POSITIVES,
            names: matrix.names(),
            parts: matrix.parts(),
            cells: &cells,
            reason: "within is null where no fold could be made; cells have their own reasons",
            trivial: None,
        };
        let extras = &mut findings.privacy.extras;
        extras.set("split", format!("trained on each {part}, tested on every other"));
        if matches!(self.inputs[0], Labelled::Traces(_)) && attack.name() != TRIVIAL {
            let trivial = self.matrix(&self::attack(TRIVIAL)?, options, setting)?;
            let (within, across, told) = self.ends(&trivial, setting.seed)?;
            extras.set("trivial", json!({ "attack": TRIVIAL, "told": told }));
            let within = within.as_ref().map(ScoreRow::from);
            report.trivial = Some(Ends { within, across: ScoreRow::from(&across) });
        }
        extras.set("matrix", report);
        let names = matrix.names().into_iter().map(str::to_owned).collect();
        Ok(Transfer { findings, attack: attack.name().to_owned(), part, told, names, cells })
    }

    fn matrix(
        &self,
        attack: &Attack,
        TransferOptions { folds, pages, duplicates }: TransferOptions,
        setting: Setting<'_>,
    ) -> Result<TransferMatrix<'_>, ExperimentError> {
        TransferMatrix::measure(attack, &self.sources, (folds, pages), duplicates, setting)
    }

    /// The scores within and across, and both in words.
    fn ends(
        &self,
        matrix: &TransferMatrix<'_>,
        seed: u64,
    ) -> Result<(Option<Scores>, Scores, String), ExperimentError> {
        let nothing = || ExperimentError::NothingAcross { part: self.part, reasons: matrix.reasons_across() };
        let across = matrix.scores(false, seed)?.ok_or_else(nothing)?;
        let within = matrix.scores(true, seed)?;
        let told = matrix.in_words(within.as_ref(), &across, self.part);
        Ok((within, across, told))
    }

    fn utility(&self) -> Utility {
        if let [one] = &self.inputs[..] {
            return one.utility(0..one.samples().len());
        }
        let volumes = |input: &Labelled| match input.samples() {
            Samples::Traces(set) => Some(set.volumes()),
            Samples::Features(_) => None,
        };
        let volumes: Option<Vec<_>> = self.inputs.iter().map(volumes).collect();
        volumes.map_or_else(
            || Utility::unknown("a feature file does not tell what its traces cost"),
            |volumes| Utility::of(&volumes.concat()),
        )
    }
}

/// Files by their name without folder and ending, where that tells them apart.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let stem = |path: &PathBuf| {
        path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
    };
    let stems: Vec<String> = paths.iter().map(stem).collect();
    match stems.iter().collect::<BTreeSet<_>>().len() == paths.len() {
        true => stems,
        false => paths.iter().map(|path| path.display().to_string()).collect(),
    }
}

/// What false positives are, for the report.
pub const FALSE_POSITIVES: &str = "each class against all others by its own probability, at the highest threshold that finds at least this share of its \
                               traces: the share of the other tested traces that reach it; mean over the classes that have tested traces";

/// Outcomes row by row: trained on the source of the row, tested on that of the column.
#[derive(Debug)]
pub struct TransferMatrix<'a> {
    sources: &'a [TransferSource],
    classes: ClassMap,
    folds: usize,
    outcomes: Vec<Outcome>,
}

/// One of the sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixPart {
    /// What it is called.
    pub name: String,
    /// Its traces.
    pub traces: usize,
    /// Classes it has.
    pub classes: usize,
    /// Classes of others that it lacks.
    pub missing_classes: Vec<String>,
}

/// Trained on one source, tested on one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatrixCell {
    /// Trained on this.
    pub train: String,
    /// Tested on this.
    pub test: String,
    /// `within` or `across`.
    pub r#where: &'static str,
    /// Traces trained on; within, in about every fold.
    pub trained_on: usize,
    /// The scores, or why there are none.
    #[serde(flatten)]
    pub scored: Scored,
    /// Tested traces of classes that were not trained on, or, within, of a single load: no score counts them.
    pub left_out_class_not_trained_on: usize,
}

impl MatrixCell {
    /// Its accuracy, where it has one.
    pub fn accuracy(&self) -> Option<f64> {
        self.scored.row()?.accuracy
    }

    /// Whether it was tested by folds of what was trained on.
    pub fn is_within(&self) -> bool {
        self.r#where == "within"
    }
}

impl<'a> TransferMatrix<'a> {
    /// Trains on each source, and tests it on every other; within each by so many folds. With `duplicates`, traces that were learned from are scored
    /// too.
    ///
    /// # Errors
    /// What attacks and scores refuse.
    pub fn measure(
        attack: &Attack,
        sources: &'a [TransferSource],
        (folds, pages): (usize, Pages),
        duplicates: bool,
        setting: Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let classes = all_classes(sources);
        let judge = Judge { attack, all: &classes, duplicates, seed: setting.seed };
        let observer = setting.observer;
        observer.begin(attack.name(), (sources.len() * (sources.len() + folds)) as u64);
        let mut outcomes = Vec::new();
        for (train, source) in sources.iter().enumerate() {
            setting.go_on()?;
            let learned = known(std::slice::from_ref(source));
            let fitted = judge.fit(source.samples());
            observer.step();
            for (test, tested) in sources.iter().enumerate() {
                outcomes.push(match &fitted {
                    _ if train == test => judge.inside(source, folds, pages, &|| observer.step())?,
                    // A source of one class teaches nothing; the others still do.
                    Err(reason) => Outcome::none(reason.clone()),
                    Ok(fitted) => judge.elsewhere(fitted, &learned, tested)?,
                });
                if train != test {
                    observer.step();
                }
            }
        }
        observer.end();
        Ok(Self { sources, classes, folds, outcomes })
    }

    /// Names of the sources.
    pub fn names(&self) -> Vec<&'a str> {
        self.sources.iter().map(|source| source.name.as_str()).collect()
    }

    /// Classes of all sources.
    pub fn classes(&self) -> &ClassMap {
        &self.classes
    }

    /// How many cells have a score, and how many have none.
    pub fn cells_with_and_without_score(&self) -> (usize, usize) {
        let with = self.outcomes.iter().filter(|cell| cell.judged.is_ok()).count();
        (with, self.outcomes.len() - with)
    }

    /// The sources.
    pub fn parts(&self) -> Vec<MatrixPart> {
        let part = |source: &TransferSource| {
            let own = source.samples().classes();
            let missing = self.classes.names().iter().filter(|name| own.index_of(name).is_none());
            MatrixPart {
                name: source.name.clone(),
                traces: source.len(),
                classes: own.len(),
                missing_classes: missing.cloned().collect(),
            }
        };
        self.sources.iter().map(part).collect()
    }

    /// Train, test and outcome of every cell.
    fn all(&self) -> impl Iterator<Item = (usize, usize, &Outcome)> {
        let n = self.sources.len();
        self.outcomes.iter().enumerate().map(move |(at, outcome)| (at / n, at % n, outcome))
    }

    /// Of all cells within, or across, together that have some; a trace counts once for each that tested it.
    ///
    /// # Errors
    /// What scores refuse.
    pub fn scores(&self, within: bool, seed: u64) -> Result<Option<Scores>, ExperimentError> {
        let cells = self.all().filter(|&(train, test, _)| (train == test) == within);
        let judged = Judged::pooled(cells.filter_map(|(.., outcome)| outcome.judged.as_ref().ok()));
        judged.map(|judged| judged.scores(seed)).transpose()
    }

    /// Within against across, in words; `word` is what a source is.
    pub fn in_words(&self, within: Option<&Scores>, across: &Scores, word: &str) -> String {
        let accuracy = |scores: &Scores| ScoreRow::from(scores).short_accuracy().unwrap_or_else(|| "-".to_owned());
        let within = within.map_or_else(
            || {
                let reason =
                    self.all().find(|(train, test, _)| train == test).and_then(|(.., cell)| cell.judged.as_ref().err());
                format!("none ({})", reason.map_or("no folds", String::as_str))
            },
            accuracy,
        );
        format!("within one {word} accuracy {within}; across {word}s {}", accuracy(across))
    }

    /// All cells, row by row.
    ///
    /// # Errors
    /// What scores refuse.
    pub fn cells(&self, seed: u64) -> Result<Vec<MatrixCell>, ExperimentError> {
        let cell = |(train, test, outcome): (usize, usize, &Outcome)| {
            let all = self.sources[train].len();
            let (place, trained_on) = if train == test { ("within", all - all / self.folds) } else { ("across", all) };
            Ok(MatrixCell {
                train: self.sources[train].name.clone(),
                test: self.sources[test].name.clone(),
                r#where: place,
                trained_on,
                scored: outcome.scored(self.sources[test].len(), seed)?,
                left_out_class_not_trained_on: outcome.unknown,
            })
        };
        self.all().map(cell).collect()
    }

    /// Why nothing was tested across, every reason once.
    pub fn reasons_across(&self) -> Vec<String> {
        let reasons = self.all().filter(|(train, test, _)| train != test);
        let told: BTreeSet<&String> = reasons.filter_map(|(.., cell)| cell.judged.as_ref().err()).collect();
        told.into_iter().cloned().collect()
    }
}
