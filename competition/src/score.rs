//! The scores of a team.

use serde::Serialize;
use wfkit_datasets::{Findings, TraceSet};
use wfkit_metrics::{PrivacyReport, StageReport, Utility, UtilityReport, accuracy, attack_score, per_class_auc};

use crate::{Checked, CompetitionError, Match, UploadCost};

/// The attack score of a team that has no attack (yet).
const WITHOUT_ATTACK: f64 = 1.0;

/// The scores of a team: of its own defence, of its attacks on others, and their product.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompetitionScore {
    /// What its defence costs, with the utility score; none if no defence was given.
    pub cost: Option<UploadCost>,
    /// One entry an attacked team, by team.
    pub matches: Vec<MatchScore>,
    /// Mean accuracy over the matches; none without an attack.
    pub accuracy: Option<f64>,
    /// Mean one-vs-rest ROC-AUC over the matches; none without an attack.
    pub roc_auc_macro_ovr: Option<f64>,
    /// Mean attack score over the matches; 1.0 without an attack.
    pub attack_score: f64,
    /// Utility score times attack score; none where there is no utility score.
    pub total: Option<f64>,
    /// The total as if there were no attack: the utility score times 1.0.
    pub total_without_attack: Option<f64>,
}

impl CompetitionScore {
    /// What the attack, which is called so, finds.
    pub fn privacy(&self, attack: &str) -> PrivacyReport {
        let mut privacy = PrivacyReport::unmeasured(attack, "no attack yet");
        if self.accuracy.is_some() {
            (privacy.accuracy, privacy.roc_auc_macro_ovr, privacy.reason) =
                (self.accuracy, self.roc_auc_macro_ovr, None);
        }
        privacy
    }

    /// What was scored, of an attack that is called so, for the report of it.
    pub fn findings(&self, attack: &str) -> Findings {
        let mut findings = Findings::new(Utility::unknown("no defence file was given"), self.privacy(attack));
        if let Some(cost) = &self.cost {
            findings.utility = UtilityReport::new(cost.utility.clone());
            findings.utility.extras.set("volumes", cost.volumes);
        }
        findings.count("attacked teams", self.matches.len());
        findings.count("traces", self.matches.iter().map(|one| one.traces).sum());
        let privacy = &mut findings.privacy.extras;
        privacy.set("attack_score", self.attack_score);
        if let (Some(total), Some(without)) = (self.total, self.total_without_attack) {
            privacy.set("total", total).set("total_without_attack", without);
        }
        privacy.set("matches", &self.matches);
        findings
    }
}

/// Puts the utility of all paths in the place of that of the paths that are seen: who splits a load pays for all of it.
pub fn count_all_paths(report: &mut StageReport, utility: Utility) {
    let seen = std::mem::replace(&mut report.utility.utility, utility);
    let counted =
        "all paths of a load, of which the observer sees some; seen is what the file alone would be scored as";
    // A total is the score of the utility times that of the attack.
    let scores = report.utility.utility.score.zip(seen.score);
    for total in ["total", "total_without_attack"] {
        if let Some(of_seen) = report.privacy.extras.get(total).and_then(|total| total.as_f64()) {
            report.privacy.extras.set(total, scores.map(|(all, seen)| of_seen / seen * all));
        }
    }
    report.utility.extras.set("counted", counted).set("seen", seen);
}

/// The score of an attack on one team.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatchScore {
    /// The attacked team.
    pub team_id: u64,
    /// Number of traces.
    pub traces: usize,
    /// Share of the traces whose most probable class is the true one; of equals the first.
    pub accuracy: f64,
    /// Mean over the classes that have a test trace of the area under the ROC curve, the class against all others.
    pub roc_auc_macro_ovr: f64,
    /// The area of each such class, by class.
    pub per_class_auc: Vec<ClassAuc>,
    /// Classes without a test trace, which have no area and do not count.
    pub skipped_classes: Vec<String>,
    /// Ten times the mean area.
    pub attack_score: f64,
}

