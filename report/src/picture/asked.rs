//! Pictures by what they are drawn from: class probabilities, stage reports, traces.

use wfkit_metrics::{Probabilities, ScoreOptions, Scores, StageReport, reliability as bins};

use super::{Picture, class_areas, confusion, reliability, roc};
use crate::page::{self, Stage};

/// A picture of what an attack said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureOfProbabilities {
    /// Visits found against false alarms.
    Roc,
    /// ROC-AUC of each class.
    Classes,
    /// Which class is taken for which.
    Confusion,
    /// How often it is right against how sure it is.
    Reliability,
}

impl PictureOfProbabilities {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Roc => "roc",
            Self::Classes => "classes",
            Self::Confusion => "confusion",
            Self::Reliability => "reliability",
        }
    }

    /// Draws it; `truth` has the column of the true class of each row.
    ///
    /// # Errors
    /// Why it cannot be drawn, as of too few classes.
    pub fn draw(self, of: &Probabilities, truth: &[usize]) -> Result<Picture, String> {
        match self {
            Self::Roc => roc("Visits found against false alarms", of, truth),
            Self::Classes => {
                let scoring = ScoreOptions { bootstrap: 0, ..ScoreOptions::default() };
                let scores = Scores::compute(of, truth, &scoring).map_err(|error| error.to_string())?;
                class_areas("ROC-AUC of each class", &scores.per_class)
            }
            Self::Confusion => confusion("What is taken for what", of, truth),
            Self::Reliability => {
                let bins = bins(of, truth).map_err(|error| error.to_string())?;
                Ok(reliability("Right against sure", &bins))
            }
        }
    }
}

/// A picture of what stages report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureOfReports {
    /// What gives classes away.
    Importance,
    /// Accuracy over loads to learn from, over how much of a trace is seen, or over time.
    Curve,
    /// Trained here, tested there.
    Matrix,
    /// Cost against protection.
    Frontier,
}

impl PictureOfReports {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Importance => "importance",
            Self::Curve => "curve",
            Self::Matrix => "matrix",
            Self::Frontier => "frontier",
        }
    }

    /// Which commands write the reports that it is drawn from.
    pub fn writers(self) -> &'static str {
        match self {
            Self::Importance => "wfkit features explain TRACES --format json > REPORT writes one",
            Self::Curve => {
                "wfkit evaluate TRACES --few-shot 1,5,10 --out P.parquet writes one beside P.parquet; also --early and --drift"
            }
            Self::Matrix => "wfkit evaluate TRACES --matrix session --format json > REPORT writes one",
            Self::Frontier => "wfkit defend and wfkit run write them, with an attack on the defended traces",
        }
    }

    /// Draws the first that there is in these reports, the frontier of all of them; nothing where none has it.
    pub fn draw(self, stages: &[Stage]) -> Option<Picture> {
        let first = |of: fn(&StageReport) -> Option<Picture>| stages.iter().find_map(|stage| of(&stage.report));
        match self {
            Self::Importance => first(page::importances_of),
            Self::Curve => first(|report| page::curves(report).into_iter().next()),
            Self::Matrix => first(page::matrix_of),
            Self::Frontier => page::costs_of(stages.iter().map(|stage| &stage.report)),
        }
    }
}

#[cfg(feature = "results")]
pub use of_traces::{ClassesError, cumulative_of, sizes_of, waterfall_of};

#[cfg(feature = "results")]
mod of_traces {
    use wfkit_datasets::{NotThere, Trace, TraceSet, canonical_class, class_called};
    use wfkit_defend::{DefenseSpec, defend};
    use wfkit_evaluate::ExperimentError;

    use crate::picture::{Picture, ShownTrace, cumulative, sizes, waterfall};

    /// Traces that a picture of lines has room for.
    const LINES: usize = 6;

    /// Classes that cannot be shown.
    #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
    pub enum ClassesError {
        /// There are too many.
        #[error("{0} classes are given, and there is room for {LINES} lines")]
        TooMany(usize),
        /// One is not there.
        #[error(transparent)]
        NotThere(#[from] NotThere),
    }

    /// When what was sent of the trace at `row`: as it is, and as each defence makes it.
    ///
    /// # Errors
    /// What defences refuse.
    pub fn waterfall_of(
        set: &TraceSet,
        row: usize,
        defences: &[DefenseSpec],
        seed: u64,
    ) -> Result<Picture, ExperimentError> {
        let labelled = &set.traces()[row];
        let mut shown: Vec<(String, Trace, Option<Vec<u32>>)> =
            vec![("as it was".to_owned(), labelled.trace.clone(), None)];
        for spec in defences {
            // The whole set: what a defence learns from it decides what becomes of a trace.
            let defended = defend(set, spec, seed)?;
            let (_, trace) = defended.traces().nth(row).expect("it has the traces of the set");
            shown.push((spec.to_string(), trace.observe(), Some(trace.padding())));
        }
        let shown: Vec<ShownTrace<'_>> = shown
            .iter()
            .map(|(name, trace, padding)| ShownTrace { name, trace, padding: padding.as_deref() })
            .collect();
        Ok(waterfall(&format!("When what was sent, trace ({})", labelled.key), &shown))
    }

    /// Bytes over time of the first trace of each of these classes, or of the first six where none is named.
    ///
    /// # Errors
    /// Classes that are not there, and more than there is room for.
    pub fn cumulative_of(set: &TraceSet, classes: &[String]) -> Result<Picture, ClassesError> {
        let all = set.classes();
        if classes.len() > LINES {
            return Err(ClassesError::TooMany(classes.len()));
        }
        let names: Vec<String> = match classes.is_empty() {
            true => all.names().iter().take(LINES).cloned().collect(),
            false => classes.iter().map(|name| canonical_class(name).into_owned()).collect(),
        };
        let first = |name: &String| -> Result<(String, &Trace), NotThere> {
            class_called(name, &all, "the file")?;
            let one = set.traces().iter().find(|one| &one.key.class == name);
            let one = one.expect("every class of a set has a trace");
            Ok((format!("class {}", one.key.class), &one.trace))
        };
        let shown = names.iter().map(first).collect::<Result<Vec<_>, _>>()?;
        let lines: Vec<(&str, &Trace)> = shown.iter().map(|(label, trace)| (label.as_str(), *trace)).collect();
        let title = match all.len() > lines.len() {
            true => format!("Bytes over time, one trace of each of {} of {} classes", lines.len(), all.len()),
            false => "Bytes over time, one trace of each class".to_owned(),
        };
        Ok(cumulative(&title, &lines))
    }

    /// How large packets are: as they were, and as each defence makes them.
    ///
    /// # Errors
    /// What defences refuse.
    pub fn sizes_of(set: &TraceSet, defences: &[DefenseSpec], seed: u64) -> Result<Picture, ExperimentError> {
        let names: Vec<String> = defences.iter().map(ToString::to_string).collect();
        let observed = defences.iter().map(|spec| Ok(defend(set, spec, seed)?.observe()));
        let observed = observed.collect::<Result<Vec<TraceSet>, ExperimentError>>()?;
        let collections: Vec<(&str, Vec<&Trace>)> = std::iter::once(("as they were", packets_of(set)))
            .chain(names.iter().map(String::as_str).zip(observed.iter().map(packets_of)))
            .collect();
        Ok(sizes("How large packets are", &collections))
    }

    fn packets_of(set: &TraceSet) -> Vec<&Trace> {
        set.traces().iter().map(|one| &one.trace).collect()
    }
}
