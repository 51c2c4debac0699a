//! Features of a set, as a whole or in parts, and what they give away.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use wfkit_classify::{ExplainOptions, Explanation, explain_watched};
use wfkit_datasets::{Findings, Observed, Trace, TraceParts, TraceSet};
use wfkit_features::{ConstantColumns, FeatureExtractor, FeatureMatrix, FeatureReport, FeatureSpec};
use wfkit_metrics::{PrivacyReport, ScoreOptions, Scores, Utility};

use crate::error::file;
use crate::{BOOTSTRAP, ExperimentError, PartsSeen, Setting, trivial_privacy, trivial_privacy_of};

/// The features of a set, and what took them.
#[derive(Debug)]
pub struct Extracted {
    /// What they are, and what it has learned.
    pub extractor: FeatureExtractor,
    /// The features.
    pub matrix: FeatureMatrix,
    seconds: f64,
}

impl Extracted {
    /// Fits the sets to all traces and takes their features.
    pub fn of(spec: &FeatureSpec, set: &TraceSet, setting: Setting<'_>) -> Self {
        let started = setting.observer.now().wall;
        let traces: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
        let extractor = spec.fit(&traces);
        let matrix = extractor.transform_watched(set, setting.observer);
        let seconds = setting.observer.now().wall.saturating_sub(started).as_secs_f64();
        Self { extractor, matrix, seconds }
    }

    /// What the columns are and took, and what each alone gives away; the trivial attack on the traces in so many folds.
    ///
    /// # Errors
    /// What attacks and scores refuse.
    pub fn findings(&self, set: &TraceSet, folds: usize, setting: Setting<'_>) -> Result<Findings, ExperimentError> {
        let report = FeatureReport::of(&self.matrix);
        let mut findings = Findings::new(Utility::of(&set.volumes()), trivial_privacy(set, folds, setting)?);
        findings.count_set(set);
        report.describe(self.seconds, &mut findings);
        Ok(findings)
    }
}

/// Takes the features of a set that is read in parts, those of `rows`, after learning from all of it, and writes them; what is found is as
/// [`Extracted::findings`] has it, of some of the traces.
///
/// # Errors
/// Files that cannot be read or written, and what attacks and scores refuse.
pub fn extract_parts(
    spec: &FeatureSpec,
    parts: &mut TraceParts<'_>,
    rows: Range<usize>,
    out: &Path,
    folds: usize,
    setting: Setting<'_>,
) -> Result<Findings, ExperimentError> {
    let observer = setting.observer;
    let mut kept = PartsSeen::of(&parts.labels().map_err(file)?[rows.clone()], setting);
    let extractor = spec.fit_in_parts(|see| {
        observer.begin("learning", parts.len() as u64);
        for part in parts.by_ref() {
            see(&part.map_err(file)?);
            observer.step();
        }
        observer.end();
        parts.rewind();
        Ok::<_, ExperimentError>(())
    })?;
    parts.only(rows);
    let (provenance, unknown_columns) = (parts.provenance().clone(), parts.unknown_columns());
    let (mut columns, mut seconds) = (ConstantColumns::default(), 0.0);
    observer.begin("features", parts.len() as u64);
    extractor.write_in_parts(out, Some(&Observed::from(&provenance)), |sink| {
        for part in parts.by_ref() {
            let part = part.map_err(file)?;
            let started = observer.now().wall;
            let matrix = extractor.transform(&part);
            seconds += observer.now().wall.saturating_sub(started).as_secs_f64();
            sink.add(matrix.rows(), matrix.values())?;
            columns.see(&matrix);
            kept.see(&part);
            observer.step();
        }
        Ok::<_, ExperimentError>(())
    })?;
    observer.end();

    let some = kept.some(&provenance).map_err(file)?;
    let mut report = FeatureReport::of(&extractor.transform(&some));
    report.rows = kept.volumes.len();
    report.constant = columns.names(&extractor);
    let privacy = trivial_privacy_of(&some, &kept.drawn, folds, setting)?;
    let mut findings = Findings::new(Utility::of(&kept.volumes), privacy);
    kept.count(&mut findings);
    report.describe(seconds, &mut findings);
    if let Some(told) = kept.drawn.in_words() {
        findings.privacy.extras.set("feature_auc_of", told);
    }
    if unknown_columns > 0 {
        findings.dropped.insert("unknown column".to_owned(), unknown_columns);
    }
    Ok(findings)
}

/// What the features of a set give away of all classes, or of one, as a forest judges that out of bag.
///
/// # Errors
/// A class that is not there, one class alone, and what scores refuse.
pub fn explain_features(
    spec: &FeatureSpec,
    set: &TraceSet,
    class: Option<&str>,
    options: &ExplainOptions,
    setting: Setting<'_>,
) -> Result<(Explanation, Findings), ExperimentError> {
    let extracted = Extracted::of(spec, set, setting);
    let columns = extracted.extractor.columns();
    let (seed, observer) = (setting.seed, setting.observer);
    let explanation = explain_watched(&extracted.matrix, &columns, class, options, seed, observer)?;
    let scoring = ScoreOptions { bootstrap: BOOTSTRAP, seed, ..ScoreOptions::default() };
    let scores = Scores::compute(&explanation.probabilities, &explanation.truth, &scoring)?;
    let mut privacy = PrivacyReport::of(&format!("forest on {spec}"), &scores);
    privacy.extras.set("measured", "out of bag: each trace by the trees that did not learn from it");
    privacy.extras.set("explanation", &explanation);
    let copies = copies(set);
    let mut findings = Findings::new(Utility::of(&set.volumes()), privacy);
    findings.count_set(set).count("features", columns.len()).count("traces with the packets of another", copies);
    if copies > 0 {
        let message = "traces have the packets of another: what gives them away looks more important than it is";
        observer.warn(&format!("{copies} {message}"));
    }
    Ok((explanation, findings))
}

/// How many traces repeat the packets of a trace before them.
fn copies(set: &TraceSet) -> usize {
    let distinct: HashSet<_> = set.traces().iter().map(|labelled| labelled.trace.content_hash()).collect();
    set.len() - distinct.len()
}
