//! What a trained attack says of traces, and how good that is where their classes are told.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::Array2;
use wfkit_classify::{FittedAttack, Samples};
use wfkit_competition::{Prediction, capture_ids, write_attack};
use wfkit_datasets::{FileKind, Findings, Groups, Label, TraceKey, TraceParts, TraceSet};
use wfkit_metrics::{PrivacyReport, Probabilities, ScoreOptions, Scores, Utility};

use crate::error::{at, file};
use crate::{BOOTSTRAP, ExperimentError, Labelled, Setting};

/// What a trained attack says of traces.
#[derive(Debug)]
pub struct Predicted {
    /// The traces.
    pub keys: Vec<TraceKey>,
    /// A row for each of them.
    pub probabilities: Probabilities,
    /// How many they are, what they cost, how long it took; and the scores, where the class of every trace is one that the attack knows.
    pub findings: Findings,
}

/// Reads a model file.
///
/// # Errors
/// A file that cannot be read, or is another than a model.
pub fn read_model(path: &Path) -> Result<FittedAttack, ExperimentError> {
    FittedAttack::load(path).map_err(|error| match FileKind::of(path) {
        Ok(Some(kind)) if kind != FileKind::Model => ExperimentError::Unfit(format!(
            "{}: found {kind}; expected a model, as wfkit train writes them",
            path.display()
        )),
        _ => file(error),
    })
}

/// Asks an attack; traces that it has learned from are scored with `duplicates` only.
///
/// # Errors
/// What attacks and scores refuse.
pub fn predict(
    fitted: &FittedAttack,
    input: &Labelled,
    duplicates: bool,
    setting: Setting<'_>,
) -> Result<Predicted, ExperimentError> {
    let samples = input.samples();
    let (probabilities, seconds) = timed(fitted, samples, setting)?;
    let keys: Vec<_> = (0..samples.len()).map(|row| samples.key(row).clone()).collect();
    let learned = learned_from(fitted, samples);
    let said = Answers { keys: &keys, origins: &samples.origins(), learned, probabilities: &probabilities };
    let privacy = said.against_truth(fitted, duplicates, setting)?;
    let mut findings = findings(fitted, keys.len(), (input.utility(0..samples.len()), privacy), seconds);
    findings.dropped = input.dropped();
    Ok(Predicted { keys, probabilities, findings })
}

/// The same of traces that are read in parts, whose labels are these.
///
/// # Errors
/// Also a file that cannot be read.
pub fn predict_parts(
    fitted: &FittedAttack,
    labels: &[Label],
    parts: &mut TraceParts<'_>,
    duplicates: bool,
    setting: Setting<'_>,
) -> Result<Predicted, ExperimentError> {
    let (mut values, mut volumes) = (Vec::new(), Vec::with_capacity(labels.len()));
    let (mut learned, mut seconds) = (0, 0.0);
    setting.observer.begin("predicting", parts.len() as u64);
    for part in parts.by_ref() {
        let part = part.map_err(file)?;
        let samples = Samples::Traces(&part);
        let (probabilities, took) = timed(fitted, samples, setting)?;
        values.extend(probabilities.values().iter());
        seconds += took;
        learned += learned_from(fitted, samples);
        volumes.extend(part.volumes());
        setting.observer.step();
    }
    setting.observer.end();
    let shape = (labels.len(), fitted.classes().len());
    let values = Array2::from_shape_vec(shape, values).map_err(at("as many probabilities as traces and classes"))?;
    let probabilities = Probabilities::new(fitted.classes().clone(), values).map_err(file)?;
    let keys: Vec<_> = labels.iter().map(|label| label.key.clone()).collect();
    let origins = Groups::by_origin_of_labels(labels);
    let said = Answers { keys: &keys, origins: &origins, learned, probabilities: &probabilities };
    let privacy = said.against_truth(fitted, duplicates, setting)?;
    let mut findings = findings(fitted, keys.len(), (Utility::of(&volumes), privacy), seconds);
    findings.dropped = BTreeMap::from([("unknown column".to_owned(), parts.unknown_columns())]);
    findings.dropped.retain(|_, columns| *columns > 0);
    Ok(Predicted { keys, probabilities, findings })
}

