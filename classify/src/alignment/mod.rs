//! An attack by alignment: a profile hidden Markov model for each class over the sequence of answers, which share what varies.
//!
//! A service that answers request by request shows a list of answers, one after the other, whose sizes vary a little, between which
//! something is inserted, and of which some are split, joined or lost. Trees over the n-th answer are wrong after the first insertion;
//! histograms forget the order. Here a trace is aligned with each class, and each answer adds its evidence. What classes share is learned
//! from all of them: how often answers are inserted or lost, and how the size of an answer varies, a mixture of Dirichlet
//! distributions over the columns of all classes. So one to five traces are enough to know a class.
//!
//! | step | where |
//! |---|---|
//! | a trace as tokens: runs of packets, their sizes in cells, in bins | `tokens` |
//! | the most central trace of a class is its first row of columns | `medoid` |
//! | states M, I, D and their moves, shared by all classes | `chain` |
//! | what a token is worth in a column | `profile`, `prior` |
//! | the sum over all alignments, by forward recursion | `forward`, `side_by_side`, in vectors: `lanes` |
//! | expected counts, by forward and backward | `posterior` |
//! | twelve rounds of both | `fit` |
//! | a class that is everything else | `background` |
//! | scores of traces not learned from, and probabilities | `folds`, `shares`, `sharpness` |
//! | the most probable alignment | `path` |
//!
//! Profile hidden Markov models: R. Durbin, S. Eddy, A. Krogh, G. Mitchison, "Biological Sequence Analysis", 1998, chapter 5. Deviations beside
//! those of [the prior](AlignmentParams::concentration), which are told in its module:
//!
//! - transitions are shared by all columns and classes, since a class has few traces;
//! - I and D follow each other;
//! - a match move may take two tokens for one column (a split) or one token for two (a merge), where all tokens are of one direction. A split of
//!   size s is one of s - 1 equally probable ones; a merge is of two neighbouring columns, and leaves out pairs of tokens that are less probable than
//!   1e-4; its posterior counts for moves, not for columns;
//! - there is no local alignment: begin and end are those of the trace.
//!
//! What the recursions leave open is decided so: sums of sizes are rounded half up; the last bin has the size at which it begins; insertions
//! begin with the frequencies of all tokens; expected counts below 1e-6 and responsibilities below 1e-9 of the largest are none; emissions
//! use the responsibilities that the last update of the prototypes was made of; prototypes begin at smoothed columns, drawn by numbers that
//! a seed gives (`prior`); a class of one trace teaches nothing but its own columns, and where no class has two, nothing is learned after the
//! start; the first of equal medoids is taken, sums that differ by less than 1e-9 being equal.
//!
//! Profiles of more than 128 columns are scored in a band around the diagonal, which is widened until the log likelihood grows by less than
//! a part in 10^9. That is no bound: what two distant optima between which nothing is likely have apart may be missed.

mod background;
mod chain;
mod fit;
mod folds;
mod forward;
mod labelled;
mod lanes;
mod medoid;
mod path;
mod posterior;
mod prior;
mod profile;
mod shares;
mod sharpness;
mod side_by_side;
mod tokens;

#[cfg(test)]
mod tests;

use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::Trace;
use wfkit_metrics::{Observer, Silent, Work};

use crate::log_linear;

use background::Background;
use chain::Chain;
pub use folds::{Folds, OutOfFold};
use forward::{Forward, NO_BAND};
use labelled::Labelled;
use lanes::LANES;
pub use path::{Path, Step, StepKind};
use prior::Prior;
use profile::{Emissions, Joins, Profile};
use side_by_side::{Group, SideBySide};
pub use tokens::AlignmentView;
use tokens::{Alphabet, Token};

