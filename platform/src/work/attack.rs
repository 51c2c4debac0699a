//! An attack: check, pairing with the truth, scores of each match and half.

use std::collections::BTreeMap;
use std::path::PathBuf;

use wfkit_competition::{Checked, FileCheck, Match, MatchScore, Verif, check_attack};
use wfkit_datasets::formats::{ReadLimits, Source};
use wfkit_metrics::{Average, Detection, Kinship, Probabilities, Resampling, roc_auc_ovr};

use serde::{Deserialize, Serialize};

use super::outcome::{AttackDetail, Outcome};
use super::{Done, SCORER, on_thread, open_upload, upload_of};
use crate::game::{Part, Round, halves};
use crate::store::results::ScoreRow;
use crate::store::submissions::{self, State, Submission};
use crate::store::teams::Team;
use crate::store::{rounds, teams};
use crate::{App, Failure, Files};

/// Resamples of an interval.
const RESAMPLES: usize = 200;

/// An opponent, and the defence that it was pinned to.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Opponent {
    team: Team,
    defence: Submission,
}

/// An attack, and those that it is on, by number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attacking {
    submission: Submission,
    round: Round,
    on: BTreeMap<u64, Opponent>,
}

/// What the database knows of an attack.
pub(super) async fn gather(app: &App, submission: &Submission) -> Result<Attacking, Failure> {
    let mut conn = app.store.read().await?;
    let round = rounds::by_id(&mut conn, &submission.round_id).await?;
    let round = round.ok_or_else(|| Failure::Broken(format!("submission {} without a round", submission.id)))?;
    let pins: BTreeMap<String, String> = rounds::pins(&mut conn, &round.id).await?.into_iter().collect();
    let mut on: BTreeMap<u64, Opponent> = BTreeMap::new();
    for (attacker, defender) in rounds::matches(&mut conn, &round.id).await? {
        let meant = submission.against.as_ref().is_none_or(|against| *against == defender);
        if attacker != submission.team_id || !meant {
            continue;
        }
        let team = teams::by_id(&mut conn, &defender).await?;
        let defence = match pins.get(&defender) {
            Some(id) => submissions::by_id(&mut conn, id).await?,
            None => None,
        };
        if let (Some(team), Some(defence)) = (team, defence) {
            on.insert(team.number as u64, Opponent { team, defence });
        }
    }
    Ok(Attacking { submission: submission.clone(), round, on })
}

impl Attacking {
    /// The files that it needs.
    pub(super) fn reads(&self, files: &Files) -> Vec<PathBuf> {
        let truth = |opponent: &Opponent| files.part(&opponent.defence.id, opponent.team.number, "verif");
        self.on.values().map(truth).chain([upload_of(files, &self.submission)]).collect()
    }

    /// What the check says of it beside the truth.
    fn check(&self, files: &Files) -> Result<FileCheck<Vec<Match>>, Failure> {
        let (name, file) = open_upload(files, &self.submission)?;
        let verif = |(&number, opponent): (&u64, &Opponent)| {
            let path = files.part(&opponent.defence.id, opponent.team.number, "verif");
            Ok(Verif::of_bytes(number, "truth.csv.zip", std::fs::read(path)?))
        };
        let verifs: Vec<Verif> = self.on.iter().map(verif).collect::<std::io::Result<_>>()?;
        if verifs.is_empty() {
            return Err(Failure::Broken(format!("attack {} without a match", self.submission.id)));
        }
        check_attack(Source::reader(&name, &file), &verifs, &self.round.settings.rules, &ReadLimits::UPLOAD)
            .map_err(|error| Failure::Broken(error.to_string()))
    }

    /// Checks and scores it.
    pub(super) fn run(&self, files: &Files) -> Result<Done, Failure> {
        let FileCheck { report, checked } = self.check(files)?;
        let outcome = Outcome::from(&report);
        let Some(attack) = checked else { return Ok(Done::refused(outcome)) };
        let mut scores = Vec::new();
        for one in attack.iter() {
            let opponent = &self.on[&one.team_id];
            scores.extend(score_parts(one, opponent.defence.seed, &self.submission.id, "team", &opponent.team.id)?);
        }
        Ok(Done { state: State::Done, reason: None, outcome, scores })
    }
}

/// The matches of an attack again, by the attacked team, as far as they may be seen: the public half while the round runs.
pub(crate) async fn matches_of(app: &App, submission: &Submission, part: Part) -> Result<Vec<(Team, Match)>, Failure> {
    let attack = gather(app, submission).await?;
    let files = app.files.clone();
    files.fetch(&attack.reads(&files), &app.world.id()).await?;
    on_thread(move || {
        let matches = attack.check(&files)?.checked.map_or_else(Vec::new, Checked::into_inner);
        let seen = |one: Match| {
            let opponent = &attack.on[&one.team_id];
            let rows = part_of(&one, opponent.defence.seed, part);
            (opponent.team.clone(), rows)
        };
        Ok(matches.into_iter().map(seen).collect())
    })
    .await
}

pub(super) fn part_of(one: &Match, seed: i64, part: Part) -> Match {
    let (public, private) = halves(one, seed);
    match part {
        Part::Public => one.select(&public),
        Part::Private => one.select(&private),
        Part::All => one.clone(),
    }
}

/// The scores of each part of a match.
pub(super) fn score_parts(
    one: &Match,
    seed: i64,
    submission: &str,
    attacker: &str,
    defender: &str,
) -> Result<Vec<ScoreRow>, Failure> {
    let mut scores = Vec::new();
    for part in Part::EACH {
        let rows = part_of(one, seed, part);
        let score = MatchScore::of(&rows).map_err(|error| Failure::Broken(error.to_string()))?;
        let detail = AttackDetail {
            interval: interval(&rows),
            tpr_at_1_percent: true_positives(&rows.probabilities, &rows.truth),
            per_class: score.per_class_auc.into_iter().map(|class| (class.class, class.roc_auc)).collect(),
            skipped: score.skipped_classes,
        };
        scores.push(ScoreRow {
            submission_id: submission.to_owned(),
            attacker: attacker.to_owned(),
            defender_id: defender.to_owned(),
            part: part.name().to_owned(),
            scorer: SCORER.to_owned(),
            traces: score.traces as i64,
            accuracy: score.accuracy,
            roc_auc: score.roc_auc_macro_ovr,
            detail: serde_json::to_string(&detail)?,
        });
    }
    Ok(scores)
}

pub(super) fn interval(rows: &Match) -> Option<wfkit_metrics::Interval> {
    let resampling = Resampling { resamples: RESAMPLES, seed: 0, widen_by: 1.0, kinship: Kinship::default() };
    let number =
        |probabilities: &Probabilities, truth: &[usize]| vec![roc_auc_ovr(probabilities, truth, Average::Macro).ok()];
    resampling.intervals(&rows.probabilities, &rows.truth, number).into_iter().next().flatten()
}

/// True positives at a false-positive rate of at most 0.01, mean over the classes that have both kinds of traces.
fn true_positives(probabilities: &Probabilities, truth: &[usize]) -> Option<f64> {
    let rates: Vec<f64> = (0..probabilities.classes().len())
        .filter_map(|class| {
            let scores: Vec<f64> = probabilities.values().column(class).to_vec();
            let positive: Vec<bool> = truth.iter().map(|&one| one == class).collect();
            Some(Detection::of(&scores, &positive).ok()?.true_positive_rate_at(0.01))
        })
        .collect();
    (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
}