/// The same of traces whose classes nobody tells, as those of a competition.
fn predict_untold(fitted: &FittedAttack, set: &TraceSet, setting: Setting<'_>) -> Result<Predicted, ExperimentError> {
    let (probabilities, seconds) = timed(fitted, Samples::Traces(set), setting)?;
    let privacy = PrivacyReport::unmeasured(&fitted.about().attack, "the test file does not tell the classes");
    let findings = findings(fitted, set.len(), (Utility::of(&set.volumes()), privacy), seconds);
    let keys = set.traces().iter().map(|labelled| labelled.key.clone()).collect();
    Ok(Predicted { keys, probabilities, findings })
}

/// Answers for the captures of a competition's test file, written as the attack file of one team among so many classes.
///
/// # Errors
/// What attacks refuse, and a file that cannot be written.
pub fn predict_captures(
    fitted: &FittedAttack,
    set: &TraceSet,
    (team_id, classes): (u64, usize),
    out: &Path,
    setting: Setting<'_>,
) -> Result<Findings, ExperimentError> {
    let Predicted { probabilities, findings, .. } = predict_untold(fitted, set, setting)?;
    let ids = capture_ids(set);
    let prediction = Prediction { team_id, capture_ids: &ids, probabilities: &probabilities };
    write_attack(&[prediction], classes, out).map_err(file)?;
    Ok(findings)
}

fn findings(
    fitted: &FittedAttack,
    traces: usize,
    (utility, privacy): (Utility, PrivacyReport),
    seconds: f64,
) -> Findings {
    let mut findings = Findings::new(utility, privacy);
    findings.count("traces", traces).count("classes", fitted.classes().len());
    findings.utility.extras.set("predict_seconds", seconds);
    findings
}

fn timed(
    fitted: &FittedAttack,
    samples: Samples<'_>,
    setting: Setting<'_>,
) -> Result<(Probabilities, f64), ExperimentError> {
    let started = setting.observer.now().wall;
    let probabilities = fitted.predict(samples)?;
    Ok((probabilities, setting.observer.now().wall.saturating_sub(started).as_secs_f64()))
}

/// How many of the traces the attack has learned from.
fn learned_from(fitted: &FittedAttack, samples: Samples<'_>) -> usize {
    fitted.already_learned(samples).map_or(0, |overlap| overlap.learned_from())
}

/// What was said of traces.
struct Answers<'a> {
    keys: &'a [TraceKey],
    origins: &'a Groups,
    /// Traces that the attack has learned from.
    learned: usize,
    probabilities: &'a Probabilities,
}

impl Answers<'_> {
    /// The scores, where the class of every trace is one that the attack knows.
    fn against_truth(
        self,
        fitted: &FittedAttack,
        duplicates: bool,
        setting: Setting<'_>,
    ) -> Result<PrivacyReport, ExperimentError> {
        let name = &fitted.about().attack;
        if self.learned > 0 && !duplicates {
            let reason = format!(
                "{} of the traces were learned from, so a score would be worth nothing; --allow-duplicates gives it",
                self.learned
            );
            setting.observer.warn(&reason);
            return Ok(PrivacyReport::unmeasured(name, &reason));
        }
        let truth: Option<Vec<usize>> = self.keys.iter().map(|key| fitted.classes().index_of(&key.class)).collect();
        Ok(match truth {
            Some(truth) => {
                let groups = Some(self.origins.of_row());
                let score =
                    ScoreOptions { bootstrap: BOOTSTRAP, seed: setting.seed, groups, ..ScoreOptions::default() };
                PrivacyReport::of(name, &Scores::compute(self.probabilities, &truth, &score)?)
            }
            None => PrivacyReport::unmeasured(name, "the input has classes that the attack was not trained on"),
        })
    }
}