/// How profiles are learned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AlignmentParams {
    /// Which runs are aligned; answers by default.
    pub view: AlignmentView,
    /// Rounds of expectation and maximisation, 12 by default; with 0, a class is its most central trace under the prior of the first round.
    pub rounds: usize,
    /// Prototypes of the prior, at least 1; 30 by default.
    pub prototypes: usize,
    /// How many tokens the prior of a column weighs, above 0; 80 by default (the best of 40, 60, 80, 100 and 120 on ten folds of one data set, the only one looked at).
    pub concentration: f64,
    /// The class that is everything else, if there is one; none by default.
    pub background: Option<usize>,
}

impl Default for AlignmentParams {
    fn default() -> Self {
        Self { view: AlignmentView::Answers, rounds: 12, prototypes: 30, concentration: 80.0, background: None }
    }
}

/// Why nothing was learned.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum AlignmentError {
    /// There is no trace.
    #[error("an alignment needs at least one trace to learn from")]
    Empty,
    /// Traces, labels and groups are not of the same number.
    #[error("{traces} traces with {labels} {what}: one for each is needed")]
    Lengths {
        /// Number of traces.
        traces: usize,
        /// Number of the others.
        labels: usize,
        /// Labels or groups.
        what: &'static str,
    },
    /// A label is not the number of a class.
    #[error("trace {row} has class number {label}, but there are {classes} classes, numbered from 0")]
    Label {
        /// The trace.
        row: usize,
        /// Its label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A parameter is out of its range.
    #[error("{0}")]
    Params(&'static str),
}

/// Profiles of classes, as learned.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Alignment {
    alphabet: Alphabet,
    chain: Chain,
    /// Frequencies of inserted tokens, q.
    inserted: Vec<f64>,
    prior: Prior,
    /// One a class; without columns where it had no trace.
    profiles: Vec<Profile>,
    /// Number of training traces of each class.
    trained_on: Vec<u32>,
    background: Option<Background>,
    /// a of [`Alignment::probabilities`].
    sharpness: f64,
    joins: Joins,
}

impl AlignmentParams {
    /// Learns a profile of each class from its traces; `labels`, shape `(n_traces,)`, are numbers of classes. A class without traces
    /// has log likelihood -infinity for whatever is asked.
    ///
    /// # Errors
    /// No trace, not one label a trace, a label that is no class, a parameter out of its range.
    pub fn fit(
        &self,
        traces: &[&Trace],
        labels: &[usize],
        n_classes: usize,
        seed: u64,
    ) -> Result<Alignment, AlignmentError> {
        self.fit_watched((traces, labels), n_classes, seed, &Silent)
    }

    /// The same, watched by somebody.
    pub(crate) fn fit_watched(
        &self,
        (traces, labels): (&[&Trace], &[usize]),
        n_classes: usize,
        seed: u64,
        observer: &dyn Observer,
    ) -> Result<Alignment, AlignmentError> {
        self.check(traces, labels, n_classes)?;
        let (alphabet, sequences) = self.read(traces);
        let labelled = Labelled { sequences: &slices(&sequences), labels, n_classes };
        let work = Work::begin(observer, "alignment", self.rounds * n_classes);
        Ok(fit::fit(self, &alphabet, labelled, seed, &work))
    }

    /// Scores of traces by models that learned from other groups only, in stratified folds; `groups`, shape `(n_traces,)`, are numbers of
    /// any kind, equal for traces that belong together.
    ///
    /// # Errors
    /// As of [`fit`](Self::fit); fewer than 2 folds, not one group a trace.
    pub fn out_of_fold(
        &self,
        traces: &[&Trace],
        labels: &[usize],
        n_classes: usize,
        groups: &[usize],
        folds: Folds,
    ) -> Result<OutOfFold, AlignmentError> {
        self.out_of_fold_watched((traces, labels), n_classes, groups, folds, &Silent)
    }

