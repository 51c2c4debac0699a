//! What an attack is given.

use ndarray::Array2;
use wfkit_datasets::{Groups, Known, Observed, Trace, TraceKey, TraceSet};
use wfkit_features::{FeatureExtractor, FeatureMatrix, SparseMatrix};
use wfkit_metrics::{ClassMap, Observer};

use crate::forest::Values;

/// Labelled traces, or features that were taken from them before.
#[derive(Debug, Clone, Copy)]
pub enum Samples<'a> {
    /// Traces; the attack takes its own features from them.
    Traces(&'a TraceSet),
    /// Features, one row a trace.
    Features(&'a FeatureMatrix),
}

impl<'a> Samples<'a> {
    /// Number of traces.
    pub fn len(self) -> usize {
        match self {
            Self::Traces(set) => set.len(),
            Self::Features(matrix) => matrix.rows().len(),
        }
    }

    /// Whether there is no trace.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The trace of every row; none of a feature matrix.
    pub fn traces(self) -> Vec<&'a Trace> {
        match self {
            Self::Traces(set) => set.traces().iter().map(|labelled| &labelled.trace).collect(),
            Self::Features(_) => Vec::new(),
        }
    }

    /// Class, rep and session of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn key(self, row: usize) -> &'a TraceKey {
        match self {
            Self::Traces(set) => &set.traces()[row].key,
            Self::Features(matrix) => &matrix.rows()[row].key,
        }
    }

    /// What each row is known by when it is looked for among others.
    pub fn known(self) -> Vec<Known> {
        match self {
            Self::Traces(set) => Known::of_set(set),
            Self::Features(matrix) => matrix.rows().iter().map(Known::from).collect(),
        }
    }

    /// Which rows are copies of one load.
    pub fn origins(self) -> Groups {
        match self {
            Self::Traces(set) => Groups::by_origin(set),
            Self::Features(matrix) => Groups::by_origin_of_labels(matrix.rows()),
        }
    }

    /// What an unmonitored row shows, where it is known.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn page(self, row: usize) -> Option<&'a str> {
        match self {
            Self::Traces(set) => set.traces()[row].page.as_deref(),
            Self::Features(matrix) => matrix.rows()[row].page.as_deref(),
        }
    }

    /// When the trace of a row started, Unix time in ns UTC, where that is known.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn start_ns(self, row: usize) -> Option<i64> {
        match self {
            Self::Traces(set) => set.traces()[row].start_ns,
            Self::Features(matrix) => matrix.rows()[row].start_ns,
        }
    }

    /// Which rows no split may part: copies of one load, and what shows one page of the background.
    pub fn groups(self) -> Groups {
        self.origins().join(|row| self.page(row))
    }

    /// How the traces were observed, where that is known.
    pub fn observed(self) -> Option<Observed> {
        match self {
            Self::Traces(set) => Some(set.provenance().into()),
            Self::Features(matrix) => matrix.observed().cloned(),
        }
    }

    /// The classes that occur, in class order.
    pub fn classes(self) -> ClassMap {
        match self {
            Self::Traces(set) => set.classes(),
            Self::Features(matrix) => matrix.classes(),
        }
    }

    /// The column in `classes` of the class of every row, shape `(n_traces,)`; `None` where the class is not among them.
    pub fn labels(self, classes: &ClassMap) -> Vec<Option<usize>> {
        (0..self.len()).map(|row| classes.index_of(&self.key(row).class)).collect()
    }

    /// The traces at `rows`, which must ascend, so that both kinds keep this order.
    pub fn select(self, rows: &[usize]) -> Selected {
        debug_assert!(rows.is_sorted_by(|a, b| a < b), "a set has an order of its own");
        match self {
            Self::Traces(set) => Selected::Traces(set.select(rows)),
            Self::Features(matrix) => Selected::Features(matrix.select(rows)),
        }
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Traces(_) => "traces",
            Self::Features(_) => "a feature matrix",
        }
    }
}

/// Some of the samples, see [`Samples::select`].
#[derive(Debug)]
pub enum Selected {
    /// Traces.
    Traces(TraceSet),
    /// Features, one row a trace.
    Features(FeatureMatrix),
}

impl Selected {
    /// To learn from, or to attack.
    pub fn as_samples(&self) -> Samples<'_> {
        match self {
            Self::Traces(set) => Samples::Traces(set),
            Self::Features(matrix) => Samples::Features(matrix),
        }
    }
}

/// Features that were taken just now, or that were there already.
pub(crate) enum AttackFeatures<'a> {
    Now(FeatureMatrix),
    /// The names of the features, and their values, which are mostly 0.
    Sparse(Vec<String>, SparseMatrix),
    Before(&'a FeatureMatrix),
    /// Columns without names: what tensors hold; none for those who look at packets alone.
    Unnamed(Array2<f64>),
}

impl AttackFeatures<'_> {
    /// Takes features from traces, in the form that takes less memory; what is learned from them is the same.
    pub(crate) fn now(extractor: &FeatureExtractor, set: &TraceSet, observer: &dyn Observer) -> Self {
        if extractor.spec().sets().iter().any(|set| set.is_mostly_zero()) {
            Self::Sparse(extractor.names(), extractor.transform_sparse_watched(set, observer))
        } else {
            Self::Now(extractor.transform_watched(set, observer))
        }
    }

    pub(crate) fn nothing(rows: usize) -> Self {
        Self::Unnamed(Array2::zeros((rows, 0)))
    }

    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::Unnamed(_) => &[],
            Self::Now(matrix) => matrix.names(),
            Self::Sparse(names, _) => names,
            Self::Before(matrix) => matrix.names(),
        }
    }

    pub(crate) fn values(&self) -> Values<'_> {
        match self {
            Self::Unnamed(values) => values.view().into(),
            Self::Now(matrix) => matrix.values().into(),
            Self::Sparse(_, values) => values.into(),
            Self::Before(matrix) => matrix.values().into(),
        }
    }
}

/// Rows in their order, each once.
pub(crate) fn ascending(rows: &[usize]) -> Vec<usize> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows.dedup();
    rows
}