impl MatchScore {
    /// The scores of an attack on one team.
    ///
    /// # Errors
    /// Truth of a single class, against which nothing can be ranked.
    pub fn of(one: &Match) -> Result<Self, CompetitionError> {
        let Match { team_id, probabilities, truth, .. } = one;
        let undefined = |source| CompetitionError::Undefined { team_id: *team_id, source };
        let areas = per_class_auc(probabilities, truth).map_err(undefined)?;
        let mut scored = Vec::new();
        let mut skipped_classes = Vec::new();
        for (class, area) in probabilities.classes().names().iter().cloned().zip(areas) {
            match area {
                Some(roc_auc) => scored.push(ClassAuc { class, roc_auc }),
                None => skipped_classes.push(class),
            }
        }
        let roc_auc_macro_ovr = scored.iter().map(|class| class.roc_auc).sum::<f64>() / scored.len() as f64;
        Ok(Self {
            team_id: *team_id,
            traces: truth.len(),
            accuracy: accuracy(probabilities, truth).map_err(undefined)?,
            roc_auc_macro_ovr,
            per_class_auc: scored,
            skipped_classes,
            attack_score: attack_score(roc_auc_macro_ovr),
        })
    }
}

/// The area under the ROC curve of one class against all others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassAuc {
    /// The class.
    pub class: String,
    /// The area.
    pub roc_auc: f64,
}

/// The scores of a team that attacks and defends so.
///
/// # Errors
/// An attack without the truth of any team, and truth of a single class, against which nothing can be ranked.
pub fn score(
    attack: Option<&Checked<Vec<Match>>>,
    defense: Option<&Checked<TraceSet>>,
) -> Result<CompetitionScore, CompetitionError> {
    let cost = defense.and_then(|defense| UploadCost::of(&defense.volumes()));
    let matches = match attack {
        Some(attack) if attack.is_empty() => return Err(CompetitionError::NoTruth),
        Some(attack) => attack.iter().map(MatchScore::of).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let mean = |part: fn(&MatchScore) -> f64| {
        (!matches.is_empty()).then(|| matches.iter().map(part).sum::<f64>() / matches.len() as f64)
    };
    let accuracy = mean(|one| one.accuracy);
    let roc_auc_macro_ovr = mean(|one| one.roc_auc_macro_ovr);
    let attack_score = mean(|one| one.attack_score).unwrap_or(WITHOUT_ATTACK);
    let utility = cost.as_ref().and_then(|cost| cost.utility.score);
    Ok(CompetitionScore {
        accuracy,
        roc_auc_macro_ovr,
        attack_score,
        total: utility.map(|utility| utility * attack_score),
        total_without_attack: utility.map(|utility| utility * WITHOUT_ATTACK),
        cost,
        matches,
    })
}

/// What the total of a competition is, and its traps, for people.
pub const TOTAL_EXPLAINED: &str = "\
total = utility x attack score
  utility       64 / log10(median bytes in x median bytes out x median seconds) of the traces that
                a team sends: what its own defence costs
  attack score  10 x the mean ROC-AUC (one class against the rest) of its attacks on other teams;
                1 for a team without an attack

Its traps:
  - Guessing has an area of 0.5, so an attack score of 5 and not 0; good and fair attacks stand
    close together below 10. Look at accuracy beside it.
  - What a defence hides is not in its own team's total. It costs that team utility, and lowers the
    attack scores, so the totals, of those who attack it. Compare teams, not totals of one.
  - Utility is one over a logarithm: for queries of 67 kB and 17 s, ten times the incoming bytes cost
    a tenth of it.
  - Medians do not see half of the traces: what is done to the larger half alone costs nothing.
    Hold a defence against the traces that it was made of, `wfkit defend` does.
  - An area looks at the order that the probabilities of one class give to all traces. Rounding them
    to 0 and 1 throws that away.
  - Traces that are in a defence file twice can be learned and tested; `competition split` counts
    them.";
