//! An attack that learns from all traces, and what is known of it without others.

use wfkit_classify::{Attack, FittedAttack, Samples};
use wfkit_datasets::Findings;
use wfkit_metrics::{PrivacyReport, ScoreOptions, Scores};

use crate::{BOOTSTRAP, ExperimentError, Labelled, Setting};

/// A trained attack.
#[derive(Debug)]
pub struct Trained {
    /// The attack, which remembers what it has learned from.
    pub fitted: FittedAttack,
    /// What it learned from, how long that took, and how good it is out of bag, where it can be judged so.
    pub findings: Findings,
}

impl Trained {
    /// Trains on all of the input.
    ///
    /// # Errors
    /// What attacks and scores refuse.
    pub fn on(attack: &Attack, input: &Labelled, setting: Setting<'_>) -> Result<Self, ExperimentError> {
        let (samples, observer) = (input.samples(), setting.observer);
        let started = observer.now().wall;
        let mut fitted = attack.fit_watched(samples, setting.seed, observer)?;
        let seconds = observer.now().wall.saturating_sub(started).as_secs_f64();
        fitted.remember(samples);
        let mut findings = Findings::new(input.utility(0..samples.len()), out_of_bag(&fitted, samples, setting.seed)?);
        findings.dropped = input.dropped();
        findings
            .count("traces", samples.len())
            .count("classes", fitted.classes().len())
            .count("features", fitted.about().features.len());
        findings.utility.extras.set("train_seconds", seconds);
        if let Some(calibrator) = fitted.calibrator() {
            findings.privacy.extras.set("calibration", calibrator.to_string());
        }
        findings.privacy.extras.set("model", fitted.model().describe());
        Ok(Self { fitted, findings })
    }
}

/// The out-of-bag estimate: training traces judged only by what did not learn from them.
fn out_of_bag(fitted: &FittedAttack, samples: Samples<'_>, seed: u64) -> Result<PrivacyReport, ExperimentError> {
    let name = &fitted.about().attack;
    let Some((rows, probabilities)) = fitted.out_of_bag(samples) else {
        return Ok(PrivacyReport::unmeasured(
            name,
            "only random forests of wfkit's own and alignments are judged while they train",
        ));
    };
    let labels = samples.labels(fitted.classes());
    let truth: Vec<usize> = rows.iter().map(|&row| labels[row].expect("it was trained on these classes")).collect();
    let origins = samples.origins().select(&rows);
    let groups = Some(origins.of_row());
    let options = ScoreOptions { bootstrap: BOOTSTRAP, seed, groups, ..ScoreOptions::default() };
    let mut privacy = PrivacyReport::of(name, &Scores::compute(&probabilities, &truth, &options)?);
    privacy.extras.set("measured", "out of bag: each trace by what did not learn from it");
    Ok(privacy)
}
