//! Attacks on defended traces: trained again on what an observer of the defended link sees.

use std::borrow::Cow;
use std::num::NonZeroU32;

use serde::Serialize;
use wfkit_classify::{Attack, Samples};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Findings, TraceSet};
use wfkit_defend::{Copies, DefendOptions, DefendedSet, ObservedSet, OverheadOptions, TimeBracket, observe_defended};
use wfkit_metrics::{PrivacyReport, Utility, VolumeSummary};

use crate::{AttackSummary, BOOTSTRAP, ExperimentError, Measured, Setting, TRIVIAL, attack, folds_of, measure};

/// Draws of each training load where no number is given: with half as many again k-FP finds no more in FRONT (the README of `wfkit-defend` has the
/// curve).
pub const DRAWS_TRAIN: NonZeroU32 = NonZeroU32::new(8).expect("it is not 0");

/// An attack, or why it could not be measured.
pub type Attempt = Result<Measured, String>;

/// What attacks find in a defended set.
#[derive(Debug)]
pub struct AttackOnDefended {
    /// The attack.
    pub measured: Attempt,
    /// The trivial attack on the same traces and folds.
    pub trivial: Attempt,
    /// Draws of each load that both were trained on.
    pub draws: u32,
}

impl AttackOnDefended {
    /// What the attack finds, which is called so.
    pub fn privacy(&self, attack: &str) -> PrivacyReport {
        match &self.measured {
            Ok(measured) => measured.privacy(),
            Err(reason) => PrivacyReport::unmeasured(attack, reason),
        }
    }

    /// Adds to the report of a defended set, in `folds` folds, what it costs and how this was found, with the undefended traces beside it.
    ///
    /// # Errors
    /// What a simulation under another model of delays refuses.
    pub fn describe(
        &self,
        findings: &mut Findings,
        (defended, observed): (&DefendedSet<'_>, &TraceSet),
        undefended: &Attempt,
        folds: usize,
        seed: u64,
    ) -> Result<(), ExperimentError> {
        let undefended_cost = Utility::of(&defended.original().volumes());
        let overheads = defended.overheads(&OverheadOptions { bootstrap: BOOTSTRAP, seed });
        findings
            .utility
            .extras
            .set("undefended", undefended_cost)
            .set("volumes", VolumeSummary::of(&defended.volumes()))
            .set("overheads", overheads)
            .set("time_overhead", TimeBracket::of(defended)?)
            .set("causality", defended.causality())
            .set("network_model", defended.manifest().network_model())
            .set("manifest", defended.manifest());
        if defended.spec().hides_paths() {
            let counted =
                "median bytes, seconds and score count all paths of a load; the file has those that the observer sees";
            findings.utility.extras.set("counted", counted).set("seen", VolumeSummary::of(&observed.volumes()));
        }
        let copies = match self.draws {
            1 if defended.is_left_to_chance() => "one draw of each load".to_owned(),
            1 => "each load once, since nothing is left to chance".to_owned(),
            n => format!("{n} draws of each load, tested on the first draw of others"),
        };
        let split =
            format!("{folds} stratified folds of loads, trained and tested on defended traces: trained on {copies}");
        findings.privacy.extras.set("split", split).set("draws_train", self.draws);
        if defended.spec().hides_paths() {
            let view = "some paths of each load, one view a load; who sees all paths sees the undefended traffic";
            findings.privacy.extras.set("view", view);
        }
        if let Some(training) = &defended.manifest().training {
            findings.privacy.extras.set("defence_learned_from", training);
        }
        let of = AttemptSummary::from;
        findings.privacy.extras.set("undefended", of(undefended)).set("trivial", of(&self.trivial));
        Ok(())
    }
}

/// Cross-validation on defended traces: folds of loads, so that nothing is learned from any copy of a tested one; trained on so many draws of each load (one
/// where nothing is left to chance), tested on the first. `observed` is what `defended` was written as.
///
/// # Errors
/// What defences, attacks and scores refuse; that there are no folds is no error.
pub fn attack_defended(
    defended: &DefendedSet<'_>,
    observed: &TraceSet,
    chosen: &Attack,
    (folds, draws): (usize, NonZeroU32),
    setting: Setting<'_>,
) -> Result<AttackOnDefended, ExperimentError> {
    let learned_from = LearnedFrom::of(defended, observed, draws, setting)?;
    let splits: Result<Vec<Split>, String> = folds_of(defended.original(), folds, setting)
        .map(|splits| splits.iter().map(|split| learned_from.copies.split(split)).collect());
    let cross_validate = |attack: &Attack| -> Result<Attempt, ExperimentError> {
        match &splits {
            Ok(splits) => Ok(Ok(measure(attack, Samples::Traces(&learned_from.set), splits, setting)?)),
            Err(reason) => Ok(Err(reason.clone())),
        }
    };
    let measured = cross_validate(chosen)?;
    let trivial = cross_validate(&attack(TRIVIAL)?)?;
    Ok(AttackOnDefended { measured, trivial, draws: learned_from.copies.each() })
}

/// The draws of each load that an attack is trained on, the first of which is tested.
struct LearnedFrom<'a> {
    set: Cow<'a, TraceSet>,
    copies: Copies,
}

impl<'a> LearnedFrom<'a> {
    /// As many as are asked for, those that were written among them; one where nothing is left to chance.
    fn of(
        defended: &DefendedSet<'_>,
        observed: &'a TraceSet,
        draws: NonZeroU32,
        setting: Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let written = defended.copies();
        if draws.get() <= written.each() || !defended.is_left_to_chance() {
            return Ok(Self { set: Cow::Borrowed(observed), copies: written });
        }
        let (seed, limit) = (defended.manifest().seed, defended.limit());
        let options = DefendOptions { seed, replicas: draws, limit, verify: false };
        let ObservedSet { set, copies } =
            observe_defended(defended.original(), defended.spec(), &options, setting.observer)?;
        Ok(Self { set: Cow::Owned(set), copies })
    }
}

/// The scores of an attempt, or why there are none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AttemptSummary {
    /// The scores.
    Measured(AttackSummary),
    /// There are none.
    Missing {
        /// None.
        accuracy: Option<f64>,
        /// None.
        roc_auc_macro_ovr: Option<f64>,
        /// Why not.
        reason: String,
    },
}

impl From<&Attempt> for AttemptSummary {
    fn from(attempt: &Attempt) -> Self {
        match attempt {
            Ok(measured) => Self::Measured(measured.summary()),
            Err(reason) => Self::Missing { accuracy: None, roc_auc_macro_ovr: None, reason: reason.clone() },
        }
    }
}