    /// The same, watched by somebody.
    pub(crate) fn out_of_fold_watched(
        &self,
        (traces, labels): (&[&Trace], &[usize]),
        n_classes: usize,
        groups: &[usize],
        folds: Folds,
        observer: &dyn Observer,
    ) -> Result<OutOfFold, AlignmentError> {
        self.check(traces, labels, n_classes)?;
        if groups.len() != traces.len() {
            return Err(AlignmentError::Lengths { traces: traces.len(), labels: groups.len(), what: "groups" });
        }
        if folds.folds < 2 {
            return Err(AlignmentError::Params("scores out of fold need at least 2 folds"));
        }
        let (alphabet, sequences) = self.read(traces);
        let labelled = Labelled { sequences: &slices(&sequences), labels, n_classes };
        Ok(folds::out_of_fold(self, &alphabet, labelled, groups, folds, observer))
    }

    fn check(&self, traces: &[&Trace], labels: &[usize], n_classes: usize) -> Result<(), AlignmentError> {
        if self.prototypes == 0 || self.prototypes > usize::from(u16::MAX) {
            return Err(AlignmentError::Params("the prior needs 1 to 65535 prototypes"));
        }
        if !(self.concentration > 0.0 && self.concentration <= prior::MOST_CONCENTRATION) {
            return Err(AlignmentError::Params("the concentration of the prior is above 0, and at most 1e9"));
        }
        if traces.len() != labels.len() {
            return Err(AlignmentError::Lengths { traces: traces.len(), labels: labels.len(), what: "labels" });
        }
        if traces.is_empty() {
            return Err(AlignmentError::Empty);
        }
        if self.background.is_some_and(|class| class >= n_classes) {
            return Err(AlignmentError::Params("the class that is everything else is not among the classes"));
        }
        match labels.iter().position(|&label| label >= n_classes) {
            Some(row) => Err(AlignmentError::Label { row, label: labels[row], classes: n_classes }),
            None => Ok(()),
        }
    }

    fn read(&self, traces: &[&Trace]) -> (Alphabet, Vec<Vec<Token>>) {
        let alphabet = Alphabet::fit(self.view, traces.iter().copied());
        let sequences = traces.par_iter().map(|trace| alphabet.tokens(trace)).collect();
        (alphabet, sequences)
    }
}

