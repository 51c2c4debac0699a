//! What could be learned without the traffic's content: whether when, where or in what order traces were recorded gives their classes away.

use serde::Serialize;
use wfkit_classify::{Attack, Samples};
use wfkit_datasets::{TraceSet, traces_with_twins};
use wfkit_metrics::{Interval, PrivacyReport};

use crate::wording::capital;
use crate::{
    Attempt, ExperimentError, MeasuredShortcut, Setting, ShortcutKind, ShortcutReport, Standing, folds_of, measure,
    of_recording, of_traffic,
};

/// Trees on each shortcut, as many as the trivial attack has.
pub const AUDIT_TREES: usize = 100;

/// Holds every shortcut against an attack, on the same stratified folds.
///
/// # Errors
/// What attacks and scores refuse; that there are no folds is no error.
pub fn audit(set: &TraceSet, attack: &Attack, folds: usize, setting: Setting<'_>) -> Result<SetAudit, ExperimentError> {
    let mut twins = Twins::of(set);
    let splits = match folds_of(set, folds, setting) {
        Ok(splits) => splits,
        Err(reason) => return Ok(SetAudit { twins, measured: Err(reason.clone()), attack: Err(reason) }),
    };
    let samples = Samples::Traces(set);
    let attacked = measure(attack, samples, &splits, setting)?;
    twins.learned_from = attacked.overlap().learned_from();
    let beside = attacked.accuracy_95();
    let mut shortcuts = of_recording(samples, setting.seed);
    shortcuts.extend(of_traffic(set));
    let found = MeasuredShortcut::all(&shortcuts, samples, &splits, AUDIT_TREES, beside, setting);
    let chance = attacked.scores.chance_accuracy.unwrap_or(0.0);
    let beside = BesideShortcuts { attack: attack.name().to_owned(), accuracy: beside, chance };
    Ok(SetAudit { twins, measured: Ok((found, beside)), attack: Ok(attacked) })
}

/// Whether the set can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Trust {
    /// How it was recorded gives nothing away.
    #[serde(rename = "yes")]
    Yes,
    /// It gives something away, or there are twins.
    #[serde(rename = "with care")]
    WithCare,
    /// It gives away as much as the attack finds.
    #[serde(rename = "no")]
    No,
    /// Nothing is known of how it was recorded, or nothing could be measured.
    #[serde(rename = "cannot be said")]
    Unknown,
}

/// Traces that another trace has the packets of, exactly, or nearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twins {
    /// All traces.
    pub traces: usize,
    /// With exactly the same packets.
    pub exact: usize,
    /// With nearly the same.
    pub near: usize,
    /// On folds of the set, tested traces that were learned from: `wfkit evaluate` refuses to score any.
    pub learned_from: usize,
}

impl Twins {
    fn of(set: &TraceSet) -> Self {
        let [exact, near] = traces_with_twins(set);
        Self { traces: set.len(), exact, near, learned_from: 0 }
    }

    /// A few of many loads of one page are nearly alike by chance, as [`Overlap::learned_from`](wfkit_datasets::Overlap::learned_from) has it.
    fn are_too_many(&self) -> bool {
        self.exact > 0 || self.learned_from > 0
    }

    /// How many of the traces, their share and its interval.
    pub fn shares(&self) -> [(&'static str, usize, f64, Interval); 2] {
        [("exact twins", self.exact), ("near twins", self.near)].map(|(name, n)| {
            let share = n as f64 / self.traces as f64;
            (name, n, share, Interval::of_share(share, self.traces as f64))
        })
    }
}

/// What shortcuts are held against.
#[derive(Debug, Clone, PartialEq)]
pub struct BesideShortcuts {
    /// The attack.
    pub attack: String,
    /// Its accuracy with its 95 % interval.
    pub accuracy: Option<(f64, Interval)>,
    /// What guessing finds.
    pub chance: f64,
}

/// What could be learned of a set without the traffic's content.
#[derive(Debug)]
pub struct SetAudit {
    /// Traces that others have the packets of.
    pub twins: Twins,
    /// Shortcuts and what they are held against, or why there are no folds.
    pub measured: Result<(Vec<MeasuredShortcut>, BesideShortcuts), String>,
    /// The attack.
    pub attack: Attempt,
}

impl SetAudit {
    /// What the attack finds, which is called so.
    pub fn privacy(&self, attack: &str) -> PrivacyReport {
        match &self.attack {
            Ok(measured) => measured.privacy(),
            Err(reason) => PrivacyReport::unmeasured(attack, reason),
        }
    }

    /// Shortcuts of the recording that stand so at least, in sentences.
    fn recording_at(&self, least: Standing) -> Vec<String> {
        let Ok((found, beside)) = &self.measured else { return Vec::new() };
        let loud = found.iter().filter(|one| one.is_recording_at(least));
        loud.filter_map(|one| one.sentence(&beside.attack, beside.accuracy)).collect()
    }

