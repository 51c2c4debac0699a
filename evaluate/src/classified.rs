//! Several attacks on one undefended set, side by side, and the chosen one as a model of all traces.

use serde::Serialize;
use wfkit_classify::Samples;
use wfkit_datasets::{Findings, TraceKey, TraceSet};
use wfkit_features::{FeatureExtractor, FeatureSpec};
use wfkit_metrics::{PrivacyReport, Utility};

use crate::error::file;
use crate::split::{Pages, by_session};
use crate::{
    AttackSummary, Attempt, ExperimentError, Measured, Setting, TRIVIAL, attack, beside_trivial, folds_of, measure,
};

/// The attacks that are compared, from simple to elaborate.
const COMPARED: [&str; 5] = [TRIVIAL, "sequence", "cumul-forest", "kfp-175", "kfp-size"];

/// What an attack looks at where that cannot be said.
const LOOKED_AT: &str = "kfp-size";

/// What attacks find in a set.
#[derive(Debug)]
pub struct Classified {
    /// The chosen attack by cross-validation.
    pub chosen: Attempt,
    /// It and the others side by side, for a report.
    pub findings: Findings,
    /// The bytes of its model file, trained on all traces; none where there are no folds.
    pub model: Option<Vec<u8>>,
    /// The features that it looks at, which an attack that chooses has to be trained for.
    pub looks_at: FeatureSpec,
}

/// An attack by folds of whole sessions, or why there are none.
#[derive(Serialize)]
#[serde(untagged)]
enum BySession {
    Measured { measured: bool, groups: usize, attacks: Vec<AttackSummary> },
    Missing { measured: bool, why: String },
}

impl Classified {
    /// Measures them all by stratified folds, and the chosen one also with whole sessions kept apart.
    ///
    /// # Errors
    /// A name that no attack has, and what attacks and scores refuse; that there are no folds is no error.
    pub fn of(set: &TraceSet, name: &str, folds: usize, setting: Setting<'_>) -> Result<Self, ExperimentError> {
        let (samples, chosen) = (Samples::Traces(set), attack(name)?);
        let utility = Utility::of(&set.volumes());
        let splits = match folds_of(set, folds, setting) {
            Ok(splits) => splits,
            Err(reason) => {
                let privacy = PrivacyReport::unmeasured(chosen.name(), &reason);
                let mut findings = Findings::new(utility, privacy);
                findings.count_set(set);
                let looks_at = chosen.features().cloned().unwrap_or_else(looked_at);
                return Ok(Self { chosen: Err(reason), findings, model: None, looks_at });
            }
        };
        let measure = |name: &str| measure(&attack(name)?, samples, &splits, setting);
        let others = COMPARED.into_iter().filter(|&other| other != chosen.name()).map(measure);
        let others = others.collect::<Result<Vec<Measured>, _>>()?;
        let measured = measure(name)?;
        let fitted = chosen.fit(samples, setting.seed)?;
        let looks_at = fitted.extractor().map_or_else(looked_at, FeatureExtractor::spec);
        let model = fitted.to_bytes().map_err(file)?;

        let mut findings = Findings::new(utility, measured.privacy());
        findings.count_set(set);
        findings.utility.extras.set("model_bytes", model.len());
        let trivial = others.iter().find(|other| other.attack == TRIVIAL);
        measured.describe(trivial, &format!("{} stratified folds", splits.len()), &mut findings, setting);
        let side_by_side: Vec<&Measured> = others.iter().chain([&measured]).collect();
        let side_by_side = beside_trivial(&side_by_side, trivial.unwrap_or(&measured));
        let extras = &mut findings.privacy.extras;
        extras.set("attacks", side_by_side).set("by_session", BySession::of(set, name, folds, setting)?);
        Ok(Self { chosen: Ok(measured), findings, model: Some(model), looks_at })
    }

    /// The traces that the chosen attack was tested on, where it was.
    pub fn keys(&self, set: &TraceSet) -> Vec<TraceKey> {
        let rows = self.chosen.iter().flat_map(|measured| &measured.evaluation.rows);
        rows.map(|&row| set.traces()[row].key.clone()).collect()
    }
}

fn looked_at() -> FeatureSpec {
    LOOKED_AT.parse().expect("it is a feature set")
}

impl BySession {
    /// The honest split where traces of a session resemble each other: no session is both trained on and tested on.
    fn of(set: &TraceSet, name: &str, folds: usize, setting: Setting<'_>) -> Result<Self, ExperimentError> {
        let samples = Samples::Traces(set);
        let splits = match by_session(samples, folds, Pages::Apart) {
            Ok(splits) => splits,
            Err(reason) => return Ok(Self::Missing { measured: false, why: reason.to_string() }),
        };
        let attacks = [TRIVIAL, name].map(|name| Ok(measure(&attack(name)?, samples, &splits, setting)?.summary()));
        let attacks = attacks.into_iter().collect::<Result<_, ExperimentError>>()?;
        Ok(Self::Measured { measured: true, groups: splits.len(), attacks })
    }
}