impl Alignment {
    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.profiles.len()
    }

    /// Which runs it aligns.
    pub fn view(&self) -> AlignmentView {
        self.alphabet.view()
    }

    /// The number of match columns of a class; 0 where it had no trace.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn columns(&self, class: usize) -> usize {
        self.profiles[class].columns.len()
    }

    /// The number of match columns of all classes.
    pub fn n_columns(&self) -> usize {
        self.profiles.iter().map(|profile| profile.columns.len()).sum()
    }

    /// ln of the probability of a trace in each class, shape `(n_classes,)`, in nats; -infinity where the class had no trace.
    pub fn log_likelihoods(&self, trace: &Trace) -> Vec<f64> {
        self.logs_of(&[&self.alphabet.tokens(trace)]).into_raw_vec_and_offset().0
    }

    /// As [`log_likelihoods`](Self::log_likelihoods) of many traces, shape `(n_traces, n_classes)`, several times as fast as one by one.
    pub fn log_likelihoods_of(&self, traces: &[&Trace]) -> Array2<f64> {
        let sequences: Vec<Vec<Token>> = traces.par_iter().map(|trace| self.alphabet.tokens(trace)).collect();
        self.logs_of(&slices(&sequences))
    }

    /// ln of the probability that a trace of each class begins with the first 0, 1, ... runs of this one, shape `(n_runs + 1, n_classes)`. A
    /// run counts as complete, also the last one.
    pub fn prefix_log_likelihoods(&self, trace: &Trace) -> Array2<f64> {
        let x = self.alphabet.tokens(trace);
        let of_class = |class: usize| match self.profiles[class].columns.as_slice() {
            [] => vec![f64::NEG_INFINITY; x.len() + 1],
            _ => {
                let of_profile = Forward::default().prefixes(&x, &self.emissions(class), &self.shared());
                match self.background_of(class) {
                    Some(background) => background.prefixes(&x, &of_profile),
                    None => of_profile,
                }
            }
        };
        let columns: Vec<Vec<f64>> = (0..self.n_classes()).into_par_iter().map(of_class).collect();
        Array2::from_shape_fn((x.len() + 1, self.n_classes()), |(runs, class)| columns[class][runs])
    }

    /// Log likelihood plus ln of the share of the class, less the largest of the row, at least -60; shape `(n_traces, n_classes)`. Shares
    /// are equal where the numbers of training traces differ no more than by chance.
    pub fn scores(&self, traces: &[&Trace]) -> Array2<f64> {
        let sequences: Vec<Vec<Token>> = traces.par_iter().map(|trace| self.alphabet.tokens(trace)).collect();
        self.scores_of(&slices(&sequences))
    }

    /// Probabilities in proportion to exp(a * score), a the sharpness; shape `(n_traces, n_classes)`, rows sum to 1.
    pub fn probabilities(&self, traces: &[&Trace]) -> Array2<f64> {
        self.probabilities_of(self.scores(traces))
    }

    /// The same from scores.
    pub(crate) fn probabilities_of(&self, mut scores: Array2<f64>) -> Array2<f64> {
        for mut row in scores.rows_mut() {
            sharpness::probabilities(self.sharpness, row.as_slice_mut().expect("rows are in order"));
        }
        scores
    }

    /// The same with a sharpness, which is 1 after fitting and at most 3, as [`OutOfFold::sharpness`] finds it.
    ///
    /// # Panics
    /// If it is not between 0 and 3.
    pub fn with_sharpness(self, sharpness: f64) -> Self {
        assert!((0.0..=log_linear::MOST).contains(&sharpness), "a sharpness of {sharpness}");
        Self { sharpness, ..self }
    }

    /// The a of [`probabilities`](Self::probabilities).
    pub fn sharpness(&self) -> f64 {
        self.sharpness
    }

    /// The most probable alignment of a trace with a class, by its profile; `None` where the class had no trace.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn explain(&self, class: usize, trace: &Trace) -> Option<Path> {
        let x = self.alphabet.tokens(trace);
        (!self.profiles[class].columns.is_empty()).then(|| path::explain(self, class, &x))
    }

    /// How many runs of a trace lie beyond the first 500, which are all that is looked at.
    pub fn runs_left_out(&self, trace: &Trace) -> usize {
        self.alphabet.runs(trace).count().saturating_sub(self.alphabet.most())
    }

    fn scores_of(&self, sequences: &[&[Token]]) -> Array2<f64> {
        let mut scores = self.logs_of(sequences);
        let ln_shares = shares::ln_shares(&self.trained_on);
        for mut row in scores.rows_mut() {
            row.iter_mut().zip(&ln_shares).for_each(|(score, ln_share)| *score += ln_share);
            sharpness::below_the_largest(row.as_slice_mut().expect("rows are in order"));
        }
        scores
    }

    /// Shape `(n_sequences, n_classes)`.
    fn logs_of(&self, sequences: &[&[Token]]) -> Array2<f64> {
        let mut classes: Vec<usize> = (0..self.n_classes()).filter(|&class| self.columns(class) > 0).collect();
        classes.sort_by_key(|&class| self.columns(class));
        // Short profiles side by side, each of about one length; long ones each in a band.
        let (short, long) = classes.split_at(classes.partition_point(|&class| self.columns(class) <= NO_BAND));
        let groups: Vec<&[usize]> = short.chunks(LANES).chain(long.chunks(1)).collect();
        let chunks: Vec<&[&[Token]]> = sequences.chunks(CHUNK).collect();
        let of_group = |classes: &&[usize]| -> Vec<Vec<f64>> {
            let emissions: Vec<Emissions> = classes.iter().map(|&class| self.emissions(class)).collect();
            let shared = self.shared();
            let group = (emissions[0].columns() <= NO_BAND).then(|| Group::new(&emissions));
            let of_chunk = |chunk: &&[&[Token]]| -> Vec<f64> {
                let (mut side_by_side, mut forward) = (SideBySide::default(), Forward::default());
                let mut logs = Vec::with_capacity(chunk.len() * classes.len());
                for x in *chunk {
                    match &group {
                        Some(group) => logs.extend(side_by_side.log_likelihoods(x, group, &shared)),
                        None => logs.push(forward.log_likelihood(x, &emissions[0], &shared)),
                    }
                }
                logs
            };
            chunks.par_iter().map(of_chunk).collect()
        };
        let found: Vec<Vec<Vec<f64>>> = groups.par_iter().map(of_group).collect();

        let mut logs = Array2::from_elem((sequences.len(), self.n_classes()), f64::NEG_INFINITY);
        for (classes, of_group) in groups.iter().zip(found) {
            let rows = of_group.iter().flat_map(|of_chunk| of_chunk.chunks_exact(classes.len()));
            for ((row, x), mut out) in rows.zip(sequences).zip(logs.rows_mut()) {
                for (&class, &of_profile) in classes.iter().zip(row) {
                    out[class] = match self.background_of(class) {
                        Some(background) => background.log_likelihood(x, of_profile),
                        None => of_profile,
                    };
                }
            }
        }
        logs
    }

    fn background_of(&self, class: usize) -> Option<&Background> {
        self.background.as_ref().filter(|background| background.class as usize == class)
    }
}