    /// Whether the set can be trusted, and why, in a sentence.
    pub fn verdict(&self) -> (Trust, String) {
        let (found, beside) = match &self.measured {
            Ok(measured) => measured,
            Err(reason) => {
                return (Trust::Unknown, format!("Whether this set can be trusted cannot be said: {reason}."));
            }
        };
        let (strong, above) =
            (self.recording_at(Standing::AsGoodAsTheAttack), self.recording_at(Standing::AboveChance));
        let recorded: Vec<&MeasuredShortcut> =
            found.iter().filter(|one| one.about == ShortcutKind::Recording).collect();
        let names = |known: bool| {
            let those = recorded.iter().filter(|one| one.found.is_ok() == known);
            those.map(|one| one.name).collect::<Vec<_>>().join(", ")
        };
        if !strong.is_empty() {
            let better = found.iter().any(|one| one.is_recording_at(Standing::BeatsTheAttack));
            let what = if better { "beats the attack" } else { "is as good as the attack" };
            return (
                Trust::No,
                format!("This set cannot be trusted: a shortcut {what}. {}.", capital(&strong.join("; "))),
            );
        }
        if !above.is_empty() {
            let what = above.join("; ");
            let told = format!(
                "Trust this set with care: how it was recorded gives something away, less than the attack finds. {}.",
                capital(&what)
            );
            return (Trust::WithCare, told);
        }
        if self.twins.are_too_many() {
            let Twins { exact, near, .. } = self.twins;
            return (
                Trust::WithCare,
                format!(
                    "Trust this set with care: {exact} traces have an exact twin, {near} a near one; wfkit dataset validate names them."
                ),
            );
        }
        if recorded.iter().all(|one| one.found.is_err()) {
            return (
                Trust::Unknown,
                "Whether this set can be trusted cannot be said: neither start times nor sessions are in the file."
                    .to_owned(),
            );
        }
        let attack = match beside.accuracy {
            Some((_, interval)) if interval.low <= beside.chance => format!(", nor is {}", beside.attack),
            _ => String::new(),
        };
        (
            Trust::Yes,
            format!(
                "This set can be trusted: {} alone are not above chance{attack}. Not in the file: {}.",
                names(true),
                names(false)
            ),
        )
    }

    /// What is loud, each with what to do.
    pub fn warnings(&self) -> Vec<String> {
        let what_to_do = "record classes in turns, or keep it out of scores by --split-by session or --split-time";
        let mut warnings: Vec<String> = Vec::new();
        if !self.recording_at(Standing::AsGoodAsTheAttack).is_empty() {
            warnings.push(
                "a shortcut beats the attack, or is as good: its scores on this set may be those of the recording"
                    .to_owned(),
            );
        }
        warnings
            .extend(self.recording_at(Standing::AboveChance).into_iter().map(|told| format!("{told}; {what_to_do}")));
        if self.twins.are_too_many() {
            let Twins { traces, exact, near, .. } = self.twins;
            warnings.push(format!(
                "of {traces} traces {exact} have an exact twin and {near} a near one, to be trained on and tested: remove them (wfkit dataset validate names them)"
            ));
        }
        warnings
    }

    /// For a report.
    pub fn report(&self) -> AuditReport {
        let (can_be_trusted, verdict) = self.verdict();
        let twins = self.twins.shares().into_iter();
        let twins = twins.map(|(name, traces, share, share_95)| TwinShare { name, traces, share, share_95 });
        let measured = self.measured.as_ref();
        AuditReport {
            can_be_trusted,
            verdict,
            trees: AUDIT_TREES,
            twins: twins.collect(),
            chance_accuracy: measured.ok().map(|(_, beside)| beside.chance),
            shortcuts: measured.ok().map(|(found, _)| found.iter().map(MeasuredShortcut::report).collect()),
            reason: measured.err().cloned(),
        }
    }
}

/// An audit in a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditReport {
    /// Whether the set can be trusted.
    pub can_be_trusted: Trust,
    /// Why, in a sentence.
    pub verdict: String,
    /// Trees on each shortcut.
    pub trees: usize,
    /// Traces that others have the packets of.
    pub twins: Vec<TwinShare>,
    /// What guessing finds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance_accuracy: Option<f64>,
    /// Every shortcut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortcuts: Option<Vec<ShortcutReport>>,
    /// Why nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The share of traces that have a twin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TwinShare {
    /// Exact or near.
    pub name: &'static str,
    /// How many.
    pub traces: usize,
    /// Of all.
    pub share: f64,
    /// Its 95 % interval.
    pub share_95: Interval,
}