/// Traces that one thread scores at a time.
const CHUNK: usize = 256;

fn slices(sequences: &[Vec<Token>]) -> Vec<&[Token]> {
    sequences.iter().map(Vec::as_slice).collect()
}

/// What is stored of an [`Alignment`]. What is read was written by strangers, so is checked.
#[derive(Serialize, Deserialize)]
struct Stored {
    alphabet: Alphabet,
    chain: Chain,
    inserted: Vec<f64>,
    prior: Prior,
    profiles: Vec<Profile>,
    trained_on: Vec<u32>,
    background: Option<Background>,
    sharpness: f64,
}

impl From<Alignment> for Stored {
    fn from(model: Alignment) -> Self {
        let Alignment { alphabet, chain, inserted, prior, profiles, trained_on, background, sharpness, joins: _ } =
            model;
        Self { alphabet, chain, inserted, prior, profiles, trained_on, background, sharpness }
    }
}

impl TryFrom<Stored> for Alignment {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { alphabet, chain, inserted, prior, profiles, trained_on, background, sharpness } = stored;
        let alphabet = alphabet.restored().ok_or("cells of no bytes, or no tokens to look at")?;
        let joins = Joins::new(&alphabet);
        let n_tokens = alphabet.len();
        let checks = [
            (chain.is_sound(joins.any()), "moves that are no probabilities"),
            (
                inserted.len() == n_tokens && inserted.iter().all(|&p| p > 0.0 && p <= 1.0),
                "insertions that are no frequencies",
            ),
            (prior.is_sound(n_tokens), "a prior that is none"),
            (
                profiles.iter().all(|profile| profile.columns.len() <= tokens::MOST_TOKENS),
                "more columns than a trace has tokens",
            ),
            (
                profiles.iter().flat_map(|profile| &profile.columns).all(|column| prior.fits(column)),
                "a column that is none",
            ),
            (profiles.len() == trained_on.len(), "another number of classes"),
            (
                profiles.iter().zip(&trained_on).all(|(profile, &traces)| profile.columns.is_empty() == (traces == 0)),
                "a profile of no traces",
            ),
            (trained_on.iter().any(|&traces| traces > 0), "no class"),
            (
                background.as_ref().is_none_or(|background| background.is_sound(n_tokens, profiles.len())),
                "a background that is none",
            ),
            ((0.0..=log_linear::MOST).contains(&sharpness), "a sharpness out of its range"),
        ];
        match checks.into_iter().find(|(sound, _)| !sound) {
            Some((_, what)) => Err(what),
            None => Ok(Self { alphabet, chain, inserted, prior, profiles, trained_on, background, sharpness, joins }),
        }
    }
}
